package browser

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/graphrun/graphrun/runtime/api"
)

// TestScrubber: the keys lead from cycle to cycle and from wave to wave; everything is
// shown as of then; a fork continues from there.
func TestScrubber(t *testing.T) {
	t.Parallel()
	s := newServer(t, sorting)
	s.start(t, "sorting", "post", nil)
	p := s.open(t, look{})
	p.visit("/stacks/post")
	for _, text := range []string{"a long letter", "brief"} {
		before := value[float64](p, `+document.querySelector("#scrub-at").max`)
		s.letter(t, "post", text)
		p.until(`+document.querySelector("#scrub-at").max > ` + jsNumber(before))
	}
	p.until(`+document.querySelector("#scrub-at").max >= 3`)
	last := value[float64](p, `+document.querySelector("#scrub-at").max`)
	p.text("#key-short", "1")
	p.do(chromedp.Focus("#scrub-at", chromedp.ByQuery), chromedp.KeyEvent(kb.ArrowLeft))
	p.until(`location.search === "?at=` + jsNumber(last-1) + `"`)
	p.text(".past", "as it was at "+jsNumber(last-1))
	p.text("#live", "the past")
	p.text("#key-short code", "0")
	p.until(`document.querySelector('[data-edge="keep#0"]').classList.contains("live")`)
	p.do(chromedp.Click(`//nav[@class="waves"]/a[text()="wave 1"]`, chromedp.BySearch))
	p.until(`location.search === "?at=` + jsNumber(last-1) + `.1"`)
	p.until(`document.querySelector('[data-node="read"]').classList.contains("succeeded")`)
	p.until(`document.querySelector('[data-node="report"]').classList.contains("pending")`)
	p.until(`document.querySelector('[data-edge="report#0"]').classList.contains("open")`)
	p.do(chromedp.Click("#from-here summary"), chromedp.SendKeys("#fork-as", "again"), chromedp.SendKeys("#fork-set", `{"long": 40}`+kb.Enter))
	p.until(`location.pathname === "/stacks/again"`)
	p.text("#key-long", "41")
	p.text("#live", "live")
	p.visit("/stacks/post?at=1")
	p.do(chromedp.Click(`//p[@class="past"]/a`, chromedp.BySearch))
	p.until(`location.search === "" && !document.querySelector(".past")`)
}

// TestCopyTest: from the scrubber, by the keys, to the test of a cycle: it is copied, loaded
// as a file, and made of other cycles.
func TestCopyTest(t *testing.T) {
	t.Parallel()
	s := newServer(t, sorting)
	s.start(t, "sorting", "post", nil)
	p := s.open(t, look{})
	p.visit("/stacks/post")
	s.letter(t, "post", "a long letter")
	p.until(`+document.querySelector("#scrub-at").max >= 2`)
	p.text("#key-long", "1")
	last := jsNumber(value[float64](p, `+document.querySelector("#scrub-at").max`))
	p.visit("/stacks/post?at=" + last)
	p.do(chromedp.Focus("#from-here summary", chromedp.ByQuery), chromedp.KeyEvent(kb.Enter), chromedp.SendKeys("#test-of", kb.Enter))
	p.until(`location.pathname + location.search === "/stacks/post/test?cycles=` + last + ".." + last + `"`)
	p.text("#test-text", "graph: g0.graphrun.yaml")
	p.text("#test-text", "a long letter")
	p.do(browser.GrantPermissions([]browser.PermissionType{browser.PermissionTypeClipboardReadWrite, browser.PermissionTypeClipboardSanitizedWrite}).WithOrigin(s.url))
	p.do(chromedp.Focus("[data-copy]", chromedp.ByQuery), chromedp.KeyEvent(kb.Enter))
	p.text("#copied", "Copied.")
	if same := value[bool](p, `fetch(document.querySelector("a[download]").href).then((r) => r.text()).then((t) => t === document.querySelector("#test-text").textContent)`); !same {
		t.Error("the file is not what is shown")
	}
	p.do(chromedp.SetValue("#test-cycles", "9..1"), chromedp.SendKeys("#test-cycles", kb.Enter))
	p.text("[role=alert]", "comes after the last one")
	p.do(chromedp.Evaluate(`document.querySelector("#test-cycles").value = ""`, nil), chromedp.SendKeys("#test-cycles", kb.Enter))
	p.until(`document.querySelector("#test-text")?.textContent.includes("cycles: ` + last + `")`)
	p.forgive("400")
}

