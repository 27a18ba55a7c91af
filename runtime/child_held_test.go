package runtime_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// asksWithin is a graph whose node runs one that runs one that asks a person, and works
// before and after.
func asksWithin(t testing.TB, node, rest string) graph.Def {
	t.Helper()
	return def(t, `{"graphrun": 1, "name": "top", "pause": {"none": true},
		"state": [{"name": "got", "type": "any"}],
		"stop": [{"when": "state.got != nil"}], `+rest+`
		"nodes": [{"id": "mid", "uses": "graph", "with": {"file": "mid.yaml"}, "writes": [{"key": "got", "expr": "output.said"}] `+node+`,
			"graph": {"graphrun": 1, "name": "mid", "state": [{"name": "said", "type": "any"}],
				"nodes": [{"id": "low", "uses": "graph", "with": {"file": "low.yaml"}, "writes": [{"key": "said", "expr": "output.said"}],
					"graph": {"graphrun": 1, "name": "low", "state": [{"name": "said", "type": "boolean?"}, {"name": "heard", "type": "string?"}],
						"events": [{"name": "hear", "to": "heard"}],
						"nodes": [{"id": "first", "uses": "work"},
							{"id": "ask", "uses": "approval", "with": {"prompt": "ok?"}, "writes": [{"key": "said", "expr": "output.approved"}]},
							{"id": "second", "uses": "work"}],
						"edges": [{"from": ["first"], "to": ["ask"]}, {"from": ["ask"], "to": ["second"]}]}}]}}]}`)
}

const lowest = "top.mid.1.1.low.1.1"

func cursorOf(k *runtimetest.Kit, stack string) journal.Cursor {
	k.T.Helper()
	sum, err := k.Store.Stack(k.T.Context(), stack)
	if err != nil {
		k.T.Fatal(err)
	}
	return sum.Cursor
}

func answerLowest(k *runtimetest.Kit) {
	k.T.Helper()
	if err := k.Runtime.Answer(k.T.Context(), lowest, "ask", map[string]any{"approved": true}); err != nil {
		k.T.Fatal(err)
	}
}

