package dsl

import (
	"encoding/json"

	"github.com/graphrun/graphrun/graph"
)

// JSONSchema is the JSON Schema (2020-12) of graph files, for editors: made of
// the field table, with the names of the kinds for `uses`. Kinds may be nil.
func JSONSchema(kinds graph.Kinds) []byte {
	defs := basicSchemas()
	s := objectSchema(graphObject, defs)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "graphrun graph"
	s["$defs"] = defs
	if kinds != nil {
		node := defs["node"].(map[string]any)["properties"].(map[string]any)
		node["uses"] = map[string]any{"description": node["uses"].(map[string]any)["description"], "enum": kinds.Names()}
		defs["node"].(map[string]any)["allOf"] = kindSchemas(kinds)
	}
	return indented(s)
}

// TestsJSONSchema is the JSON Schema (2020-12) of test files, for editors.
func TestsJSONSchema() []byte {
	defs := basicSchemas()
	s := objectSchema(testsObject, defs)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "graphrun tests"
	s["$defs"] = defs
	return indented(s)
}

// basicSchemas are the schemas that others refer to.
func basicSchemas() map[string]any {
	return map[string]any{
		"schema": map[string]any{
			"description": "A JSON Schema, or a short spelling: string, integer, number, boolean, object, any, a name of types, list(T), map(T), T?",
			"type":        []any{"string", "object", "boolean"},
		},
		"expression": map[string]any{"description": "An expression over state, params and more.", "type": []any{"string", "number", "boolean"}},
		"template":   map[string]any{"description": "Text with ${{ expression }}.", "type": "string", "pattern": `\$\{\{`},
		"duration":   map[string]any{"description": "As 500ms, 5s, 1m30s, 24h, 7d.", "type": "string", "pattern": graph.DurationForm},
	}
}

func indented(s map[string]any) []byte {
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic("dsl: the field table is no JSON: " + err.Error()) // a mistake of the table, not of an input
	}
	return append(out, '\n')
}

// kindSchemas says what `with` may hold, by kind.
func kindSchemas(kinds graph.Kinds) []any {
	var out []any
	for _, name := range kinds.Names() {
		k, _ := kinds.Kind(name)
		props, required := map[string]any{}, []string{}
		for _, f := range k.Fields {
			props[f.Name] = map[string]any{"description": f.Doc}
			if f.Required {
				required = append(required, f.Name)
			}
		}
		with := map[string]any{"type": "object", "properties": props, "description": k.Doc}
		if !k.Open {
			with["additionalProperties"] = false
		}
		then := map[string]any{"properties": map[string]any{"with": with}}
		if len(required) > 0 {
			with["required"] = required
			then["required"] = []string{"with"}
		}
		out = append(out, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"uses": map[string]any{"const": name}}, "required": []string{"uses"}},
			"then": then,
		})
	}
	return out
}

func objectSchema(o *object, defs map[string]any) map[string]any {
	props, required := map[string]any{}, []string{}
	for _, f := range o.fields {
		s := f.shape.schema(defs)
		s["description"] = f.doc
		props[f.name] = s
		if f.required {
			required = append(required, f.name)
		}
	}
	out := map[string]any{"type": "object", "description": o.doc, "properties": props}
	if !o.open {
		out["additionalProperties"] = false
	}
	if o.welcomes {
		out["patternProperties"] = map[string]any{"^" + foreign: true}
	}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// schema is the JSON Schema of a shape; objects go to defs.
func (s *shape) schema(defs map[string]any) map[string]any {
	if s.empty {
		filled := *s
		filled.empty = false
		return map[string]any{"anyOf": []any{filled.schema(defs), map[string]any{"type": "null"}}}
	}
	ref := func(name string) map[string]any { return map[string]any{"$ref": "#/$defs/" + name} }
	switch s.kind {
	case name:
		if s.form != "" {
			return map[string]any{"type": "string", "pattern": s.form}
		}
		return map[string]any{"type": "string"}
	case text:
		return map[string]any{"type": "string"}
	case word:
		return map[string]any{"enum": s.words}
	case expr:
		return ref("expression")
	case template:
		return ref("template")
	case integer:
		out := map[string]any{"type": "integer", "minimum": s.least}
		if s.most > 0 {
			out["maximum"] = s.most
		}
		return out
	case number:
		return map[string]any{"type": "number", "minimum": 0}
	case boolean:
		return map[string]any{"type": "boolean"}
	case duration:
		if len(s.words) > 0 {
			return map[string]any{"anyOf": []any{ref("duration"), map[string]any{"enum": s.words}}}
		}
		return ref("duration")
	case rate:
		return map[string]any{"type": "string", "pattern": rateText().String()}
	case typ:
		return ref("schema")
	case list:
		out := map[string]any{"type": "array", "items": s.elem.schema(defs)}
		if s.least > 0 {
			out["minItems"] = s.least
		}
		return out
	case mapping:
		out := map[string]any{"type": "object", "additionalProperties": s.elem.schema(defs)}
		if s.form != "" {
			out["propertyNames"] = map[string]any{"pattern": s.form}
		}
		return out
	case anyMap:
		return map[string]any{"type": "object"}
	case obj:
		if _, done := defs[s.obj.name]; !done {
			defs[s.obj.name] = map[string]any{}
			defs[s.obj.name] = objectSchema(s.obj, defs)
		}
		return ref(s.obj.name)
	case union:
		var alts []any
		for _, a := range s.alts {
			alts = append(alts, a.schema(defs))
		}
		return map[string]any{"anyOf": alts}
	}
	return map[string]any{}
}
