package browser

import (
	"testing"

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