// TestAChildWaitsForAPerson over days and restarts, at any depth, and its node holds no
// cycle meanwhile.
func TestAChildWaitsForAPerson(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(*runtimetest.Kit){
		"":        func(*runtimetest.Kit) {},
		"restart": func(k *runtimetest.Kit) { k.Reopen(); takeUp(k) },
		"crash":   func(k *runtimetest.Kit) { k.Crash(); takeUp(k) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				secondsOfWork(k)
				start(k, asksWithin(t, "", ""))
				k.Forward(48 * time.Hour)
				between(k)
				k.Forward(time.Hour)
				for _, stack := range []string{"top", "top.mid.1.1", lowest} {
					if c := cursorOf(k, stack); c.Open || len(c.Questions()) != 1 || c.Counts.Cycles > 2 {
						t.Fatalf("%s stands at %+v", stack, c)
					}
				}
				answerLowest(k)
				k.Forward(500 * time.Millisecond)
				between(k) // while the child works again
				k.Forward(time.Minute)
				c := cursorOf(k, "top")
				if c.Status != journal.Completed || state(k, "top")["got"] != true {
					t.Errorf("it stands at %+v with %v", c, state(k, "top"))
				}
				// first, ask, second, low, mid
				if c.Counts.NodeRuns != 5 {
					t.Errorf("%d node runs, want 5", c.Counts.NodeRuns)
				}
				if n := len(k.Runs("first")); n != 1 {
					t.Errorf("the first node ran %d times", n)
				}
				if diff := cmp.Diff([]string{"top"}, stacksLeft(k)); diff != "" {
					t.Errorf("stacks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func takeUp(k *runtimetest.Kit) {
	k.T.Helper()
	if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
		k.T.Fatal(err)
	}
}

// TestACrashAfterEachCommitOfAWaitingChild loses nothing and repeats nothing that is over.
func TestACrashAfterEachCommitOfAWaitingChild(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 24; at++ {
		runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
			secondsOfWork(k)
			g := k.Compile(asksWithin(t, "", ""))
			k.CrashAfter(at)
			_, _ = k.Runtime.Start(k.T.Context(), g, runtime.StartOptions{})
			k.Forward(time.Minute)
			_ = k.Runtime.Answer(k.T.Context(), lowest, "ask", map[string]any{"approved": true})
			k.Forward(time.Minute)
			k.Crash()
			if _, err := k.Store.Stack(k.T.Context(), "top"); err != nil {
				return
			}
			takeUp(k)
			k.Forward(time.Minute)
			if !cursorOf(k, "top").Status.Ended() && asked(k) {
				answerLowest(k)
				k.Forward(time.Minute)
			}
			c := cursorOf(k, "top")
			if c.Status != journal.Completed || c.Counts.NodeRuns != 5 {
				t.Errorf("crash after commit %d: it stands at %+v", at, c)
			}
			if runs := len(k.Runs("first")) + len(k.Runs("second")); runs > 3 {
				t.Errorf("crash after commit %d: the nodes ran %d times, want 2 and one again", at, runs)
			}
			if diff := cmp.Diff([]string{"top"}, stacksLeft(k)); diff != "" {
				t.Errorf("crash after commit %d: stacks (-want +got):\n%s", at, diff)
			}
		})
	}
}

// TestCommandsReachChildren at any depth, held or not.
func TestCommandsReachChildren(t *testing.T) {
	t.Parallel()
	for _, held := range []bool{false, true} {
		runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
			secondsOfWork(k)
			start(k, asksWithin(t, "", ""))
			if k.Forward(500 * time.Millisecond); held {
				k.Forward(time.Minute)
			}
			ctx := k.T.Context()
			all := []string{"top", "top.mid.1.1", lowest}
			stand := func(want journal.Status) {
				t.Helper()
				k.Forward(time.Second)
				for _, stack := range all {
					if c := cursorOf(k, stack); c.Status != want {
						t.Errorf("held %v: %s is %s, want %s", held, stack, c.Status, want)
					}
				}
			}
			if err := k.Runtime.Pause(ctx, "top"); err != nil {
				t.Fatal(err)
			}
			stand(journal.Paused)
			k.Crash()
			takeUp(k)
			stand(journal.Paused)
			if err := k.Runtime.Unpause(ctx, "top"); err != nil {
				t.Fatal(err)
			}
			stand(journal.Running)
			if err := k.Runtime.Cancel(ctx, "top", "enough"); err != nil {
				t.Fatal(err)
			}
			stand(journal.Cancelled)
		})
	}
}

// TestCommandsAtRestReachChildren: nobody drives the stack, and what a command has done is
// done when it returns.
func TestCommandsAtRestReachChildren(t *testing.T) {
	t.Parallel()
	all := []string{"top", "top.mid.1.1", lowest}
	for name, c := range map[string]struct {
		do   func(k *runtimetest.Kit) error
		want journal.Status
	}{
		"cancel": {func(k *runtimetest.Kit) error { return k.Runtime.Cancel(k.T.Context(), "top", "enough") }, journal.Cancelled},
		"stop":   {func(k *runtimetest.Kit) error { return k.Runtime.End(k.T.Context(), "top") }, journal.Cancelled},
		"pause":  {func(k *runtimetest.Kit) error { return k.Runtime.Pause(k.T.Context(), "top") }, journal.Paused},
		"resume": {func(k *runtimetest.Kit) error {
			return errors.Join(k.Runtime.Pause(k.T.Context(), "top"), k.Runtime.Unpause(k.T.Context(), "top"))
		}, journal.Running},
	} {
		for how, after := range map[string]time.Duration{"held": time.Hour, "cut off": 500 * time.Millisecond} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
					secondsOfWork(k)
					start(k, asksWithin(t, "", ""))
					k.Forward(after)
					k.Crash()
					if err := c.do(k); err != nil {
						t.Fatal(err)
					}
					for _, stack := range all {
						if got := cursorOf(k, stack); got.Status != c.want || got.Closing != nil {
							t.Errorf("%s is %s, closing %v, want %s", stack, got.Status, got.Closing, c.want)
						}
					}
					if c.want.Ended() {
						return
					}
					if c.want == journal.Paused {
						if err := k.Runtime.Unpause(k.T.Context(), "top"); err != nil {
							t.Fatal(err)
						}
					}
					takeUp(k)
					k.Forward(time.Minute)
					answerLowest(k)
					k.Forward(time.Minute)
					if got := cursorOf(k, "top"); got.Status != journal.Completed {
						t.Errorf("it is %s in the end", got.Status)
					}
				})
			})
		}
	}
}

