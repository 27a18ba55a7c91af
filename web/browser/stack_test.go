package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/graphrun/graphrun/runtime/api"
)

// sorting sends letters one of two ways, and one of its nodes fails once.
const sorting = `graphrun: 1
name: sorting
state:
  letters: {type: list(string), reduce: append, keep: 100}
  long:    {type: integer, reduce: sum}
  short:   {type: integer, reduce: sum}
  seen:    {type: integer}
events:
  letter: {to: letters}
nodes:
  read:   {uses: set, with: {n: "${{ len(state.letters) }}"}, writes: {seen: output.n}}
  keep:   {uses: set, with: {n: 1}, writes: {long: output.n}}
  drop:   {uses: set, with: {n: 1}, writes: {short: output.n}}
  report: {uses: set, join: any, with: {n: 1}}
edges:
  - {to: read, when: len(state.letters) > state.seen}
  - {from: read, to: keep, when: len(last(state.letters) ?? "") > 5}
  - {from: read, to: drop, else: true}
  - {from: [keep, drop], to: report}
pause: 1h
`

// TestDrawing: a graph is drawn with its verdicts; a click on a node and on an edge
// shows why, and so do the keys; a change goes into the drawing that is there.
func TestDrawing(t *testing.T) {
	t.Parallel()
	s := newServer(t, sorting)
	s.start(t, "sorting", "post", nil)
	s.letter(t, "post", "a long letter")
	p := s.open(t, look{})
	p.visit("/stacks/post")
	p.until(`document.querySelectorAll("#graph a.node").length === 5`)
	p.until(`document.querySelector('[data-edge="keep#0"]').classList.contains("live")`)
	p.until(`document.querySelector('[data-edge="drop#0"]').classList.contains("dead")`)
	p.until(`document.querySelector('[data-node="drop"]').classList.contains("skipped")`)
	p.do(chromedp.Click(`[data-node="keep"]`, chromedp.ByQuery))
	p.text("#why h3", "keep")
	p.text("#why pre", `len(last(state.letters) ?? "") = 13`)
	p.text("#why pre", "event letter")
	if url := value[string](p, `location.pathname + location.search`); url != "/stacks/post?node=keep" {
		t.Errorf("the node is at %s", url)
	}
	p.until(`document.querySelector('[data-node="keep"]').classList.contains("chosen")`)
	// The middle of the edge's way is on the line itself.
	p.do(chromedp.Evaluate(`{ const e = document.querySelector('[data-edge="report#1"]'), l = e.querySelector(".hit"), at = l.getPointAtLength(l.getTotalLength() / 2).matrixTransform(l.getScreenCTM()); document.elementFromPoint(at.x, at.y).dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true})) }`, nil))
	p.text("#why h3", "report")
	p.text("#why [data-chosen]", "drop")
	p.do(chromedp.Evaluate(`history.back()`, nil))
	p.text("#why h3", "keep")

	// By the keys: one stop of the tab key, then arrows and Enter.
	p.visit("/stacks/post")
	p.until(`document.querySelector('#graph a.node[tabindex="0"]')`)
	p.do(chromedp.Focus(`#graph a.node[tabindex="0"]`, chromedp.ByQuery))
	first := value[string](p, `document.activeElement.dataset.node`)
	p.do(chromedp.KeyEvent(kb.ArrowRight))
	if next := value[string](p, `document.activeElement.dataset.node`); next == first || next == "" {
		t.Errorf("ArrowRight leads from %q to %q", first, next)
	}
	p.do(chromedp.KeyEvent(kb.Enter))
	p.until(`document.querySelector("#why h3")`)

	p.do(chromedp.Evaluate(`document.querySelector("#graph svg").dataset.mine = "same"`, nil))
	s.letter(t, "post", "brief")
	p.until(`document.querySelector('[data-edge="drop#0"]').classList.contains("live")`)
	p.until(`document.querySelector('[data-node="keep"]').classList.contains("skipped")`)
	if mine := value[string](p, `document.querySelector("#graph svg").dataset.mine`); mine != "same" {
		t.Error("the graph was laid out again for a change of its states")
	}
}

func (s *server) letter(t *testing.T, stack, text string) {
	t.Helper()
	if _, err := s.client.Send(t.Context(), stack, api.EventRequest{Event: "letter", Payload: api.Value{V: []any{text}}}); err != nil {
		t.Fatal(err)
	}
}

// TestSections: when tasks ran, what changed and who wrote it, what came in; an event is
// sent by the form, and one that does not fit is shown again with its text.
func TestSections(t *testing.T) {
	t.Parallel()
	s := newServer(t, sorting)
	s.start(t, "sorting", "post", nil)
	s.letter(t, "post", "a long letter")
	p := s.open(t, look{})
	p.visit("/stacks/post")
	p.text("table.time", "report")
	p.until(`document.querySelectorAll("table.time rect.bar-ran").length >= 3`)
	p.text("#key-long", "keep, cycle")
	p.text("#key-long .change", "is 1")
	p.do(chromedp.SendKeys("#send-payload", `["brief`), chromedp.Click("form.send button"))
	p.text("[role=alert]", "not JSON")
	p.forgive("400")
	if got := value[string](p, `document.querySelector("#send-payload").value`); got != `["brief` {
		t.Errorf("the payload is now %q", got)
	}
	p.do(chromedp.SendKeys("#send-payload", `"]`), chromedp.Click("form.send button"))
	p.text("#key-short .change", "is 1")
	p.text("#key-letters .change", "brief")
	p.until(`!document.querySelector("[role=alert]")`)
}

// TestApprovals: the questions of all stacks on one page, each answered there.
func TestApprovals(t *testing.T) {
	t.Parallel()
	s := newServer(t, asking)
	s.start(t, "asking", "first", map[string]any{"question": "First?"})
	s.start(t, "asking", "second", map[string]any{"question": "Second?"})
	p := s.open(t, look{})
	p.do(chromedp.Click(`nav a[href="/approvals"]`))
	p.until(`document.querySelectorAll("article.ask").length === 2`)
	p.do(chromedp.Click(`//article[contains(., "Second?")]//button[@value="reject"]`, chromedp.BySearch))
	p.until(`document.querySelectorAll("article.ask").length === 1`)
	if path := value[string](p, `location.pathname`); path != "/approvals" {
		t.Errorf("the answer led to %s", path)
	}
	p.text("article.ask", "First?")
	p.visit("/stacks/second")
	p.text("#key-refused", "no")
}
