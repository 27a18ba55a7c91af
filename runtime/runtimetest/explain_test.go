package runtimetest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/trial"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// failing is a test that notes why it fails.
type failing struct {
	testing.TB
	said []string
}

func (f *failing) Helper() {}

func (f *failing) Errorf(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

// answering is a graph of a node that asks, and one that thanks for a "yes".
func answering() graph.Def {
	t := diag.Plain
	return graph.Def{
		Version: 1, Name: t("answering"),
		State: []graph.KeyDef{{Name: t("answer"), Type: tree.Of("string?")}, {Name: t("thanks"), Type: tree.Of("boolean")}},
		Nodes: []graph.NodeDef{
			{ID: t("asker"), Uses: t("ask"), With: tree.Of(map[string]any{"Text": "well?"}), Writes: []graph.WriteDef{{Key: t("answer"), Expr: t("output")}}},
			{ID: t("thank"), Uses: t("ask"), With: tree.Of(map[string]any{"Text": "thanks"}), Writes: []graph.WriteDef{{Key: t("thanks"), Expr: t("true")}}},
		},
		Edges: []graph.EdgeDef{
			{To: []diag.Text{t("asker")}},
			{From: []diag.Text{t("asker")}, To: []diag.Text{t("thank")}, When: t(`state.answer == "yes" || state.thanks`)},
		},
		Once: true,
	}
}

// Failures of the kit explain the nodes that they are about.
func TestFailuresExplain(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("asker", runtimetest.Returns("no"))
		s := k.Start(k.Compile(answering()), runtime.StartOptions{})
		k.Wait(s)
		k.WantWaves(s, "1.1 asker")
		k.WantState(s, map[string]any{"answer": "no"})

		inner := k.T
		f := &failing{TB: inner}
		k.T = f
		k.WantState(s, map[string]any{"answer": "no", "thanks": true})
		k.WantWaves(s, "1.1 asker", "1.2 thank")
		k.T = inner
		if len(f.said) != 2 {
			t.Fatalf("%d failures, expected 2: %v", len(f.said), f.said)
		}
		for _, said := range f.said {
			for _, want := range []string{"thank did not run in cycle 1: no live edge", `✗ state.answer == "yes"`, `state.answer = "no"`, "set by asker, cycle 1"} {
				if !strings.Contains(said, want) {
					t.Errorf("the failure does not say %q:\n%s", want, said)
				}
			}
			if strings.Contains(said, "asker ran") {
				t.Errorf("the failure is about a node that nobody asked for:\n%s", said)
			}
		}
	})
}

// A suite that a program made runs without YAML.
func TestSuite(t *testing.T) {
	t.Parallel()
	g, problems := graph.Compile(answering(), kinds(t))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	cover := trial.NewCover(g)
	gives := func(node string, output any) trial.Replies {
		return trial.Replies{For: diag.Plain(node), All: []trial.Reply{{Output: tree.Of(output)}}}
	}
	runtimetest.Suite(t, g, &trial.Suite{Tests: []trial.Test{
		{Name: diag.Plain("no"), Replies: []trial.Replies{gives("asker", "no")}, End: &trial.End{State: tree.Of(map[string]any{"thanks": false})}},
		{Name: diag.Plain("yes"), Replies: []trial.Replies{gives("asker", "yes"), gives("thank", "")}, End: &trial.End{State: tree.Of(map[string]any{"thanks": true})}},
	}}, trial.Options{Cover: cover})
	var missing []string
	for _, m := range cover.Coverage().Missing {
		missing = append(missing, m.Kind+" "+m.Node+m.Text)
	}
	if diff := cmp.Diff([]string{"never-failed asker", "never-failed thank", "never-true state.thanks"}, missing); diff != "" {
		t.Errorf("what is not covered (-want +got)\n%s", diff)
	}
}
