package machine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// orchestrator is a cycle of five agents in three waves.
const orchestrator = `graphrun: 1
name: orchestrator
pause: none
types:
  Todo: {type: object, required: [id, status], properties: {id: string, status: {enum: [pending, done]}}}
state:
  todos: {type: list(Todo), reduce: upsert(id), default: [{id: a, status: pending}]}
  messages: {type: list(string), reduce: append, keep: 20}
  cost: {type: number, reduce: sum}
  turn: {type: integer, reduce: sum}
define:
  pending: filter(state.todos, .status == "pending")
nodes:
  planner: {uses: work, writes: {turn: "1"}}
  builder: {uses: work, writes: {todos: '[{"id": "b", "status": "done"}]'}}
  researcher: {uses: work, writes: {cost: "0.5"}}
  communicator: {uses: work, writes: {messages: '["hello"]'}}
  reviewer: {uses: work, writes: {turn: "1"}}
edges:
  - {to: planner, when: len(pending) > 0}
  - {from: planner, to: builder, when: len(pending) > 0}
  - {from: planner, to: researcher, when: state.cost >= 0}
  - {from: planner, to: communicator, when: state.turn > 0}
  - {from: [builder, researcher, communicator], to: reviewer}
limits: {cycles: 1000000000}
`

// conditions is a node that always runs, and others whose conditions are evaluated in each
// cycle and are never true.
func conditions(n int) string {
	var s strings.Builder
	s.WriteString("graphrun: 1\nname: many\npause: none\nstate: {n: {type: integer, reduce: sum}}\nnodes:\n  hit: {uses: work, writes: {n: \"1\"}}\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&s, "  n%d: {uses: work}\n", i)
	}
	s.WriteString("edges:\n  - {to: hit, when: state.n >= 0}\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&s, "  - {to: n%d, when: state.n == -%d}\n", i, i)
	}
	return s.String() + "limits: {cycles: 1000000000}\n"
}

// commitsOf are the records of each commit of some cycles, each with the cursor after it.
func commitsOf(t testing.TB, g *graph.Graph, cycles int) (list []Ready) {
	m, err := New(g, Options{}, journal.Identity{Stack: "s", CreatedAt: epoch}, nil, epoch)
	if err != nil {
		t.Fatal(err)
	}
	one, err := value.Of(map[string]any{"one": int64(1)})
	if err != nil {
		t.Fatal(err)
	}
	at := epoch
	step := func(in Input) {
		if err := m.Step(in); err != nil {
			t.Fatal(err)
		}
	}
	for range cycles {
		step(Woke{At: at, Early: true})
		for r, ok := m.Ready(); ok; r, ok = m.Ready() {
			list = append(list, r)
			m.Advance()
			for _, task := range r.Start {
				at = at.Add(123456)
				step(TaskRunning{At: at, Key: task.Key, Attempt: task.Attempt})
				step(TaskDone{At: at, Key: task.Key, Attempt: task.Attempt, Output: one})
			}
		}
	}
	return list
}

// What a cycle costs in the packed form, and that it says the same as the records.
func TestPackedCycle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text                   string
		records, cursors, most int
	}{
		"orchestrator":    {text: orchestrator, records: 400, cursors: 250},
		"1000 conditions": {text: conditions(1000), records: 130, cursors: 150},
		"100 in layers":   {text: layered(100), records: 1400, cursors: 250},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := compile(t, c.text)
			shape := Shape(NewPlan(g))
			const cycles = 5
			list := commitsOf(t, g, cycles+1)
			first := list[0].Records[0].Seq
			var p journal.Packer
			json, verbatim, packed, cursors := 0, 0, 0, 0
			for _, r := range list {
				b := p.Records(nil, r.Records, shape, nil)
				u := journal.Unpack(b, "s", first, shape)
				var got []journal.Record
				for u.Next() {
					rec, err := u.Record()
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, rec)
				}
				singles := journal.Singles(r.Records)
				if d := cmp.Diff(singles, got); d != "" || u.Err() != nil {
					t.Fatalf("%v (-packed +read)\n%s", u.Err(), d)
				}
				first += uint64(len(singles))
				if r.Cursor.Cycle < 2 {
					continue
				}
				for _, rec := range singles {
					json += len(journal.AppendRecord(nil, rec, true)) + 1
				}
				verbatim += len(p.Records(nil, r.Records, nil, nil))
				packed += len(b)
				cursors += len(p.Cursor(nil, &r.Cursor))
			}
			t.Logf("a cycle: %d bytes of JSON, %d packed, %d with the shape of %d bytes; cursors %d", json/cycles, verbatim/cycles, packed/cycles, len(shape.Bytes()), cursors/cycles)
			if packed > c.records*cycles || cursors > c.cursors*cycles {
				t.Errorf("%d bytes of records and %d of cursors in a cycle, want at most %d and %d", packed/cycles, cursors/cycles, c.records, c.cursors)
			}
		})
	}
}

func BenchmarkPackedCycle(b *testing.B) {
	for name, text := range map[string]string{"orchestrator": orchestrator, "conditions": conditions(1000)} {
		g := compile(b, text)
		shape := Shape(NewPlan(g))
		var cycle []Ready
		for _, r := range commitsOf(b, g, 3) {
			if r.Cursor.Cycle == 2 {
				cycle = append(cycle, r)
			}
		}
		var buf []byte
		b.Run(name+"/json", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				buf = buf[:0]
				for i := range cycle {
					for r := range journal.EachRecord(cycle[i].Records) {
						buf = append(journal.AppendRecord(buf, r, true), '\n')
					}
				}
			}
			b.ReportMetric(float64(len(buf)), "bytes")
		})
		var p journal.Packer
		b.Run(name+"/pack", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				buf = buf[:0]
				for i := range cycle {
					buf = p.Records(buf, cycle[i].Records, shape, nil)
				}
			}
			b.ReportMetric(float64(len(buf)), "bytes")
		})
		b.Run(name+"/cursor", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				buf = buf[:0]
				for i := range cycle {
					buf = p.Cursor(buf, &cycle[i].Cursor)
				}
			}
			b.ReportMetric(float64(len(buf)), "bytes")
		})
		var rows [][]byte
		for i := range cycle {
			rows = append(rows, p.Records(nil, cycle[i].Records, shape, nil))
		}
		b.Run(name+"/unpack", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, row := range rows {
					for u := journal.Unpack(row, "s", 1, shape); u.Next(); {
						if _, err := u.Record(); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
		})
		b.Run(name+"/skip", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, row := range rows {
					for u := journal.Unpack(row, "s", 1, shape); u.Next(); {
						_ = u.Type()
					}
				}
			}
		})
	}
}
