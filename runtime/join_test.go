package runtime_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// ends is a store in memory that notes, for each commit with the end of a cycle, whether the
// next cycle begins with it too.
type ends struct {
	*memstore.Store
	mu    sync.Mutex
	joins []bool
}

func (e *ends) Commit(ctx context.Context, c runtime.Commit) error {
	e.mu.Lock()
	for i, r := range c.Records {
		if _, ends := r.Body.(*journal.CycleFinished); ends {
			e.joins = append(e.joins, slices.ContainsFunc(c.Records[i:], func(r journal.Record) bool {
				_, begins := r.Body.(*journal.CycleStarted)
				return begins
			}))
		}
	}
	e.mu.Unlock()
	return e.Store.Commit(ctx, c)
}

func (e *ends) want(t testing.TB, want ...bool) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if diff := cmp.Diff(want, e.joins); diff != "" {
		t.Errorf("cycles whose end is one commit with the next beginning (-want +got):\n%s", diff)
	}
}

// noPause is a graph whose cycles follow each other at once: node a works a second, then
// look notes how many lines have come. More is more of the definition.
func noPause(t testing.TB, more string) graph.Def {
	t.Helper()
	return def(t, `{"graphrun": 1, "name": "on",
		"state": [{"name": "lines", "type": "list(string)", "reduce": {"name": "append"}},
			{"name": "seen", "type": "list(integer)", "reduce": {"name": "append"}}],
		"events": [{"name": "line", "to": "lines"}],
		"nodes": [{"id": "a", "uses": "work"},
			{"id": "look", "uses": "set", "with": {"n": "${{ len(state.lines) }}"}, "writes": [{"key": "seen", "expr": "[output.n]"}]}],
		"edges": [{"from": ["a"], "to": ["look"]}], `+more+`}`)
}

func joining(t *testing.T, do func(k *runtimetest.Kit, e *ends)) {
	t.Helper()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		_ = k.Runtime.Close(k.T.Context())
		e := &ends{Store: memstore.New()}
		k.Store = e
		k.Reopen()
		k.Node("a", runtimetest.Takes(time.Second, runtimetest.Returns(1)))
		do(k, e)
	})
}

const atOnce = `"pause": {"set": true, "active": 0}`

func TestWithoutAPauseACyclesEndBeginsTheNext(t *testing.T) {
	t.Parallel()
	joining(t, func(k *runtimetest.Kit, e *ends) {
		r := k.Wait(start(k, noPause(k.T, atOnce+`, "limits": {"cycles": 4}`)))
		e.want(k.T, true, true, true, false)
		if diff := cmp.Diff([]any{int64(0), int64(0), int64(0), int64(0)}, r.State["seen"]); diff != "" {
			t.Errorf("seen (-want +got):\n%s", diff)
		}
		want := []string{"1.1 a", "1.2 look", "2.1 a", "2.2 look", "3.1 a", "3.2 look", "4.1 a", "4.2 look"}
		if diff := cmp.Diff(want, k.Waves("on")); diff != "" {
			t.Errorf("waves (-want +got):\n%s", diff)
		}
	})
}

