package graph

import (
	"math"
	"slices"

	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
)

// AsText returns a value in which every number and boolean of a file that stands
// where t has a string is the text that was written: 3.10 becomes "3.10" and not
// "3.1". What needs no change is shared with n; a nil n or t changes nothing.
func AsText(n *tree.Node, t *schema.Type) *tree.Node {
	if n == nil || t == nil {
		return n
	}
	switch {
	case t.Kind == schema.String:
		return scalarText(n)
	case t.Kind == schema.List && n.Kind == tree.List:
		return changed(n, func(_ string, v *tree.Node) *tree.Node { return AsText(v, t.Elem) })
	case t.Kind == schema.Object && n.Kind == tree.Map:
		return changed(n, func(name string, v *tree.Node) *tree.Node { return AsText(v, propType(t, name)) })
	}
	return n
}

// scalarText is the text of a number or a boolean of a file. One without a place
// was written by a program, which knows what it means.
func scalarText(n *tree.Node) *tree.Node {
	switch n.Kind {
	case tree.Bool, tree.Int, tree.Float:
		if !n.Span.IsZero() {
			return &tree.Node{Kind: tree.String, Text: n.Text, Span: n.Span}
		}
	}
	return n
}

// asWritten is AsText for a field whose kind makes text of every scalar when it
// runs: only a scalar that is not written in its canonical form is changed, so
// that all other definitions keep their hash. deep looks into lists and mappings.
func asWritten(n *tree.Node, deep bool) *tree.Node {
	switch n.Kind {
	case tree.List, tree.Map:
		if deep {
			return changed(n, func(_ string, v *tree.Node) *tree.Node { return asWritten(v, true) })
		}
	case tree.Bool, tree.Int, tree.Float:
		if math.IsInf(n.Float, 0) || math.IsNaN(n.Float) {
			return n // no value: it is reported where it stands
		}
		if n.Text.Value != value.String(n.Value()) {
			return scalarText(n)
		}
	}
	return n
}

// changed applies a change to the members of a list or a mapping.
func changed(n *tree.Node, change func(name string, v *tree.Node) *tree.Node) *tree.Node {
	out := n
	own := func() *tree.Node {
		if out == n {
			c := *n
			c.Items, c.Fields = slices.Clone(n.Items), slices.Clone(n.Fields)
			out = &c
		}
		return out
	}
	for i, it := range n.Items {
		if v := change("", it); v != it {
			own().Items[i] = v
		}
	}
	for i, f := range n.Fields {
		if v := change(f.Key.Value, f.Value); v != f.Value {
			own().Fields[i].Value = v
		}
	}
	return out
}

// textsOf gives a `with` the texts that its kind wants.
func (c *compiler) textsOf(s *site) *tree.Node {
	with := s.with
	if with == nil || with.Kind != tree.Map {
		return with
	}
	given := innerTypes(s)
	return changed(with, func(name string, v *tree.Node) *tree.Node {
		i := slices.IndexFunc(s.kind.Fields, func(f Field) bool { return f.Name == name })
		switch {
		case given[name] != nil:
			return AsText(v, given[name])
		case i < 0 || s.kind.Fields[i].Type == "duration":
			return v
		case s.kind.Fields[i].Text:
			return asWritten(v, s.kind.Fields[i].Type != "any")
		}
		return AsText(v, c.fieldType(s.kind.Fields[i].Type))
	})
}

// innerTypes are the types of what a node or a tool gives to the graph that it runs.
func innerTypes(s *site) map[string]*schema.Type {
	def := s.runs
	if !s.kind.Runs || def == nil {
		return nil
	}
	set, _ := typesOf(def, nil) // problems are reported with that graph
	var params, state []schema.Prop
	for _, p := range def.Params {
		t, _ := set.Compile(p.Type)
		params = append(params, schema.Prop{Name: p.Name.Value, Type: t})
	}
	for _, k := range def.State {
		t, _ := set.Compile(k.Type)
		state = append(state, schema.Prop{Name: k.Name.Value, Type: t})
	}
	return map[string]*schema.Type{"params": schema.ObjectOf(params...), "state": schema.ObjectOf(state...)}
}
