package machine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// layered is a graph of layers of ten nodes: of each layer about half run.
func layered(nodes int) string {
	var s strings.Builder
	s.WriteString("graphrun: 1\nname: layered\nstate: {n: {type: integer, reduce: sum}}\nnodes:\n")
	for i := range nodes {
		fmt.Fprintf(&s, "  n%d: {uses: work, writes: {n: \"1\"}}\n", i)
	}
	s.WriteString("edges:\n")
	for i := range nodes {
		if i < 10 {
			fmt.Fprintf(&s, "  - {to: n%d}\n", i)
			continue
		}
		fmt.Fprintf(&s, "  - {from: n%d, to: n%d, when: 'state.n %% %d != 0 && state.n >= 0'}\n", i-10, i, i%3+2)
	}
	s.WriteString("limits: {cycles: 1000000000}\n")
	return s.String()
}

// historyOf drives a graph through cycles in which every task succeeds at once.
func historyOf(b testing.TB, g *graph.Graph, cycles int) (records []journal.Record) {
	m, err := New(g, Options{}, journal.Identity{Stack: "s", CreatedAt: epoch}, nil, epoch)
	if err != nil {
		b.Fatal(err)
	}
	step := func(in Input) {
		if err := m.Step(in); err != nil {
			b.Fatal(err)
		}
	}
	for range cycles {
		step(Woke{At: epoch, Early: true})
		for r, ok := m.Ready(); ok; r, ok = m.Ready() {
			records = append(records, journal.Singles(r.Records)...)
			m.Advance()
			for _, t := range r.Start {
				step(TaskRunning{At: epoch, Key: t.Key, Attempt: t.Attempt})
				step(TaskDone{At: epoch, Key: t.Key, Attempt: t.Attempt})
			}
		}
	}
	return records
}

// BenchmarkReplay decides a history of 200 cycles with 100 nodes again, as records in
// memory and as the lines of a journal.
func BenchmarkReplay(b *testing.B) {
	g := compile(b, layered(100))
	records := historyOf(b, g, 200)
	decisions := 0
	var lines [][]byte
	for _, r := range records {
		if _, ok := r.Body.(*journal.NodeDecided); ok {
			decisions++
		}
		lines = append(lines, journal.AppendRecord(nil, r, true))
	}
	for name, from := range map[string]func(func(journal.Record, error) bool){
		"records": stream(records),
		"lines": func(yield func(journal.Record, error) bool) {
			for _, line := range lines {
				if !yield(journal.ParseRecord(line)) {
					return
				}
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, differences, err := Replayer{
					Graphs: func(string) (*graph.Graph, error) { return g, nil },
					Base:   journal.Snapshot{Identity: journal.Identity{Stack: "s", CreatedAt: epoch}}, Records: from,
				}.To(journal.Point{})
				if err != nil || len(differences) > 0 {
					b.Fatal(err, differences)
				}
			}
			b.ReportMetric(float64(decisions*b.N)/b.Elapsed().Seconds(), "decisions/s")
		})
	}
}