// TestWhatComesBetweenTwoCycles: where something is to happen between two cycles, the second
// does not begin with the end of the first.
func TestWhatComesBetweenTwoCycles(t *testing.T) {
	t.Parallel()
	t.Run("a pause", func(t *testing.T) {
		t.Parallel()
		joining(t, func(k *runtimetest.Kit, e *ends) {
			k.Wait(start(k, noPause(k.T, `"pause": {"set": true, "active": 1000000000}, "limits": {"cycles": 3}`)))
			e.want(k.T, false, false, false)
		})
	})
	t.Run("the stop after so many cycles", func(t *testing.T) {
		t.Parallel()
		joining(t, func(k *runtimetest.Kit, e *ends) {
			r := k.Wait(k.Start(k.Compile(noPause(k.T, atOnce)), runtime.StartOptions{StopAfter: runtime.StopAfter{Cycles: 2}}))
			e.want(k.T, true, false)
			if r.Cycles != 2 || r.Cursor.Open || r.Cursor.Cycle != 2 {
				t.Errorf("%d cycles, cursor %+v", r.Cycles, r.Cursor)
			}
		})
	})
	t.Run("a stack that was paused", func(t *testing.T) {
		t.Parallel()
		joining(t, func(k *runtimetest.Kit, e *ends) {
			s := start(k, noPause(k.T, atOnce+`, "limits": {"cycles": 4}`))
			k.Forward(1500 * time.Millisecond) // within the second cycle
			if err := s.Pause(k.T.Context()); err != nil {
				t.Fatal(err)
			}
			k.Forward(10 * time.Second)
			if err := s.Unpause(k.T.Context()); err != nil {
				t.Fatal(err)
			}
			k.Wait(s)
			if got := e.joins; len(got) != 4 || !got[0] || got[3] {
				t.Errorf("cycles that go over into the next: %v", got)
			}
		})
	})
	t.Run("a changed graph", func(t *testing.T) {
		t.Parallel()
		joining(t, func(k *runtimetest.Kit, e *ends) {
			s := start(k, noPause(k.T, atOnce))
			k.Forward(1500 * time.Millisecond)
			changed := k.Compile(def(k.T, `{"graphrun": 1, "name": "on",
				"state": [{"name": "lines", "type": "list(string)", "reduce": {"name": "append"}},
					{"name": "seen", "type": "list(integer)", "reduce": {"name": "append"}}],
				"nodes": [{"id": "a", "uses": "work"}], "stop": [{"when": "cycle.number >= 3"}], `+atOnce+`}`))
			if err := k.Runtime.AddGraph(changed, nil); err != nil {
				t.Fatal(err)
			}
			r := k.Wait(s)
			e.want(k.T, true, false, false)
			if r.Cursor.Hash != changed.Hash || r.Cursor.Cycle != 3 {
				t.Errorf("under %.8s in cycle %d, want %.8s in cycle 3", r.Cursor.Hash, r.Cursor.Cycle, changed.Hash)
			}
		})
	})
	t.Run("a checkpoint", func(t *testing.T) {
		t.Parallel()
		joining(t, func(k *runtimetest.Kit, e *ends) {
			k.Wait(start(k, noPause(k.T, atOnce+`, "history": {"cycles": 8}, "limits": {"cycles": 9}`)))
			e.want(k.T, true, false, true, false, true, false, true, false, false)
		})
	})
}

// TestAnEventIsInTheNextCycle: an event that came before a cycle ended is applied by the next
// one, also if nothing lies between them.
func TestAnEventIsInTheNextCycle(t *testing.T) {
	t.Parallel()
	joining(t, func(k *runtimetest.Kit, _ *ends) {
		s := start(k, noPause(k.T, atOnce+`, "limits": {"cycles": 3}`))
		k.Forward(1500 * time.Millisecond) // within the second cycle
		if _, err := k.Runtime.Send(k.T.Context(), runtime.Send{Stack: s.ID(), Event: "line", Payload: []any{"x"}}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]any{int64(0), int64(0), int64(1)}, k.Wait(s).State["seen"]); diff != "" {
			t.Errorf("seen (-want +got):\n%s", diff)
		}
	})
}

// TestACrashAroundJoinedCycles, with more cycles than are kept.
func TestACrashAroundJoinedCycles(t *testing.T) {
	t.Parallel()
	runtimetest.CrashAtEveryCommit(t, kinds(t), func(k *runtimetest.Kit) (graph.Def, runtime.StartOptions) {
		k.Node("a", runtimetest.Takes(time.Second, runtimetest.Returns(1)))
		return noPause(k.T, atOnce+`, "history": {"cycles": 4}, "limits": {"cycles": 8}`), runtime.StartOptions{}
	})
}
