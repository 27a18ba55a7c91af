package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// board asks each department, in graphs within it.
var board = []string{`graphrun: 1
name: board
description: Asks each department, in a graph of its own.
state:
  got: {type: integer}
nodes:
  each: {uses: graph, with: {file: g1.graphrun.yaml}, for_each: {in: '["legal", "press"]', as: it, key: it}, writes: {got: len(output)}}
edges:
  - {to: each}
stop:
  - {when: state.got == 2, status: completed, reason: all have answered}
pause: none
`, `graphrun: 1
name: dept
state:
  said: {type: boolean?}
nodes:
  low: {uses: graph, with: {file: g2.graphrun.yaml}, writes: {said: output.said}}
edges:
  - {to: low}
`, `graphrun: 1
name: low
state:
  said: {type: boolean?}
nodes:
  first: {uses: set}
  ask: {uses: approval, with: {prompt: "May it go on?"}, writes: {said: output.approved}}
edges:
  - {to: first}
  - {from: first, to: ask}
`}

// TestInner: what graphs within a stack ask is answered on its page; a node that runs a graph
// leads into its stacks, whose nodes are drawn and explained, and the way back is above them.
func TestInner(t *testing.T) {
	t.Parallel()
	s := newServer(t, board...)
	s.start(t, "board", "board", nil)
	p := s.open(t, look{})
	p.text("#row-board", "waiting for you")
	p.visit("/stacks/board")
	p.until(`document.querySelectorAll("article.ask").length === 2`)
	p.until(`document.querySelectorAll("[id]").length === new Set([...document.querySelectorAll("[id]")].map((e) => e.id)).size`)
	p.until(`document.querySelector('[data-node="each"]')?.classList.contains("inner")`)

	// In, by the keys: the node, its stack, the node there, its stack.
	p.do(chromedp.Focus(`#graph a.node[tabindex="0"]`, chromedp.ByQuery), chromedp.KeyEvent(kb.Enter))
	p.until(`document.querySelectorAll("#why .within a").length === 2`)
	p.text("#why .within", "each[legal]")
	p.do(chromedp.Focus("#why .within a", chromedp.ByQuery), chromedp.KeyEvent(kb.Enter))
	p.text(".above", "board each[legal]")
	p.do(chromedp.Click(`[data-node="low"]`, chromedp.ByQuery))
	p.text("#why .within", "low")
	p.do(chromedp.Click("#why .within a"))
	p.until(`document.querySelectorAll(".above li").length === 2`)
	p.until(`document.querySelector('[data-node="first"]')?.classList.contains("succeeded")`)
	p.do(chromedp.Click(`[data-node="ask"]`, chromedp.ByQuery))
	p.text("#why h3", "ask")
	p.shoot("inner")
	if n := value[float64](p, `document.querySelectorAll("form[action$='/fork'], form[action$='/retry']").length`); n != 0 {
		t.Errorf("%v forms that a stack within another one cannot have", n)
	}

	// Out, to the node whose work it does, and to the graph as it is written.
	p.do(chromedp.Click(`.above li:first-child a`))
	p.until(`location.pathname + location.search === "/stacks/board?at=1&node=each"`)
	p.do(chromedp.Click(`//aside//a[text()="dept"]`, chromedp.BySearch))
	p.until(`location.pathname + location.search === "/graphs/board?in=each"`)
	p.text("#shape", "Shape of dept")
	p.until(`document.querySelector('[data-node="low"][href]')`)
	p.do(chromedp.Click(`[data-node="low"]`, chromedp.ByQuery))
	p.text("#shape", "Shape of low")
	p.text(".above", "dept")
	p.until(`document.querySelector('[data-node="ask"]')`)

	// Each is answered on the page of the outermost one.
	p.visit("/stacks/board")
	for _, left := range []string{"1", "0"} {
		p.do(chromedp.Click(`article.ask button[value="approve"]`))
		p.until(`document.querySelectorAll("article.ask").length === ` + left)
	}
	p.text("header.title", "all have answered")
	p.visit("/stacks/board?at=1&node=each")
	p.until(`[...document.querySelectorAll("#why .within .chip")].filter((e) => e.textContent === "completed").length === 2`)
	p.do(chromedp.Click("#why .within a"))
	p.text("header.title .chip", "completed")
}
