package schema

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// TestJSON holds types against the JSON Schema that a model's server gets.
func TestJSON(t *testing.T) {
	t.Parallel()
	set, problems := NewSet(named(t, map[string]string{
		"Id":     `"string"`,
		"Todo":   `{"type": "object", "required": ["id"], "description": "What is to do.", "properties": {"id": "Id", "done": "boolean?"}}`,
		"Tree":   `{"type": "object", "properties": {"name": "string", "children": "list(Tree)"}}`,
		"Chain":  `"list(Chain)"`,
		"Status": `{"enum": ["open", "done"]}`,
		"Local":  `{"type": "object", "$defs": {"T": {"type": "object", "properties": {"next": {"$ref": "#/$defs/T"}}}}, "properties": {"first": {"$ref": "#/$defs/T"}}}`,
	}))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	for name, tt := range map[string]struct{ schema, want string }{
		"any":        {`"any"`, `{}`},
		"scalar":     {`"integer"`, `{"type": "integer"}`},
		"nullable":   {`"string?"`, `{"type": ["string", "null"]}`},
		"list":       {`"list(number)"`, `{"type": "array", "items": {"type": "number"}}`},
		"map":        {`"map(integer)"`, `{"type": "object", "additionalProperties": {"type": "integer"}}`},
		"map of any": {`"map(any)"`, `{"type": "object"}`},
		"alias":      {`"Id"`, `{"type": "string"}`},
		"short inside": {`{"type": "object", "required": ["email"], "properties": {"email": "string", "n": "integer?"}}`,
			`{"type": "object", "required": ["email"], "properties": {"email": {"type": "string"}, "n": {"type": ["integer", "null"]}}}`},
		"words are kept": {`{"type": "string", "description": "An address.", "maxLength": 9, "format": "email", "default": "x"}`,
			`{"type": "string", "description": "An address.", "maxLength": 9, "format": "email"}`},
		"used once": {`{"type": "object", "properties": {"a": "Todo"}, "additionalProperties": false}`,
			`{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "object", "required": ["id"], "description": "What is to do.",
			 "properties": {"id": {"type": "string"}, "done": {"type": ["boolean", "null"]}}}}}`},
		"used twice": {`{"type": "object", "properties": {"a": "Status", "b": "Status?"}}`,
			`{"type": "object", "properties": {"a": {"$ref": "#/$defs/Status"}, "b": {"anyOf": [{"$ref": "#/$defs/Status"}, {"type": "null"}]}},
			 "$defs": {"Status": {"type": "string", "enum": ["open", "done"]}}}`},
		"recursive": {`"Tree"`, `{"type": "object", "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
			"$defs": {"Tree": {"type": "object", "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}}}`},
		"recursive alias": {`"Chain"`, `{"type": "array", "items": {"$ref": "#/$defs/Chain"}, "$defs": {"Chain": {"type": "array", "items": {"$ref": "#/$defs/Chain"}}}}`},
		"reference":       {`{"$ref": "#/types/Status"}`, `{"type": "string", "enum": ["open", "done"]}`},
		"reference and more": {`{"$ref": "#/types/Status", "description": "How it stands."}`,
			`{"type": "string", "enum": ["open", "done"], "description": "How it stands."}`},
		"local definitions": {`"Local"`, `{"type": "object", "properties": {"first": {"$ref": "#/$defs/T"}},
			"$defs": {"T": {"type": "object", "properties": {"next": {"$ref": "#/$defs/T"}}}}}`},
		"local definitions deep": {`{"type": "object", "properties": {"x": {"$defs": {"T": {"type": "object", "properties": {"next": {"$ref": "#/$defs/T"}}}}, "type": "object", "properties": {"a": {"$ref": "#/$defs/T"}}}}}`,
			`{"type": "object", "properties": {"x": {"type": "object", "properties": {"a": {"$ref": "#/$defs/T"}}}},
			 "$defs": {"T": {"type": "object", "properties": {"next": {"$ref": "#/$defs/T"}}}}}`},
		"kinds":       {`{"type": ["string", "integer", "null"]}`, `{"type": ["string", "integer", "null"]}`},
		"kinds named": {`{"type": ["Id", "list(string)"]}`, `{"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}`},
		"members":     {`{"oneOf": ["string", {"type": "list(Id)", "minItems": 1}]}`, `{"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}`},
		"false": {`{"type": "object", "properties": {"no": false}, "propertyNames": {"pattern": "^x"}}`,
			`{"type": "object", "properties": {"no": {"not": {}}}, "propertyNames": {"pattern": "^x"}}`},
		"twice the same word": {`{"type": "Todo", "properties": {"more": "string"}}`,
			`{"properties": {"more": {"type": "string"}}, "allOf": [{"type": "object", "required": ["id"], "description": "What is to do.",
			 "properties": {"id": {"type": "string"}, "done": {"type": ["boolean", "null"]}}}]}`},
	} {
		var n tree.Node
		if err := json.Unmarshal([]byte(tt.schema), &n); err != nil {
			t.Fatal(name, err)
		}
		typ, problems := set.Compile(&n)
		if problems.HasErrors() {
			t.Fatal(name, problems)
		}
		text, err := json.Marshal(typ.JSON())
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(plain(t, tt.want), plain(t, string(text))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestJSONOfInferredTypes: types that no schema stands for are described by what is known.
func TestJSONOfInferredTypes(t *testing.T) {
	t.Parallel()
	typ := ObjectOf(Prop{Name: "id", Type: StringType, Required: true}, Prop{Name: "at", Type: TimeType.OrNull()}, Prop{Name: "word", Type: EnumOf(String, "a", "b").OrNull()})
	text, err := json.Marshal(typ.JSON())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "at": {"type": ["string", "null"]},
		"word": {"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}]}}}`
	if diff := cmp.Diff(plain(t, want), plain(t, string(text))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func named(t *testing.T, schemas map[string]string) (out []Named) {
	t.Helper()
	for name, text := range schemas { // in any order: types may be used before they are declared
		var n tree.Node
		if err := json.Unmarshal([]byte(text), &n); err != nil {
			t.Fatal(name, err)
		}
		out = append(out, Named{Name: diag.Plain(name), Schema: &n})
	}
	return out
}

func plain(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err, text)
	}
	return v
}
