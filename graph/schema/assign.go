package schema

import (
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/graph/value"
)

// NothingType is the type of the elements of an empty list literal: joined
// with any other type it gives that type.
var NothingType = &Type{Kind: Any}

// assignDepth bounds the comparison of recursive types: what agrees that far
// is taken to agree.
const assignDepth = 12

// Misfit says why values of one type cannot be written to a place of another type.
type Misfit struct {
	Path string // of the part that does not fit, as in `[].due`; "" for the whole
	To   *Type
	From *Type
	Null bool   // it would fit if it could not be null
	Lack string // the required property that is missing, "" for other reasons
}

func (m *Misfit) Error() string {
	at := ""
	if m.Path != "" {
		at = fmt.Sprintf("%q: ", m.Path)
	}
	switch {
	case m.Lack != "":
		return fmt.Sprintf("%sthe property %q of %s is missing", at, m.Lack, m.To)
	case m.Null && m.From.Kind == Null:
		return fmt.Sprintf("%snull does not fit %s", at, m.To)
	case m.Null:
		return fmt.Sprintf("%s%s may be null, %s is needed", at, m.From, m.To)
	}
	return fmt.Sprintf("%s%s does not fit %s", at, m.From, m.To)
}

// Assign checks whether a value of type from may be written to a place of type to.
// It returns nil if it may. It refuses types that do not fit for any value, or for a
// null that from allows. Whatever depends on the value (any to a string, a number to
// an integer, a string to an enum) is checked when the value is there.
func Assign(to, from *Type) *Misfit {
	a := assigner{}
	return a.assign(to, from, "", 0)
}

// pair is two types, told apart by what their declarations share: types that
// point at each other meet in few pairs and on very many paths.
type pair struct {
	a, b  identity
	depth int
}

type identity struct {
	kind       Kind
	nullable   bool
	name       string
	elem, rest *Type
	props      *Prop
	enum       *any
}

func (t *Type) identity() identity {
	id := identity{kind: t.Kind, nullable: t.Nullable, name: t.Name, elem: t.Elem, rest: t.Rest}
	if len(t.Props) > 0 {
		id.props = &t.Props[0]
	}
	if len(t.Enum) > 0 {
		id.enum = &t.Enum[0]
	}
	return id
}

// assigner remembers the pairs of objects that agree.
type assigner struct{ agreed map[pair]bool }

func (c *assigner) assign(to, from *Type, path string, depth int) *Misfit {
	if to == from || to.Kind == Any && to.Enum == nil && to.Nullable || depth > assignDepth {
		return nil
	}
	if from.Kind == Any {
		return nil
	}
	wrong := &Misfit{Path: path, To: to, From: from}
	if from.Kind == Null {
		if to.Nullable {
			return nil
		}
		wrong.Null = true
		return wrong
	}
	if !sameKind(to.Kind, from.Kind) && to.Kind != Any || disjoint(to, from) {
		return wrong
	}
	if from.Nullable && !to.Nullable {
		wrong.Null = true
		return wrong
	}
	switch to.Kind {
	case List:
		return c.assign(to.Elem, from.Elem, path+"[]", depth+1)
	case Object:
		p := pair{to.identity(), from.identity(), depth}
		if c.agreed[p] {
			return nil
		}
		m := c.assignProps(to, from, path, depth)
		if m == nil {
			if c.agreed == nil {
				c.agreed = map[pair]bool{}
			}
			c.agreed[p] = true
		}
		return m
	}
	return nil
}

// sameKind also lets moments and durations into strings: they are stored as text.
func sameKind(to, from Kind) bool {
	return to == from ||
		(to == Number || to == Integer) && (from == Number || from == Integer) ||
		to == String && (from == Time || from == Duration)
}

// disjoint reports whether two enums have no value in common.
func disjoint(a, b *Type) bool {
	if a.Enum == nil || b.Enum == nil {
		return false
	}
	return !slices.ContainsFunc(a.Enum, wordsOf(b))
}

// wordsOf is t.Has for many values: beyond a few words they are looked up.
func wordsOf(t *Type) func(any) bool {
	if len(t.Enum) < 32 {
		return t.Has
	}
	words := make(map[string]bool, len(t.Enum))
	for _, w := range t.Enum {
		words[value.String(w)] = true // 2.0 is written as 2
	}
	return func(v any) bool { return words[value.String(v)] }
}

// Has reports whether v is one of the values of the enum. It returns true if t is
// not an enum.
func (t *Type) Has(v any) bool {
	for _, w := range t.Enum { // a closure would cost an allocation for each value that is checked
		if value.Equal(v, w) {
			return true
		}
	}
	return t.Enum == nil
}