// TestGraphs: a graph's page draws it, plans a new stack, names where its stacks wait, and
// tests an edited text against them.
func TestGraphs(t *testing.T) {
	t.Parallel()
	s := newServer(t, asking, sorting)
	s.start(t, "asking", "first", nil)
	s.start(t, "sorting", "post", nil)
	p := s.open(t, look{})
	p.do(chromedp.Click(`nav a[href="/graphs"]`), chromedp.WaitVisible("#graph-asking a"), chromedp.Click("#graph-asking a"))
	p.until(`document.querySelectorAll("#graph a.node").length === 4`)
	p.text("article.warning pre", "g0.graphrun.yaml:")
	p.text("article.warning", "nothing ends a stack of \"asking\" [no-stop]")
	p.text("section[aria-labelledby=where]", "first")
	p.do(chromedp.SendKeys("#param-question", "Really?"+kb.Enter))
	p.text("#planned", "wave 1: ask")
	p.do(chromedp.SendKeys("#plan-state", `{"verdict": 1}`+kb.Enter))
	p.text("section[aria-labelledby=plan] [role=alert]", "verdict")
	p.do(chromedp.Evaluate(`document.querySelector("#edit").open = true; { const e = document.querySelector("#edited"); e.value = e.value.replace('state.verdict == "none"', "false"); }`, nil), chromedp.Click("#edit button"))
	p.text("#tested", "differ")
	p.text("section[aria-labelledby=backtest]", "ask would not have run")
	p.do(chromedp.Evaluate(`document.querySelector("#edited").value = "graphrun: 1\nname: asking\nnodez: {}\n"`, nil), chromedp.Click("#edit button"))
	p.text("section[aria-labelledby=backtest] [role=alert]", "nodez")
	p.forgive("422")
}

// TestPools: a limit is changed on the page.
func TestPools(t *testing.T) {
	t.Parallel()
	s := newServer(t, asking)
	s.start(t, "asking", "first", nil)
	p := s.open(t, look{})
	p.do(chromedp.Click(`nav a[href="/pools"]`))
	p.text("#pool-asking-default", "no limit")
	p.do(chromedp.SetValue("#limit-asking-default", "0"), chromedp.Click("#pool-asking-default button"))
	p.text("#pool-asking-default", "on hold")
}

// busy are providers of models: one that its limits and its own word hold back, and one that
// answers from a file.
func busy(problem string) *[]api.Provider {
	until := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	return &[]api.Provider{
		{Provider: "main", API: "openai", Host: "api.example.com", Parallel: 4, Running: 3, Waiting: 12,
			Requests: api.Rate{Limit: 60, PerMS: 60_000, LastMinute: 58}, Tokens: api.Rate{Limit: 100_000, PerMS: 60_000, LastMinute: 41_250},
			Held: []api.Held{{Why: api.HeldByRate, Questions: 1, Until: until}, {Why: api.HeldByProvider, Questions: 2, Until: until}}, RetryAfter: until,
			Models: []api.Model{{Model: "small", Calls: 412, Failures: 3, Tokens: 98_000, Cost: 0.42, Error: problem, FailedAt: until}, {Model: "large", Calls: 9, Tokens: 12_000, Cost: 1.5}}},
		{Provider: "told", API: "script", Requests: api.Rate{LastMinute: 2}, Models: []api.Model{{Model: "script", Calls: 2, Tokens: 30}}},
	}
}

// TestProviders: what is asked of providers beside their limits, what is held back, and what
// models have used.
func TestProviders(t *testing.T) {
	t.Parallel()
	s := newServer(t, asking)
	p := s.open(t, look{})
	p.do(chromedp.Click(`nav a[href="/pools"]`))
	p.text("main", "No model has been asked")
	s.asked.Store(busy("slow down"))
	p.visit("/pools")
	for _, want := range []string{"3 of 4", "58 in the last minute, of 60 a minute", "41250 in the last minute, of 100000 a minute",
		"1 question until 03:04:05, by the rate", "2 questions until 03:04:05, as the provider asked for it", "not to be asked before 03:04:05"} {
		p.text("#provider-0", want)
	}
	p.text("#provider-1", "2 in the last minute, no limit")
	p.text("main", "slow down")
	p.shoot("providers")
}
