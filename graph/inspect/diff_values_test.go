package inspect

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/graph/value"
)

// patched applies operations as RFC 6902 says, to a value of encoding/json.
func patched(t interface{ Fatalf(string, ...any) }, doc any, ops []Operation) any {
	for _, o := range ops {
		var v any
		if o.Value != nil {
			b, _ := json.Marshal(o.Value)
			if err := json.Unmarshal(b, &v); err != nil {
				t.Fatalf("%s: %v", b, err)
			}
		}
		doc = patch(t, doc, strings.Split(o.Path, "/")[1:], o.Op, v)
	}
	return doc
}

func patch(t interface{ Fatalf(string, ...any) }, doc any, path []string, op string, v any) any {
	name := strings.NewReplacer("~1", "/", "~0", "~").Replace(path[0])
	switch doc := doc.(type) {
	case map[string]any:
		old, there := doc[name]
		switch {
		case there == (op == "add") && len(path) == 1 || !there && len(path) > 1:
			t.Fatalf("%s of %q: it is there: %t", op, name, there)
		case len(path) > 1:
			doc[name] = patch(t, old, path[1:], op, v)
		case op == "remove":
			delete(doc, name)
		default:
			doc[name] = v
		}
		return doc
	case []any:
		i, err := strconv.Atoi(name)
		if most := len(doc); err != nil || i < 0 || i > most || i == most && (op != "add" || len(path) > 1) {
			t.Fatalf("%s at %q of a list of %d", op, name, len(doc))
		}
		switch {
		case len(path) > 1:
			doc[i] = patch(t, doc[i], path[1:], op, v)
		case op == "remove":
			return append(doc[:i:i], doc[i+1:]...)
		case op == "add":
			return append(doc[:i:i], append([]any{v}, doc[i:]...)...)
		default:
			doc[i] = v
		}
		return doc
	}
	t.Fatalf("%q within %T", name, doc)
	return nil
}

func drawValue(t *rapid.T, depth int) any {
	most := 7
	if depth == 0 {
		most = 4
	}
	switch rapid.IntRange(0, most).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return int64(rapid.IntRange(0, 3).Draw(t, "number"))
	case 3:
		return 0.5
	case 4:
		return rapid.SampledFrom([]string{"", "a", "b/c", "~"}).Draw(t, "text")
	case 5:
		out := map[string]any{}
		for range rapid.IntRange(0, 3).Draw(t, "properties") {
			out[rapid.SampledFrom([]string{"id", "x", "a/b", "~1", ""}).Draw(t, "name")] = drawValue(t, depth-1)
		}
		return out
	}
	out := []any{}
	for range rapid.IntRange(0, 6).Draw(t, "elements") {
		out = append(out, drawValue(t, depth-1))
	}
	return out
}

func decoded(v any) (out any) {
	_ = json.Unmarshal(value.Append(nil, v), &out)
	return out
}

// The operations applied to one value give the other; equal values have none.
func TestDiffGivesTheOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawValue(t, 3), drawValue(t, 3)
		d := differ{}
		d.property(map[string]any{"k": a}, map[string]any{"k": b}, "k", "", "")
		if got := patched(t, map[string]any{"k": decoded(a)}, d.ops); !cmp.Equal(got, map[string]any{"k": decoded(b)}) {
			t.Fatalf("%s to %s by %v gives %v", value.String(a), value.String(b), d.ops, got)
		}
		if same := value.Equal(a, b); same != (len(d.ops) == 0) {
			t.Fatalf("%s to %s: %v", value.String(a), value.String(b), d.ops)
		}
	})
}

// A difference is no larger than it has to be: down to the property and the element.
func TestDiffIsSmall(t *testing.T) {
	t.Parallel()
	todo := func(id, status string) any { return map[string]any{"id": id, "status": status} }
	for name, c := range map[string]struct {
		a, b any
		want []string
	}{
		"a property":          {todo("a", "open"), todo("a", "done"), []string{"replace /k/status .status"}},
		"appended":            {[]any{"x"}, []any{"x", "y"}, []string{"add /k/1 [1]"}},
		"put before":          {[]any{"x"}, []any{"y", "x"}, []string{"add /k/0 [0]"}},
		"one removed":         {[]any{"x", "y", "z"}, []any{"x", "z"}, []string{"remove /k/1 [1]"}},
		"one of many changed": {[]any{todo("a", "open"), todo("b", "open")}, []any{todo("a", "open"), todo("b", "done")}, []string{"replace /k/1/status [1].status"}},
		"by id": {[]any{todo("a", "open"), todo("b", "open"), todo("c", "open")}, []any{todo("b", "done"), todo("c", "done")},
			[]string{"remove /k/0 [0]", "replace /k/0/status [0].status", "replace /k/1/status [1].status"}},
		"nothing in common": {map[string]any{"a": true}, map[string]any{"b": true}, []string{"replace /k "}},
		"an odd name":       {map[string]any{"x": 1.5}, map[string]any{"x": 1.5, "a/b~": true}, []string{`add /k/a~1b~0 ["a/b~"]`}},
		"from nothing":      {[]any{}, []any{"x"}, []string{"add /k/0 [0]"}},
	} {
		d := differ{}
		d.property(map[string]any{"k": c.a}, map[string]any{"k": c.b}, "k", "", "")
		got := []string{}
		for _, o := range d.ops {
			got = append(got, fmt.Sprintf("%s %s %s", o.Op, o.Path, o.Place))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}
