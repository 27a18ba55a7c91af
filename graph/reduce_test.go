package graph

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
)

func decoded(t testing.TB, text string) any {
	t.Helper()
	v, err := value.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// oneKey is a graph with the one key k of a type, reduced by a reducer without
// an expression.
func oneKey(t testing.TB, typ, reduce string, keep int) *Graph {
	t.Helper()
	set, problems := schema.NewSet([]schema.Named{{Name: diag.Plain("Todo"),
		Schema: tree.Of(decoded(t, `{"type":"object","required":["id"],"properties":{"id":"string","n":"integer"}}`))},
		{Name: diag.Plain("Full"), Schema: tree.Of(decoded(t, `{"type":"object","required":["id","n"],"properties":{"id":"string","n":"integer","t":"string"}}`))}})
	compiled, more := set.Compile(tree.Of(decoded(t, typ)))
	problems = append(problems, more...)
	r, _ := compileReducer(&KeyDef{Name: diag.Plain("k"), Reduce: ReduceDef{Name: diag.Plain(reduce)}, Keep: keep}, compiled, nil, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return &Graph{Keys: []Key{{Name: "k", Type: compiled, Reduce: r, Keep: keep, Writes: writeType(r, compiled)}}}
}

func TestReduce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		typ, reduce string
		keep        int
		old         string
		written     string // a list of written values
		want        string // "same", or whole VALUE, or drop N put INDEX:VALUE …
		err         string
	}{
		{typ: `"string"`, reduce: "replace", old: `"a"`, written: `["b"]`, want: `whole "b"`},
		{typ: `"string"`, old: `"a"`, written: `["a"]`, want: `same`},
		{typ: `"string"`, reduce: "last", old: `"a"`, written: `["b","c"]`, want: `whole "c"`},
		{typ: `"string"`, old: `"a"`, written: `[3]`, err: `k: must be a string, not an integer`},
		{typ: `"list(integer)"`, keep: 2, old: `[]`, written: `[[1,2,3]]`, want: `whole [2,3]`},

		{typ: `"list(integer)"`, reduce: "append", old: `[1]`, written: `[[2],null,[3.0]]`, want: `drop 0 put 1:2 2:3`},
		{typ: `"list(integer)"`, reduce: "append", old: `[1]`, written: `[[]]`, want: `same`},
		{typ: `"list(integer)"`, reduce: "append", keep: 2, old: `[1,1]`, written: `[[1]]`, want: `same`},
		{typ: `"list(integer)"`, reduce: "append", keep: 2, old: `[1,2]`, written: `[[1,2]]`, want: `same`},
		{typ: `"list(integer)"`, reduce: "append", keep: 2, old: `[1,2]`, written: `[[3,4,1,2]]`, want: `same`},
		{typ: `"list(integer)"`, reduce: "append", keep: 2, old: `[1,2]`, written: `[[3,2,1]]`, want: `whole [2,1]`},
		{typ: `"list(Todo)"`, reduce: "upsert(id)", old: `[{"id":"a","n":1}]`, written: `[[{"id":"a","n":2}],[{"id":"a","n":1}]]`, want: `same`},
		{typ: `"list(integer)?"`, reduce: "append", old: `null`, written: `[[1]]`, want: `whole [1]`},
		{typ: `"list(integer)?"`, reduce: "append", old: `null`, written: `[null]`, want: `same`},
		{typ: `"list(integer)?"`, reduce: "append", old: `null`, written: `[[]]`, want: `whole []`},
		{typ: `"list(integer)"`, reduce: "append", keep: 2, old: `[1,2]`, written: `[[3]]`, want: `drop 1 put 1:3`},
		{typ: `"list(integer)"`, reduce: "append", keep: 2, old: `[1,2]`, written: `[[3,4,5]]`, want: `whole [4,5]`},
		{typ: `"list(integer)"`, reduce: "append", old: `[1]`, written: `[[2,"x"]]`, err: `k[1]: must be an integer, not a string`},
		{typ: `"list(integer)"`, reduce: "append", old: `[1]`, written: `[2]`, err: `k: must be a list, not an integer`},
		{typ: `{"type":"list(integer)","maxItems":2}`, reduce: "append", old: `[1,2]`, written: `[[3]]`, err: `k: does not satisfy maxItems: 2`},
		{typ: `{"type":"list(integer)","maxItems":2}`, reduce: "append", keep: 2, old: `[1,2]`, written: `[[3]]`, want: `drop 1 put 1:3`},

		{typ: `"list(integer)"`, reduce: "union", old: `[1,2]`, written: `[[2,3,3]]`, want: `drop 0 put 2:3`},
		{typ: `"list(any)"`, reduce: "union", old: `[null,1]`, written: `[[1.0,null,"a","b","c","a",2]]`, want: `drop 0 put 2:"a" 3:"b" 4:"c" 5:2`},
		{typ: `"list(integer)"`, reduce: "union", old: `[1,2]`, written: `[[2,1]]`, want: `same`},

		{typ: `"list(Todo)"`, reduce: "upsert(id)", old: `[{"id":"a","n":1},{"id":"b","n":1}]`, written: `[[{"id":"b","n":2},{"id":"c"}]]`,
			want: `drop 0 put 1:{"id":"b","n":2} 2:{"id":"c"}`},
		{typ: `"list(Todo)"`, reduce: "upsert(id)", old: `[{"id":"a","n":1}]`, written: `[[{"id":"a","n":1.0}]]`, want: `same`},
		{typ: `"list(Todo)"`, reduce: "upsert(id)", old: `[]`, written: `[[{"id":"a","n":1}],[{"id":"a","n":2}]]`, want: `whole [{"id":"a","n":2}]`},
		{typ: `"list(Todo)"`, reduce: "upsert(id)", keep: 2, old: `[{"id":"a"},{"id":"b"}]`, written: `[[{"id":"a","n":1},{"id":"b","n":1},{"id":"c"}]]`,
			want: `drop 1 put 0:{"id":"b","n":1} 1:{"id":"c"}`},
		{typ: `"list(Todo)"`, reduce: "upsert(id)", old: `[{"id":"b"}]`,
			written: `[[{"id":"a"},{"id":"b","n":1},{"id":"c"},{"id":"d"},{"id":"a","n":2}]]`,
			want:    `drop 0 put 0:{"id":"b","n":1} 1:{"id":"a","n":2} 2:{"id":"c"} 3:{"id":"d"}`},
		{typ: `"list(Todo)"`, reduce: "upsert(id, merge)", old: `[{"id":"a","n":1,"x":[1]},{"id":"b"}]`, written: `[[{"id":"a","n":2}],[{"id":"b","n":3}]]`,
			want: `drop 0 put 0:{"id":"a","n":2,"x":[1]} 1:{"id":"b","n":3}`},
		{typ: `"list(Todo)"`, reduce: "upsert( id , merge )", old: `[{"id":"a","n":1}]`, written: `[[{"id":"a"}]]`, want: `same`},
		{typ: `"list(Full)"`, reduce: "upsert(id, merge)", old: `[{"id":"a","n":1}]`, written: `[[{"id":"a","t":"x"}]]`, want: `drop 0 put 0:{"id":"a","n":1,"t":"x"}`},
		{typ: `"list(Full)"`, reduce: "upsert(id, merge)", old: `[]`, written: `[[{"id":"a"}]]`, err: `k["a"]: must have "n"`},
		{typ: `"list(any)"`, reduce: "upsert(id)", old: `[]`, written: `[[{"x":1}]]`, err: `k: must have "id" in every element that is written, not {"x":1}`},

		{typ: `{"type":"object","required":["a"],"properties":{"a":"integer","b":"integer"}}`, reduce: "merge", old: `{"a":1,"b":1}`, written: `[{"b":2.0}]`, want: `set {"b":2}`},
		{typ: `{"type":"object","required":["a"],"properties":{"a":"integer","b":"integer"}}`, reduce: "merge", old: `{"a":1}`, written: `[{"b":2},null,{"a":1,"b":3}]`, want: `set {"b":3}`},
		{typ: `{"type":"object","required":["a"],"properties":{"a":"integer","b":"integer"}}`, reduce: "merge", old: `{"a":1}`, written: `[{"c":1,"b":"x"}]`, err: `k.b: must be an integer, not a string`},
		{typ: `{"type":"object","required":["a"],"properties":{"a":"integer","b":"integer"}}`, reduce: "merge", old: `{"a":1,"b":2}`, written: `[{"b":null,"c":3}]`, want: `whole {"a":1,"c":3}`},
		{typ: `{"type":"object","required":["a"],"properties":{"a":"integer","b":"integer"}}`, reduce: "merge", old: `{"a":1}`, written: `[{"b":null,"c":3}]`, want: `set {"c":3}`},
		{typ: `{"type":"object","required":["a"],"properties":{"a":"integer","b":"integer"}}`, reduce: "merge", old: `{"a":1}`, written: `[{"a":null}]`, err: `k.a: must be an integer, not null`},
		{typ: `{"type":"object?","required":["a","z"],"properties":{"a":"integer"}}`, reduce: "merge", old: `null`, written: `[{"a":1}]`, err: `k: must have "z"`},
		{typ: `"map(integer)"`, reduce: "merge", old: `{"a":1}`, written: `[{"d":4,"c":3.0},{"b":2}]`, want: `set {"b":2,"c":3,"d":4}`},
		{typ: `"map(integer)"`, reduce: "merge", old: `{}`, written: `[{"a":"x"}]`, err: `k.a: must be an integer, not a string`},
		{typ: `"map(integer)"`, reduce: "merge", old: `{"a":1}`, written: `[{},{"a":1.0}]`, want: `same`},
		{typ: `"map(integer)"`, reduce: "merge", old: `{"a":1}`, written: `[null]`, want: `same`},
		{typ: `{"type":"map(integer)","maxProperties":2}`, reduce: "merge", old: `{"a":1}`, written: `[{"b":2,"a":1}]`, want: `set {"b":2}`},
		{typ: `{"type":"map(integer)","maxProperties":2}`, reduce: "merge", old: `{"a":1,"b":1}`, written: `[{"c":2}]`, err: `k: does not satisfy maxProperties: 2`},
		{typ: `{"type":"object","patternProperties":{"^n":"integer"}}`, reduce: "merge", old: `{"n":1}`, written: `[{"n2":"x"}]`, err: `k.n2: must be an integer, not a string`},
		{typ: `{"type":"object","additionalProperties":false,"properties":{"a":"any"}}`, reduce: "merge", old: `{}`, written: `[{"a":1,"b":2}]`, err: `k.b: is not allowed here`},
		{typ: `{"type":"object","allOf":[{"required":["a"],"properties":{"a":"integer"}}]}`, reduce: "merge", old: `{"a":1}`, written: `[{"b":2.0}]`, want: `set {"b":2}`},
		{typ: `{"type":"object","dependentRequired":{"a":["b"]}}`, reduce: "merge", old: `{"c":1}`, written: `[{"a":2}]`, err: `k: does not satisfy dependentRequired: {"a":["b"]}`},
		{typ: `{"type":"object","propertyNames":{"maxLength":1}}`, reduce: "merge", old: `{"c":1}`, written: `[{"aa":2}]`, err: `k: must not have the key "aa": it does not satisfy maxLength: 1`},
		{typ: `"map(any)"`, reduce: "merge", old: `{"a":{"x":1}}`, written: `[{"a":{"y":2}}]`, want: `set {"a":{"y":2}}`},
		{typ: `"map(any)"`, reduce: "deep_merge", old: `{"a":{"x":1}}`, written: `[{"a":{"y":2}},null]`, want: `set {"a":{"x":1,"y":2}}`},
		{typ: `"map(any)"`, reduce: "deep_merge", old: `{"a":{"x":1},"ß\n":1}`, written: `[{"b":{"y":{"z":1}}},{"b":{"y":{"y":2}},"ß\n":{}}]`, want: `set {"b":{"y":{"y":2,"z":1}},"ß\n":{}}`},
		{typ: `"map(any)"`, reduce: "deep_merge", old: `{"a":{"x":1}}`, written: `[{"a":{"x":1}},{"a":{}}]`, want: `same`},
		{typ: `"map(any)?"`, reduce: "merge", old: `null`, written: `[{"a":1}]`, want: `whole {"a":1}`},
		{typ: `"map(any)"`, reduce: "merge", old: `{}`, written: `[[]]`, err: `k: must be an object to be merged, not []`},

		{typ: `"integer"`, reduce: "sum", old: `1`, written: `[2,null,3]`, want: `whole 6`},
		{typ: `"integer?"`, reduce: "sum", old: `null`, written: `[3]`, want: `whole 3`},
		{typ: `"integer"`, reduce: "sum", old: `9223372036854775807`, written: `[1]`, err: `k: the sum of 9223372036854775807 and 1 is beyond 64 bits`},
		{typ: `"integer"`, reduce: "sum", old: `-9223372036854775808`, written: `[-1]`, err: `k: the sum of -9223372036854775808 and -1 is beyond 64 bits`},
		{typ: `"number"`, reduce: "sum", old: `1.5`, written: `[1]`, want: `whole 2.5`},
		{typ: `"number"`, reduce: "sum", old: `1`, written: `["x"]`, err: `k: must be a number to be added, not "x"`},
		{typ: `{"type":"integer","maximum":5}`, reduce: "sum", old: `4`, written: `[2]`, err: `k: does not satisfy maximum: 5`},
		{typ: `"integer"`, reduce: "min", old: `4`, written: `[5,3]`, want: `whole 3`},
		{typ: `"integer"`, reduce: "max", old: `4`, written: `[3]`, want: `same`},
		{typ: `"string"`, reduce: "max", old: `"b"`, written: `["a","c"]`, want: `whole "c"`},
	} {
		g := oneKey(t, tt.typ, tt.reduce, tt.keep)
		old := decoded(t, tt.old)
		c, changed, err := g.Reduce(0, old, decoded(t, tt.written).([]any), nil)
		name := fmt.Sprintf("%s %s of %s: %s", tt.reduce, tt.typ, tt.old, tt.written)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != tt.err {
			t.Errorf("%s: error %q, want %q", name, text, tt.err)
		}
		if got := printed(c, changed); err == nil && got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
		if diff := cmp.Diff(decoded(t, tt.old), old); diff != "" {
			t.Errorf("%s: the old value changed: %s", name, diff)
		}
		if changed && !c.Whole && !value.Equal(applied(old, c), c.Value) {
			t.Errorf("%s: the change gives %v, its value is %v", name, applied(old, c), c.Value)
		}
		if changed && c.Size(old, value.Size(old)) != value.Size(c.Value) {
			t.Errorf("%s: the size is %d, want %d", name, c.Size(old, value.Size(old)), value.Size(c.Value))
		}
	}
}

