package inspect_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/sim"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

type kinds struct{}

func (kinds) Names() []string { return []string{"set", "work"} }

func (kinds) Kind(name string) (graph.Kind, bool) {
	return graph.Kind{Name: name, Open: true, Inline: name == "set"}, name == "set" || name == "work"
}

const text = `
graphrun: 1
name: g
secrets: [KEY]
params: {p: integer}
state: {n: {type: integer, reduce: sum}, out: any}
events: {more: {to: n}}
nodes:
  count: {uses: set, writes: {n: params.p}}
  slow: {uses: work, background: true, with: {key: "${{ secrets.KEY }}"}, writes: {out: output}}
  big: {uses: work, writes: {n: "1"}}
  small: {uses: work}
edges:
  - {to: count}
  - {to: slow, when: cycle.number == 1}
  - {from: count, to: big, when: state.n > 2}
  - {from: count, to: small, else: true}
pause: 1m
limits: {cycles: 9}
`

func compiled(t *testing.T) *graph.Graph {
	t.Helper()
	def, problems := dsl.Parse("g.yaml", []byte(text))
	g, more := graph.Compile(def, kinds{})
	if g == nil {
		t.Fatal(problems, more)
	}
	return g
}

// one is a Reader of one stack, after some cycles in virtual time.
type one struct {
	snap    journal.Snapshot
	records []journal.Record
	def     []byte
}

func after(t *testing.T, cycles int) *one {
	t.Helper()
	g := compiled(t)
	m, err := machine.New(g, machine.Options{},
		journal.Identity{Stack: "s", Graph: g.Name, Params: map[string]any{"p": 1}}, nil, start)
	if err != nil {
		t.Fatal(err)
	}
	r := &one{}
	s := sim.New(m, start, func(task machine.Task) sim.Result {
		if task.Key.Node == "slow" {
			return sim.Result{Takes: 90 * time.Second, Tokens: 7, Cost: 0.5}
		}
		return sim.Result{Output: "done", Tokens: 3}
	})
	s.Recorded = func(rec journal.Record) { r.records = append(r.records, rec) }
	for range cycles {
		if err := s.Until(func(rec journal.Record) bool { return rec.Body.Type() == "cycle.finished" }); err != nil {
			t.Fatal(err)
		}
	}
	snap, ok := m.Snapshot()
	if !ok {
		t.Fatal("no snapshot between two cycles")
	}
	r.snap = snap
	if r.def, err = json.Marshal(g.Def); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *one) Stack(_ context.Context, stack string) (journal.Summary, error) {
	if stack != "s" {
		return journal.Summary{}, journal.ErrNotFound
	}
	return journal.Summary{Identity: r.snap.Identity, Cursor: r.snap.Cursor}, nil
}

func (r *one) Stacks(_ context.Context, fn func(journal.Summary) error) error {
	return fn(journal.Summary{Identity: r.snap.Identity, Cursor: r.snap.Cursor})
}

func (r *one) State(ctx context.Context, stack string) (journal.Snapshot, error) {
	return r.Load(ctx, stack)
}

func (r *one) Load(_ context.Context, stack string) (journal.Snapshot, error) {
	if stack != "s" {
		return journal.Snapshot{}, journal.ErrNotFound
	}
	return r.snap, nil
}

func (r *one) Base(context.Context, string, journal.Point) (journal.Snapshot, error) {
	return journal.Snapshot{Identity: r.snap.Identity}, nil
}

func (r *one) Records(_ context.Context, _ string, want journal.Want, fn func(journal.Record) error) error {
	for _, rec := range r.records {
		if rec.Seq < want.From || len(want.Types) > 0 && !slices.Contains(want.Types, rec.Body.Type()) {
			continue
		}
		if err := fn(rec); err != nil {
			return err
		}
	}
	return nil
}

func (r *one) Graph(_ context.Context, hash string) (journal.StoredGraph, error) {
	return journal.StoredGraph{Hash: hash, Name: "g", Def: r.def}, nil
}

