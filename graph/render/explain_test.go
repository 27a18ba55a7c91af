package render

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/tree"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// explainedGraph has a condition of each form in the way of a node.
func explainedGraph(t *testing.T, when string) *graph.Graph {
	t.Helper()
	p := diag.Plain
	key := func(name, typ string, v any) graph.KeyDef {
		return graph.KeyDef{Name: p(name), Type: tree.Of(typ), Default: tree.Of(v)}
	}
	def := graph.Def{
		Version: 1, Name: p("g"), Limits: graph.LimitsDef{Cycles: 1},
		State: []graph.KeyDef{
			key("kind", "string", "how-to"), key("notes", "list(string)", []any{"a", "b"}), key("force", "boolean", false),
			key("n", "integer", 7), key("long", "string", strings.Repeat("long ", 40)), key("maybe", "integer?", nil),
		},
		Define: []graph.DefineDef{{Name: p("many"), Expr: p("len(state.notes) >= 3")}, {Name: p("short"), Expr: p(`filter(state.notes, # != "a")`)}},
		Nodes:  []graph.NodeDef{{ID: p("draft"), Uses: p("set")}},
		Edges:  []graph.EdgeDef{{To: []diag.Text{p("draft")}, When: p(when)}},
	}
	g, problems := graph.Compile(def, oneKind{})
	if g == nil {
		t.Fatal(problems)
	}
	return g
}

func TestDecision(t *testing.T) {
	t.Parallel()
	for when, want := range map[string]string{
		`state.kind == "how-to" && (len(state.notes) >= 3 || state.force)`: `
  ✗ false
    ✓ state.kind == "how-to"     state.kind = "how-to"    never changed
    ✗ any of
      ✗ len(state.notes) >= 3    len(state.notes) = 2     never changed
      ✗ state.force              state.force = false      never changed`,
		`many or not (state.n < 3 or state.n == 7)`: `
  ✗ any of
    ✗ many is
      ✗ len(state.notes) >= 3    len(state.notes) = 2    never changed
    ✗ not
      ✓ any of
        ✗ state.n < 3            state.n = 7             never changed
        ✓ state.n == 7           state.n = 7             never changed`,
		`state.force and state.notes[9] == "x"`: `
  ✗ false
    ✗ state.force              state.force = false    never changed
    · state.notes[9] == "x"    not evaluated`,
		`any(state.notes, # == "b") and state.notes[9] == "x"`: `
  ✗ error
    ✓ any(state.notes, # == "b")    1 of 2, the first [1] = "b"    never changed
    ✗ state.notes[9] == "x"         error: index 9 is out of range: the list has 2 elements`,
		`len(short) > state.n and true`: `
  ✗ false
    ✗ len(short) > state.n    len(short) = 1, state.n = 7    notes never changed; n never changed
      · short is filter(state.notes, # != "a")
    · true                    not evaluated`,
		`(state.maybe ?? 3) > 5 ? state.force : state.kind startsWith "x"`: `
  ✗ if
    ✗ (state.maybe ?? 3) > 5         state.maybe ?? 3 = 3     never changed
    then
      · state.force                  not evaluated
    else
      ✗ state.kind startsWith "x"    state.kind = "how-to"    never changed`,
		`not state.force and state.long == "x"`: `
  ✗ false
    ✓ not state.force      state.force = false    never changed
    ✗ state.long == "x"    state.long = "long long long long long long long long long long long long long long long lon…    never changed`,
	} {
		g := explainedGraph(t, when)
		var got strings.Builder
		m, err := machine.New(g, machine.Options{}, journal.Identity{Stack: "s"}, nil, start)
		if err != nil {
			t.Fatal(err)
		}
		m.Watch(machine.Watch{Decided: func(d machine.Decision) {
			n := inspect.ExplainDecision(g, d)
			if err := Decision(&got, &n, "would not run"); err != nil {
				t.Error(err)
			}
		}})
		if err := m.Step(machine.Woke{At: start}); err != nil {
			t.Fatal(err)
		}
		_, parts, _ := strings.Cut(got.String(), "\n  from the start")
		_, parts, _ = strings.Cut(parts, "\n")
		if diff := cmp.Diff(strings.TrimPrefix(want, "\n")+"\n", parts); diff != "" {
			t.Errorf("%s (-want +got)\n%s\n%s", when, diff, got.String())
		}
	}
}

// What nobody evaluated has no values, and says so.
func TestConditionThatWasNotAsked(t *testing.T) {
	t.Parallel()
	g := explainedGraph(t, `state.n > 3 && state.force`)
	var got strings.Builder
	if err := Condition(&got, inspect.UnevaluatedPart(g.Edges[0].When), "  "); err != nil {
		t.Fatal(err)
	}
	want := "  · not evaluated\n    · state.n > 3    not evaluated\n    · state.force    not evaluated\n"
	if got.String() != want {
		t.Errorf("got\n%s", got.String())
	}
}
