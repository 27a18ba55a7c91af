package graph

import (
	"fmt"
	"strings"
	"testing"
)

// An edge that asks for failure is never live with one that asks the same source for
// success, or for no failure; all others may be.
func TestJoinOfOutcomes(t *testing.T) {
	t.Parallel()
	for outcomes, fits := range map[string]bool{
		"success unless_failed":                true,
		"unless_failed always":                 true,
		"failure always":                       true,
		"success failure":                      false,
		"unless_failed failure":                false,
		"success unless_failed failure always": false,
	} {
		var edges []string
		for o := range strings.FieldsSeq(outcomes) {
			edges = append(edges, fmt.Sprintf(`{"from": "a", "to": "b", "outcome": %q}`, o))
		}
		_, problems := compileText(t, start+`, "nodes": [{"id": "a", "uses": "set"}, {"id": "b", "uses": "set", "join": {"text": "all"}}], "edges": [`+strings.Join(edges, ",")+`]`)
		if got := !strings.Contains(fmt.Sprint(problems), "join-unsatisfiable"); got != fits {
			t.Errorf("%s: can be live together: %v, want %v\n%v", outcomes, got, fits, problems)
		}
	}
}

// A skip is enough for an edge with unless_failed, so nothing has to start its source.
func TestReachUnlessFailed(t *testing.T) {
	t.Parallel()
	_, problems := compileText(t, start+`, "nodes": [{"id": "a", "uses": "set"}, {"id": "b", "uses": "set"}], "edges": [
		{"from": "a", "to": "a", "next_cycle": true}, {"from": "a", "to": "b", "outcome": "unless_failed"}]`)
	if text := fmt.Sprint(problems); strings.Contains(text, `start "b"`) || !strings.Contains(text, `start "a"`) {
		t.Error(text)
	}
}

// Such an edge takes no failure, so there is no error behind it.
func TestNoErrorUnlessFailed(t *testing.T) {
	t.Parallel()
	_, problems := compileText(t, start+`, "nodes": [{"id": "a", "uses": "set"}, {"id": "b", "uses": "set"}], "edges": [
		{"to": "a"}, {"from": "a", "to": "b", "outcome": "unless_failed", "when": "error == nil"}]`)
	if text := fmt.Sprint(problems); !strings.Contains(text, "unknown-name") {
		t.Error(text)
	}
}
