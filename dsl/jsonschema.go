package dsl

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

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

// basicSchemas are the schemas that others refer to. They have no descriptions: an editor would
// show these in place of what a field is for.
func basicSchemas() map[string]any {
	return map[string]any{
		"schema":     map[string]any{"anyOf": append(shortTypes(), map[string]any{"type": "object", "properties": typeKeywords()})},
		"expression": map[string]any{"type": []any{"string", "number", "boolean"}},
		"template":   map[string]any{"type": "string", "pattern": `\$\{\{`, "patternErrorMessage": "expected ${{ expression }}"},
		"duration": map[string]any{
			"type": "string", "pattern": graph.DurationForm, "patternErrorMessage": "expected a duration as 500ms, 5s, 1m30s, 24h or 7d",
			"examples": []any{"5s", "1m30s", "24h"},
		},
	}
}

// shortTypes are the schemas of types that are no mapping.
func shortTypes() []any {
	s := &shape{kind: name, form: typeForm, offer: typeWords.offer, words: typeWords.words}
	s.examples = typeExamples
	s.wrong = wrongType
	short := s.text(s.form, s.wrong)
	short["type"] = []any{"string", "boolean"}
	return []any{s.enum(), short}
}

// typeKeywords are the keywords of JSON Schema that have types in them, and some that are
// often used. What the others mean is the standard's; what is wrong in them the loader says.
func typeKeywords() map[string]any {
	types := map[string]any{"$ref": "#/$defs/schema"}
	named := map[string]any{"type": "object", "additionalProperties": types}
	several := map[string]any{"type": "array", "items": types}
	just := func(kind string) map[string]any { return map[string]any{"type": kind} }
	return map[string]any{
		"type":                 described(map[string]any{"anyOf": append(shortTypes(), several)}, "What the value is, as in JSON Schema, or in short."),
		"enum":                 described(just("array"), "The only values."),
		"const":                map[string]any{"description": "The only value."},
		"properties":           described(named, "The known properties and their types."),
		"required":             described(just("array"), "Properties that must be there."),
		"additionalProperties": described(types, "The type of all other properties; false for none."),
		"patternProperties":    described(named, "Types of properties, by patterns of their names."),
		"items":                described(types, "The type of the elements of a list."),
		"prefixItems":          described(several, "The types of the first elements."),
		"allOf":                described(several, "All of them must fit."),
		"anyOf":                described(several, "At least one of them must fit."),
		"oneOf":                described(several, "Exactly one of them must fit."),
		"not":                  described(types, "It must not fit."),
		"$defs":                described(named, "Types that stand only for $ref."),
		"$ref":                 described(just("string"), "A type of the graph (#/types/NAME), or of another file (FILE#/NAME)."),
		"pattern":              described(just("string"), "A regular expression (RE2) that a text must match."),
		"format":               map[string]any{"type": "string", "description": "The form of a text.", "examples": []any{"date-time", "date", "email", "uri", "uuid"}},
		"minimum":              described(just("number"), "The least number."),
		"maximum":              described(just("number"), "The greatest number."),
		"minLength":            described(just("integer"), "How many characters there must be."),
		"maxLength":            described(just("integer"), "How many characters there may be."),
		"minItems":             described(just("integer"), "How many elements there must be."),
		"maxItems":             described(just("integer"), "How many elements there may be."),
		"uniqueItems":          described(just("boolean"), "No two elements may be equal."),
		"description":          just("string"),
	}
}

// described is a schema with words for editors.
func described(s map[string]any, text string) map[string]any {
	out := maps.Clone(s)
	out["description"] = text
	return out
}

// enum is the schema of known words. The meanings of words are not of the standard;
// editors show them.
func (s *shape) enum() map[string]any {
	out := map[string]any{"enum": s.words}
	if len(s.says) > 0 {
		out["enumDescriptions"] = s.says
	}
	if s.wrong != "" {
		out["errorMessage"] = s.wrong
	}
	return out
}

// named are the schemas of a name where some names are known: these, and the form.
func (s *shape) named() []any { return []any{s.enum(), s.text(s.form, s.wrong)} }

// text is the schema of a text with a form, or without one.
func (s *shape) text(form, wrong string) map[string]any {
	out := map[string]any{"type": "string"}
	if form != "" {
		out["pattern"] = form
		out["patternErrorMessage"] = wrong
	}
	if len(s.examples) > 0 {
		out["examples"] = s.examples
	}
	return out
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
			props[f.Name] = described(fieldSchema(f), f.Doc)
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

// fieldSchema is the schema of a field of `with`, as far as its value is not a template.
// What texts take, editors do not check: numbers and booleans may stand for them.
func fieldSchema(f graph.Field) map[string]any {
	s := map[string]any{}
	switch {
	case len(f.Choices) > 0:
		w := &shape{kind: word}
		for _, c := range f.Choices {
			w.words, w.says = append(w.words, c.Value), append(w.says, c.Doc)
		}
		s = w.enum()
	case f.Name == "output" && f.Literal:
		return map[string]any{"$ref": "#/$defs/schema"}
	case f.Type == "duration":
		s["$ref"] = "#/$defs/duration"
	case f.Type == "boolean", f.Type == "integer":
		s["type"] = f.Type
	case strings.HasPrefix(f.Type, "list("):
		s["type"] = "array"
	case strings.HasPrefix(f.Type, "map("):
		s["type"] = "object"
	default:
		return s
	}
	if f.Literal {
		return s
	}
	return map[string]any{"anyOf": []any{s, map[string]any{"$ref": "#/$defs/template"}}}
}

func objectSchema(o *object, defs map[string]any) map[string]any {
	props, required := map[string]any{}, []string{}
	if o.open {
		props = typeKeywords()
	}
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
		wrong := s.wrong
		if wrong == "" {
			wrong = wrongForms[s.form]
		}
		if len(s.words) > 0 {
			return map[string]any{"anyOf": s.named()}
		}
		return s.text(s.form, wrong)
	case text:
		return s.text("", "")
	case word:
		return s.enum()
	case expr:
		out := ref("expression")
		if len(s.examples) > 0 {
			out["examples"] = s.examples
		}
		return out
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
		return map[string]any{"type": "string", "pattern": rateText().String(), "patternErrorMessage": "expected a rate as 60/m: per s, m, h or d", "examples": rateExamples}
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
			out["propertyNames"] = map[string]any{"pattern": s.form, "patternErrorMessage": wrongForms[s.form]}
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
		open := slices.ContainsFunc(s.alts, func(a *shape) bool { return a.kind == obj && a.obj.open })
		for _, a := range s.alts {
			switch {
			case a.kind == typ && open: // a mapping is the open object, which has the keywords of types
				alts = append(alts, shortTypes()...)
			case a.kind == name && len(a.words) > 0:
				alts = append(alts, a.named()...)
			default:
				alts = append(alts, a.schema(defs))
			}
		}
		if open {
			// What if, then and else refuse is said best; what they permit, editors do not offer.
			// The words beside them refuse nothing.
			return map[string]any{
				"if": map[string]any{"type": "object"}, "then": alts[0], "else": map[string]any{"anyOf": alts[1:]},
				"anyOf": []any{typeWords.enum(), map[string]any{"examples": typeExamples}},
			}
		}
		return map[string]any{"anyOf": alts}
	}
	return map[string]any{}
}