func printed(c Change, changed bool) string {
	if !changed {
		return "same"
	}
	if c.Whole {
		return "whole " + value.String(c.Value)
	}
	if len(c.Set) > 0 {
		return "set " + value.String(applied(map[string]any{}, c))
	}
	out := fmt.Sprintf("drop %d put", c.Drop)
	for _, e := range c.Put {
		out += fmt.Sprintf(" %d:%s", e.At, value.String(e.Value))
	}
	return out
}

// applied is what a store makes of a Change.
func applied(old any, c Change) any {
	if object, ok := old.(map[string]any); ok {
		object = maps.Clone(object)
		for _, p := range c.Set {
			object[p.Name] = p.Value
		}
		return object
	}
	list := append([]any{}, old.([]any)[c.Drop:]...)
	for _, e := range c.Put {
		if e.At == len(list) {
			list = append(list, e.Value)
		} else {
			list[e.At] = e.Value
		}
	}
	return list
}

// TestMergeByChance: a merge comes to what laying whole objects over each other
// and checking the result does, by whatever properties of it are looked at.
func TestMergeByChance(t *testing.T) {
	t.Parallel()
	types := []string{
		`"map(any)"`, `"map(integer?)"`, `"object"`,
		`{"type":"object","required":["a"],"properties":{"a":"integer","b":"integer?","c":"map(any)"}}`,
		`{"type":"object","required":["z"],"properties":{"a":"any"},"additionalProperties":"number"}`,
		`{"type":"object","patternProperties":{"^[ab]":"integer"},"properties":{"b":"number"}}`,
		`{"type":"object","properties":{"a":"any"},"allOf":[{"properties":{"a":"number","b":"integer"}}]}`,
		`{"type":"object","maxProperties":3,"minProperties":1}`,
		`{"anyOf":[{"type":"object","required":["a"],"properties":{"a":"integer"}},{"type":"object","properties":{"b":"string"}}],"type":"object"}`,
	}
	values := []string{`null`, `1`, `2.5`, `3.0`, `"x"`, `{}`, `{"x":1}`, `{"x":{"y":2.0}}`}
	rnd := rand.New(rand.NewPCG(1, 2))
	object := func() map[string]any {
		out := map[string]any{}
		for range rnd.IntN(4) {
			out[string(rune('a'+rnd.IntN(4)))] = decoded(t, values[rnd.IntN(len(values))])
		}
		return out
	}
	sets := 0
	for i := range 20_000 {
		g := oneKey(t, types[i%len(types)], []string{"merge", "deep_merge"}[i%2], 0)
		old, err := g.Keys[0].Type.Check("k", object())
		if err != nil {
			continue
		}
		written := []any{object(), object()}
		deep := g.Keys[0].Reduce.Name == "deep_merge"
		want, wantErr := g.Keys[0].Type.Check("k", laid(written[1], laid(written[0], old, deep), deep))
		if !deep {
			all := maps.Clone(old.(map[string]any))
			maps.Copy(all, written[0].(map[string]any))
			maps.Copy(all, written[1].(map[string]any))
			want, wantErr = g.Keys[0].Type.Check("k", all)
		}
		c, changed, err := g.Reduce(0, old, written, nil)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%s: %v over %v: error %v, want %v", types[i%len(types)], written, old, err, wantErr)
		}
		if err != nil {
			continue
		}
		if changed != !value.Equal(old, want) || changed && !value.Equal(c.Value, want) {
			t.Fatalf("%s: %v over %v: got %v, want %v", types[i%len(types)], written, old, c.Value, want)
		}
		if changed && !c.Whole {
			sets++
			if !value.Equal(applied(old, c), want) || c.Size(old, value.Size(old)) != value.Size(want) {
				t.Fatalf("%s: %v over %v: %v", types[i%len(types)], written, old, c)
			}
		}
	}
	if sets < 1000 {
		t.Errorf("%d objects were changed by property", sets)
	}
}

