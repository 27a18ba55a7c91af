package dsl_test

import (
	"encoding/json"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/schema"
)

// TestJSONSchema holds graphs as an editor would: what is in order fits the
// schema, and slips of the pen do not.
func TestJSONSchema(t *testing.T) {
	t.Parallel()
	var parsed jsonschema.Schema
	if err := json.Unmarshal(schema.Graph(), &parsed); err != nil {
		t.Fatal(err)
	}
	s, err := parsed.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	fits := func(file string) error { return s.Validate(dsl.Value(t, file)) }
	for _, file := range append(files(t, "testdata/ok/*.yaml"), files(t, "../graphs/*/*.graphrun.yaml")...) {
		if _, list := dsl.Load(file, std.Registry()); list.HasErrors() {
			continue // another test says so
		}
		if err := fits(file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, code := range []string{"unknown-field", "missing-field", "wrong-type", "bad-duration", "unknown-kind", "bad-version", "elements", "lacking"} {
		if err := fits("testdata/err/" + code + ".yaml"); err == nil {
			t.Errorf("the schema takes the graph of %q", code)
		}
	}
}
