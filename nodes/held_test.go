package nodes_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
)

// gives is a kind that returns the same result every time.
type gives struct {
	res nodes.Result
	err error
}

func (g gives) Run(ctx context.Context, _ nodes.Task) (nodes.Result, error) {
	nodes.Spend(ctx, 5, 0.5)
	return g.res, g.err
}

func runs(g gives) (nodes.Result, *nodes.Error) {
	return nodes.Run(context.Background(), nodes.Spec{Kind: graph.Kind{Name: "x"}, Node: g}, nodes.Task{})
}

// TestHeldIsNoFailure: an attempt that waits for a word has neither an output nor a
// failure, and what it used counts.
func TestHeldIsNoFailure(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nodes.ErrHeld, fmt.Errorf("turn 3: %w", nodes.ErrHeld)} {
		res, e := runs(gives{nodes.Result{Output: 1, Tokens: 2}, err})
		if e != nil || !res.Held() || res.Output != nil || res.Tokens != 7 || res.Cost != 0.5 {
			t.Errorf("%v: %+v, %v", err, res, e)
		}
	}
	if res, e := runs(gives{}); e != nil || res.Held() {
		t.Errorf("a success: %+v, %v", res, e)
	}
}

// TestTalkBecomesCanonical: what an agent gives besides its output is as bounded as that.
func TestTalkBecomesCanonical(t *testing.T) {
	t.Parallel()
	type message struct {
		Role string `json:"role"`
	}
	given := &journal.Talk{Messages: []message{{"user"}}, Usage: map[string]int{"turns": 1}}
	writes := []journal.MemoryWrite{{Memory: "m", ID: "1", Data: message{"x"}}}
	res, e := runs(gives{nodes.Result{Talk: given, Memory: writes}, nil})
	want := nodes.Result{Talk: &journal.Talk{Messages: []any{map[string]any{"role": "user"}}, Usage: map[string]any{"turns": int64(1)}},
		Memory: []journal.MemoryWrite{{Memory: "m", ID: "1", Data: map[string]any{"role": "x"}}}}
	if e != nil || !cmp.Equal(want.Talk, res.Talk) || !cmp.Equal(want.Memory, res.Memory) {
		t.Errorf("%+v %+v, %v", res.Talk, res.Memory, e)
	}
	if _, own := given.Messages.([]message); !own || writes[0].Data != (message{"x"}) {
		t.Error("what the kind gave was changed")
	}
	large := strings.Repeat("x", nodes.MaxOutput)
	for name, res := range map[string]nodes.Result{
		"no JSON":      {Talk: &journal.Talk{Usage: func() {}}},
		"messages":     {Talk: &journal.Talk{Messages: large}},
		"memory":       {Memory: []journal.MemoryWrite{{ID: "1", Text: large}}},
		"no id":        {Memory: []journal.MemoryWrite{{Memory: "m", Text: "x"}}},
		"no UTF-8":     {Memory: []journal.MemoryWrite{{ID: "1", Text: "\xff"}}},
		"no JSON data": {Memory: []journal.MemoryWrite{{ID: "1", Data: func() {}}}},
	} {
		if res, e := runs(gives{res, nil}); e == nil || e.Kind != "output" || e.Tokens != 5 {
			t.Errorf("%s: %+v, %+v", name, res, e)
		}
	}
}

// TestMarksAreNoSteps: a part that only began is done again.
func TestMarksAreNoSteps(t *testing.T) {
	t.Parallel()
	n := 0
	spec := nodes.Func("x", func(ctx context.Context, _ struct{}) (int, error) {
		return nodes.Step(ctx, "s", func(context.Context) (int, error) { n++; return 2, nil })
	})
	res, e := nodes.Run(context.Background(), spec, nodes.Task{With: map[string]any{}, Steps: []nodes.StepRecord{{Name: "s", Content: int64(1), Mark: true}}})
	if e != nil || n != 1 || res.Output != int64(2) {
		t.Errorf("%v, %v, run %d times", res.Output, e, n)
	}
}
