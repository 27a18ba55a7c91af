package graph

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Where Replace answers, it gives what Reduce gives.
func TestReplaceIsReduce(t *testing.T) {
	t.Parallel()
	written := []string{`null`, `1`, `2.0`, `-0.0`, `"a"`, `[]`, `[1, 2.0, 3]`, `[{"id": "a", "n": 1.0}]`, `{"a": {"b": 2.0}}`}
	for _, tt := range []struct {
		typ, reduce string
		keep        int
		answers     int // how many of what is written Replace takes
	}{
		{`"any"`, "", 0, 9},
		{`"any"`, "replace", 0, 9},
		{`"number"`, "last", 0, 3},
		{`"list(number)"`, "last", 2, 1}, // the other one is cut
		{`"list(number)"`, "last", 3, 2},
		{`"number"`, "sum", 0, 0},
		{`"list(Todo)"`, "append", 0, 0},
	} {
		g := oneKey(t, tt.typ, tt.reduce, tt.keep)
		g.Keys[0].Writes = writeType(g.Keys[0].Reduce, g.Keys[0].Type)
		answers := 0
		for _, w := range written {
			v, err := g.Keys[0].CheckWritten("k", decoded(t, w))
			if err != nil {
				continue
			}
			for _, old := range []any{v, "other", nil} {
				c, changed, ok := g.Replace(0, old, v)
				if !ok {
					continue
				}
				answers++
				want, wantChanged, err := g.Reduce(0, old, []any{v}, nil)
				if d := cmp.Diff(want, c); err != nil || changed != wantChanged || d != "" {
					t.Errorf("%s %s: %s over %v: changed %t, want %t, %v %s", tt.typ, tt.reduce, w, old, changed, wantChanged, err, d)
				}
			}
		}
		if answers != 3*tt.answers {
			t.Errorf("%s %s keep %d: Replace took %d of the values, want %d", tt.typ, tt.reduce, tt.keep, answers/3, tt.answers)
		}
	}
}
