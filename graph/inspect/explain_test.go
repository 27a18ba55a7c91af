package inspect_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/sim"
)

// drawGraph draws the text of a graph. With more, it is one that the other may change into.
func drawGraph(t *rapid.T, once bool, count int) string {
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	var nodes, edges strings.Builder
	conditional := map[int]bool{} // nodes with an edge that an else edge can be the opposite of
	for i := range count {
		with := pick("with", "", "", ", writes: {n: \"1\"}", ", writes: {last: \"'"+fmt.Sprint(i)+"'\"}", ", background: true", ", for_each: {in: state.xs, as: x}")
		if strings.Contains(with, "background") && once {
			with = ""
		}
		join := pick("join", "any", "any", "all", "none", "first", "at_least(1)")
		if join != "none" && !strings.Contains(with, "for_each") {
			join += pick("latch", "", "", ", latch: true")
		}
		fmt.Fprintf(&nodes, "  n%d: {uses: %s%s, join: %s}\n", i, pick("uses", "set", "work", "work"), with, join)
		added := map[string]bool{}
		for range rapid.IntRange(1, 3).Draw(t, "in") {
			from := rapid.IntRange(-1, i-1).Draw(t, "from")
			if added[fmt.Sprint(from)] {
				continue
			}
			added[fmt.Sprint(from)] = true
			when := pick("when", "", "", `state.n > 2`, `state.n % 2 == 0 || state.last == "1"`, fmt.Sprintf(`nodes.n%d.status == "skipped"`, rapid.IntRange(0, count-1).Draw(t, "of")), `any(state.xs, # == state.n) && not (state.n == 3)`, `state.xs[state.n] == 1`)
			e := fmt.Sprintf("to: n%d", i)
			switch kind := pick("kind", "from", "from", "from", "after", "else", "again"); {
			case from < 0 && kind != "else" && kind != "again":
			case kind == "after":
				e += fmt.Sprintf(", after: n%d", from)
			case kind == "else" && conditional[from]:
				e, when = e+fmt.Sprintf(", from: n%d, else: true", from), ""
			case kind == "again" && !once:
				e += fmt.Sprintf(", from: n%d, next_cycle: true", rapid.IntRange(0, count-1).Draw(t, "again"))
			case from >= 0:
				e += fmt.Sprintf(", from: n%d, outcome: %s", from, pick("outcome", "success", "failure", "always", "unless_failed"))
			}
			if when != "" {
				conditional[from] = conditional[from] || strings.Contains(e, "outcome: success")
				e += ", when: '" + when + "'"
			}
			fmt.Fprintf(&edges, "  - {%s}\n", e)
		}
	}
	return fmt.Sprintf(`
graphrun: 1
name: g
once: %t
waves: %s
state: {n: {type: integer, reduce: sum}, last: {type: string, reduce: last}, xs: {type: list(integer), default: [1, 2, 3]}}
nodes:
%sedges:
%s%slimits: {cycles: 6}
`, once, pick("waves", "barrier", "barrier", "eager"), nodes.String(), edges.String(), map[bool]string{true: "", false: "pause: 1s\nstop: state.n > 40\n"}[once])
}

func compiledText(text string) (*graph.Graph, bool) {
	def, problems := dsl.Parse("g.yaml", []byte(text))
	if problems.Err() != nil {
		return nil, false
	}
	g, more := graph.Compile(def, kinds{})
	return g, more.Err() == nil
}

// shelf is a Reader of one stack with the definitions that it has run under, and with
// checkpoints at the ends of some of its cycles.
type shelf struct {
	*one
	defs  map[string][]byte
	bases []journal.Snapshot
}

func (r *shelf) Graph(_ context.Context, hash string) (journal.StoredGraph, error) {
	return journal.StoredGraph{Hash: hash, Name: "g", File: "g.yaml", Def: r.defs[hash]}, nil
}

func (r *shelf) Base(_ context.Context, _ string, at journal.Point) (journal.Snapshot, error) {
	best := journal.Snapshot{Identity: r.snap.Identity}
	for _, b := range r.bases {
		if at.Wave == 0 && b.Cursor.Cycle <= at.Cycle {
			best = b
		}
	}
	return best, nil
}

