package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/graphrun/graphrun/runtime/api"
)

// description is what GET /openapi.json answers.
type description struct {
	OpenAPI    string
	Info       struct{ Version string }
	Paths      map[string]map[string]described
	Components struct {
		Schemas   map[string]any
		Responses map[string]struct {
			Content map[string]struct{ Schema any }
		}
	}
}

type described struct {
	OperationID string
	Parameters  []struct {
		Name, In, Description string
		Required              bool
		Schema                map[string]any
	}
	RequestBody *struct {
		Content map[string]struct{ Schema any }
	}
	Responses map[string]struct {
		Ref     string `json:"$ref"`
		Content map[string]struct{ Schema any }
	}
	Security []map[string][]string
}

func descriptionOf(t *testing.T, h http.Handler) (d description) {
	t.Helper()
	w := ask(h, "GET", "/openapi.json", "")
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %v %s", w.Code, err, w.Body)
	}
	return d
}

// check holds an answer to its schema, with no member that the schema does not name.
func (d *description) check(t *testing.T, route api.Route, status, text string) {
	t.Helper()
	op, ok := d.Paths[route.Path][strings.ToLower(route.Method)]
	if !ok {
		t.Errorf("%s %s is not described", route.Method, route.Path)
		return
	}
	schema := op.Responses[status].Content["application/json"].Schema
	if ref := op.Responses[status].Ref; ref != "" {
		schema = d.Components.Responses[ref[strings.LastIndexByte(ref, '/')+1:]].Content["application/json"].Schema
	}
	if schema == nil {
		t.Errorf("%s %s: no schema for %s", route.Method, route.Path, status)
		return
	}
	whole, err := json.Marshal(map[string]any{"$defs": strict(d.Components.Schemas), "allOf": []any{schema}})
	if err != nil {
		t.Fatal(err)
	}
	whole = bytes.ReplaceAll(whole, []byte("#/components/schemas/"), []byte("#/$defs/"))
	var s jsonschema.Schema
	if err := json.Unmarshal(whole, &s); err != nil {
		t.Fatal(err)
	}
	ready, err := s.Resolve(nil)
	if err != nil {
		t.Fatalf("%s %s: %v", route.Method, route.Path, err)
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if err := ready.Validate(v); err != nil {
		t.Errorf("%s %s: the answer is not as it is described: %v\n%s", route.Method, route.Path, err, text)
	}
}

// strict permits no further members in objects that name theirs.
func strict(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, x := range v {
			out[name] = strict(x)
		}
		if _, names := out["properties"].(map[string]any); names && out["type"] == "object" {
			out["additionalProperties"] = false
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = strict(v[i])
		}
		return out
	}
	return v
}

