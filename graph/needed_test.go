package graph

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSecretsNeeded: a provider that no model of a stack names needs no key.
func TestSecretsNeeded(t *testing.T) {
	t.Parallel()
	const text = `"graphrun": 1, "name": "g", "limits": {"cycles": 1}, "secrets": ["A", "B", "C", "D"],
		"params": [{"name": "model", "type": "string", "default": "stand-in/x"}],
		"providers": [{"name": "stand-in", "api": "script", "file": "replies.yaml"},
			{"name": "a", "api": "openai", "key": "${{ secrets.A }}"}, {"name": "b", "api": "anthropic", "key": "${{ secrets.B }}"}],
		"tools": [{"name": "look", "uses": "work", "with": {"command": ["look"], "input": "${{ secrets.C }}"}}],
		"state": [{"name": "model", "type": "string"}], "stop": [{"when": "state.model == \"\""}],
		"nodes": [{"id": "ask", "uses": "talk", "with": {"model": MODEL, "tools": ["look"]}}]`
	for _, c := range []struct {
		name, model string
		params      map[string]any
		want        []string
	}{
		{"a name", `"b/x"`, nil, []string{"B", "C", "D"}},
		{"a list", `["stand-in/x", "a/x"]`, nil, []string{"A", "C", "D"}},
		{"a param", `"${{ params.model }}"`, map[string]any{"model": "b/x"}, []string{"B", "C", "D"}},
		{"a param that chooses the script", `"${{ params.model }}"`, map[string]any{"model": "stand-in/x"}, []string{"C", "D"}},
		{"a param that is not known yet", `"${{ params.model }}"`, nil, []string{"C", "D"}},
		{"a part of a name", `"a/${{ params.model }}"`, map[string]any{"model": "x"}, []string{"A", "C", "D"}},
		{"a list with the state", `["stand-in/x", "${{ state.model }}"]`, map[string]any{"model": "stand-in/x"}, []string{"A", "B", "C", "D"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := compiledDef(t, strings.ReplaceAll(text, "MODEL", c.model))
			if diff := cmp.Diff(c.want, g.SecretsNeeded(c.params)); diff != "" {
				t.Errorf("needed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"C", "D"}, g.SecretsOutside()); diff != "" {
				t.Errorf("needed while nobody talks to providers (-want +got):\n%s", diff)
			}
		})
	}
}