// Explain gives what was recorded: every decision, join, reason and verdict of every cycle,
// and how its nodes ended, also after the graph was changed.
func TestExplainIsWhatWasRecorded(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		once, count := rapid.IntRange(0, 3).Draw(rt, "once") == 0, rapid.IntRange(2, 8).Draw(rt, "count")
		g, ok := compiledText(drawGraph(rt, once, count))
		if !ok {
			return
		}
		seen["graphs"]++
		r := &shelf{one: &one{}, defs: map[string][]byte{}}
		keep := func(g *graph.Graph) {
			def, err := json.Marshal(g.Def)
			if err != nil {
				rt.Fatal(err)
			}
			r.defs[g.Hash] = def
		}
		keep(g)
		m, err := machine.New(g, machine.Options{Snapshots: true}, journal.Identity{Stack: "s", Graph: "g"}, nil, start)
		if err != nil {
			rt.Fatal(err)
		}
		s := sim.New(m, start, func(machine.Task) sim.Result {
			out := sim.Result{Output: "x", Takes: time.Duration(rapid.IntRange(0, 3).Draw(rt, "takes")) * 700 * time.Millisecond}
			if rapid.IntRange(0, 3).Draw(rt, "fails") == 0 {
				out.Failure = &journal.Failure{Kind: "exit", Message: "no", Permanent: true}
			}
			return out
		})
		s.Recorded = func(rec journal.Record) { r.records = append(r.records, rec) }
		for cycle := 1; !m.Cursor().Status.Ended() && cycle < 6; cycle++ {
			if err := s.Until(func(rec journal.Record) bool { return rec.Body.Type() == "cycle.finished" }); err != nil {
				rt.Fatal(err)
			}
			if snap, ok := m.Snapshot(); ok && !snap.Cursor.Open && rapid.Bool().Draw(rt, "checkpoint") {
				r.bases = append(r.bases, snap)
			}
			if next, ok := compiledText(drawGraph(rt, once, count)); ok && rapid.IntRange(0, 2).Draw(rt, "change") == 0 && !m.Cursor().Open && !m.Cursor().Status.Ended() {
				if err := m.Adopt(next, s.Now()); err == nil {
					keep(next)
					seen["changed"]++
				}
			}
		}
		if r.snap, ok = m.Snapshot(); !ok {
			rt.Fatal("no snapshot")
		}
		checkExplained(rt, r, seen)
	})
	t.Logf("%v", seen)
	if !testing.Short() {
		for _, what := range []string{"graphs", "changed", "cycles", "decisions", "conditions"} {
			if seen[what] < 10 {
				t.Errorf("%s: %d, too few for the test to mean anything", what, seen[what])
			}
		}
	}
}

// recordedCycle is what records say of a cycle.
type recordedCycle struct {
	hash    string
	decided map[string]*journal.NodeDecided
	status  map[string]string
}

func checkExplained(t rapid.TB, r *shelf, seen map[string]int) {
	cycles, hash := map[uint64]*recordedCycle{}, ""
	for _, rec := range r.records {
		switch b := rec.Body.(type) {
		case *journal.StackStarted:
			hash = b.Hash
		case *journal.CycleStarted:
			if b.Hash != "" {
				hash = b.Hash
			}
			cycles[rec.Cycle] = &recordedCycle{hash, map[string]*journal.NodeDecided{}, map[string]string{}}
		case *journal.NodeDecided:
			cycles[rec.Cycle].decided[b.Node] = b
			if !b.Run {
				cycles[rec.Cycle].status[b.Node] = "skipped"
			}
		case *journal.WaveCommitted:
			for _, s := range b.Settled {
				cycles[rec.Cycle].status[s.Node] = s.Status
			}
		}
	}
	for n, c := range cycles {
		x, err := inspect.Explain(context.Background(), r, kinds{}, "s", inspect.ExplainOptions{Cycle: n, Now: start})
		if err != nil {
			t.Fatal(err)
		}
		seen["cycles"]++
		if x.Hash != c.hash || x.Cycle != n {
			t.Errorf("cycle %d: explained as cycle %d of %.8s, recorded %.8s", n, x.Cycle, x.Hash, c.hash)
		}
		for i := range x.Nodes {
			got := &x.Nodes[i]
			want := c.decided[got.Node]
			if want == nil {
				if got.Cycle == 0 && got.Run != nil && c.status[got.Node] == "" {
					t.Errorf("cycle %d: %s is explained, and no record decides it", n, got.Node)
				}
				continue
			}
			seen["decisions"]++
			if s := c.status[got.Node]; s != "" && s != got.Status && got.Status != "waiting" {
				t.Errorf("cycle %d: %s is %s, recorded %s", n, got.Node, got.Status, s)
			}
			if got.Cycle != 0 || got.Run == nil || *got.Run != want.Run || got.Reason != want.Reason || got.Wave != want.Wave {
				t.Errorf("cycle %d: %s is explained as %+v, recorded %+v", n, got.Node, got, want)
			}
			checkEdges(t, n, got, want, seen)
		}
	}
}

// checkEdges holds the edges of a node against its record: those that have a verdict are
// those of the record, in their order.
func checkEdges(t rapid.TB, cycle uint64, got *inspect.ExplainedNode, want *journal.NodeDecided, seen map[string]int) {
	type verdict struct {
		From, Outcome, When, Error string
		Live                       bool
	}
	var judged, recorded []verdict
	live := 0
	for k := range got.Edges {
		e := &got.Edges[k]
		if e.Live == nil {
			continue
		}
		judged = append(judged, verdict{e.From, e.Outcome, e.When, e.Error, *e.Live})
		if *e.Live {
			live++
		}
		if c := e.Condition; c != nil && c.Evaluated && e.Why != machine.WhyLatched {
			seen["conditions"]++
			if (c.Value.V == true) != *e.Live || (c.Error != nil) != (e.Error != "") {
				t.Errorf("cycle %d, %s: live is %t, explained by %+v", cycle, got.Node, *e.Live, c)
			}
		}
	}
	for _, v := range want.Edges {
		recorded = append(recorded, verdict{v.From, v.Outcome, v.When, v.Error, v.Live})
	}
	if diff := cmp.Diff(recorded, judged); diff != "" || got.Join.Live != live {
		t.Errorf("cycle %d, %s, %+v (-recorded +explained)\n%s", cycle, got.Node, got.Join, diff)
	}
}

