package trial_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl/testfile"
	"github.com/graphrun/graphrun/graph/explore"
	"github.com/graphrun/graphrun/graph/trial"
	"github.com/graphrun/graphrun/nodes/std"
)

func suite(t *testing.T, file string) *testfile.Tests {
	t.Helper()
	read, problems := testfile.Load(file, std.Registry())
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	return read
}

// TestCrashes: a crash between any two steps, and after any node, changes nothing of what
// a test expects, in the stack and in those within it.
func TestCrashes(t *testing.T) {
	t.Parallel()
	read := suite(t, "testdata/good.test.yaml")
	tried := 0
	for i := range read.Suite.Tests {
		one := &read.Suite.Tests[i]
		t.Run(one.Name.Value, func(t *testing.T) {
			for at := range len(one.Steps) + 1 {
				if at > 0 && at == len(one.Steps) && one.End != nil && one.End.Status.Value() == "completed" {
					continue // there is nothing left that could crash
				}
				crashed := *one
				crashed.Steps = slices.Insert(slices.Clone(one.Steps), at, trial.Step{Does: trial.CrashStep})
				if got := failures(trial.Run(read.Graph, &crashed, trial.Options{Stuck: explore.IsStuck})); got != nil {
					t.Errorf("a crash before step %d:\n%s", at, strings.Join(got, "\n"))
				}
				tried++
				if at == len(one.Steps) || one.Steps[at].Cycle.Waves == nil {
					continue
				}
				for _, wave := range one.Steps[at].Cycle.Waves.Items {
					for _, node := range wave.Items {
						if node.Text.Value == "ask" || node.Text.Value == "sub" { // they wait, and do not end in this cycle
							continue
						}
						crashed.Steps[at].Node = diag.Plain(node.Text.Value)
						if got := failures(trial.Run(read.Graph, &crashed, trial.Options{Stuck: explore.IsStuck})); got != nil {
							t.Errorf("a crash after %s in step %d:\n%s", node.Text.Value, at, strings.Join(got, "\n"))
						}
						tried++
					}
				}
			}
		})
	}
	if tried < 15 {
		t.Errorf("only %d crashes", tried)
	}
}

// TestWhatFails: each kind of expectation that does not hold says what was expected and
// what came.
func TestWhatFails(t *testing.T) {
	t.Parallel()
	read := suite(t, "testdata/wrong.test.yaml")
	var got []string
	for i := range read.Suite.Tests {
		one := &read.Suite.Tests[i]
		for _, f := range trial.Run(read.Graph, one, trial.Options{}).Failures {
			got = append(got, one.Name.Value+": "+f.Message)
			if f.At.Start.Line == 0 {
				t.Errorf("%q has no place", f.Message)
			}
		}
	}
	want := []string{
		`another wave: waves: expected [[ask]], got [[work]] in cycle 1`,
		`another wave: attempts: expected work: 2, got 1 in cycle 1`,
		`another wave: attempts: expected ask: 1, but it did not run: no-live-edge in cycle 1`,
		`another wave: sent: expected [{event: news, to: other}], got [] in cycle 1`,
		`another wave: expected state.n == 2 || state.ok, but it is false`,
		`another wave: end: expected status: completed, got running`,
		`another wave: end: expected reason: done, got ""`,
		`another wave: end: expected cycles: 2, got 1`,
		`another wave: end: expected state.n: 3, got 1`,
		`no reply: work runs without a reply in cycle 1: those of "work" are used up after 1`,
		`what cannot be done: sub/nod: nothing runs within sub at present`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
