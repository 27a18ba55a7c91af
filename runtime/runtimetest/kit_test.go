package runtimetest_test

import (
	"context"
	goruntime "runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

type question struct{ Text string }

func ask(context.Context, question) (string, error) { return "the real answer", nil }

func kinds(t *testing.T) *nodes.Registry {
	t.Helper()
	r := nodes.NewRegistry()
	if err := r.Register(nodes.Func("ask", ask)); err != nil {
		t.Fatal(err)
	}
	return r
}

// asking is a graph of a node that asks until it hears "yes", with an hour
// between two cycles.
func asking() graph.Def {
	t := diag.Plain
	attempts := 2
	return graph.Def{
		Version: 1, Name: t("asking"),
		State: []graph.KeyDef{{Name: t("answers"), Type: tree.Of("list(string)"), Reduce: graph.ReduceDef{Name: t("append")}}},
		Nodes: []graph.NodeDef{{ID: t("asker"), Uses: t("ask"), With: tree.Of(map[string]any{"Text": "well?"}),
			Retry:  &graph.RetryDef{Attempts: &attempts},
			Writes: []graph.WriteDef{{Key: t("answers"), Expr: t("[output]")}}}},
		Pause: graph.PauseDef{Set: true, Active: time.Hour},
		Stop:  []graph.StopDef{{When: t(`"yes" in state.answers`)}},
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("asker", runtimetest.Returns("no"), runtimetest.Fails("error", "busy"),
			runtimetest.Returns("maybe"), runtimetest.Returns("yes"))
		s := k.Start(k.Compile(asking()), runtime.StartOptions{})
		k.Cycles(s, 1)
		k.WantState(s, map[string]any{"answers": []any{"no"}})
		k.Forward(90 * time.Minute)
		k.WantState(s, map[string]any{"answers": []any{"no", "maybe"}})
		k.Wait(s)
		if diff := cmp.Diff([]string{"1.1 asker", "2.1 asker", "3.1 asker"}, k.Waves("asking")); diff != "" {
			t.Errorf("waves (-want +got):\n%s", diff)
		}
		if got := len(k.Runs("asker")); got != 4 {
			t.Errorf("%d runs, want 4", got)
		}
	})
}

// TestAReplyThatEndsItsGoroutine: as T.Fatal does, which is for the test's own.
func TestAReplyThatEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("asker", func(context.Context, nodes.Task) (any, error) { goruntime.Goexit(); return nil, nil }, runtimetest.Returns("yes"))
		r := k.Wait(k.Start(k.Compile(asking()), runtime.StartOptions{}))
		if diff := cmp.Diff([]any{"yes"}, r.State["answers"]); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

func TestANodeWithoutAScriptDoesItsRealWork(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		s := k.Start(k.Compile(asking()), runtime.StartOptions{})
		k.Cycles(s, 1)
		k.WantState(s, map[string]any{"answers": []any{"the real answer"}})
	})
}

func TestARunThatWasCutOffGetsItsReplyAgain(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("asker", runtimetest.Takes(time.Minute, runtimetest.Returns("yes")), runtimetest.Returns("no"))
		k.Start(k.Compile(asking()), runtime.StartOptions{})
		k.Forward(time.Second)
		k.Crash()
		r := k.Wait(k.Resume("asking", runtime.ResumeOptions{}))
		if diff := cmp.Diff([]any{"yes"}, r.State["answers"]); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

func TestCrashes(t *testing.T) {
	t.Parallel()
	crashes := 0
	runtimetest.CrashAtEveryCommit(t, kinds(t), func(k *runtimetest.Kit) (graph.Def, runtime.StartOptions) {
		crashes++
		k.Node("asker", runtimetest.Returns("yes"))
		return asking(), runtime.StartOptions{}
	})
	if crashes < 4 {
		t.Errorf("the scenario ran %d times", crashes)
	}
}

// TestCyclesCountsWhatIsOver: cycles that were finished before the call count.
func TestCyclesCountsWhatIsOver(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		s := k.Start(k.Compile(asking()), runtime.StartOptions{})
		synctest.Wait()
		k.Cycles(s, 1)
		k.WantState(s, map[string]any{"answers": []any{"the real answer"}})
		begin := time.Now()
		k.Cycles(s, 1)
		if took := time.Since(begin); took != time.Hour {
			t.Errorf("the second cycle came after %s, want 1h", took)
		}
		k.Crash()
		begin = time.Now()
		k.Cycles(k.Resume("asking", runtime.ResumeOptions{}), 1)
		if took := time.Since(begin); took != time.Hour {
			t.Errorf("the third cycle came after %s, want 1h", took)
		}
	})
}
