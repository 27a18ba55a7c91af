package cond

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// described is a type in one line, with the properties of objects.
func described(t *schema.Type) string {
	null := ""
	if t.Nullable && t.Kind != schema.Any && t.Kind != schema.Null {
		null = "?"
	}
	switch {
	case t.Kind == schema.List:
		return "[" + described(t.Elem) + "]" + null
	case t.Kind == schema.Object && len(t.Props) > 0:
		s := "{"
		for i, p := range t.Props {
			if i > 0 {
				s += " "
			}
			s += p.Name + ":" + described(p.Type)
		}
		return s + "}" + null
	}
	return t.Kind.String() + null
}

// Demand reads off expressions what they ask of a value.
func TestDemand(t *testing.T) {
	t.Parallel()
	todo := schema.ObjectOf(schema.Prop{Name: "id", Type: schema.StringType, Required: true}, schema.Prop{Name: "n", Type: schema.IntegerType})
	scope := NewScope(Name{Name: "output", Type: schema.AnyType, Slot: 0}, Name{Name: "state", Type: schema.ObjectOf(
		schema.Prop{Name: "known", Type: schema.ListOf(schema.StringType), Required: true},
		schema.Prop{Name: "todos", Type: schema.ListOf(todo), Required: true}), Slot: 1})
	for text, c := range map[string]struct {
		want *schema.Type
		is   string
	}{
		`output`:                                    {schema.StringType, "string"},
		`output.todos`:                              {schema.ListOf(todo), "{todos:[{id:string n:integer}]}"},
		`output.a.b`:                                {schema.BooleanType, "{a:{b:boolean}}"},
		`output[0]`:                                 {schema.IntegerType, "[integer]"},
		`output?.x`:                                 {schema.IntegerType, "{x:integer}?"},
		`output ?? "x"`:                             {schema.StringType, "string?"},
		`len(output.list) == 0`:                     {schema.BooleanType, "{list:[any]}"},
		`output.n + 1`:                              {schema.IntegerType, "{n:integer}"},
		`output.n / 2`:                              {schema.NumberType, "{n:number}"},
		`-output.n`:                                 {schema.NumberType, "{n:number}"},
		`not output.ok`:                             {schema.BooleanType, "{ok:boolean}"},
		`output.ok && output.n > 2`:                 {schema.BooleanType, "{ok:boolean n:integer}"},
		`output.a < output.b`:                       {schema.BooleanType, "{a:number b:number}"},
		`output.kind == "x"`:                        {schema.BooleanType, "{kind:string}"},
		`output.kind in ["x", "y"]`:                 {schema.BooleanType, "{kind:string}"},
		`"x" in output.kinds`:                       {schema.BooleanType, "{kinds:[any]}"},
		`output.text contains "x"`:                  {schema.BooleanType, "{text:string}"},
		`output.ok ? output.a : "b"`:                {schema.StringType, "{ok:boolean a:string}"},
		`trim(output.text)`:                         {schema.StringType, "{text:string}"},
		`join(output.parts, ",")`:                   {schema.StringType, "{parts:[string]}"},
		`keys(output.map)`:                          {schema.ListOf(schema.StringType), "{map:object}"},
		`{"id": output.id, "n": 1}`:                 {todo, "{id:string}"},
		`[output.id]`:                               {schema.ListOf(schema.StringType), "{id:string}"},
		`first(output.all).id`:                      {schema.StringType, "{all:[{id:string}]}"},
		`find(output.all, .ok).id`:                  {schema.StringType, "{all:[{id:string ok:boolean}]}"},
		`sum(output.all, .n)`:                       {schema.NumberType, "{all:[{n:number}]}"},
		`sum(output.all)`:                           {schema.NumberType, "{all:[number]}"},
		`1..output.n`:                               {schema.ListOf(schema.IntegerType), "{n:integer}"},
		`output.all[1:2]`:                           {schema.ListOf(schema.StringType), "{all:[string]}"},
		`reverse(output)`:                           {schema.ListOf(schema.StringType), "[string]"},
		`groupBy(output, .k)`:                       {nil, "[{k:string}]"},
		`let x = output.a; x.b`:                     {schema.StringType, "{a:{b:string}}"},
		`output.a.x == output.b[0] * 2`:             {schema.BooleanType, "{a:{x:any} b:[number]}"},
		`map(output.problems, {"id": .id, "n": 1})`: {schema.ListOf(todo), "{problems:[{id:string}]}"},
		`map(output.a, map(#.b, #.c))`:              {schema.ListOf(schema.ListOf(schema.StringType)), "{a:[{b:[{c:string}]}]}"},
		`let known = state.known; filter(output, not (# in known))`: {schema.ListOf(schema.StringType), "[string]"},
		`filter(output.all, .done == true && any(.tags, # == "x"))`: {nil, "{all:[{done:boolean tags:[string]}]}"},
		`map(state.todos, .id)`:                       {schema.ListOf(schema.StringType), "any"},
		`all(state.todos, any(output.ids, # == "a"))`: {schema.BooleanType, "{ids:[string]}"},
	} {
		d := NewDemand("output")
		p, problems := Compile(diag.Plain(text), scope, Want{})
		if p == nil {
			t.Errorf("%s: %v", text, problems)
			continue
		}
		d.AddFor(p, c.want)
		if got := described(d.Type()); got != c.is {
			t.Errorf("%s asks for %s, expected %s", text, got, c.is)
		}
	}
}

// Several programs ask for one value, and declared lists keep what they say of themselves.
func TestDemandOfSeveral(t *testing.T) {
	t.Parallel()
	scope := NewScope(Name{Name: "output", Type: schema.AnyType, Slot: 0})
	d := NewDemand("output")
	for _, text := range []string{`output.n > 1`, `len(output.list) > 0`} {
		p, problems := Compile(diag.Plain(text), scope, Want{Condition: true})
		if p == nil {
			t.Fatal(problems)
		}
		d.Add(p)
	}
	p, _ := Compile(diag.Plain(`output.list`), scope, Want{})
	d.AddFor(p, schema.ListOf(schema.StringType))
	if got := described(d.Type()); got != "{n:integer list:[string]}" {
		t.Error(got)
	}
}

// Constants are those that decide, each once.
func TestConstants(t *testing.T) {
	t.Parallel()
	var c Constants
	for _, text := range []string{
		`state.kind == "a" && state.n >= 3 || state.x["key"] == "a"`,
		`{"name": "b"}.name == state.list[7] ? 0.5 : 3`,
		`state.text matches "^[a-z]+$"`,
		`this is no expression`,
	} {
		c.Add(diag.Plain(text))
	}
	want := Constants{Texts: []string{"a", "b"}, Patterns: []string{"^[a-z]+$"}, Integers: []int64{3, 7}, Numbers: []float64{0.5}}
	if d := cmp.Diff(want, c); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
