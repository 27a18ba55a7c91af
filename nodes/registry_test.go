package nodes_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
)

func TestRegister(t *testing.T) {
	t.Parallel()
	work := giving(nil).Node
	fields := func(f ...graph.Field) nodes.Spec {
		return nodes.Spec{Kind: graph.Kind{Name: "k", Fields: f}, Node: work}
	}
	for name, tt := range map[string]struct {
		spec nodes.Spec
		want string // "" means accepted
	}{
		"plain":            {fields(graph.Field{Name: "a", Type: "list(string)?"}), ""},
		"dotted name":      {nodes.Spec{Kind: graph.Kind{Name: "acme.fetch"}, Node: work}, ""},
		"duration":         {fields(graph.Field{Name: "a", Type: "duration"}), ""},
		"enum":             {fields(graph.Field{Name: "a", Type: "json|text"}), ""},
		"inline":           {nodes.Spec{Kind: graph.Kind{Name: "k", Inline: true}}, ""},
		"replaces missing": {nodes.Spec{Kind: graph.Kind{Name: "agent"}, Node: work}, ""},
		"empty name":       {nodes.Spec{Node: work}, `kind "": bad name`},
		"taken":            {nodes.Spec{Kind: graph.Kind{Name: "exec"}, Node: work}, `kind "exec" is registered already`},
		"no work":          {nodes.Spec{Kind: graph.Kind{Name: "k"}}, "no Node"},
		"idle work":        {nodes.Spec{Kind: graph.Kind{Name: "k", Inline: true}, Node: work}, "never run"},
		"twice":            {fields(graph.Field{Name: "a", Type: "any"}, graph.Field{Name: "a", Type: "any"}), `"a" is declared twice`},
		"nameless field":   {fields(graph.Field{Type: "any"}), "without a name"},
		"typeless field":   {fields(graph.Field{Name: "a"}), `field "a": type ""`},
		"unknown type":     {fields(graph.Field{Name: "a", Type: "strng"}), `field "a": type "strng"`},
		"empty word":       {fields(graph.Field{Name: "a", Type: "json|"}), "an empty word"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := nodes.NewRegistry()
			for _, s := range []nodes.Spec{
				{Kind: graph.Kind{Name: "exec"}, Node: work},
				{Kind: graph.Kind{Name: "agent", Missing: true}},
			} {
				if err := r.Register(s); err != nil {
					t.Fatal(err)
				}
			}
			err := r.Register(tt.spec)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if k, ok := r.Kind(tt.spec.Name); !ok || k.Missing {
					t.Errorf("Kind(%q) = %+v, %v after it was registered", tt.spec.Name, k, ok)
				}
			} else if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestRegistryNames(t *testing.T) {
	t.Parallel()
	r := nodes.NewRegistry()
	for _, name := range []string{"b", "c", "a"} {
		if err := r.Register(nodes.Spec{Kind: graph.Kind{Name: name, Inline: true}}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, r.Names()); diff != "" {
		t.Error(diff)
	}
	if _, ok := r.Spec("d"); ok {
		t.Error("found a kind that nobody registered")
	}
}

func TestZeroRegistryIsEmpty(t *testing.T) {
	t.Parallel()
	var r nodes.Registry
	if err := r.Register(nodes.Func("k", func(context.Context, struct{}) (int, error) { return 1, nil })); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Spec("k"); !ok {
		t.Error("the kind is not found")
	}
}
