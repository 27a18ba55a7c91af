package wire

import (
	"maps"
	"slices"

	"github.com/graphrun/graphrun/graph/value"
)

// Prompt asks for JSON in words.
func Prompt(schema map[string]any) string {
	return "Answer with one JSON value that fits this JSON Schema, and with nothing else: no explanation and no code fence.\n" + value.String(schema)
}

// Close returns a copy of a schema in which objects take no other fields than those they
// name: providers that guide the answer want it said. What fits the copy fits the schema.
// strict reports whether every object names all its fields as required, which the
// strictest form of guidance needs, and open whether an object takes fields of any name,
// which no form can express.
func Close(schema map[string]any) (closed map[string]any, strict, open bool) {
	strict = true
	var walk func(v any, schema bool) any
	walk = func(v any, schema bool) any {
		switch v := v.(type) {
		case []any:
			out := make([]any, len(v))
			for i, x := range v {
				out[i] = walk(x, schema)
			}
			return out
		case map[string]any:
			out := maps.Clone(v)
			for k, x := range v {
				switch k {
				case "enum", "const", "default", "examples", "required", "description", "title":
					if schema {
						continue
					}
				}
				// The values of `properties` are schemas; its keys are not words of a schema.
				out[k] = walk(x, !(schema && (k == "properties" || k == "$defs" || k == "definitions")))
			}
			if schema {
				object(out, &strict, &open)
			}
			return out
		}
		return v
	}
	out, _ := walk(schema, true).(map[string]any)
	return out, strict, open
}

func object(o map[string]any, strict, open *bool) {
	for _, k := range []string{"allOf", "oneOf", "not", "if", "patternProperties", "dependentRequired"} {
		if o[k] != nil {
			*strict = false
		}
	}
	if !typed(o["type"], "object") {
		if len(o) == 0 || o["type"] == nil && o["enum"] == nil && o["const"] == nil && o["anyOf"] == nil && o["oneOf"] == nil && o["allOf"] == nil && o["$ref"] == nil {
			*open, *strict = true, false // anything
		}
		return
	}
	props := Object(o["properties"])
	if more := o["additionalProperties"]; more != nil && more != false || len(props) == 0 {
		*open, *strict = true, false
		return
	}
	o["additionalProperties"] = false
	for k := range props {
		if !slices.Contains(List(o["required"]), any(k)) {
			*strict = false
		}
	}
}

func typed(v any, want string) bool {
	return v == want || slices.Contains(List(v), any(want))
}

// Rooted reports whether a schema is of an object: providers guide no other answer.
func Rooted(schema map[string]any) bool { return schema["type"] == "object" }
