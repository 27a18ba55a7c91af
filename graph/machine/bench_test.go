package machine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
)

// cycles drives whole cycles in memory: every task ends at once.
func cycles(b *testing.B, src string) {
	g := compile(b, src)
	m, err := New(g, Options{}, journal.Identity{Stack: "s"}, nil, epoch)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	at := epoch
	for b.Loop() {
		if err := m.Step(Woke{At: at, Early: true}); err != nil {
			b.Fatal(err)
		}
		for {
			r, ok := m.Ready()
			if !ok {
				break
			}
			m.Advance()
			for _, t := range r.Start {
				_ = m.Step(TaskRunning{At: at, Key: t.Key, Attempt: t.Attempt})
				m.Ready()
				m.Advance()
			}
			for _, t := range r.Start {
				_ = m.Step(TaskDone{At: at, Key: t.Key, Attempt: t.Attempt})
			}
		}
	}
	if m.cur.Status != journal.Running || m.cur.FailedInRow > 0 {
		b.Fatalf("the stack is %s, %d failed cycles", m.cur.Status, m.cur.FailedInRow)
	}
}

func BenchmarkChain(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		var s strings.Builder
		s.WriteString("graphrun: 1\nname: chain\nstate: {n: integer}\nnodes:\n")
		for i := range n {
			fmt.Fprintf(&s, "  n%d: {uses: set}\n", i)
		}
		s.WriteString("edges:\n  - {to: n0}\n")
		for i := 1; i < n; i++ {
			fmt.Fprintf(&s, "  - {from: n%d, to: n%d}\n", i-1, i)
		}
		s.WriteString("limits: {cycles: 1000000000}\n")
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			cycles(b, s.String())
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/node")
		})
	}
}

func BenchmarkFan(b *testing.B) {
	var s strings.Builder
	s.WriteString("graphrun: 1\nname: fan\nstate: {n: integer}\nnodes:\n  head: {uses: work}\n  tail: {uses: work, join: all}\n")
	for i := range 256 {
		fmt.Fprintf(&s, "  n%d: {uses: work, timeout: 1m}\n", i)
	}
	s.WriteString("edges:\n  - {to: head}\n")
	for i := range 256 {
		fmt.Fprintf(&s, "  - {from: head, to: n%d}\n  - {from: n%d, to: tail}\n", i, i)
	}
	s.WriteString("limits: {cycles: 1000000000}\n")
	cycles(b, s.String())
}

func BenchmarkOrchestrator(b *testing.B) {
	cycles(b, `
graphrun: 1
name: orchestrator
state:
  n: {type: integer, reduce: sum}
  list: {type: list(string), default: [x]}
nodes:
  planner: {uses: work, writes: {n: "1"}}
  builder: {uses: work}
  talker: {uses: work}
  reviewer: {uses: work}
edges:
  - {to: planner, when: state.n >= 0}
  - {to: talker, when: len(state.list) > 0}
  - {to: builder, after: planner, when: "len(state.list) > 0 && state.n > 0"}
  - {from: builder, to: reviewer, when: 'state.list[0] == "x"'}
limits: {cycles: 1000000000}
`)
}

// BenchmarkConditions is a cycle with 1,000 conditions in which one node runs: it changes
// nothing, a key that all conditions read, or one that none of the others does. behind is
// still with the others behind that node, so that they are decided at the second moment.
func BenchmarkConditions(b *testing.B) {
	for _, how := range []string{"still", "changing", "aside", "behind"} {
		var s strings.Builder
		writes, from := map[string]string{"still": "{}", "behind": "{}", "changing": `{n: "1"}`, "aside": `{x: "1"}`}[how], ""
		if how == "behind" {
			from = "from: hit, "
		}
		s.WriteString("graphrun: 1\nname: many\nstate: {n: {type: integer, reduce: sum}, x: {type: integer, reduce: sum}}\nnodes:\n")
		fmt.Fprintf(&s, "  hit: {uses: work, writes: %s}\n", writes)
		for i := range 999 {
			fmt.Fprintf(&s, "  n%d: {uses: work}\n", i)
		}
		s.WriteString("edges:\n  - {to: hit, when: state.n >= 0}\n")
		for i := range 999 {
			fmt.Fprintf(&s, "  - {%sto: n%d, when: state.n == -%d}\n", from, i, i+1)
		}
		s.WriteString("limits: {cycles: 1000000000}\n")
		b.Run(how, func(b *testing.B) { cycles(b, s.String()) })
	}
}

func BenchmarkAppendRecord(b *testing.B) {
	r := journal.Record{Seq: 12, Time: epoch, Stack: "orchestrator", Cycle: 3, Body: &journal.NodeDecided{
		Wave: 1, Node: "builder", Run: true, Edges: []journal.Verdict{{From: "planner", When: "len(pending) > 0", Live: true, After: true}},
	}}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = journal.AppendRecord(buf[:0], r, true)
	}
}
