package schema

import (
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// build completes t from a draft whose members are complete: what expressions
// see of it, and what Check does beyond that.
func (c *compiler) build(t *Type, d *draft) {
	base, shortNull := d.base()
	k := d.checks
	switch {
	case base == nil:
		c.infer(t, d, &k)
	case base.checks == nil && !d.shaped && d.ref == nil:
		*t = *base // plain structure: nothing to check twice
		k.own, k.rest, k.items = len(base.Props), base.Rest, base.Elem
	default:
		*t = *base
		if d.ref != nil && d.ref != base {
			k.all = append(k.all, d.ref)
		}
		if base.checks != nil || base.Name != "" || base.Elem != nil || base.Props != nil || base.Rest != nil {
			k.all = append(k.all, base)
			k.union = true
		}
	}
	if d.shaped || base == nil || base.checks != nil {
		k.own = len(d.props)
		k.rest, k.items = d.rest, d.items
		d.overlay(t, &k)
	}
	t.Nullable = d.nullable(t, &k, base == nil)
	if d.only != nil {
		c.enum(t, d, shortNull)
		k.loose = false // the values say it all
	}
	if d.shaped || len(d.node.Fields) > 1 && (len(k.all) > 0 || d.only != nil) {
		t.Name = "" // it is more than the named type now
	}
	t.checks = nil
	if k.matters(t) {
		t.checks = &k
	}
	if base == nil && !d.place.part && (t.Kind == Object || t.Kind == List) && t.Enum == nil && !k.pin(t.Kind) {
		t.hide()
	}
}

// pin reports whether the members refuse all values of other kinds, except null.
func (k *checks) pin(kind Kind) bool {
	other := func(m *Type) bool {
		return m.Kind != Null && (m.Kind != kind || m.checks != nil && m.checks.loose)
	}
	return slices.ContainsFunc(k.all, func(m *Type) bool { return !other(m) && m.Kind != Null }) ||
		len(k.any) > 0 && !slices.ContainsFunc(k.any, other) ||
		len(k.one) > 0 && !slices.ContainsFunc(k.one, other)
}

// hide turns a type without `type`, whose keywords describe a kind, into any. The
// keywords still check values of that kind, as in the standard. An expression cannot
// read such a value, because it may have any other kind.
func (t *Type) hide() {
	inner := *t
	inner.checks.loose = true
	*t = Type{Kind: Any, Nullable: inner.Nullable, Lacks: inner.Kind, checks: &checks{all: []*Type{&inner}, union: true, maximum: -1}}
}

// spoken returns the kind that the keywords of structure describe, Any if there are
// no such keywords.
func (d *draft) spoken() Kind {
	has := func(word string) bool { return d.node.Get(word) != nil }
	switch {
	case len(d.props) > 0 || d.rest != nil || len(d.checks.patterns) > 0 || d.required != nil && !has("allOf"):
		return Object
	case has("items") || has("prefixItems"):
		return List
	}
	return Any
}

// base is the type that `type` or `$ref` names, as far as it is one. A list of
// kinds that is no "T or null" becomes a member of checks.any.
func (d *draft) base() (base *Type, shortNull bool) {
	if !d.typed {
		return d.ref, false
	}
	var rest []*Type
	null := false
	for _, b := range d.bases {
		null = null || b.Nullable
		if b.Kind != Null {
			rest = append(rest, b)
		}
	}
	switch {
	case len(rest) == 0:
		return NullType, false
	case len(rest) == 1:
		base = rest[0]
	case !slices.ContainsFunc(rest, func(t *Type) bool { return t != IntegerType && t != NumberType }):
		base = NumberType
	default:
		d.checks.any = append([]*Type{}, rest...)
		if null {
			d.checks.any = append(d.checks.any, NullType)
		}
		return nil, false
	}
	if null {
		return base.OrNull(), d.single
	}
	return base, false
}

// infer sets the kind of a type without `type` from its keywords.
func (c *compiler) infer(t *Type, d *draft, k *checks) {
	k.loose = true
	if t.Kind = d.spoken(); t.Kind == Any {
		for _, m := range k.all {
			if m.Kind != Any {
				t.Kind, t.Enum = m.Kind, m.Enum
				break
			}
		}
		if m := k.sole(); m != nil && t.Kind == Any {
			t.Kind, t.Enum = m.Kind, m.Enum
		}
		if t.Kind == Any {
			t.Kind = commonKind(append(slices.Clone(k.any), k.one...))
		}
	}
}

// sole returns the only member of a union that is not null, nil if there are several.
func (k *checks) sole() *Type {
	members := k.any
	if len(members) == 0 {
		members = k.one
	}
	var sole *Type
	for _, m := range members {
		switch {
		case m.Kind == Null:
		case sole != nil:
			return nil
		default:
			sole = m
		}
	}
	return sole
}

// commonKind is the scalar kind that all members of a union have (null
// aside), else Any.
func commonKind(members []*Type) Kind {
	kind := Any
	for _, m := range members {
		switch {
		case m.Kind == Null:
		case m.Kind == Any || m.Kind == List || m.Kind == Object || kind != Any && m.Kind != kind:
			return Any
		default:
			kind = m.Kind
		}
	}
	return kind
}

// overlay lays the draft's own properties over those of its base and of the
// members of allOf, which stay theirs to check.
func (d *draft) overlay(t *Type, k *checks) {
	props, rest, elem := slices.Clone(d.props), d.rest, d.items
	if len(k.patterns) > 0 {
		rest = restOfPatterns(k, rest)
	}
	if elem != nil && len(k.prefix) > 0 {
		elem = nil
	}
	others := append(slices.Clone(k.all), t)
	if m := k.sole(); m != nil {
		others = append(others, m)
	}
	for _, m := range others {
		for _, p := range m.Props {
			i := slices.IndexFunc(props, func(q Prop) bool { return q.Name == p.Name })
			if i < 0 {
				p.Required = p.Required || slices.Contains(k.required, p.Name)
				props = append(props, p)
			} else if p.Required && !props[i].Required && i >= k.own {
				props[i].Required = true
			}
		}
		if rest == nil {
			rest = m.Rest
		}
		if elem == nil && len(k.prefix) == 0 {
			elem = m.Elem
		}
	}
	t.Props, t.Rest, t.Elem = props, rest, elem
	if t.Rest == neverType {
		t.Rest = nil
	}
	if t.Kind == List {
		t.Elem = orAny(t.Elem)
	}
}

// restOfPatterns is the type of a property that is not declared by its name:
// what one of the patterns says, or additionalProperties.
func restOfPatterns(k *checks, rest *Type) *Type {
	switch rest {
	case nil:
		return AnyType
	case neverType:
		rest = NothingType
	}
	for _, p := range k.patterns {
		rest = Join(rest, p.t)
	}
	return rest
}

// nullable decides whether null fits: every keyword that looks at null must
// let it pass. Check relies on this answer and never looks at null again.
func (d *draft) nullable(t *Type, k *checks, inferred bool) bool {
	ok := t.Nullable
	if inferred {
		ok = k.loose || t.Kind == Any
	}
	fits := func(m *Type) bool { return m.Nullable }
	for _, m := range k.all {
		ok = ok && (m.Nullable || t.Nullable && d.typed)
	}
	if len(k.any) > 0 {
		ok = ok && slices.ContainsFunc(k.any, fits)
	}
	if len(k.one) > 0 {
		n := 0
		for _, m := range k.one {
			if m.Nullable {
				n++
			}
		}
		ok = ok && n == 1
	}
	if k.not != nil {
		ok = ok && !k.not.Nullable
	}
	if branch := k.branch(k.cond != nil && k.cond.Nullable); branch != nil {
		ok = ok && branch.Nullable
	}
	return ok
}

// branch is the schema that `if` chooses, when it holds or not; nil for none.
func (k *checks) branch(holds bool) *Type {
	switch {
	case k.cond == nil:
		return nil
	case holds:
		return k.then
	}
	return k.els
}

// enum cuts t down to the values of enum or const.
func (c *compiler) enum(t *Type, d *draft, shortNull bool) {
	null := shortNull && t.Nullable
	if t.Kind == Any {
		t.Kind = kindOf(d.only)
		if t.Kind == List {
			t.Elem = AnyType
		}
	}
	plain := &Type{Kind: t.Kind, Elem: AnyType}
	t.Enum = []any{}
	for _, n := range d.only {
		if n.Kind == tree.Null {
			null = null || t.Nullable
			continue
		}
		v, err := plain.Check("", n.Value())
		if err != nil {
			c.problems.Add(diag.WrongType, n.Span, "", "%s is not of type %q", quoted(n), t.Kind)
			continue
		}
		t.Enum = append(t.Enum, v)
	}
	t.Nullable = null
	if len(t.Enum) == 0 && null {
		*t = *NullType
	}
}

// kindOf is the kind that all values have, null aside; Any when they differ.
func kindOf(values []*tree.Node) Kind {
	kind := Any
	for _, n := range values {
		k := [...]Kind{Any, Boolean, Integer, Number, String, List, Object}[n.Kind]
		switch {
		case n.Kind == tree.Null:
		case kind == Any || kind == k:
			kind = k
		case kind+k == Integer+Number:
			kind = Number
		default:
			return Any
		}
	}
	return kind
}

// matters reports whether t cannot be checked by its structure alone.
func (k *checks) matters(t *Type) bool {
	return k.loose && t.Kind != Any || k.own != len(t.Props) || k.required != nil || k.patterns != nil ||
		k.rest != t.Rest || k.names != nil || k.depend != nil || k.prefix != nil ||
		t.Kind == List && orAny(k.items) != t.Elem || k.contains != nil || k.hasMembers() || k.rules != nil
}

// hasMembers reports whether other schemas apply to the same value.
func (k *checks) hasMembers() bool {
	return k.all != nil || k.any != nil || k.one != nil || k.not != nil || k.cond != nil || k.depend != nil
}