// TestWritten: what one can see of a written value alone is seen before it is
// reduced.
func TestWritten(t *testing.T) {
	t.Parallel()
	elem := schema.ObjectOf(schema.Prop{Name: "id", Type: schema.StringType})
	key := Key{Name: "k", Type: schema.ListOf(elem), Reduce: Reducer{Name: "upsert", Arg: "id"}}
	key.Writes = writeType(key.Reduce, key.Type)
	for _, tt := range []struct {
		written any
		want    string
	}{
		{nil, ""},
		{[]any{}, ""},
		{[]any{map[string]any{"id": "a"}}, ""},
		{[]any{map[string]any{"id": "a"}, map[string]any{"n": int64(1)}}, `k[1]: must have "id"`},
		{[]any{map[string]any{"id": nil}}, `k[0]: must have "id"`},
		{[]any{map[string]any{"id": int64(1)}}, "k[0].id: must be a string, not an integer"},
	} {
		got := ""
		if _, err := key.CheckWritten("k", tt.written); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.written, got, tt.want)
		}
	}
}

func TestReducersThatDoNotFit(t *testing.T) {
	t.Parallel()
	todos := schema.ListOf(schema.ObjectOf(schema.Prop{Name: "id", Type: schema.StringType, Required: true}))
	for _, tt := range []struct {
		typ           *schema.Type
		reduce        string
		keep          int
		message, help string
	}{
		{schema.StringType, "apend", 0, `unknown reducer "apend"`, `did you mean "append"?`},
		{schema.StringType, "append", 0, `reducer "append" needs a list, and "k" is of type "string"`, ""},
		{schema.StringType, "sum", 0, `reducer "sum" needs an integer or a number, and "k" is of type "string"`, ""},
		{schema.BooleanType, "max", 0, `reducer "max" needs an integer, a number or a string, and "k" is of type "boolean"`, ""},
		{todos, "merge", 0, `reducer "merge" needs an object, and "k" is of type "list(object)"`, ""},
		{todos, "upsert", 0, `reducer "upsert" needs a field`, "write upsert(id), with the field that identifies an element"},
		{todos, "upsert()", 0, `reducer "upsert" needs a field`, "write upsert(id), with the field that identifies an element"},
		{todos, "upsert(ix)", 0, `elements of "k" have no field "ix"`, `did you mean "id"?`},
		{todos, "upsert(id", 0, `reducer "upsert(id" lacks its closing ")"`, ""},
		{todos, "append(id)", 0, `reducer "append" takes no argument`, ""},
		{schema.ListOf(schema.StringType), "upsert(id)", 0, `reducer "upsert" needs a list of objects, and "k" is of type "list(string)"`, ""},
		{schema.StringType, "", 3, `"keep" is for lists, and "k" is of type "string"`, ""},
		{todos, "", -1, `"keep" must be 1 or more, not -1`, ""},
	} {
		var problems diag.List
		def := &KeyDef{Name: diag.Plain("k"), Reduce: ReduceDef{Name: diag.Plain(tt.reduce)}, Keep: tt.keep}
		compileReducer(def, tt.typ, nil, &problems)
		want := diag.List{{Code: diag.BadReducer, Message: tt.message, Help: tt.help}}
		if diff := cmp.Diff(want, problems); diff != "" {
			t.Errorf("%s on %s:\n%s", tt.reduce, tt.typ, diff)
		}
	}
}

