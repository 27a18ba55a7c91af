package browser

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// bound is how often a bound of time may be passed on a machine that does other work
// too. SPEED=strict permits no more than the bound itself.
func bound() float64 {
	if os.Getenv("SPEED") == "strict" {
		return 1
	}
	return 20
}

// watchTasks notes how long the page's script held the browser up, from now on.
const watchTasks = `window.longest = 0; new PerformanceObserver((l) => { for (const e of l.getEntries()) window.longest = Math.max(window.longest, e.duration); }).observe({type: "longtask", buffered: false})`

// firstPaint is when the page had its first content, in ms from the click that led to it.
const firstPaint = `performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0`

func (p *page) quick(what, expression string, most float64) {
	p.t.Helper()
	got := value[float64](p, expression)
	p.t.Logf("%s: %.0f ms, at most %.0f", what, got, most)
	if got > most*bound() {
		p.t.Errorf("%s takes %.0f ms, want at most %.0f", what, got, most)
	}
}

// TestManyStacks: the list of 2,000 stacks is there at once, and a change of it holds
// nothing up.
func TestManyStacks(t *testing.T) {
	chromium(t)
	s := newServer(t, asking)
	for i := range 2000 {
		s.start(t, "asking", fmt.Sprintf("s%04d", i), nil)
	}
	p := s.open(t, look{})
	p.text(".pages", "page 1 of 20")
	p.visit("/")
	p.text("#live", "live")
	p.until(firstPaint)
	p.quick("first paint of 2,000 stacks", firstPaint, 300)
	p.do(chromedp.Evaluate(watchTasks, nil))
	began := time.Now()
	s.letter(t, "s0000", "a letter")
	if err := s.client.Pause(t.Context(), "s0001"); err != nil {
		t.Fatal(err)
	}
	s.start(t, "asking", "a-new-one", nil)
	p.text("#row-a-new-one", "waiting for you")
	t.Logf("a change is visible after %s", time.Since(began).Round(time.Millisecond))
	p.quick("the longest frame while the list changes", "window.longest", 50)
}

// TestLargeGraph: a graph of 300 nodes is laid out beside the page, and a change of its
// states holds nothing up.
func TestLargeGraph(t *testing.T) {
	chromium(t)
	var nodes, edges strings.Builder
	for i := range 300 {
		fmt.Fprintf(&nodes, "  n%03d: {uses: set, with: {n: 1}}\n", i)
		switch {
		case i < 10:
			fmt.Fprintf(&edges, "  - {to: n%03d, when: len(state.letters) > state.seen}\n", i)
		default:
			fmt.Fprintf(&edges, "  - {from: n%03d, to: n%03d}\n", i-10, i)
			if i%3 == 0 && i >= 20 {
				fmt.Fprintf(&edges, "  - {from: n%03d, to: n%03d, when: len(state.letters) > 1}\n", i-13, i)
			}
		}
	}
	s := newServer(t, `graphrun: 1
name: large
state:
  letters: {type: list(string), reduce: append, keep: 100}
  seen:    {type: integer}
events:
  letter: {to: letters}
nodes:
  read: {uses: set, with: {n: "${{ len(state.letters) }}"}, writes: {seen: output.n}}
`+nodes.String()+"edges:\n  - {to: read, when: len(state.letters) > state.seen}\n"+edges.String()+"pause: 1h\n")
	s.start(t, "large", "big", nil)
	p := s.open(t, look{})
	p.visit("/stacks/big")
	p.until(firstPaint)
	p.quick("first paint of a graph of 300 nodes", firstPaint, 300)
	p.until(`document.querySelectorAll("#graph a.node").length === 302`)
	p.text("#live", "live")
	p.do(chromedp.Evaluate(watchTasks, nil))
	s.letter(t, "big", "a letter")
	p.until(`document.querySelectorAll("#graph a.node.succeeded").length === 301`)
	p.quick("the longest frame while its states change", "window.longest", 50)
	p.shoot("large")
}
