package trial_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl/testfile"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/sim"
	"github.com/graphrun/graphrun/graph/trial"
	"github.com/graphrun/graphrun/nodes/std"
)

// drawn is a value of a type; false if the draw does not fit it.
func drawn(r *rand.Rand, t *schema.Type, depth int) (any, bool) {
	v := drawnOf(r, t, depth)
	if t == nil {
		return v, true
	}
	fit, err := t.Check("", v)
	return fit, err == nil
}

func drawnOf(r *rand.Rand, t *schema.Type, depth int) any {
	if t == nil {
		return int64(r.IntN(3))
	}
	switch {
	case t.Nullable && r.IntN(4) == 0:
		return nil
	case len(t.Enum) > 0:
		return t.Enum[r.IntN(len(t.Enum))]
	}
	switch t.Kind {
	case schema.Boolean:
		return r.IntN(2) == 0
	case schema.Integer:
		return int64(r.IntN(5))
	case schema.Number:
		return float64(r.IntN(9)) / 4
	case schema.String:
		return []string{"", "a", "b: c", "it's \"x\"", "ü\n", "no"}[r.IntN(6)]
	case schema.List:
		list := []any{}
		for range r.IntN(4) {
			if depth < 4 {
				list = append(list, drawnOf(r, t.Elem, depth+1))
			}
		}
		return list
	case schema.Object:
		m := map[string]any{}
		for _, p := range t.Props {
			if p.Required || r.IntN(2) == 0 {
				m[p.Name] = drawnOf(r, p.Type, depth+1)
			}
		}
		return m
	}
	return "any"
}

// lived runs a stack at random, and gives its history.
func lived(t *testing.T, g *graph.Graph, seed uint64) *trial.History {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	params := map[string]any{}
	for i := range g.Params {
		if p := &g.Params[i]; !p.HasDefault {
			for ok := false; !ok; {
				params[p.Name], ok = drawn(r, p.Type, 0)
			}
		}
	}
	start := trial.DefaultStart.Add(time.Duration(r.IntN(1e9)) * time.Microsecond)
	m, err := machine.New(g, machine.Options{}, journal.Identity{Stack: "s", Params: params, CreatedAt: start}, nil, start)
	if err != nil {
		t.Fatal(err)
	}
	h := &trial.History{Graph: g, Stack: m.Identity(), At: start}
	s := sim.New(m, start, func(task machine.Task) sim.Result {
		n := &g.Nodes[task.Node]
		res := sim.Result{Takes: time.Duration(r.IntN(4000)) * time.Millisecond}
		out, ok := drawn(r, n.Output, 0)
		if !ok || r.IntN(5) == 0 {
			kind := graph.ErrorKinds()[r.IntN(len(graph.ErrorKinds()))]
			res.Failure = &journal.Failure{Kind: kind, Message: "drawn", Permanent: r.IntN(3) == 0}
			return res
		}
		res.Output, res.Tokens = out, int64(r.IntN(3))
		return res
	})
	s.Acts, s.Secrets = true, func(name string) (string, bool) { return "secret:" + name, true }
	s.Recorded = func(rec journal.Record) {
		h.Records = append(h.Records, rec)
		if b, ok := rec.Body.(*journal.StackStarted); ok {
			h.State = b.State
		}
	}
	for range 2 + r.IntN(5) {
		if err := s.Until(func(rec journal.Record) bool { return rec.Body.Type() == "cycle.finished" }); err != nil {
			t.Fatal(err)
		}
		fromOutside(r, g, s)
	}
	// A test ends between two cycles.
	if err := s.Until(func(rec journal.Record) bool {
		return rec.Body.Type() == "cycle.finished" || rec.Body.Type() == "stack.finished"
	}); err != nil {
		t.Fatal(err)
	}
	c := s.Machine().Cursor()
	h.End, h.Status, h.Reason = s.Machine().State(), c.Status, c.Reason
	return h
}

// fromOutside sends events, and answers what is asked.
func fromOutside(r *rand.Rand, g *graph.Graph, s *sim.Sim) {
	for i := range g.Events {
		if payload, ok := drawn(r, g.Events[i].Type, 0); ok && r.IntN(2) == 0 {
			_ = s.Step(machine.Event{At: s.Now(), Name: g.Events[i].Name, Payload: payload}) // a queue may be full
		}
	}
	c := s.Machine().Cursor()
	for _, q := range c.Questions() {
		if r.IntN(2) == 0 {
			_ = s.Step(machine.Answer{At: s.Now(), Node: q.Node, Item: q.Item, For: q.ID(), Output: map[string]any{"approved": r.IntN(2) == 0, "comment": "drawn"}}) // it may wait for an event
		}
	}
}

// TestFromPasses: a test that is written from what a stack did passes, whatever it did.
func TestFromPasses(t *testing.T) {
	t.Parallel()
	each := 12 // histories of each graph
	if n, err := strconv.Atoi(os.Getenv("TRIAL_HISTORIES")); err == nil {
		each = n
	}
	files, err := filepath.Glob("../../graphs/*/*.graphrun.yaml")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			g := load(t, file)
			cycles := 0
			for seed := range uint64(each) {
				h := lived(t, g, seed)
				s := trial.Suite{Graph: diag.Plain(filepath.Base(file)), Tests: []trial.Test{trial.From("what happened", h)}}
				text := s.YAML()
				read, problems := testfile.Compile(filepath.Join(filepath.Dir(file), "x.test.yaml"), text, std.Registry())
				if problems.HasErrors() {
					t.Fatalf("seed %d: %v\n%s", seed, problems, text)
				}
				if got := failures(trial.Run(read.Graph, &read.Suite.Tests[0], trial.Options{})); got != nil {
					t.Fatalf("seed %d:\n%s\n%s", seed, strings.Join(got, "\n"), text)
				}
				if again := read.Suite.YAML(); string(again) != string(text) {
					t.Fatalf("seed %d: what was read is written in another way:\n%s\n%s", seed, text, again)
				}
				cycles += strings.Count(string(text), "- cycle")
			}
			if cycles < each {
				t.Errorf("only %d cycles in %d histories", cycles, each)
			}
		})
	}
}
