package runtime_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/feed"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// steps are the names of the recorded steps of a stack, in their order.
func steps(k *runtimetest.Kit, stack string) (names []string) {
	for _, rec := range k.Records(stack) {
		if b, ok := rec.Body.(*journal.TaskStep); ok {
			names = append(names, b.Name)
		}
	}
	return names
}

// TestStepsSurviveAKill: what was recorded is not done again after a kill or a plain
// failure, and what was cut off is.
func TestStepsSurviveAKill(t *testing.T) {
	t.Parallel()
	for name, background := range map[string]string{"in a wave": "", "in the background": `, "background": true`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				var mu sync.Mutex
				calls := map[string]int{}
				attempts := 0
				k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) {
					mu.Lock()
					attempts++
					attempt := attempts
					mu.Unlock()
					sum := 0
					for _, name := range []string{"one", "two", "three"} {
						v, err := nodes.Step(ctx, name, func(ctx context.Context) (int, error) {
							mu.Lock()
							calls[name]++
							mu.Unlock()
							nodes.Spend(ctx, 5, 0.25)
							if name == "three" && attempt == 1 {
								<-ctx.Done() // until the engine dies
								return 0, ctx.Err()
							}
							if name == "three" && attempt == 2 {
								return 0, errors.New("busy")
							}
							return len(name), nil
						})
						if err != nil {
							return nil, err
						}
						sum += v
					}
					return sum, nil
				})
				start(k, one(k.T, 11, background+`, "retry": {"attempts": 2}`, `, "pause": {"set": true, "active": 1000000000}`))
				k.Forward(time.Second)
				if d := cmp.Diff([]string{"one", "two"}, steps(k, "one")); d != "" {
					t.Fatalf("while it runs (-want +got)\n%s", d)
				}
				k.Crash()
				s := k.Resume("one", runtime.ResumeOptions{})
				r := k.Wait(s)
				if d := cmp.Diff(map[string]int{"one": 1, "two": 1, "three": 3}, calls); d != "" || r.State["n"] != int64(11) {
					t.Errorf("n is %v, calls (-want +got)\n%s", r.State["n"], d)
				}
				// The step that the kill cut off is lost with it; the failed one counts.
				if c := r.Cursor.Counts; c.Tokens != 20 || c.Cost != 1 {
					t.Errorf("%d tokens and %v are counted, want 20 and 1", c.Tokens, c.Cost)
				}
				if d := cmp.Diff([]string{"one", "two", "three"}, steps(k, "one")); d != "" {
					t.Errorf("steps (-want +got)\n%s", d)
				}
			})
		})
	}
}

// TestStepsHideSecrets: what is recorded is what the work gets, at once and later.
func TestStepsHideSecrets(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Config.Secret = func(string) (string, bool) { return "hush-hush", true }
		var notes []feed.Note
		k.Reopen()
		defer k.Runtime.Feed().OnNote("one", func(n feed.Note) { notes = append(notes, n) })()
		var got []string
		k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) {
			nodes.Note(ctx, "turn %d with hush-hush", task.Attempt)
			v, err := nodes.Step(ctx, "a", func(context.Context) (string, error) { return "it is hush-hush", nil })
			got = append(got, v)
			if task.Attempt == 1 {
				return nil, errors.New("again")
			}
			return 1, err
		})
		k.Wait(start(k, one(k.T, 1, `, "retry": {"attempts": 2}`, `, "secrets": ["KEY"]`)))
		k.Forward(time.Second)
		if d := cmp.Diff([]string{"it is ***", "it is ***"}, got); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		if len(notes) != 2 || notes[1].Text != "turn 2 with ***" || notes[1].Task.Node != "a" || notes[1].Attempt != 2 || notes[1].Stack != "one" {
			t.Errorf("notes %+v", notes)
		}
		if text := recordsText(k, "one"); strings.Contains(text, "hush-hush") {
			t.Errorf("a record holds the secret:\n%s", text)
		}
	})
}

func recordsText(k *runtimetest.Kit, stack string) (text string) {
	for _, rec := range k.Records(stack) {
		text += string(journal.AppendRecord(nil, rec, true)) + "\n"
	}
	return text
}

// TestStepsThatAreTooMany: a bound is kind limit, and not tried again.
func TestStepsThatAreTooMany(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		step int // bytes of each
		most int // steps that fit
	}{"one too large": {1 << 20, 0}, "one too many": {1, 1000}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				done := 0
				k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) {
					for {
						if _, err := nodes.Step(ctx, "a", func(context.Context) (string, error) { return strings.Repeat("x", tt.step), nil }); err != nil {
							return nil, err
						}
						done++
					}
				})
				r := k.Wait(start(k, one(k.T, 1, `, "retry": {"attempts": 3}`, `, "limits": {"cycles": 1}`)))
				failed := 0
				for _, rec := range k.Records("one") {
					if b, ok := rec.Body.(*journal.TaskFinished); ok && b.Error != nil && b.Error.Kind == "limit" {
						failed++
					}
				}
				if done != tt.most || failed != 1 || r.Failures != 1 {
					t.Errorf("%d steps, %d failed attempts, %d failures", done, failed, r.Failures)
				}
			})
		})
	}
}