// TestAStopCommitsTheWavesOfChildren and then ends all of them, also when the engine dies
// before.
func TestAStopCommitsTheWavesOfChildren(t *testing.T) {
	t.Parallel()
	for _, held := range []bool{false, true} {
		for _, crash := range []bool{false, true} {
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				secondsOfWork(k)
				start(k, asksWithin(t, "", ""))
				k.Forward(500 * time.Millisecond)
				if held {
					k.Forward(time.Minute)
					answerLowest(k)
					k.Forward(500 * time.Millisecond)
				}
				ended := make(chan error, 1)
				go func() { ended <- k.Runtime.End(context.WithoutCancel(k.T.Context()), "top") }()
				k.Forward(100 * time.Millisecond)
				if c := cursorOf(k, "top"); c.Status.Ended() {
					t.Errorf("held %v: it has ended before its children", held)
				}
				if crash {
					k.Crash()
					takeUp(k)
				}
				k.Forward(time.Minute)
				<-ended
				for _, stack := range []string{"top", "top.mid.1.1", lowest} {
					if c := cursorOf(k, stack); c.Status != journal.Cancelled || c.Reason != runtime.Stopped {
						t.Errorf("held %v, crash %v: %s is %s: %s", held, crash, stack, c.Status, c.Reason)
					}
				}
				node := "first"
				if held {
					node = "second"
				}
				done := false
				for _, rec := range k.Records(lowest) {
					f, ok := rec.Body.(*journal.TaskFinished)
					done = done || ok && f.Node == node && f.Error == nil
				}
				if !done {
					t.Errorf("held %v, crash %v: the open wave of the child is not committed", held, crash)
				}
			})
		}
	}
}

// TestLimitsReachChildren as they are reached.
func TestLimitsReachChildren(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ limits, says string }{
		"node_runs": {`"limits": {"node_runs": 2},`, "node_runs limit of 2"},
		"tokens":    {`"limits": {"tokens": 150},`, "tokens limit of 150"},
		"duration":  {`"limits": {"duration": 60000000000},`, "duration limit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				spend := runtimetest.Takes(time.Second, func(ctx context.Context, _ nodes.Task) (any, error) {
					nodes.Spend(ctx, 100, 0)
					return 1, nil
				})
				k.Node("first", spend)
				k.Node("second", spend)
				s := start(k, asksWithin(t, "", c.limits))
				k.Forward(30 * time.Second)
				if !cursorOf(k, "top").Status.Ended() && name != "duration" {
					answerLowest(k)
				}
				r := k.Wait(s)
				if r.Status != journal.Failed || !strings.Contains(r.Reason, c.says) {
					t.Errorf("it ends as %s: %s", r.Status, r.Reason)
				}
				k.Forward(time.Minute)
				for _, stack := range []string{"top.mid.1.1", lowest} {
					if c := cursorOf(k, stack); !c.Status.Ended() {
						t.Errorf("%s is %s", stack, c.Status)
					}
				}
			})
		})
	}
}

// TestEventsReachChildren whose graphs declare them, when their parents do not.
func TestEventsReachChildren(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		secondsOfWork(k)
		start(k, asksWithin(t, "", ""))
		k.Forward(time.Minute)
		ctx := k.T.Context()
		for i, want := range []bool{false, true} {
			known, err := k.Runtime.Send(ctx, runtime.Send{Stack: "top", Event: "hear", Payload: "you", ID: "1"})
			if err != nil || known != want {
				t.Errorf("send %d: duplicate %v (%v)", i, known, err)
			}
		}
		k.Forward(time.Minute)
		if got := state(k, lowest)["heard"]; got != "you" {
			t.Errorf("the child heard %v", got)
		}
		var unknown *machine.UnknownEventError
		if _, err := k.Runtime.Send(ctx, runtime.Send{Stack: "top", Event: "shout", Payload: "you"}); !errors.As(err, &unknown) {
			t.Errorf("an event that nobody declares: %v", err)
		}
	})
}

// asked reports whether the person is asked and has not answered.
func asked(k *runtimetest.Kit) bool {
	c := cursorOf(k, lowest)
	return len(c.Questions()) > 0
}