func TestSuccessorsOfOneListDoNotTouchEachOther(t *testing.T) {
	t.Parallel()
	g := oneKey(t, `"list(integer)"`, "append", 0)
	next := func(old any, n int) []any {
		c, _, err := g.Reduce(0, old, []any{[]any{int64(n)}}, nil)
		if err != nil {
			t.Error(err)
			return nil
		}
		return c.Value.([]any)
	}
	base := next([]any{}, 0)
	first := next(base, 1)
	if &first[0] != &base[0] {
		t.Error("the first successor was copied")
	}
	var wg sync.WaitGroup
	forks := make([][]any, 8)
	for i := range forks {
		wg.Go(func() {
			list := base
			for n := range 50 {
				list = next(list, 100*i+n)
			}
			forks[i] = list
		})
	}
	wg.Wait()
	for i, list := range forks {
		for n := range 50 {
			if list[1+n] != int64(100*i+n) {
				t.Fatalf("fork %d holds %v at %d", i, list[1+n], n)
			}
		}
	}
	if first[1] != int64(1) || len(base) != 1 {
		t.Errorf("older lists changed: %v, %v", base, first)
	}
}

func TestSumOfFloatsStaysFinite(t *testing.T) {
	t.Parallel()
	g := oneKey(t, `"number"`, "sum", 0)
	if c, _, err := g.Reduce(0, math.MaxFloat64, []any{math.MaxFloat64}, nil); err == nil {
		t.Errorf("the sum is %v", c.Value)
	}
}

