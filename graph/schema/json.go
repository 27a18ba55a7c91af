package schema

import (
	"maps"
	"slices"
	"strconv"

	"github.com/graphrun/graphrun/graph/tree"
)

// source is what a type was compiled from: its text for the wire. Types that stand for
// the same schema share it, whether or not they may be null.
type source struct {
	node     *tree.Node
	set      *Set
	defs     *defs
	name     string // of `types` or $defs; "" for an anonymous schema
	nullable bool   // the schema itself lets null pass
}

// JSON returns the type as a JSON Schema (2020-12) of its own, for a program that does
// not know the graph, such as a model's server. Short spellings are expanded. A named
// type stands where it is used if it is used once, and under $defs otherwise.
// The result is the caller's own.
func (t *Type) JSON() map[string]any {
	w := &schemaWriter{uses: map[*source]int{}, names: map[*source]string{}, defs: map[string]any{}, inner: map[*tree.Node]*source{}}
	w.count = true
	w.top(t)
	w.count = false
	out := w.top(t)
	if len(w.defs) > 0 {
		out["$defs"] = w.defs
	}
	return out
}

// schemaWriter writes the JSON Schema of one type. A first pass counts how often named
// types are used, the second writes.
type schemaWriter struct {
	count bool
	uses  map[*source]int
	names map[*source]string // of those under $defs
	defs  map[string]any
	inner map[*tree.Node]*source // of schemas with $defs
}

// top writes the whole. It is no reference: many servers want an object there.
func (w *schemaWriter) top(t *Type) map[string]any {
	if t.src == nil {
		return w.typ(t)
	}
	if w.count {
		if w.uses[t.src]++; t.src.name != "" {
			return w.body(t.src)
		}
	}
	return orNullJSON(w.body(t.src), t.Nullable && !t.src.nullable)
}

// typ writes a type where it is used.
func (w *schemaWriter) typ(t *Type) map[string]any {
	if t.src == nil {
		return w.plain(t)
	}
	null := t.Nullable && !t.src.nullable
	if t.src.name == "" {
		return orNullJSON(w.body(t.src), null)
	}
	if w.count {
		if w.uses[t.src]++; w.uses[t.src] == 1 {
			w.body(t.src)
		}
		return map[string]any{}
	}
	if w.uses[t.src] == 1 {
		return orNullJSON(w.body(t.src), null)
	}
	return orNullJSON(map[string]any{"$ref": "#/$defs/" + w.define(t.src)}, null)
}

// define puts a named type under $defs, and returns its name there. Types of different
// $defs may have the same name.
func (w *schemaWriter) define(s *source) string {
	if name, ok := w.names[s]; ok {
		return name
	}
	name := s.name
	for n := 2; w.defs[name] != nil; n++ {
		name = s.name + strconv.Itoa(n)
	}
	w.names[s] = name
	w.defs[name] = map[string]any{} // its name is taken while it is written
	w.defs[name] = w.body(s)
	return name
}

// plain writes a type that has no schema of its own: a short spelling, or what an
// expression gives.
func (w *schemaWriter) plain(t *Type) map[string]any {
	out := map[string]any{}
	switch t.Kind {
	case Any:
		return out
	case Time, Duration:
		out["type"] = "string"
	case List:
		out["type"], out["items"] = "array", w.typ(orAny(t.Elem))
	case Object:
		out["type"] = "object"
		if len(t.Props) > 0 {
			props, needed := map[string]any{}, []any{}
			for _, p := range t.Props {
				props[p.Name] = w.typ(p.Type)
				if p.Required {
					needed = append(needed, p.Name)
				}
			}
			out["properties"] = props
			if len(needed) > 0 {
				out["required"] = needed
			}
		}
		if t.Rest != nil && t.Rest.Kind != Any {
			out["additionalProperties"] = w.typ(t.Rest)
		}
	default:
		out["type"] = t.Kind.String()
	}
	if t.Enum != nil {
		out["enum"] = slices.Clone(t.Enum)
	}
	return orNullJSON(out, t.Nullable && t.Kind != Null)
}