// TestOpenAPI holds the description to the table of routes: all paths, queries, bodies and
// answers, and nothing else. That answers are as they are described, TestRoutes checks.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.options.Server.Version = "1.2.3"
	h := r.handler(api.Door{Token: secret}) // without the token
	d := descriptionOf(t, h)
	if d.OpenAPI != "3.1.0" || d.Info.Version != "1.2.3" {
		t.Errorf("%s %s", d.OpenAPI, d.Info.Version)
	}
	said, err := api.OpenAPI("1.2.3")
	if w := ask(h, "GET", "/openapi.json", ""); err != nil || strings.TrimSpace(w.Body.String()) != string(said) {
		t.Errorf("OpenAPI and the route differ: %v", err)
	}
	left := map[string]bool{}
	for path, methods := range d.Paths {
		for method := range methods {
			left[strings.ToUpper(method)+" "+path] = true
		}
	}
	ids := map[string]bool{}
	for _, route := range api.Routes() {
		name := route.Method + " " + route.Path
		op, ok := d.Paths[route.Path][strings.ToLower(route.Method)]
		if !ok {
			t.Errorf("%s is not described", name)
			continue
		}
		delete(left, name)
		if ids[op.OperationID] || op.OperationID == "" {
			t.Errorf("%s: the id %q is not its own", name, op.OperationID)
		}
		ids[op.OperationID] = true
		var query, path []string
		for _, p := range op.Parameters {
			switch p.In {
			case "path":
				path = append(path, "{"+p.Name+"}")
				if p.Description == "" || p.Schema["pattern"] == nil {
					t.Errorf("%s: the id %q is not described", name, p.Name)
				}
			case "query":
				query = append(query, p.Name)
				if p.Description == "" || p.Schema["type"] == nil {
					t.Errorf("%s: the parameter %q is not described", name, p.Name)
				}
			}
		}
		if diff := cmp.Diff(route.Query, query); diff != "" {
			t.Errorf("%s: query %s", name, diff)
		}
		want := slices.DeleteFunc(strings.Split(route.Path, "/"), func(s string) bool { return !strings.HasPrefix(s, "{") })
		if len(want)+len(path) > 0 {
			if diff := cmp.Diff(want, path); diff != "" {
				t.Errorf("%s: path %s", name, diff)
			}
		}
		if (op.RequestBody != nil) != (route.Body != nil) {
			t.Errorf("%s: the body is described: %t", name, op.RequestBody != nil)
		}
		if open := op.Security != nil && len(op.Security) == 0; open != (route.Role == "") {
			t.Errorf("%s: described as open: %t", name, open)
		}
		success := "200"
		if route.Signed {
			success = "202"
		}
		if len(op.Responses) != 2 || len(op.Responses[success].Content) == 0 || op.Responses["default"].Ref != "#/components/responses/Problem" {
			t.Errorf("%s: answers %+v", name, op.Responses)
		}
	}
	if len(left) > 0 {
		t.Errorf("described without a route: %v", left)
	}
}

// TestDescriptions holds that all schemas and all their members are described, and that no
// description is left over.
func TestDescriptions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := descriptionOf(t, r.handler(api.Door{}))
	for name, schema := range d.Components.Schemas {
		for _, lacking := range undescribed(name, schema) {
			t.Errorf("%s has no description", lacking)
		}
	}
	if len(d.Components.Schemas) < 50 {
		t.Errorf("only %d schemas are there", len(d.Components.Schemas))
	}
	if left := api.UnusedDescriptions(); len(left) > 0 {
		t.Errorf("descriptions of nothing: %q", left)
	}
	// Members that say the same everywhere are described once.
	stack, told := membersOf(t, d, "Stack"), membersOf(t, d, "Told")
	if stack["graph"] != "The name of the graph." || told["stack"] != stack["stack"] || told["done"] == "" {
		t.Errorf("%q %q", stack, told)
	}
	// The members of an embedded struct are described by it, unless the one around it does.
	approval, waiting := membersOf(t, d, "Approval"), membersOf(t, d, "WaitingNode")
	if approval["since"] != waiting["since"] || approval["stack"] == waiting["stack"] {
		t.Errorf("%q %q", approval, waiting)
	}
}

// undescribed are the schema and the members in it, at any depth, that have no description.
func undescribed(name string, schema any) (lacking []string) {
	s, _ := schema.(map[string]any)
	if text, _ := s["description"].(string); !strings.HasSuffix(text, ".") {
		lacking = append(lacking, name)
	}
	members, _ := s["properties"].(map[string]any)
	for member, schema := range members {
		lacking = append(lacking, undescribed(name+"."+member, schema)...)
	}
	return lacking
}

// membersOf are the descriptions of the members of a schema.
func membersOf(t *testing.T, d description, name string) map[string]string {
	t.Helper()
	schema, _ := d.Components.Schemas[name].(map[string]any)
	members, ok := schema["properties"].(map[string]any)
	if !ok {
		t.Fatalf("%s has no members: %v", name, schema)
	}
	out := map[string]string{}
	for member, schema := range members {
		out[member], _ = schema.(map[string]any)["description"].(string)
	}
	return out
}
