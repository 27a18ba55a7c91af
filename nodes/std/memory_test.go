package std_test

import (
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes/std"
)

// TestFoundDataHaveTheTypeOfTheMemory: what a search finds is checked as it was written.
func TestFoundDataHaveTheTypeOfTheMemory(t *testing.T) {
	t.Parallel()
	p := diag.Plain
	for expr, want := range map[string]string{
		"output[0].data.topic": "",
		"output[0].data.n":     "integer",
		"output[0].data.other": "other",
	} {
		_, problems := graph.Compile(graph.Def{
			Version: 1, Name: p("g"),
			Memories: []graph.MemoryDef{{Name: p("facts"), Data: tree.Of(map[string]any{"type": "object", "required": []any{"topic", "n"},
				"properties": map[string]any{"topic": "string", "n": "integer"}})}},
			State: []graph.KeyDef{{Name: p("topic"), Type: tree.Of("string")}},
			Nodes: []graph.NodeDef{{ID: p("find"), Uses: p("memory"), With: tree.Of(map[string]any{"memory": "facts", "op": "search", "query": "x"}),
				Writes: []graph.WriteDef{{Key: p("topic"), Expr: p(expr)}}}},
		}, std.Registry())
		got := ""
		if err := problems.Err(); err != nil {
			got = err.Error()
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", expr, got, want)
		}
	}
}
