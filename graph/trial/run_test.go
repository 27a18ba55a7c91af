package trial_test

import (
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/trial"
	"github.com/graphrun/graphrun/nodes/std"
)

func load(t *testing.T, file string) *graph.Graph {
	t.Helper()
	src, problems := dsl.Load(file, std.Registry())
	if src.Graph == nil {
		t.Fatal(problems)
	}
	return src.Graph
}

func compiled(t *testing.T, text string) *graph.Graph {
	t.Helper()
	src, problems := dsl.LoadReader("g.yaml", strings.NewReader(text), std.Registry())
	if src.Graph == nil {
		t.Fatal(problems)
	}
	return src.Graph
}

func failures(r trial.Result) (out []string) {
	for _, f := range r.Failures {
		out = append(out, f.Message)
	}
	return out
}

func gives(node string, output any) trial.Replies {
	return trial.Replies{For: diag.Plain(node), All: []trial.Reply{{Output: tree.Of(output)}}}
}

// The orchestrator goes from a todo to the end.
func TestOrchestrator(t *testing.T) {
	t.Parallel()
	g := load(t, "../../graphs/orchestrator/orchestrator.graphrun.yaml")
	no := int64(2)
	test := trial.Test{
		Name:  diag.Plain("a poor artifact goes back"),
		State: tree.Of(map[string]any{"todos": []any{map[string]any{"id": "a", "title": "A", "status": "pending"}, map[string]any{"id": "b", "title": "B", "status": "pending"}}}),
		Replies: []trial.Replies{
			gives("mailbox", []any{}), gives("builder", ""),
			{For: diag.Plain("builder[b]"), List: true, All: []trial.Reply{{Error: &trial.Failure{Kind: diag.Plain("exit"), Code: &no}}, {Output: tree.Of(""), After: 2 * time.Second}}},
			gives("reviewer", map[string]any{"problems": []any{}}),
		},
		Steps: []trial.Step{
			{Does: trial.CycleStep, Cycle: trial.Cycle{
				Waves:    tree.Of([]any{[]any{"builder", "mailbox"}, []any{"reviewer"}}),
				Skipped:  tree.Of(map[string]any{"planner": "no-live-edge"}),
				Attempts: tree.Of(map[string]any{"builder": 2, "reviewer": 1}),
			}},
			{Does: trial.ExpectStep, Expect: tree.Of([]any{`state.todos[0].status == "done"`, `nodes.reviewer.status == "succeeded"`, `nodes.planner.status == "skipped"`, "all_done"})},
		},
		End: &trial.End{Status: tree.Of("completed"), Reason: tree.Of("every artifact passed the review"), Cycles: tree.Of(1)},
	}
	if got := failures(trial.Run(g, &test, trial.Options{})); got != nil {
		t.Errorf("it fails:\n%s", strings.Join(got, "\n"))
	}
	s := trial.Suite{Graph: diag.Plain("orchestrator.graphrun.yaml"), Tests: []trial.Test{test}}
	t.Logf("%s", s.YAML())
}
