package browser

import (
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
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
