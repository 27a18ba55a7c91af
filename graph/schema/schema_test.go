package schema

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
)

func parse(t testing.TB, text string) any {
	t.Helper()
	v, err := value.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// todoTypes is what the tests may name: Todo, Tree (in circles), Alias.
func todoTypes(t testing.TB) *Set {
	t.Helper()
	set, problems := NewSet([]Named{
		{diag.Plain("Todo"), tree.Of(parse(t, `{"type":"object","required":["id","title","status"],
			"properties":{"id":"string","title":"string","status":{"enum":["pending","done"]},"due":"string"}}`))},
		{diag.Plain("Tree"), tree.Of(parse(t, `{"type":"object","properties":{"kids":"list(Tree)","parent":"Alias","n":"integer"}}`))},
		{diag.Plain("Alias"), tree.Of("Tree?")},
		{diag.Plain("Age"), tree.Of(parse(t, `{"type":"integer","minimum":0}`))},
	})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return set
}

func TestCheck(t *testing.T) {
	t.Parallel()
	set := todoTypes(t)
	const todo = `{"id":"a","title":"b","status":"done"}`
	for _, tt := range []struct {
		schema, in string
		want       string // canonical, with the Go type of numbers; "" for: as it was
		err        string
	}{
		{schema: `"list(Todo)"`, in: `[` + todo + `,` + todo + `]`},
		{schema: `"list(Todo)"`, in: `[` + todo + `,{"id":"a","title":"b","status":"dne"}]`,
			err: `k[1].status: must be one of "pending", "done", not "dne"`},
		{schema: `"list(Todo)"`, in: `[{"id":"a","status":"done"}]`, err: `k[0]: must have "title"`},
		{schema: `"list(Todo)"`, in: `{}`, err: `k: must be a list, not an object`},
		{schema: `"Todo"`, in: `{"id":"a","title":"b","status":"done","more":[1]}`},
		{schema: `"Todo"`, in: `{"id":"a","title":"b","status":"done","due":null}`, want: `map[id:a status:done title:b]`},
		{schema: `"Todo"`, in: `{"id":"a","title":null,"status":"done"}`, err: `k.title: must be a string, not null`},
		{schema: `{"properties":{"a":"string"}}`, in: `[1]`},
		{schema: `{"properties":{"a":"string"}}`, in: `"x"`},
		{schema: `{"properties":{"a":"string"}}`, in: `null`},
		{schema: `{"properties":{"a":"integer"}}`, in: `{"a":2.0,"b":3.0}`, want: `map[a:2 b:3]`},
		{schema: `{"properties":{"a":"string"}}`, in: `{"a":1}`, err: `k.a: must be a string, not an integer`},
		{schema: `{"required":["a"]}`, in: `{}`, err: `k: must have "a"`},
		{schema: `{"required":["a"]}`, in: `7`},
		{schema: `{"items":"integer"}`, in: `{"a":1}`},
		{schema: `{"items":"integer"}`, in: `["x"]`, err: `k[0]: must be an integer, not a string`},
		{schema: `"integer"`, in: `"x"`, err: `k: must be an integer, not a string`},
		{schema: `"integer"`, in: `2.0`, want: `int64 2`},
		{schema: `"integer"`, in: `9223372036854775807`},
		{schema: `"integer"`, in: `2.5`, err: `k: must be an integer, not 2.5`},
		{schema: `"integer"`, in: `9223372036854775808`, err: `k: must be an integer within 64 bits, not 9.223372036854776e+18`},
		{schema: `"number"`, in: `3`, want: `float64 3`},
		{schema: `"number"`, in: `9223372036854775808`},
		{schema: `"any"`, in: `2.0`, want: `int64 2`},
		{schema: `"integer?"`, in: `null`},
		{schema: `"integer"`, in: `null`, err: `k: must be an integer, not null`},
		{schema: `"map(integer)"`, in: `{"b":"x","a-1":"y"}`, err: `k["a-1"]: must be an integer, not a string`},
		{schema: `"map(integer)"`, in: `{"a":2.0}`, want: `map[a:2]`},
		{schema: `"Tree"`, in: `{"kids":[{"parent":{"kids":3}}]}`, err: `k.kids[0].parent.kids: must be a list, not an integer`},
		{schema: `"Tree"`, in: `{"parent":null,"kids":[{"n":2.0}]}`, want: `map[kids:[map[n:2]] parent:<nil>]`},
		{schema: `{"type":["object","null"],"properties":{"a":"string"}}`, in: `null`},
		{schema: `{"type":"object","properties":{"a":"string"},"additionalProperties":false}`, in: `{"a":"x","b":1}`, err: `k.b: is not allowed here`},
		{schema: `{"type":"object","patternProperties":{"^n_":"integer"},"additionalProperties":"string"}`, in: `{"n_a":1,"b":2}`, err: `k.b: must be a string, not an integer`},
		{schema: `{"type":"object","patternProperties":{"^n_":"integer"}}`, in: `{"n_a":"x"}`, err: `k.n_a: must be an integer, not a string`},
		{schema: `{"type":"object","propertyNames":{"maxLength":2}}`, in: `{"abc":1}`, err: `k: must not have the key "abc": it does not satisfy maxLength: 2`},
		{schema: `{"type":"list(Todo)","maxItems":1}`, in: `[` + todo + `,` + todo + `]`, err: `k: does not satisfy maxItems: 1`},
		{schema: `{"type":"list(string)","uniqueItems":true}`, in: `["a","a"]`, err: `k: does not satisfy uniqueItems: true`},
		{schema: `{"type":"array","prefixItems":["string","integer"],"items":false}`, in: `["a",2.0,3]`, err: `k[2]: is not allowed here`},
		{schema: `{"type":"array","prefixItems":["string","integer"]}`, in: `["a",2.0,3]`, want: `[a 2 3]`},
		{schema: `{"type":"array","contains":"string","maxContains":1}`, in: `["a",1,"b"]`, err: `k: must hold no more than 1 of string, not 2`},
		{schema: `{"type":"array","contains":"string"}`, in: `[1]`, err: `k: must hold 1 or more of string, not 0`},
		{schema: `{"type":"object","properties":{"a":{"type":"string","pattern":"^x"}}}`, in: `{"a":"y"}`, err: `k.a: does not satisfy pattern: "^x"`},
		{schema: `"list(Age)"`, in: `[3,-1]`, err: `k[1]: does not satisfy minimum: 0`},
		{schema: `"Age?"`, in: `null`},
		{schema: `{"type":"Age","maximum":9}`, in: `10`, err: `k: does not satisfy maximum: 9`},
		{schema: `{"type":"Age","maximum":9}`, in: `-1`, err: `k: does not satisfy minimum: 0`},
		{schema: `{"anyOf":["string","null"]}`, in: `null`},
		{schema: `{"anyOf":["string","integer"]}`, in: `true`, err: `k: must be one of string, integer, not a boolean`},
		{schema: `{"anyOf":["integer","list(integer)"]}`, in: `[1,2.0]`, want: `[1 2]`},
		{schema: `{"anyOf":["integer","list(integer)"]}`, in: `["x"]`, err: `k[0]: must be an integer, not a string`},
		{schema: `{"oneOf":[{"type":"integer","minimum":3},{"type":"integer","maximum":5}]}`, in: `4`, err: `k: must fit only one of integer, integer`},
		{schema: `{"oneOf":[{"type":"integer","minimum":3},{"type":"integer","maximum":5}]}`, in: `6`},
		{schema: `{"type":["string","integer","null"]}`, in: `null`},
		{schema: `{"type":["string","integer"]}`, in: `null`, err: `k: must be one of string, integer, not null`},
		{schema: `{"type":["list(integer)","null"]}`, in: `[2.0]`, want: `[2]`},
		{schema: `{"type":"string?","enum":["a","b"]}`, in: `null`},
		{schema: `{"type":["string","null"],"enum":["a","b"]}`, in: `null`, err: `k: must be one of "a", "b", not null`},
		{schema: `{"enum":["a",null]}`, in: `null`},
		{schema: `{"enum":[1,2.5]}`, in: `1`, want: `float64 1`},
		{schema: `{"const":"a"}`, in: `"b"`, err: `k: must be "a", not "b"`},
		{schema: `{"allOf":["Todo",{"properties":{"n":"number"}}]}`, in: `{"id":"a","title":"b","status":"done","n":2}`, want: `map[id:a n:2 status:done title:b]`},
		{schema: `{"allOf":["Todo",{"properties":{"n":"number"}}]}`, in: `{"id":"a","title":"b"}`, err: `k: must have "status"`},
		{schema: `{"type":"Todo","required":["due"]}`, in: todo, err: `k: must have "due"`},
		{schema: `{"type":"object","if":{"properties":{"a":{"const":1}},"required":["a"]},"then":{"required":["x"]},"else":{"required":["y"]}}`,
			in: `{"a":1}`, err: `k: must have "x"`},
		{schema: `{"type":"object","if":{"properties":{"a":{"const":1}},"required":["a"]},"then":{"required":["x"]},"else":{"required":["y"]}}`,
			in: `{"a":2}`, err: `k: must have "y"`},
		{schema: `{"type":"object","dependentRequired":{"a":["b"]}}`, in: `{"a":1}`, err: `k: does not satisfy dependentRequired: {"a":["b"]}`},
		{schema: `{"type":"object","dependentSchemas":{"a":{"required":["b"]}}}`, in: `{"a":1}`, err: `k: must have "b"`},
		{schema: `{"not":{"type":"null"}}`, in: `null`, err: `k: must be a value, not null`},
		{schema: `{"not":{"type":"string"}}`, in: `"x"`, err: `k: must not be what "not" describes`},
		{schema: `{"$ref":"#/types/Todo"}`, in: `{}`, err: `k: must have "id"`},
		{schema: `{"$ref":"#/$defs/N","$defs":{"N":{"type":"object","properties":{"next":{"$ref":"#/$defs/N"}}}}}`, in: `{"next":{"next":3}}`,
			err: `k.next.next: must be an object, not an integer`},
		{schema: `{"type":"string","title":"x","description":"y","format":"any-other","default":"a","examples":[],"deprecated":true,"$comment":"c"}`, in: `"x"`},
	} {
		typ, problems := set.Compile(tree.Of(parse(t, tt.schema)))
		if err := problems.Err(); err != nil {
			t.Errorf("%s: %v", tt.schema, err)
			continue
		}
		in := parse(t, tt.in)
		got, err := typ.Check("k", in)
		if text := errText(err); text != tt.err {
			t.Errorf("%s of %s: error %q, want %q", tt.in, tt.schema, text, tt.err)
		}
		if tt.err != "" {
			continue
		}
		want := tt.want
		if want == "" {
			want = shown(in)
		}
		if shown(got) != want {
			t.Errorf("%s of %s: got %s, want %s", tt.in, tt.schema, shown(got), want)
		}
		stored, err := value.Decode(value.Append(nil, got))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := typ.Check("k", stored); err != nil || !cmp.Equal(again, got) {
			t.Errorf("%s of %s: out of a store it is %s, %v", tt.in, tt.schema, shown(again), err)
		}
	}
}

func shown(v any) string {
	switch v.(type) {
	case int64, float64:
		return fmt.Sprintf("%T %v", v, v)
	}
	return fmt.Sprint(v)
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestProblems(t *testing.T) {
	t.Parallel()
	set := todoTypes(t)
	for _, tt := range []struct{ schema, code, message, help string }{
		{`"list(Tod)"`, "unknown-type", `unknown type "Tod"`, `did you mean "Todo"?`},
		{`"strng"`, "unknown-type", `unknown type "strng"`, `did you mean "string"?`},
		{`"list"`, "unknown-type", `unknown type "list"`, `the element type is missing: list(string)`},
		{`"set(string)"`, "wrong-type", `"set(string)" is not a type: expected list(T) or map(T)`, shortHelp},
		{`"list(Todo"`, "wrong-type", `"list(Todo" is not a type: expected ")"`, shortHelp},
		{`"Todo Todo"`, "wrong-type", `"Todo Todo" is not a type: expected the end`, shortHelp},
		{`3`, "wrong-type", `a type must be a string or a mapping, not 3`, ``},
		{`{"type":3}`, "wrong-type", `"type" must be a string or a list of strings, not 3`, ``},
		{`{"type":["string",null]}`, "wrong-type", `"type" must hold names of types, not null`, `write "null", in quotes`},
		{`{"minLenght":3}`, "unknown-field", `unknown keyword "minLenght" of a type`, `did you mean "minLength"?`},
		{`{"properties":{"a":{"requird":[]}}}`, "unknown-field", `unknown keyword "requird" of a type`, `did you mean "required"?`},
		{`{"minLength":-1}`, "wrong-type", `"minLength" must be an integer, 0 or more, not -1`, ``},
		{`{"required":"id"}`, "wrong-type", `"required" must be a list of strings, not "id"`, ``},
		{`{"items":3}`, "wrong-type", `a type must be a string or a mapping, not 3`, ``},
		{`{"enum":[]}`, "wrong-type", `"enum" must be a list with at least one value, not a list`, ``},
		{`{"type":"string","enum":["a",1]}`, "wrong-type", `1 is not of type "string"`, ``},
		{`{"pattern":"("}`, "wrong-type", "\"pattern\" must be a regular expression of Go (RE2; error parsing regexp: missing closing ): `(`), not \"(\"", ``},
		{`{"$ref":"https://x"}`, "wrong-type", `"$ref" must be "#/types/NAME", "#/$defs/NAME" or "FILE#/NAME", not "https://x"`, ``},
		{`{"$ref":"#/types/Tod"}`, "unknown-type", `unknown type "Tod"`, `did you mean "Todo"?`},
		{`{"$dynamicRef":"#a"}`, "wrong-type", `keyword "$dynamicRef" of JSON Schema is not supported here`, ``},
	} {
		typ, problems := set.Compile(tree.Of(parse(t, tt.schema)))
		want := diag.List{{Code: diag.Code(tt.code), Message: tt.message, Help: tt.help}}
		if diff := cmp.Diff(want, problems); diff != "" {
			t.Errorf("%s:\n%s", tt.schema, diff)
		}
		if typ == nil {
			t.Errorf("%s: no type", tt.schema)
		}
	}
}

const shortHelp = `a type is string, integer, number, boolean, object, any, a name from "types", list(T), map(T) or T?`

func TestProblemPointsIntoTheShortSpelling(t *testing.T) {
	t.Parallel()
	at := func(from, to int) diag.Span {
		return diag.Span{File: "f", Start: diag.Pos{Line: 3, Col: from}, End: diag.Pos{Line: 3, Col: to}}
	}
	text := diag.Placed("map(list(Tod)?)", at(10, 25), diag.Pos{Line: 3, Col: 10})
	_, problems := todoTypes(t).Compile(&tree.Node{Kind: tree.String, Text: text, Span: text.Span})
	if len(problems) != 1 || problems[0].Span != at(19, 22) {
		t.Errorf("got %v, want one problem at columns 19 to 22", problems)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		in   map[string]string
		want []string // code and message
	}{
		{"alias", map[string]string{"A": `"B"`, "B": `"string"`}, nil},
		{"circle through a list", map[string]string{"A": `"list(B)"`, "B": `"A?"`}, nil},
		{"circle through a property", map[string]string{"A": `{"allOf":["B"]}`, "B": `{"properties":{"a":"A"}}`}, nil},
		{"itself", map[string]string{"A": `"A?"`}, []string{`recursion: type "A" is defined by itself`}},
		{"each other", map[string]string{"A": `"B"`, "B": `{"anyOf":["string","A"]}`}, []string{`recursion: type "A" is defined by itself`}},
		{"built-in", map[string]string{"list": `"string"`}, []string{`bad-name: type name "list" stands for a built-in type`}},
		{"form", map[string]string{"a-b": `"string"`}, []string{`bad-name: type name "a-b" must be letters, digits and "_", and not begin with a digit`}},
	} {
		var named []Named
		for _, k := range []string{"A", "B", "list", "a-b"} {
			if s, ok := tt.in[k]; ok {
				named = append(named, Named{diag.Plain(k), tree.Of(parse(t, s))})
			}
		}
		_, problems := NewSet(named)
		var got []string
		for _, p := range problems {
			got = append(got, string(p.Code)+": "+p.Message)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestStringAndZero(t *testing.T) {
	t.Parallel()
	set := todoTypes(t)
	for _, tt := range []struct{ schema, text, zero string }{
		{`"list(Todo)"`, "list(Todo)", "[]"},
		{`"integer?"`, "integer?", "null"},
		{`"number"`, "number", "0"},
		{`"boolean"`, "boolean", "false"},
		{`"string"`, "string", `""`},
		{`"any"`, "any", "null"},
		{`"Todo"`, "Todo", "none"},
		{`"Todo?"`, "Todo?", "null"},
		{`"map(list(any))?"`, "map(list(any))?", "null"},
		{`{"enum":["pending","done"]}`, `"pending"|"done"`, `"pending"`},
		{`{"enum":["pending","done",null]}`, `("pending"|"done")?`, "null"},
		{`{"type":["object","null"],"properties":{"a":"string"}}`, "object?", "null"},
		{`{"type":"object","properties":{"a":"string"}}`, "object", "{}"},
		{`{"properties":{"a":"string"}}`, "any", "null"},
		{`{"allOf":[{"properties":{"a":"string"}}]}`, "any", "null"},
		{`{"items":"string"}`, "any", "null"},
		{`{"allOf":["Todo"],"properties":{"a":"string"}}`, "object", "none"},
		{`{"type":"string","minLength":1}`, "string", "none"},
		{`{"type":"integer","minimum":1}`, "integer", "none"},
		{`{"type":"list(Todo)","minItems":1}`, "list(Todo)", "none"},
	} {
		typ, problems := set.Compile(tree.Of(parse(t, tt.schema)))
		if err := problems.Err(); err != nil {
			t.Errorf("%s: %v", tt.schema, err)
		}
		zero := "none"
		if v, ok := typ.Zero(); ok {
			zero = value.String(v)
		}
		if typ.String() != tt.text || zero != tt.zero {
			t.Errorf("%s is %s with zero %s, want %s, %s", tt.schema, typ, zero, tt.text, tt.zero)
		}
	}
}

// TestSeenByExpressions: T or null is T to expressions, however it is written,
// and patterns say what an undeclared property may be.
func TestSeenByExpressions(t *testing.T) {
	t.Parallel()
	set := todoTypes(t)
	for _, tt := range []struct{ schema, want string }{
		{`{"anyOf":["Todo","null"]}`, "object? due id status title"},
		{`{"oneOf":[{"type":"null"},{"$ref":"#/types/Todo"}]}`, "object? due id status title"},
		{`{"anyOf":["Tree","null"]}`, "object? kids n parent"},
		{`{"anyOf":["list(Todo)","null"]}`, "list(Todo)?"},
		{`{"anyOf":[{"enum":["a","b"]},"null"]}`, `("a"|"b")?`},
		{`{"anyOf":["Todo","Tree","null"]}`, "any"},
		{`{"anyOf":["Todo"],"properties":{"more":"string"}}`, "object more due id status title"},
		{`{"type":"object","patternProperties":{"^n_":"integer","^x_":"number"},"additionalProperties":false}`, "map(number)"},
		{`{"type":"object","patternProperties":{"^n_":"integer"},"additionalProperties":"string"}`, "map(any)"},
		{`{"type":"object","patternProperties":{"^n_":"integer"}}`, "map(any)"},
	} {
		typ, problems := set.Compile(tree.Of(parse(t, tt.schema)))
		if err := problems.Err(); err != nil {
			t.Errorf("%s: %v", tt.schema, err)
		}
		got := typ.String()
		for _, p := range typ.Props {
			got += " " + p.Name
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.schema, got, tt.want)
		}
	}
}

func thousand(t testing.TB) []any {
	out := make([]any, 1000)
	for i := range out {
		out[i] = parse(t, fmt.Sprintf(`{"id":"t-%d","title":"Write the tests","status":"pending","due":"tomorrow"}`, i))
	}
	return out
}

func TestCheckCopiesNothingThatFits(t *testing.T) {
	list := thousand(t)
	typ, _ := todoTypes(t).Compile(tree.Of("list(Todo)"))
	var in any = list
	if n := testing.AllocsPerRun(10, func() {
		if _, err := typ.Check("todos", in); err != nil {
			t.Fatal(err)
		}
	}); n > 2 {
		t.Errorf("checking a list that fits allocates %v times", n)
	}
	got, _ := typ.Check("todos", in)
	if &got.([]any)[0] != &list[0] {
		t.Error("a list that fits was copied")
	}
}

func TestCheckLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	typ, _ := todoTypes(t).Compile(tree.Of("list(Tree)"))
	in := parse(t, `[{"n":1},{"n":2.0,"parent":{"n":3.0}}]`)
	got, err := typ.Check("", in)
	if err != nil || shown(got) != "[map[n:1] map[n:2 parent:map[n:3]]]" {
		t.Fatal(got, err)
	}
	if diff := cmp.Diff(parse(t, `[{"n":1},{"n":2.0,"parent":{"n":3.0}}]`), in); diff != "" {
		t.Error(diff)
	}
}

func TestCheckTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	for _, tt := range []struct {
		typ  *Type
		in   any
		want any
		err  string
	}{
		{StringType, at, "2026-01-02T03:04:05.0000006Z", ""},
		{AnyType, map[string]any{"a": []any{at}}, map[string]any{"a": []any{"2026-01-02T03:04:05.0000006Z"}}, ""},
		{StringType, 90 * time.Second, "1m30s", ""},
		{TimeType, at, at, ""},
		{IntegerType, at, nil, "must be an integer, not a time"},
		{NumberType, math.NaN(), nil, "must be a finite number, not NaN"},
		{AnyType, []any{math.Inf(1)}, nil, "[0]: must be a finite number, not +Inf"},
		{AnyType, 3, nil, "must be a JSON value, not a Go int"},
	} {
		got, err := tt.typ.Check("", tt.in)
		if diff := cmp.Diff(tt.want, got); diff != "" || errText(err) != tt.err {
			t.Errorf("%v as %s: error %q, want %q\n%s", tt.in, tt.typ, errText(err), tt.err, diff)
		}
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	nested := func(n int) any {
		var v any = "x"
		for range n {
			v = []any{v}
		}
		return v
	}
	if _, err := AnyType.Check("", nested(value.MaxDepth)); err != nil {
		t.Error(err)
	}
	if _, err := AnyType.Check("", nested(value.MaxDepth+1)); err == nil {
		t.Error("a value that is too deep fits")
	}
	deep := "string"
	for range 200 {
		deep = "list(" + deep + ")"
	}
	if _, problems := (&Set{}).Compile(tree.Of(deep)); len(problems) != 1 || problems[0].Code != diag.TooLarge {
		t.Errorf("a type that is too deep gave %v", problems)
	}
}

func TestCheckTail(t *testing.T) {
	t.Parallel()
	typ, _ := todoTypes(t).Compile(tree.Of(parse(t, `{"type":"list(integer)","maxItems":3}`)))
	if _, err := typ.CheckTail("k", []any{"not looked at", int64(1)}, 1); err != nil {
		t.Error(err)
	}
	if _, err := typ.CheckTail("k", []any{"not looked at", "x"}, 1); errText(err) != "k[1]: must be an integer, not a string" {
		t.Error(err)
	}
	if _, err := typ.CheckTail("k", []any{int64(1), int64(1), int64(1), int64(1)}, 4); errText(err) != "k: does not satisfy maxItems: 3" {
		t.Error(err)
	}
}

func BenchmarkCheck(b *testing.B) {
	typ, _ := todoTypes(b).Compile(tree.Of("list(Todo)"))
	var in any = thousand(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := typ.Check("todos", in); err != nil {
			b.Fatal(err)
		}
	}
}
