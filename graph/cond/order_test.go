package cond

import (
	"fmt"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// TestComparingObjectsTakesTheSameWork: an object is compared in one order, so that
// an expression which fits its bound on work fits it in every run.
func TestComparingObjectsTakesTheSameWork(t *testing.T) {
	t.Parallel()
	object := func(last int64) map[string]any {
		all := map[string]any{}
		for i := range 20 {
			list := make([]any, 100*i)
			for j := range list {
				list[j] = int64(j)
			}
			all[fmt.Sprint("k", i)] = list
		}
		all["k7"] = last
		return all
	}
	scope := NewScope(Name{Name: "a", Type: schema.AnyType, Slot: 0}, Name{Name: "b", Type: schema.AnyType, Slot: 1})
	p, problems := Compile(diag.Plain("a == b"), scope, Want{})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	want := 0
	for i := range 50 {
		env := &Env{Slots: []any{object(1), object(2)}}
		if v, err := p.Eval(env); err != nil || v != false {
			t.Fatalf("%v, %v", v, err)
		}
		if i == 0 {
			want = env.spent.work
		}
		if got := env.spent.work; got != want || got == 0 {
			t.Fatalf("run %d: work %d, in the first run %d", i, got, want)
		}
	}
}
