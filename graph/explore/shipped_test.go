package explore

import (
	"path/filepath"
	"testing"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes/std"
)

// kindsWithAgents are the kinds of the command, as far as a graph has to be checked.
type kindsWithAgents struct{ graph.Kinds }

func (k kindsWithAgents) Kind(name string) (graph.Kind, bool) {
	kind, ok := k.Kinds.Kind(name)
	if ok && kind.Talks {
		kind.APIs = append(kind.APIs, "openai", "anthropic", "script")
	}
	return kind, ok
}

// Nothing is found in the graphs that come along.
func TestShippedGraphs(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join("..", "..", "graphs", "*", "*.graphrun.yaml"))
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d graphs: %v", len(paths), err)
	}
	stacks := 100 // enough for all kinds of findings
	if long {
		stacks = 2000
	}
	for i, path := range paths {
		if !long && i%3 != 0 {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			src, problems := dsl.Load(path, kindsWithAgents{std.Registry()})
			if problems.HasErrors() {
				t.Fatal(problems)
			}
			g := src.Graph
			if _, r := look(t, g, Options{Stacks: stacks, Seed: 1}); len(r.Findings) > 0 {
				for _, f := range r.Findings {
					t.Errorf("%+v", f)
				}
			}
		})
	}
}
