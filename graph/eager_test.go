package graph

import (
	"testing"

	"github.com/graphrun/graphrun/diag"
)

// A fleet goes through its waves together, and `waves: eager` has none to wait for.
func TestEagerFleet(t *testing.T) {
	t.Parallel()
	const nodes = `, "nodes": [{"id": "a", "uses": "set"}], "edges": [{"to": "a"}]`
	if g := mustCompile(t, `"waves": "eager"`+nodes); !g.Eager {
		t.Error("the graph is not eager")
	}
	if g := mustCompile(t, `"waves": "barrier"`+nodes); g.Eager {
		t.Error("a graph with a barrier is eager")
	}
	_, problems := compileText(t, start+`, "waves": "eager", "fleet": "lockstep"`+nodes)
	found := false
	for _, d := range problems {
		found = found || d.Code == diag.BadConfig
	}
	if !found {
		t.Errorf("eager and lockstep: %v", problems)
	}
}

// Only a `join: first` node has other sources to cancel.
func TestCancelNeedsFirst(t *testing.T) {
	t.Parallel()
	for join, want := range map[string]bool{"first": false, "any": true, "all": true} {
		_, problems := compileText(t, start+`, "nodes": [{"id": "a", "uses": "set"}, {"id": "b", "uses": "set", "cancel": true, "join": {"text": "`+join+`"}}],
			"edges": [{"to": ["a"]}, {"from": ["a"], "to": ["b"]}]`)
		found := false
		for _, d := range problems {
			found = found || d.Code == diag.BadConfig && d.Help == "add `join: first`"
		}
		if found != want {
			t.Errorf("join %s: %v", join, problems)
		}
	}
}