func BenchmarkReduceAppend(b *testing.B) {
	for _, n := range []int{100, 10_000, 100_000} {
		for _, keep := range []int{0, n} {
			b.Run(fmt.Sprintf("%d/keep=%d", n, keep), func(b *testing.B) {
				g := oneKey(b, `"list(Todo)"`, "append", keep)
				start := make([]any, n)
				for i := range start {
					start[i] = map[string]any{"id": "a", "n": int64(i)}
				}
				written := []any{[]any{map[string]any{"id": "b", "n": int64(1)}}}
				var now any = grow(start, nil)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					c, _, err := g.Reduce(0, now, written, nil)
					if err != nil {
						b.Fatal(err)
					}
					if now = c.Value; keep == 0 && len(c.Value.([]any)) > 2*n {
						now = grow(start, nil)
					}
				}
			})
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	const half = value.MaxBytes / 2
	g := &Graph{Keys: make([]Key, 5)}
	for i := range g.Keys {
		g.Keys[i].Name = string(rune('a' + i))
	}
	s := Measure([]any{"", []any{}, nil, int64(1), "xyz"})
	if got := s.total; got != 2+2+4+1+5 {
		t.Errorf("the state has %d bytes", got)
	}
	for i := range g.Keys {
		s.Set(i, 0)
	}
	for _, tt := range []struct {
		key, size int
		want      string
	}{
		{0, 2 * half, ""},
		{0, 2*half + 1, "state.a would have 67108865 bytes, at most 67108864 are allowed"},
		{1, 2 * half, ""}, {2, 2 * half, ""}, {3, 2 * half, ""},
		{4, 1, "the state would have 268435457 bytes, at most 268435456 are allowed"},
		{3, half, ""}, {4, half, ""}, {3, half, ""},
	} {
		got := ""
		if err := s.Check(g, tt.key, tt.size); err != nil {
			got = err.Error()
		} else {
			s.Set(tt.key, tt.size)
		}
		if got != tt.want {
			t.Errorf("%s to %d: %q, want %q", g.Keys[tt.key].Name, tt.size, got, tt.want)
		}
	}
}
