package graph

import (
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
)

var reducerNames = []string{"replace", "last", "append", "merge", "deep_merge", "sum", "min", "max", "union", "upsert"}

// Reducers lists the names of the reducers.
func Reducers() []string { return slices.Clone(reducerNames) }

// compileReducer checks a key's reducer and `keep` against the key's type.
// writes is the type that a value written to the key must have: the key's own
// for replace, last and an expression; for the others what they can join to it,
// or null, which adds nothing. scope gives the names of an expression reducer.
// With a problem the reducer is `last`, so that the rest can be checked: whether
// two writers are in conflict depends on what was meant.
func compileReducer(def *KeyDef, t *schema.Type, scope func(old, new *schema.Type) *cond.Scope, problems *diag.List) (r Reducer, writes *schema.Type) {
	checkKeep(def, t, problems)
	if def.Reduce.Expr.Value != "" {
		p, found := cond.Compile(def.Reduce.Expr, scope(t, t), cond.Want{Type: t})
		*problems = append(*problems, found...)
		if p == nil {
			return Reducer{Name: "last"}, t
		}
		return Reducer{Name: "expr", Expr: p}, t
	}
	c := reducerCompiler{def: def, t: t, problems: problems}
	name, arg, ok := c.parse()
	if !ok || !c.fits(name, arg) {
		return Reducer{Name: "last"}, t
	}
	r = Reducer{Name: name, Arg: arg.Value, Merge: c.merge}
	return r, writeType(r, t)
}

func checkKeep(def *KeyDef, t *schema.Type, problems *diag.List) {
	switch {
	case def.Keep == 0:
	case def.Keep < 0:
		problems.Add(diag.BadReducer, def.KeepAt, "", "\"keep\" must be 1 or more, not %d", def.Keep)
	case t.Kind != schema.List:
		problems.Add(diag.BadReducer, def.KeepAt, "", "\"keep\" is for lists, and %q is of type %q", def.Name.Value, t)
	}
}

type reducerCompiler struct {
	def      *KeyDef
	t        *schema.Type
	problems *diag.List
	merge    bool // upsert(KEY, merge)
}

func (c *reducerCompiler) bad(at diag.Span, help, format string, args ...any) bool {
	c.problems.Add(diag.BadReducer, at, help, format, args...)
	return false
}

// parse splits `upsert(id)`; arg is the zero Text where there are no
// parentheses.
func (c *reducerCompiler) parse() (name string, arg diag.Text, ok bool) {
	text := c.def.Reduce.Name
	s := text.Value
	if s == "" {
		return "replace", arg, true
	}
	open := strings.IndexByte(s, '(')
	if open >= 0 {
		end := strings.TrimRight(s, " ")
		if !strings.HasSuffix(end, ")") {
			return "", arg, c.bad(text.Sub(len(s), len(s)), "", "reducer %.60q lacks its closing \")\"", s)
		}
		arg = trimmed(text.Cut(open+1, len(end)-1))
		if comma := strings.IndexByte(arg.Value, ','); comma >= 0 {
			if how := trimmed(arg.Cut(comma+1, len(arg.Value))); how.Value != "merge" {
				return "", arg, c.bad(how.Sub(0, len(how.Value)), "write upsert(id, merge)", "upsert cannot %q", how.Value)
			}
			c.merge, arg = true, trimmed(arg.Cut(0, comma))
		}
	}
	word := s
	if open >= 0 {
		word = s[:open]
	}
	name = strings.TrimSpace(word)
	from := strings.Index(s, name)
	at := text.Sub(from, from+len(name))
	switch {
	case !slices.Contains(reducerNames, name):
		return "", arg, c.bad(at, diag.Suggest(name, reducerNames), "unknown reducer %.60q", name)
	case name == "upsert" && arg.Value == "":
		return "", arg, c.bad(at, "write upsert(id), with the field that identifies an element", "reducer \"upsert\" needs a field")
	case name != "upsert" && open >= 0:
		return "", arg, c.bad(text.Sub(open, len(s)), "", "reducer %q takes no argument", name)
	}
	return name, arg, true
}

func trimmed(t diag.Text) diag.Text {
	left := len(t.Value) - len(strings.TrimLeft(t.Value, " "))
	right := len(strings.TrimRight(t.Value, " "))
	return t.Cut(left, max(left, right))
}

// fits reports whether the reducer can work on the key's type.
func (c *reducerCompiler) fits(name string, arg diag.Text) bool {
	is := func(kinds ...schema.Kind) bool { return slices.Contains(kinds, c.t.Kind) }
	text := c.def.Reduce.Name
	at := text.Sub(0, len(text.Value))
	need := ""
	switch name {
	case "append", "union", "upsert":
		if !is(schema.List) {
			need = "a list"
		}
	case "merge", "deep_merge":
		if !is(schema.Object) {
			need = "an object"
		}
	case "sum":
		if !is(schema.Integer, schema.Number) {
			need = "an integer or a number"
		}
	case "min", "max":
		if !is(schema.Integer, schema.Number, schema.String) {
			need = "an integer, a number or a string"
		}
	}
	if need != "" {
		return c.bad(at, "", "reducer %q needs %s, and %q is of type %q", name, need, c.def.Name.Value, c.t)
	}
	if name != "upsert" {
		return true
	}
	elem := c.t.Elem
	if elem.Kind != schema.Object {
		if elem.Kind == schema.Any {
			return true
		}
		return c.bad(at, "", "reducer \"upsert\" needs a list of objects, and %q is of type %q", c.def.Name.Value, c.t)
	}
	if _, ok := elem.Prop(arg.Value); ok || elem.Rest != nil {
		return true
	}
	var names []string
	for _, p := range elem.Props {
		names = append(names, p.Name)
	}
	return c.bad(arg.Sub(0, len(arg.Value)), diag.Suggest(arg.Value, names), "elements of %q have no field %q", c.def.Name.Value, arg.Value)
}

// writeType is the type of what may be written through a reducer.
func writeType(r Reducer, t *schema.Type) *schema.Type {
	switch r.Name {
	case "upsert":
		if r.Merge && t.Elem.Kind == schema.Object {
			return schema.ListOf(partial(t.Elem, false, nil)).OrNull()
		}
		fallthrough
	case "append", "union":
		return schema.ListOf(t.Elem).OrNull()
	case "merge":
		return partial(t, false, nil).OrNull()
	case "deep_merge":
		return partial(t, true, map[*schema.Type]*schema.Type{}).OrNull()
	case "sum":
		// A summand need not obey the bounds of the sum.
		return (&schema.Type{Kind: t.Kind}).OrNull()
	case "min", "max":
		return t.OrNull()
	}
	return t
}

// partial is the object t without required properties, with deep also in the objects
// inside; seen breaks the circles of recursive types.
func partial(t *schema.Type, deep bool, seen map[*schema.Type]*schema.Type) *schema.Type {
	if p := seen[t]; p != nil {
		return p
	}
	p := &schema.Type{Kind: schema.Object, Nullable: t.Nullable, Rest: t.Rest, Props: slices.Clone(t.Props)}
	if deep {
		seen[t] = p
	}
	for i := range p.Props {
		prop := &p.Props[i]
		prop.Required = false
		if deep && prop.Type.Kind == schema.Object {
			prop.Type = partial(prop.Type, true, seen)
		}
	}
	return p
}