// TestUsageCountsHoweverAnAttemptEnds: what a model was paid for is paid.
func TestUsageCountsHoweverAnAttemptEnds(t *testing.T) {
	t.Parallel()
	const slow = `, "pause": {"set": true, "active": 1000000000}, "limits": {"cycles": 1}`
	for name, tt := range map[string]struct {
		node, rest string
		does       func(k *runtimetest.Kit, s *runtime.Stack)
		runs       int64
	}{
		"timeout":         {`, "timeout": 2000000000`, slow, nil, 1},
		"deadline, twice": {`, "timeout": 2000000000, "deadline": 5000000000, "retry": {"attempts": 3}`, slow, nil, 2},
		"cancel": {"", slow, func(k *runtimetest.Kit, s *runtime.Stack) {
			if err := s.Cancel(k.T.Context(), ""); err != nil {
				k.T.Fatal(err)
			}
		}, 1},
		"cancel of a task": {"", slow, func(k *runtimetest.Kit, s *runtime.Stack) {
			if err := k.Runtime.CancelTask(k.T.Context(), "one", "a", ""); err != nil {
				k.T.Fatal(err)
			}
		}, 1},
		"shutdown": {`, "timeout": 20000000000`, slow, func(k *runtimetest.Kit, s *runtime.Stack) {
			k.Reopen() // cut off after its grace
			k.Resume("one", runtime.ResumeOptions{})
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Node("a", func(ctx context.Context, _ nodes.Task) (any, error) {
					nodes.Spend(ctx, 100, 0.5)
					<-ctx.Done()
					return nil, ctx.Err()
				})
				s := start(k, one(k.T, 1, tt.node, tt.rest))
				k.Forward(time.Second)
				if tt.does != nil {
					tt.does(k, s)
				}
				k.Forward(time.Minute)
				snap, err := k.Store.Load(k.T.Context(), "one")
				if c := snap.Cursor.Counts; err != nil || !snap.Cursor.Status.Ended() || c.Tokens != 100*tt.runs || c.Cost != 0.5*float64(tt.runs) {
					t.Errorf("%s (%v): %d tokens, %v; want %d runs of 100 and 0.5", snap.Cursor.Status, err, c.Tokens, c.Cost, tt.runs)
				}
			})
		})
	}
}

// TestUsageOfAStepCountsOnce: a step that is recorded at the moment when its attempt is
// cancelled is paid for once.
func TestUsageOfAStepCountsOnce(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		inStep, finish, held, release := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
		k.Node("a", func(ctx context.Context, _ nodes.Task) (any, error) {
			_, err := nodes.Step(ctx, "s", func(ctx context.Context) (int, error) {
				nodes.Spend(ctx, 100, 0.5)
				close(inStep)
				<-finish
				return 1, nil
			})
			<-ctx.Done()
			return nil, errors.Join(err, ctx.Err())
		})
		k.Node("b", func(context.Context, nodes.Task) (any, error) {
			<-inStep
			return 1, nil
		})
		defer k.Runtime.Feed().OnCommit("g", func(c feed.Commit) {
			for _, r := range c.Records {
				if b, ok := r.Body.(*journal.TaskFinished); ok && b.Node == "b" {
					close(held)
					<-release
				}
			}
		})()
		s := start(k, def(t, `{"graphrun": 1, "name": "g", "limits": {"cycles": 1},
			"nodes": [{"id": "a", "uses": "work"}, {"id": "b", "uses": "work"}], "edges": [{"to": ["a", "b"]}]}`))
		<-held // the loop is busy: what comes now is decided together
		close(finish)
		synctest.Wait()
		go func() { _ = s.Cancel(k.T.Context(), "") }()
		synctest.Wait()
		close(release)
		r := k.Wait(s)
		if c := r.Cursor.Counts; c.Tokens != 100 || c.Cost != 0.5 || len(steps(k, "g")) != 1 {
			t.Errorf("%d tokens and %v are counted with steps %v, want 100 and 0.5 with one", c.Tokens, c.Cost, steps(k, "g"))
		}
	})
}

// TestUsageOfAGraphThatIsCutOff: what the graph of a node used counts for its parent,
// also when the node is cut off, or ended by the next engine after a kill.
func TestUsageOfAGraphThatIsCutOff(t *testing.T) {
	t.Parallel()
	for name, killed := range map[string]bool{"by its timeout": false, "and the engine was killed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Node("a", func(ctx context.Context, _ nodes.Task) (any, error) {
					nodes.Spend(ctx, 100, 0.5)
					return 1, nil
				})
				k.Node("b", runtimetest.Takes(time.Hour, runtimetest.Returns(1)))
				start(k, def(t, `{"graphrun": 1, "name": "g", "limits": {"cycles": 1},
					"nodes": [{"id": "sub", "uses": "graph", "with": {"file": "x.yaml"}, "timeout": 5000000000, "graph": {"graphrun": 1, "name": "x",
						"nodes": [{"id": "a", "uses": "work"}, {"id": "b", "uses": "work"}], "limits": {"cycles": 9},
						"edges": [{"to": ["a"]}, {"from": ["a"], "to": ["b"]}]}}]}`))
				k.Forward(time.Second)
				if killed {
					k.Crash()
					if err := k.Runtime.Cancel(k.T.Context(), "g", ""); err != nil {
						t.Fatal(err)
					}
				}
				k.Forward(10 * time.Second)
				snap, err := k.Store.Load(k.T.Context(), "g")
				if c := snap.Cursor.Counts; err != nil || !snap.Cursor.Status.Ended() || c.Tokens != 100 || c.Cost != 0.5 {
					t.Errorf("%s (%v): %d tokens, %v; want 100 and 0.5", snap.Cursor.Status, err, c.Tokens, c.Cost)
				}
			})
		})
	}
}
