package graph

import (
	"fmt"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
)

// A branch and its opposite never meet; all else does. The nodes x and y replace one key.
func TestConflictsOfBranches(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edges    string // each "SOURCE TARGET [OUTCOME] [when|else] [next]"
		set      string // more of x
		conflict bool
	}{
		"outcomes":                    {"start a;a x;a y failure", "", false},
		"unless failed":               {"start a;a x unless_failed;a y failure", "", false},
		"unless failed and success":   {"start a;a x unless_failed;a y", "", true},
		"always":                      {"start a;a x always;a y failure", "", true},
		"further behind":              {"start a;a b;b c always;c x;a y failure", "", false},
		"a skip ends what is known":   {"start a;a b;b x unless_failed;a y failure", "", true},
		"another way":                 {"start a;start b;a x;b x;a y failure", "", true},
		"all of two":                  {"start a;start b;a x;b x;a y failure", `, "join": {"text": "all"}`, false},
		"as many as there are":        {"start a;start b;a x;b x;a y failure", `, "join": {"text": "at_least(2)"}`, false},
		"one of two":                  {"start a;start b;a x;b x;a y failure", `, "join": {"text": "at_least(1)"}`, true},
		"none":                        {"start a;a x;a y failure", `, "join": {"text": "none"}`, true},
		"two sources":                 {"start a;start b;a x;b y failure", "", true},
		"else":                        {"start a;a x when;a y else", "", false},
		"else of the start":           {"start x when;start y else", "", false},
		"else of several":             {"start a;start b;a x when;a b when;a y else", "", false},
		"siblings":                    {"start a;start b;a x when;a y when;a b else", "", true},
		"else behind else":            {"start a;a b when;a c else;b x;c y", "", false},
		"else of another outcome":     {"start a;a x when;a y always when;a b always else;a c else", "", true},
		"beside an else without when": {"start a;a x;a y else;a b when", "", true},
		"next cycles":                 {"start a;a x next;a y failure next", "", false},
		"one of the next cycle":       {"start a;a x;a y failure next", "", true},
		"a latch":                     {"start a;a x;a y failure", `, "latch": true`, true},
		"in the background":           {"start a;a x;a y failure", `, "background": true`, true},
		"the source waits":            {"start w;w x;w y failure", "", true},
		"after a condition":           {"start a;a x;a y after when", "", true},
	} {
		var edges []string
		nodes := map[string]bool{}
		for e := range strings.SplitSeq(tt.edges, ";") {
			words := strings.Fields(e)
			nodes[words[0]], nodes[words[1]] = true, true
			text := fmt.Sprintf(`"from": %q, "to": %q`, words[0], words[1])
			for _, w := range words[2:] {
				switch w {
				case "when":
					text += `, "when": "state.n > 0"`
				case "else":
					text += `, "else": true`
				case "next":
					text += `, "next_cycle": true`
				case "after":
					text = strings.Replace(text, "from", "after", 1)
				default:
					text += fmt.Sprintf(`, "outcome": %q`, w)
				}
			}
			edges = append(edges, "{"+text+"}")
		}
		var defs []string
		for _, id := range []string{"a", "b", "c", "w"} {
			if kind := "set"; nodes[id] {
				if id == "w" {
					kind = "ask"
				}
				defs = append(defs, fmt.Sprintf(`{"id": %q, "uses": %q}`, id, kind))
			}
		}
		const writes = `, "uses": "set", "with": {"n": 1}, "writes": [{"key": "n", "short": true, "expr": ""}]`
		defs = append(defs, `{"id": "x"`+writes+tt.set+`}`, `{"id": "y"`+writes+`}`)
		_, problems := compileText(t, start+`, "nodes": [`+strings.Join(defs, ",")+`], "edges": [`+strings.Join(edges, ",")+`]`)
		got := false
		for _, p := range problems {
			got = got || p.Code == diag.WriteConflict
		}
		if got != tt.conflict {
			t.Errorf("%s: conflict %v, want %v\n%v", name, got, tt.conflict, problems)
		}
	}
}
