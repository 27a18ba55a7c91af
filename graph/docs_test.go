package graph

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/value"
)

var reduceExample = regexp.MustCompile(`^(\{.*?\}|upsert\(.*?\)|\S+) on (\S+): (.*) \+ (.*) => (.*)$`)

// TestTypesPageReducers runs the reducers of docs/types.md, which has an example
// of each.
func TestTypesPageReducers(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/types.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```reduce\n")
	block, _, _ = strings.Cut(block, "```")
	seen := map[string]bool{}
	for line := range strings.Lines(block) {
		m := reduceExample.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			t.Errorf("%q is no example", line)
			continue
		}
		name, _, _ := strings.Cut(m[1], "(")
		reduce := `{"name": "` + m[1] + `"}`
		if strings.HasPrefix(name, "{") {
			name, reduce = "expr", m[1]
		}
		seen[name] = true
		g, problems := compileText(t, `"graphrun": 1, "name": "g", "limits": {"cycles": 1}, "state": [{"name": "k", "type": "`+m[2]+`", "reduce": `+reduce+`}],
			"nodes": [{"id": "a", "uses": "set", "with": {"x": "${{ state }}"}}]`)
		if g == nil {
			t.Errorf("%s: %v", line, problems)
			continue
		}
		c, _, err := g.Reduce(0, decoded(t, m[3]), []any{decoded(t, m[4])}, &cond.Env{Slots: make([]any, NumSlots)})
		if got := value.String(c.Value); err != nil || got != m[5] {
			t.Errorf("%s\ngives %s, %v", line, got, err)
		}
	}
	for _, name := range append(reducerNames, "expr") {
		if !seen[name] {
			t.Errorf("the page has no example of %q", name)
		}
	}
}
