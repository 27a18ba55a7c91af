package render

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
)

var update = flag.Bool("update", false, "write the golden files anew")

type oneKind struct{}

func (oneKind) Kind(string) (graph.Kind, bool) {
	return graph.Kind{Name: "set", Open: true, Inline: true}, true
}
func (oneKind) Names() []string { return []string{"set"} }

// sample has every form of edge, every mark of a node, and texts that each format must escape.
func sample(t *testing.T) *graph.Graph {
	t.Helper()
	p := diag.Plain
	node := func(id, join string) graph.NodeDef {
		return graph.NodeDef{ID: p(id), Uses: p("set"), Join: graph.JoinDef{Text: p(join)}}
	}
	to := func(id string) []diag.Text { return []diag.Text{p(id)} }
	first, latch := node("first", "first"), node("latch", "all")
	first.Cancel, latch.Latch = true, true
	def := graph.Def{
		Version: 1, Name: p("sample"), Finally: []diag.Text{p("tidy"), p("told")}, Limits: graph.LimitsDef{Cycles: 1},
		State: []graph.KeyDef{{Name: p("word"), Type: tree.Of("string")}},
		Nodes: []graph.NodeDef{node("end", ""), node("a-b", "all"), node("alert", ""), node("other", "at_least(1)"), first, latch, node("tidy", ""), node("told", "")},
		Edges: []graph.EdgeDef{
			{To: to("end"), When: p("state.word != \"a|b #1\\n<x>\"\n  && true != false")},
			{To: to("other"), Else: true},
			{From: to("end"), To: to("a-b")},
			{From: to("end"), To: to("alert"), Outcome: p("failure"), When: p("error.kind == \"exit\u202e\"")},
			{After: to("alert"), To: to("other")},
			{From: to("a-b"), To: to("end"), NextCycle: true, Outcome: p("always")},
			{From: []diag.Text{p("alert"), p("other")}, To: to("first")},
			{From: []diag.Text{p("alert"), p("other")}, To: to("latch"), Outcome: p("unless_failed")},
			{From: to("tidy"), To: to("told")},
		},
	}
	g, problems := graph.Compile(def, oneKind{})
	if g == nil {
		t.Fatal(problems)
	}
	return g
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, format := range Formats() {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := Write(&got, sample(t), format); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "sample."+format)
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

// Under `once` a node that nothing leads to does not run in every cycle.
func TestWriteOnce(t *testing.T) {
	t.Parallel()
	def := graph.Def{Version: 1, Name: diag.Plain("pass"), Once: true, Nodes: []graph.NodeDef{{ID: diag.Plain("a"), Uses: diag.Plain("set")}}}
	g, problems := graph.Compile(def, oneKind{})
	if g == nil {
		t.Fatal(problems)
	}
	var got bytes.Buffer
	if err := Write(&got, g, "text"); err != nil {
		t.Fatal(err)
	}
	if want := "pass: 1 node, 0 edges\n\na (set)\n  from the start\n"; got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
}

func TestWriteUnknownFormat(t *testing.T) {
	t.Parallel()
	err := Write(&bytes.Buffer{}, sample(t), "png")
	if err == nil || !strings.Contains(err.Error(), `"png"`) || !strings.Contains(err.Error(), "mermaid, dot, svg, json, text") {
		t.Error(err)
	}
}