func TestExplainErrors(t *testing.T) {
	t.Parallel()
	r := after(t, 3)
	for name, tt := range map[string]struct {
		stack string
		o     inspect.ExplainOptions
		want  string
	}{
		"no stack":   {"x", inspect.ExplainOptions{}, journal.ErrNotFound.Error()},
		"no cycle":   {"s", inspect.ExplainOptions{Cycle: 7}, `stack "s" has no cycle 7: there are 1 to 3`},
		"no node":    {"s", inspect.ExplainOptions{Nodes: []string{"x"}}, `unknown node "x"`},
		"no old one": {"s", inspect.ExplainOptions{Cycle: 3, Nodes: []string{"big", "x"}}, `unknown node "x"`},
	} {
		if _, err := inspect.Explain(t.Context(), r, kinds{}, tt.stack, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := inspect.Explain(t.Context(), r, kinds{}, "s", inspect.ExplainOptions{Cycle: 7}); !errors.As(err, new(*inspect.UnknownCycleError)) {
		t.Error(err)
	}
}

// What the engine knows of queued tasks becomes what a node waits for.
func TestExplainWaits(t *testing.T) {
	t.Parallel()
	r := after(t, 0)
	m, err := machine.New(compiled(t), machine.Options{Snapshots: true}, journal.Identity{Stack: "s", Graph: "g", Params: map[string]any{"p": 9}}, nil, start)
	if err != nil {
		t.Fatal(err)
	}
	s := sim.New(m, start, func(machine.Task) sim.Result { return sim.Result{Takes: time.Hour} })
	s.Recorded = func(rec journal.Record) { r.records = append(r.records, rec) }
	r.records = nil
	if err := s.Until(func(rec journal.Record) bool {
		return rec.Body.Type() == "task.started" && rec.Body.(*journal.TaskStarted).Node == "big"
	}); err != nil {
		t.Fatal(err)
	}
	r.snap, _ = m.Snapshot()
	slot := &inspect.Slot{Pool: "llm", Running: 2, Parallel: 2, By: []inspect.Behind{{Stack: "other", Node: "ask", Item: "b"}}}
	waitsOf := func(live *inspect.Live) (status string, said []string) {
		x, err := inspect.Explain(t.Context(), r, kinds{}, "s", inspect.ExplainOptions{Nodes: []string{"big"}, Now: start, Live: live})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range x.Nodes[0].Waits {
			said = append(said, w.For+": "+w.Text)
		}
		return x.Nodes[0].Status, said
	}
	task := inspect.TaskStatus{Node: "big", Cycle: 1, Wave: 2, Attempt: 1}
	for name, tt := range map[string]struct {
		state inspect.TaskState
		slot  *inspect.Slot
		want  string
	}{
		"running": {inspect.TaskRunning, nil, "run: big runs"},
		"slot":    {inspect.TaskQueued, slot, "pool: big waits for a slot of llm: 2 of 2 in use by other ask[b] and 1 more"},
		"hold":    {inspect.TaskQueued, &inspect.Slot{Pool: "llm"}, "pool: big waits for a slot of llm: it is on hold"},
		"rate":    {inspect.TaskQueued, &inspect.Slot{Pool: "llm", Parallel: 3, Running: 1}, "pool: big waits for a slot of llm: its rate allows no more starts at this moment"},
		"others":  {inspect.TaskQueued, &inspect.Slot{Pool: "llm", Running: 2, Parallel: 2, By: []inspect.Behind{{Stack: "other"}}}, "pool: big waits for a slot of llm: 2 of 2 in use by other and 1 more"},
		"unknown": {inspect.TaskQueued, &inspect.Slot{Pool: "llm", Running: 2, Parallel: 2}, "pool: big waits for a slot of llm: 2 of 2 in use"},
		"locked":  {inspect.TaskQueued, &inspect.Slot{Lock: true}, "pool: big waits for its lock, which another task has"},
		"lock":    {inspect.TaskQueued, &inspect.Slot{Lock: true, By: slot.By}, "pool: big waits for its lock, which other ask[b] has"},
	} {
		one := task
		one.State, one.Slot = tt.state, tt.slot
		status, said := waitsOf(&inspect.Live{Driven: true, Tasks: []inspect.TaskStatus{one}})
		if status != string(tt.state) || !slices.Equal(said, []string{tt.want}) {
			t.Errorf("%s: %s, %q", name, status, said)
		}
	}
	if status, said := waitsOf(nil); status != "queued" || len(said) != 2 || !strings.HasPrefix(said[0], "run: ") || !strings.HasPrefix(said[1], "owner: ") {
		t.Errorf("nobody runs it: %s, %q", status, said)
	}
}
