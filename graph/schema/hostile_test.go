package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// chain is n types, each made of the one before: a kilobyte of them has more
// paths than can be walked.
func chain(t *testing.T, prefix, first, next string, n int) []Named {
	t.Helper()
	out := []Named{{diag.Plain(prefix + "0"), tree.Of(parse(t, first))}}
	for i := 1; i < n; i++ {
		text := strings.ReplaceAll(next, "PREV", fmt.Sprint(prefix, i-1))
		out = append(out, Named{diag.Plain(fmt.Sprint(prefix, i)), tree.Of(parse(t, text))})
	}
	return out
}

func typeOf(t *testing.T, types []Named, name string) *Type {
	t.Helper()
	set, problems := NewSet(types)
	typ, more := set.Compile(tree.Of(name))
	if err := append(problems, more...).Err(); err != nil {
		t.Fatal(err)
	}
	return typ
}

// TestManyPaths: that it comes back is the point.
func TestManyPaths(t *testing.T) {
	t.Parallel()
	const ten = `{"type":"object","properties":{"a":"PREV","b":"PREV","c":"PREV","d":"PREV","e":"PREV","f":"PREV","g":"PREV","h":"PREV","i":"PREV","j":"PREV"}}`
	const first = `{"type":"object","properties":{"n":"integer"}}`
	a := typeOf(t, chain(t, "a", first, ten, 20), "a19")
	b := typeOf(t, chain(t, "b", first, ten, 20), "b19")
	if m := Assign(a, b); m != nil {
		t.Errorf("equal declarations do not fit: %v", m)
	}
	if j := Join(a, b); len(j.Props) != 10 || j.Props[0].Type.Kind != Object {
		t.Errorf("joined to %v", j)
	}
	c := typeOf(t, chain(t, "c", `{"type":"object","properties":{"n":"string"}}`, ten, 8), "c7")
	d := typeOf(t, chain(t, "d", first, ten, 8), "d7")
	if m := Assign(c, d); m == nil || m.Path != "a.a.a.a.a.a.a.n" {
		t.Errorf("the difference at the bottom is %v", m)
	}
	both := typeOf(t, chain(t, "t", first, `{"allOf":["PREV","PREV"]}`, 60), "t59")
	if _, err := both.Check("k", map[string]any{"n": int64(1)}); err == nil || !strings.Contains(err.Error(), "k: takes too much work") {
		t.Errorf("2^59 members: %v", err)
	}
	few := typeOf(t, chain(t, "t", first, `{"allOf":["PREV","PREV"]}`, 10), "t9")
	if _, err := few.Check("k", map[string]any{"n": "x"}); err == nil || err.Error() != "k.n: must be an integer, not a string" {
		t.Errorf("2^9 members: %v", err)
	}
	if v, err := few.Check("k", map[string]any{"n": 2.0}); err != nil || v.(map[string]any)["n"] != int64(2) {
		t.Errorf("2^9 members: %v, %v", v, err)
	}
}
