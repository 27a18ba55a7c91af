package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/feed"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// diary notes what happens, and when, in whole seconds.
type diary struct {
	mu    sync.Mutex
	begun time.Time
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf("%d ", int(time.Since(d.begun).Seconds()))+fmt.Sprintf(format, args...))
}

// after is a channel that is closed after a while.
func after(d time.Duration) <-chan struct{} {
	c := make(chan struct{})
	time.AfterFunc(d, func() { close(c) })
	return c
}

// pair is a graph with the nodes a and b in one wave, in a pool of so many slots.
func pair(parallel int, a string) string {
	return fmt.Sprintf(`{"graphrun": 1, "name": "g", "limits": {"cycles": 1}, "pools": [{"name": "p", "parallel": %d}],
		"nodes": [{"id": "a", "uses": "work", "pool": "p" %s}, {"id": "b", "uses": "work", "pool": "p"}], "edges": [{"to": ["a", "b"]}]}`, parallel, a)
}

// TestRestLeavesTheSlotToOthers: while an attempt rests, another task has its slot, and
// the attempt continues only when there is one again.
func TestRestLeavesTheSlotToOthers(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		d := &diary{begun: time.Now()}
		k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) {
			d.note("a rests")
			err := task.Rest(ctx, after(2*time.Second))
			d.note("a goes on")
			return 1, err
		})
		k.Node("b", func(ctx context.Context, task nodes.Task) (any, error) {
			d.note("b begins")
			<-time.After(5 * time.Second)
			d.note("b ends")
			return 1, nil
		})
		r := k.Wait(start(k, def(t, pair(1, ""))))
		if diff := cmp.Diff([]string{"0 a rests", "0 b begins", "5 b ends", "5 a goes on"}, d.lines); diff != "" || r.Failures != 0 {
			t.Errorf("%d failures (-want +got)\n%s", r.Failures, diff)
		}
		if p := k.Runtime.PoolStatus(); p[len(p)-1].Running != 0 || p[len(p)-1].Queued != 0 {
			t.Errorf("left in the pool: %+v", p)
		}
	})
}

// TestSlotWaitsInTheQueue: work beside that of the attempt waits for a slot of its own,
// and what the work does not give back goes back with the attempt.
func TestSlotWaitsInTheQueue(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		d := &diary{begun: time.Now()}
		k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) {
			release, err := task.Slot(ctx)
			d.note("a has two")
			if err != nil {
				return nil, err
			}
			release()
			release() // counts once
			_, err = task.Slot(ctx)
			return 1, err
		})
		k.Node("b", func(ctx context.Context, task nodes.Task) (any, error) {
			<-time.After(3 * time.Second)
			return 1, nil
		})
		r := k.Wait(start(k, def(t, pair(2, ""))))
		if diff := cmp.Diff([]string{"3 a has two"}, d.lines); diff != "" || r.Failures != 0 {
			t.Errorf("%d failures (-want +got)\n%s", r.Failures, diff)
		}
		if p := k.Runtime.PoolStatus(); p[len(p)-1].Running != 0 || p[len(p)-1].Queued != 0 {
			t.Errorf("left in the pool: %+v", p)
		}
	})
}

// TestCancelEndsTheWaitForASlot: whatever ends an attempt ends its rest and its wait for
// a slot, and leaves nothing in the pool.
func TestCancelEndsTheWaitForASlot(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]func(context.Context, nodes.Task) error{
		"rest": func(ctx context.Context, task nodes.Task) error { return task.Rest(ctx, nil) },
		"slot": func(ctx context.Context, task nodes.Task) error { _, err := task.Slot(ctx); return err },
		"a question's end is not that of the rest": func(ctx context.Context, task nodes.Task) error {
			<-time.After(100 * time.Millisecond)
			question, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			return task.Rest(question, nil) // b has the slot
		},
		"slot after rest": func(ctx context.Context, task nodes.Task) error {
			<-time.After(100 * time.Millisecond)
			return task.Rest(ctx, after(time.Millisecond)) // b has the slot
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) { return 1, wait(ctx, task) })
				k.Node("b", runtimetest.Takes(5*time.Second, runtimetest.Returns(1)))
				r := k.Wait(start(k, def(t, pair(1, `, "timeout": 2000000000`))))
				if r.Failures != 1 {
					t.Errorf("%d failures, want that of a", r.Failures)
				}
				if p := k.Runtime.PoolStatus(); p[len(p)-1].Running != 0 || p[len(p)-1].Queued != 0 {
					t.Errorf("left in the pool: %+v", p)
				}
			})
		})
	}
}

// TestShutdownDuringARest: an attempt that rests is cut off and runs again.
func TestShutdownDuringARest(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) {
			if task.Attempt > 1 {
				return 1, nil
			}
			return 1, task.Rest(ctx, nil)
		})
		start(k, one(k.T, 1, "", ""))
		k.Forward(time.Second)
		k.Reopen()
		s := k.Resume("one", runtime.ResumeOptions{})
		if r := k.Wait(s); r.State["n"] != int64(1) || r.Cursor.Counts.Failures != 0 {
			t.Errorf("n is %v after %d failures", r.State["n"], r.Cursor.Counts.Failures)
		}
	})
}

// TestDeltasHideSecrets: a secret that is split over deltas does not show, and what looked
// like the beginning of one comes with what follows, or with the end of the text.
func TestDeltasHideSecrets(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Config.Secret = func(string) (string, bool) { return "hush-hush", true }
		k.Reopen()
		var got []string
		defer k.Runtime.Feed().OnDelta("one", func(d feed.Delta) {
			got = append(got, fmt.Sprintf("%s %d %d %q", d.Task.Node, d.Attempt, d.Offset, d.Text))
		})()
		k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) {
			for _, text := range []string{"so hush", "-hush it is", ". hus"} {
				task.Delta(text)
				synctest.Wait()
			}
			if _, err := nodes.Step(ctx, "said", func(context.Context) (int, error) { return 1, nil }); err != nil {
				return nil, err
			}
			synctest.Wait() // pieces that nobody has seen yet would be joined
			task.Delta("h")
			return 1, nil
		})
		k.Wait(start(k, one(k.T, 1, "", `, "secrets": ["KEY"]`)))
		synctest.Wait()
		want := []string{`a 1 0 "so "`, `a 1 3 "*** it is"`, `a 1 12 ". "`, `a 1 14 "hus"`, `a 1 17 "h"`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// TestTaskIsToldWhatItsNodeIs: the graph of the task, the type of its output and what
// happens after a failed attempt.
func TestTaskIsToldWhatItsNodeIs(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) {
			if task.Of == nil || task.Of.Name != "one" || task.Output == nil || task.Retry.Attempts != 3 || task.Retry.Backoff != time.Second {
				return nil, errors.New("not told")
			}
			return 1, nil
		})
		if r := k.Wait(start(k, one(k.T, 1, `, "retry": {"attempts": 3}`, ""))); r.Failures != 0 {
			t.Errorf("%d failures", r.Failures)
		}
	})
}