// A plan of a stack knows what runs in the background, and needs no secret.
// What real work would write is not in it; what set writes is.
func TestPlanOfAStack(t *testing.T) {
	t.Parallel()
	r := after(t, 2)
	p, err := inspect.PlanStack(t.Context(), r, kinds{}, "s", nil, start.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	want := []inspect.PlannedWave{{Wave: 1, Nodes: []string{"count"}}, {Wave: 2, Nodes: []string{"big"}}}
	if d := cmp.Diff(want, p.Waves); d != "" || p.Cycle != 3 || p.Stack != "s" {
		t.Errorf("cycle %d of %q (-want +got)\n%s", p.Cycle, p.Stack, d)
	}
	reasons := map[string]string{}
	for _, n := range p.Nodes {
		reasons[n.Node] = n.Reason
	}
	if d := cmp.Diff(map[string]string{"count": "", "big": "", "slow": "waiting", "small": "no-live-edge"}, reasons); d != "" {
		t.Errorf("reasons (-want +got)\n%s", d)
	}
	p, err = inspect.PlanStack(t.Context(), r, kinds{}, "s", map[string]any{"n": int64(-9)}, start.Add(time.Hour))
	if err != nil || len(p.Waves) != 2 || p.Waves[1].Nodes[0] != "small" {
		t.Errorf("with n set to -9: %+v (%v)", p.Waves, err)
	}
}

func TestPlanErrors(t *testing.T) {
	t.Parallel()
	r := after(t, 1)
	var wrong *inspect.InputError
	if _, err := inspect.PlanStack(t.Context(), r, kinds{}, "s", map[string]any{"m": 1}, start); !errors.As(err, &wrong) {
		t.Errorf("an unknown key: %v", err)
	}
	if _, err := inspect.PlanStack(t.Context(), r, kinds{}, "other", nil, start); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("an unknown stack: %v", err)
	}
	if _, err := inspect.PlanGraph(compiled(t), nil, nil, start); !errors.As(err, &wrong) || !strings.Contains(err.Error(), `"p" is missing`) {
		t.Errorf("a missing param: %v", err)
	}
	r.snap.Cursor.Status = journal.Failed
	if _, err := inspect.PlanStack(t.Context(), r, kinds{}, "s", nil, start); !errors.Is(err, inspect.ErrEnded) {
		t.Errorf("a stack that has ended: %v", err)
	}
}

func TestHistoryAndPast(t *testing.T) {
	t.Parallel()
	r := after(t, 3)
	h, err := inspect.HistoryOf(t.Context(), r, kinds{}, "s", 0)
	if err != nil || len(h.Cycles) != 3 {
		t.Fatalf("%d cycles (%v)", len(h.Cycles), err)
	}
	want := inspect.Wave{Wave: 1, Nodes: []inspect.Settled{{Node: "count", Status: "succeeded", Attempts: 1}},
		Writes: []inspect.Write{{Key: "n", Nodes: []string{"count"}}}}
	if d := cmp.Diff(want, h.Cycles[1].Waves[0]); d != "" {
		t.Errorf("cycle 2, wave 1 (-want +got)\n%s", d)
	}
	for point, n := range map[journal.Point]int64{{}: 4, {Cycle: 1}: 1, {Cycle: 3, Wave: 1}: 3, {Cycle: 3}: 4, {Start: true}: 0, {Cycle: 1, Start: true}: 0, {Cycle: 2, Start: true}: 1} {
		past, err := inspect.At(t.Context(), r, kinds{}, "s", point)
		if err != nil || past.State["n"] != n {
			t.Errorf("at %v n is %v (%v), want %d", point, past.State["n"], err, n)
		}
	}
	if _, err := inspect.At(t.Context(), r, kinds{}, "s", journal.Point{Cycle: 4}); err == nil || !strings.Contains(err.Error(), "has not committed 4") {
		t.Errorf("a cycle that has not been: %v", err)
	}
}
