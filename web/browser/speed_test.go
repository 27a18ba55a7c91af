package browser

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// bound is how often a bound of time may be passed on a machine that does other work
// too. SPEED=strict permits no more than the bound itself.
func bound() float64 {
	if os.Getenv("SPEED") == "strict" {
		return 1
	}
	return 20
}

// firstPaint is when the page had its first content, in ms from the click that led to it.
const firstPaint = `performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0`

func (p *page) quick(what string, took time.Duration, most time.Duration) {
	p.t.Helper()
	p.t.Logf("%s: %s, at most %s", what, took.Round(100*time.Microsecond), most)
	if float64(took) > float64(most)*bound() {
		p.t.Errorf("%s takes %s, want at most %s", what, took, most)
	}
}

// opens visits a page whose graph, if it has one, is to be drawn: the first paint, and the
// longest frame until all is there.
func (p *page) opens(what, path, ready string) {
	p.t.Helper()
	p.visit("/pools")
	p.text("#live", "live")
	over := p.watch(strings.ReplaceAll(what, " ", "-"))
	p.visit(path)
	p.text("#live", "live")
	p.until(ready)
	seen := over()
	at := value[float64](p, firstPaint)
	p.t.Logf("%s: the work until the first paint takes %s", what, seen.Painted.Round(100*time.Microsecond))
	p.quick(what+": first paint", time.Duration(at*float64(time.Millisecond)), 300*time.Millisecond)
	p.t.Logf("%s: the longest frame by the clock takes %s", what, seen.Longest.Round(100*time.Microsecond))
	p.quick(what+": the longest frame while it opens", seen.Processor, 50*time.Millisecond)
}

// changes has a page change: the longest frame until the change is there, and how long that is.
func (p *page) changes(what string, change func(), ready string) {
	p.t.Helper()
	over := p.watch(strings.ReplaceAll(what, " ", "-") + "-changes")
	began := time.Now()
	change()
	p.until(ready)
	took := time.Since(began)
	seen := over()
	p.t.Logf("%s: the longest frame by the clock takes %s", what, seen.Longest.Round(100*time.Microsecond))
	p.quick(what+": the longest frame while it changes", seen.Processor, 50*time.Millisecond)
	p.quick(what+": a change is visible", took, time.Second)
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
	p.text(".pages", "page 1 of 40")
	for range runs() {
		p.opens("2,000 stacks", "/", `document.querySelectorAll("table.stacks tbody tr").length === 50`)
	}
	for i := range runs() {
		id := fmt.Sprintf("a-new-one-%d", i)
		p.changes("2,000 stacks", func() {
			s.letter(t, "s0000", "a letter")
			if err := s.client.Pause(t.Context(), fmt.Sprintf("s%04d", i+1)); err != nil {
				t.Fatal(err)
			}
			s.start(t, "asking", id, nil)
		}, fmt.Sprintf(`document.querySelector("#row-%s .chip")?.textContent === "waiting for you"`, id))
	}
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
	for range runs() {
		p.opens("300 nodes", "/stacks/big", `document.querySelectorAll("#graph a.node").length === 302 && !document.querySelector("#graph[aria-busy]")`)
	}
	for range runs() {
		cycle := value[string](p, `document.querySelector("#scrub output").value`)
		want := fmt.Sprintf(`document.querySelectorAll("#graph a.node.succeeded").length === 301 && document.querySelector("#scrub output").value !== %q`, cycle)
		p.changes("300 nodes", func() { s.letter(t, "big", "a letter") }, want)
	}
	p.shoot("large")
}

// runs is how often a time is taken: RUNS, or once.
func runs() int {
	if n, err := strconv.Atoi(os.Getenv("RUNS")); err == nil {
		return n
	}
	return 1
}