func (c *assigner) assignProps(to, from *Type, path string, depth int) *Misfit {
	for _, p := range to.Props {
		have, ok := from.Prop(p.Name)
		if !ok {
			if p.Required && from.Rest == nil {
				return &Misfit{Path: path, To: to, From: from, Lack: p.Name}
			}
			continue
		}
		t, f := p.Type, have.Type
		if !p.Required {
			t, f = t.OrNull(), f.OrNull() // absent on both sides is fine
		} else if !have.Required {
			f = f.OrNull()
		}
		if m := c.assign(t, f, join(path, p.Name), depth+1); m != nil {
			return m
		}
	}
	if to.Rest == nil || from.Rest == nil && len(from.Props) == 0 {
		return nil
	}
	for _, p := range from.Props {
		if _, ok := to.Prop(p.Name); !ok {
			if m := c.assign(to.Rest, p.Type, join(path, p.Name), depth+1); m != nil {
				return m
			}
		}
	}
	if from.Rest != nil {
		return c.assign(to.Rest, from.Rest, path+"[]", depth+1)
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// Join returns the type of a value that has one of two types, Any if nothing more is
// known.
func Join(a, b *Type) *Type {
	j := joiner{}
	return j.join(a, b, 0)
}

// joiner remembers what pairs of objects came to.
type joiner struct{ joined map[pair]*Type }

func (j *joiner) join(a, b *Type, depth int) *Type {
	switch {
	case a == b || b == NothingType:
		return a
	case a == NothingType:
		return b
	case a.Kind == Null:
		return b.OrNull()
	case b.Kind == Null:
		return a.OrNull()
	case a.Kind == Any || b.Kind == Any || depth > assignDepth:
		return anyOf(a, b)
	}
	if a.Nullable || b.Nullable {
		a0, b0 := a.NonNull(), b.NonNull()
		if sameBut(a0, b0) {
			return a.OrNull()
		}
		return j.join(a0, b0, depth+1).OrNull()
	}
	if a.Kind != b.Kind {
		if sameKind(a.Kind, b.Kind) && sameKind(b.Kind, a.Kind) {
			return NumberType
		}
		return anyOf(a, b)
	}
	switch a.Kind {
	case List:
		return ListOf(j.join(a.Elem, b.Elem, depth+1))
	case Object:
		return j.objects(a, b, depth)
	}
	if a.Enum == nil || b.Enum == nil {
		return &Type{Kind: a.Kind}
	}
	both, has := slices.Clone(a.Enum), wordsOf(a)
	for _, v := range b.Enum {
		if !has(v) {
			both = append(both, v)
		}
	}
	return &Type{Kind: a.Kind, Enum: both}
}

// anyOf is a union about which only the nullness is known.
func anyOf(a, b *Type) *Type {
	if a.Nullable || b.Nullable {
		return AnyType
	}
	return &Type{Kind: Any}
}

// sameBut reports whether two types are one declaration, which copies with and
// without null share.
func sameBut(a, b *Type) bool {
	return a.Kind == b.Kind && a.Name == b.Name && a.Elem == b.Elem && a.Rest == b.Rest &&
		len(a.Props) == len(b.Props) && (len(a.Props) == 0 || &a.Props[0] == &b.Props[0]) &&
		len(a.Enum) == len(b.Enum) && (len(a.Enum) == 0 || &a.Enum[0] == &b.Enum[0])
}

func (j *joiner) objects(a, b *Type, depth int) *Type {
	if sameBut(a, b) {
		return a
	}
	key := pair{a.identity(), b.identity(), depth}
	if t := j.joined[key]; t != nil {
		return t
	}
	out := &Type{Kind: Object}
	for _, p := range a.Props {
		q, ok := b.Prop(p.Name)
		if ok {
			p.Type = j.join(p.Type, q.Type, depth+1)
		}
		p.Required = p.Required && ok && q.Required
		out.Props = append(out.Props, p)
	}
	for _, q := range b.Props {
		if _, ok := a.Prop(q.Name); !ok {
			q.Required = false
			out.Props = append(out.Props, q)
		}
	}
	switch {
	case a.Rest != nil && b.Rest != nil:
		out.Rest = j.join(a.Rest, b.Rest, depth+1)
	case a.Rest != nil:
		out.Rest = a.Rest
	default:
		out.Rest = b.Rest
	}
	if j.joined == nil {
		j.joined = map[pair]*Type{}
	}
	j.joined[key] = out
	return out
}

// Comparable reports whether values of two types can be equal. null can be compared
// with every type.
func Comparable(a, b *Type) bool { return comparable(a, b, 0) }

func comparable(a, b *Type, depth int) bool {
	if a.Kind == Any || b.Kind == Any || a.Kind == Null || b.Kind == Null || depth > assignDepth {
		return true
	}
	if a.Kind != b.Kind {
		return sameKind(a.Kind, b.Kind) && sameKind(b.Kind, a.Kind)
	}
	if a.Kind == List {
		return comparable(a.Elem, b.Elem, depth+1)
	}
	return true
}
