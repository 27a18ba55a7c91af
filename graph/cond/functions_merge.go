package cond

import (
	"slices"

	"github.com/graphrun/graphrun/graph/schema"
)

// mergeResult joins the declared types of the arguments of merge: the last one that has a
// property decides. What an argument may hold beside its declared properties does not
// count where another one declares the property: its type would be a lie.
func mergeResult(_ *checker, k *call, args []typed) typed {
	out := &schema.Type{Kind: schema.Object}
	for _, a := range args {
		if a.typ.Kind == schema.Any {
			return typed{typ: schema.MapOf(nil)}
		}
		out = merged(out, a.typ)
	}
	k.hidden = make([]map[string]bool, len(args))
	for i, a := range args {
		if a.typ.Rest != nil {
			continue
		}
		for _, p := range out.Props {
			if _, own := a.typ.Prop(p.Name); !own {
				if k.hidden[i] == nil {
					k.hidden[i] = map[string]bool{}
				}
				k.hidden[i][p.Name] = true
			}
		}
	}
	return typed{typ: out}
}

// merged is the type of an object a with the properties of b over its own.
func merged(a, b *schema.Type) *schema.Type {
	out := &schema.Type{Kind: schema.Object, Props: slices.Clone(a.Props)}
	for i := range out.Props {
		p := &out.Props[i]
		q, has := b.Prop(p.Name)
		switch {
		case has && q.Required:
			*p = q
		case has:
			p.Type = schema.Join(p.Type, q.Type)
		case b.Rest != nil:
			p.Type = schema.Join(p.Type, b.Rest)
		}
	}
	for _, q := range b.Props {
		if _, has := a.Prop(q.Name); has {
			continue
		}
		if a.Rest != nil && !q.Required {
			q.Type, q.Required = schema.Join(a.Rest, q.Type), false
		}
		out.Props = append(out.Props, q)
	}
	switch {
	case a.Rest != nil && b.Rest != nil:
		out.Rest = schema.Join(a.Rest, b.Rest)
	case a.Rest != nil:
		out.Rest = a.Rest
	default:
		out.Rest = b.Rest
	}
	return out
}

func merge(a args) any {
	size := 0
	for i := range a.v {
		size += len(a.object(i))
	}
	if a.failed() || !a.spend(size*bytesPerEntry) {
		return nil
	}
	out := make(map[string]any, size)
	for i := range a.v {
		var hidden map[string]bool
		if a.k.hidden != nil {
			hidden = a.k.hidden[i]
		}
		for key, v := range a.object(i) { // in any order: each key has its place
			if !hidden[key] {
				out[key] = v
			}
		}
	}
	return out
}