// orNullJSON lets null pass a schema.
func orNullJSON(s map[string]any, null bool) map[string]any {
	word, simple := s["type"].(string)
	_, only := s["enum"]
	_, fixed := s["const"]
	switch {
	case !null || len(s) == 0:
		return s
	case !simple || only || fixed:
		return map[string]any{"anyOf": []any{s, map[string]any{"type": "null"}}}
	}
	s["type"] = []any{word, "null"}
	return s
}

// body writes a schema as it was written in the graph.
func (w *schemaWriter) body(s *source) map[string]any { return w.node(s.node, s) }

func (w *schemaWriter) node(n *tree.Node, in *source) map[string]any {
	switch {
	case n == nil, n.Kind == tree.Bool && n.Bool:
		return map[string]any{}
	case n.Kind == tree.Bool:
		return map[string]any{"not": map[string]any{}}
	case n.Kind == tree.String:
		return w.typ(in.compile(n))
	}
	if n != in.node && n.Get("$defs") != nil {
		in = w.within(n, in)
	}
	out := map[string]any{}
	for _, f := range n.Fields {
		if v, ok := w.keyword(f, in); ok {
			out[f.Key.Value] = v
		}
	}
	if ref := n.Get("$ref"); ref != nil {
		w.join(out, w.typ(in.ref(ref)))
	}
	if words := n.Get("type"); words != nil {
		w.join(out, w.types(words, in))
	}
	if enum, ok := out["enum"].([]any); ok && out["type"] == nil && !slices.ContainsFunc(enum, func(v any) bool { _, ok := v.(string); return !ok }) {
		out["type"] = "string" // some servers want a type beside an enum
	}
	return out
}

// join adds a schema that holds as well.
func (w *schemaWriter) join(out, more map[string]any) {
	for k := range more { // in any order: one is enough
		if _, twice := out[k]; twice {
			all, _ := out["allOf"].([]any)
			out["allOf"] = append(slices.Clone(all), more)
			return
		}
	}
	maps.Copy(out, more)
}

// types writes `type`: one short spelling, or a list of them.
func (w *schemaWriter) types(n *tree.Node, in *source) map[string]any {
	if n.Kind == tree.String {
		return w.typ(in.compile(n))
	}
	words, all := []any{}, []any{}
	for _, it := range n.Items {
		one := w.node(it, in)
		if word, ok := one["type"].(string); ok && len(one) == 1 {
			words = append(words, word)
		}
		all = append(all, one)
	}
	if len(words) == len(all) {
		return map[string]any{"type": words}
	}
	return map[string]any{"anyOf": all}
}

// keyword writes one keyword but for `type` and `$ref`; false leaves it out.
func (w *schemaWriter) keyword(f tree.Field, in *source) (any, bool) {
	switch f.Key.Value {
	case "type", "$ref", "$defs", "$schema", "$id", "$comment", "default", "examples", "deprecated", "readOnly", "writeOnly":
		return nil, false
	}
	switch keywords[f.Key.Value].shape {
	case oneSchema:
		if v := f.Value; f.Key.Value == "additionalProperties" && v.Kind == tree.Bool {
			return v.Bool, true
		}
		return w.node(f.Value, in), true
	case schemaList:
		out := make([]any, len(f.Value.Items))
		for i, it := range f.Value.Items {
			out[i] = w.node(it, in)
		}
		return out, true
	case schemaMap:
		out := map[string]any{}
		for _, g := range f.Value.Fields {
			out[g.Key.Value] = w.node(g.Value, in)
		}
		return out, true
	}
	return f.Value.Value(), true
}

// within returns the source of a schema that has $defs of its own.
func (w *schemaWriter) within(n *tree.Node, in *source) *source {
	if w.inner[n] == nil {
		w.inner[n] = in.compile(n).src
	}
	return w.inner[n]
}

// compile compiles a schema that stands within the source.
func (s *source) compile(n *tree.Node) *Type {
	c := &compiler{set: s.set, open: map[*Type]bool{}}
	t := c.schema(n, place{defs: s.defs})
	c.settle()
	return t
}

// ref returns the type that a $ref within the source names.
func (s *source) ref(n *tree.Node) *Type {
	c := &compiler{set: s.set, open: map[*Type]bool{}}
	return c.ref(n, place{defs: s.defs})
}
