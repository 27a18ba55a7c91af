package nodes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
)

type todo struct {
	ID   string   `json:"id"`
	Done *bool    `json:"done,omitempty"`
	Tags []string `json:"tags"`
}

type planInput struct {
	Goal  string            `json:"goal" jsonschema:"what to reach"`
	Max   int64             `json:"max,omitempty"`
	Score *float64          `json:"score"`
	Todos []todo            `json:"todos,omitempty"`
	Extra map[string]string `json:"extra,omitempty"`
	Raw   json.RawMessage   `json:"raw,omitempty"`
	Blob  []byte            `json:"blob,omitempty"`
	Since time.Time         `json:"since,omitzero"`
	Any   any               `json:"any,omitempty"`
}

type planOutput struct {
	Todos []todo           `json:"todos"`
	Count map[string]int64 `json:"count"`
	Big   int64            `json:"big"`
	Note  *string          `json:"note"`
}

func TestFuncFieldsAndOutput(t *testing.T) {
	t.Parallel()
	s := nodes.Func("plan", func(context.Context, planInput) (planOutput, error) { return planOutput{}, nil })
	want := []graph.Field{
		{Name: "goal", Type: "string", Required: true, Doc: "what to reach"},
		{Name: "max", Type: "integer"},
		{Name: "score", Type: "number?", Required: true},
		{Name: "todos", Type: "list(object)"},
		{Name: "extra", Type: "map(string)"},
		{Name: "raw", Type: "any"},
		{Name: "blob", Type: "string"},
		{Name: "since", Type: "string"},
		{Name: "any", Type: "any"},
	}
	if diff := cmp.Diff(want, s.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if s.Open {
		t.Error("a struct takes no other fields, but the kind is open")
	}
	wantOut := schema.ObjectOf(
		schema.Prop{Name: "todos", Required: true, Type: schema.ListOf(schema.ObjectOf(
			schema.Prop{Name: "id", Type: schema.StringType, Required: true},
			schema.Prop{Name: "done", Type: schema.BooleanType.OrNull()},
			schema.Prop{Name: "tags", Type: schema.ListOf(schema.StringType), Required: true},
		))},
		schema.Prop{Name: "count", Type: schema.MapOf(schema.IntegerType), Required: true},
		schema.Prop{Name: "big", Type: schema.IntegerType, Required: true},
		schema.Prop{Name: "note", Type: schema.StringType.OrNull(), Required: true},
	)
	if diff := cmp.Diff(wantOut, s.Output(graph.Config{}), cmpopts.IgnoreUnexported(schema.Type{})); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	if err := nodes.NewRegistry().Register(s); err != nil {
		t.Error(err)
	}
}

func TestFuncOpenAndEmpty(t *testing.T) {
	t.Parallel()
	open := nodes.Func("open", func(context.Context, map[string]any) (any, error) { return nil, nil })
	if !open.Open || len(open.Fields) != 0 {
		t.Errorf("a map takes any field: got open %v, fields %v", open.Open, open.Fields)
	}
	none := nodes.Func("none", func(context.Context, struct{}) (any, error) { return nil, nil })
	if none.Open || len(none.Fields) != 0 {
		t.Errorf("an empty struct takes no field: got open %v, fields %v", none.Open, none.Fields)
	}
}

func TestFuncThatGraphsCannotUse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spec nodes.Spec
		want string
	}{
		"no mapping":  {nodes.Func("k", func(context.Context, string) (any, error) { return nil, nil }), "want a struct or a map"},
		"no schema":   {nodes.Func("k", func(context.Context, struct{ C chan int }) (any, error) { return nil, nil }), "input: "},
		"bad output":  {nodes.Func("k", func(context.Context, struct{}) (func(), error) { return nil, nil }), "output: "},
		"bad name":    {nodes.Func("my kind", func(context.Context, struct{}) (any, error) { return nil, nil }), "bad name"},
		"no function": {nodes.Func[struct{}, any]("k", nil), "no function"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := nodes.NewRegistry().Register(tt.spec)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Register: got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestFuncRun(t *testing.T) {
	t.Parallel()
	plan := nodes.Func("plan", func(ctx context.Context, in planInput) (planOutput, error) {
		task, _ := nodes.TaskOf(ctx)
		nodes.Spend(ctx, 7, 0.25)
		return planOutput{Todos: append(in.Todos, todo{ID: in.Goal + task.Key}), Big: in.Max}, nil
	})
	for name, tt := range map[string]struct {
		with    any
		want    any
		failure *nodes.Error
	}{
		"exact integers, empty lists": {
			with: map[string]any{"goal": "g", "score": nil, "max": int64(1<<53 + 1)},
			want: map[string]any{"big": int64(1<<53 + 1), "note": nil, "count": map[string]any{},
				"todos": []any{map[string]any{"id": "gkey", "tags": []any{}}}},
		},
		"unknown field": {
			with:    map[string]any{"gaol": "g"},
			failure: &nodes.Error{Kind: "config", Permanent: true, Message: `json: unknown field "gaol"`},
		},
		"wrong type": {
			with:    map[string]any{"goal": int64(3)},
			failure: &nodes.Error{Kind: "config", Permanent: true, Message: `field "goal": got a number, want string`},
		},
		"no mapping": {
			with:    "text",
			failure: &nodes.Error{Kind: "config", Permanent: true, Message: "got a string, want nodes_test.planInput"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, fail := nodes.Run(t.Context(), plan, nodes.Task{With: tt.with, Key: "key"})
			if diff := cmp.Diff(tt.failure, fail); diff != "" {
				t.Errorf("failure (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, res.Output); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if fail == nil && (res.Tokens != 7 || res.Cost != 0.25) {
				t.Errorf("spent %d tokens and %v, want 7 and 0.25", res.Tokens, res.Cost)
			}
		})
	}
}

func TestPermanentKeepsKind(t *testing.T) {
	t.Parallel()
	base := nodes.Errorf("model", "refused")
	got := nodes.Permanent(base)
	if diff := cmp.Diff(&nodes.Error{Kind: "model", Message: "refused", Permanent: true}, got); diff != "" {
		t.Error(diff)
	}
	if base.Permanent {
		t.Error("Permanent changed the error that it was given")
	}
	if got := nodes.Permanent(errors.New("no")); got.Kind != "error" || !got.Permanent {
		t.Errorf("a plain error: got %+v", got)
	}
}

func TestFuncThatReturnsANilError(t *testing.T) {
	t.Parallel()
	s := nodes.Func("k", func(context.Context, struct{}) (string, error) {
		var e *nodes.Error
		return "done", e
	})
	if res, fail := nodes.Run(t.Context(), s, nodes.Task{}); fail != nil || res.Output != "done" {
		t.Errorf("got %v, %v, want a success", res.Output, fail)
	}
}

// TestFuncKeepsItsOutput: a function may still change what it returned.
func TestFuncKeepsItsOutput(t *testing.T) {
	t.Parallel()
	seen := map[string]any{}
	s := nodes.Func("k", func(context.Context, struct{}) (map[string]any, error) {
		seen[fmt.Sprint(len(seen))] = true
		return seen, nil
	})
	first, _ := nodes.Run(t.Context(), s, nodes.Task{})
	second, _ := nodes.Run(t.Context(), s, nodes.Task{})
	if diff := cmp.Diff([]any{map[string]any{"0": true}, map[string]any{"0": true, "1": true}}, []any{first.Output, second.Output}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
