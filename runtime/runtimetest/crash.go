package runtimetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/feed"
)

var errCrashed = &runtime.StoreError{Err: errors.New("runtimetest: crashed"), Fatal: true}

// gate lies before the store: a crash shuts it, so that nothing of the old
// runtime gets through any more.
type gate struct {
	runtime.Store
	t testing.TB

	mu      sync.Mutex
	shut    bool
	commits int
	crashAt int // the commit that gets through but is not acknowledged; 0 for none
	crashed chan struct{}
	results map[string]bool   // keys of tasks whose success is in the store
	acked   map[string]uint64 // the last record of a stack whose commit was acknowledged
}

func (g *gate) Commit(ctx context.Context, c runtime.Commit) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return errCrashed
	}
	if err := g.Store.Commit(ctx, c); err != nil {
		return err
	}
	for _, r := range c.Records {
		if f, ok := r.Body.(*journal.TaskFinished); ok && f.Status == "succeeded" {
			g.results[taskID(c.Stack, r.Cycle, f.Wave, f.Node, f.Item)] = true
		}
	}
	g.commits++
	if g.commits == g.crashAt {
		g.shut = true
		close(g.crashed)
		return errCrashed
	}
	g.acked[c.Stack] = c.Cursor.Seq
	return nil
}

// Busy is that of the store behind the gate, which else is never busy.
func (g *gate) Busy(free func()) bool {
	s, ok := g.Store.(runtime.BusyStore)
	return ok && s.Busy(free)
}

// Joins is that of the store behind the gate, which else joins nothing.
func (g *gate) Joins(stack string) bool {
	s, ok := g.Store.(runtime.JoiningStore)
	return ok && s.Joins(stack)
}

// shows checks that nothing is shown before it is stored.
func (g *gate) shows(c feed.Commit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.acked[c.Stack] < c.Cursor.Seq {
		g.t.Errorf("record %d of stack %q is shown, the store has acknowledged those up to %d", c.Cursor.Seq, c.Stack, g.acked[c.Stack])
	}
}

// begins checks that the work is not done again.
func (g *gate) begins(t nodes.Task) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if id := taskID(t.Stack, t.Cycle, t.Wave, t.Node, t.Item); g.results[id] {
		g.t.Errorf("%s runs again, although its result is recorded", id)
	}
}

func taskID(stack string, cycle, wave uint64, node, item string) string {
	return fmt.Sprintf("%s/%d/%d/%s/%s", stack, cycle, wave, node, item)
}

func (k *Kit) open() {
	k.countFromNow()
	results := map[string]bool{}
	if k.gate != nil {
		results = k.gate.results
	}
	k.gate = &gate{Store: k.Store, t: k.T, results: results, acked: map[string]uint64{}, crashed: make(chan struct{})}
	gate := k.gate
	c := k.Config
	c.Store, c.Kinds = k.gate, k.Kinds
	if c.Feed == nil {
		c.Feed = &feed.Feed{}
	}
	k.unwatch()
	k.unwatch = c.Feed.OnCommit("", func(commit feed.Commit) {
		gate.shows(commit)
		k.mu.Lock()
		k.cursors[commit.Stack] = commit.Cursor
		k.mu.Unlock()
		k.news.Broadcast()
	})
	var err error
	if k.Runtime, err = runtime.Open(k.T.Context(), c); err != nil {
		k.T.Fatalf("open: %v", err)
	}
}

// Crash drops the runtime without any grace: what is not in the store at this
// instant is lost. A new runtime is opened on the store; Resume continues.
func (k *Kit) Crash() {
	k.gate.mu.Lock()
	k.gate.shut = true
	k.gate.mu.Unlock()
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = k.Runtime.Close(now) // it cannot write any more: that is the point
	k.open()
}

// CrashAfter lets commits through up to the nth that this runtime makes from
// now on. That one is not acknowledged, and nothing gets through after it.
func (k *Kit) CrashAfter(n int) {
	k.gate.mu.Lock()
	defer k.gate.mu.Unlock()
	k.gate.crashAt = k.gate.commits + n
}

// Reopen closes the runtime with all its grace and opens a new one on the
// store, with what Config says now.
func (k *Kit) Reopen() {
	k.T.Helper()
	if err := k.Runtime.Close(context.Background()); err != nil {
		k.T.Fatalf("close: %v", err)
	}
	k.open()
}

func (k *Kit) stop() {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = k.Runtime.Close(now)
}

// CrashAtEveryCommit runs one stack to its end, and then again for each of its
// commits: with a crash right after it, before it is acknowledged, and a
// second life from the store. Each time the stack must end in the same status
// and state, and no task whose success was recorded may run again. setup
// scripts the nodes and gives the graph; the stack must end by itself, and its
// nodes must give the same outputs in every run.
func CrashAtEveryCommit(t *testing.T, kinds *nodes.Registry, setup func(k *Kit) (graph.Def, runtime.StartOptions)) {
	t.Helper()
	var want runtime.Result
	commits := 0
	Run(t, kinds, func(k *Kit) {
		def, o := setup(k)
		want = k.Wait(k.Start(k.Compile(def), o))
		commits = k.gate.commits
	})
	for at := 1; at <= commits && !t.Failed(); at++ {
		Run(t, kinds, func(k *Kit) {
			def, o := setup(k)
			g := k.Compile(def)
			k.gate.crashAt = at
			id := want.Stack
			if s, err := k.Runtime.Start(k.T.Context(), g, o); err == nil {
				<-s.Done()
			}
			select {
			case <-k.gate.crashed:
			default:
				return // results that came together took fewer commits this time
			}
			k.Crash()
			got := k.Wait(k.Resume(id, runtime.ResumeOptions{}))
			if got.Status != want.Status || got.Reason != want.Reason {
				t.Errorf("crash after commit %d: ended %s (%s), want %s (%s)", at, got.Status, got.Reason, want.Status, want.Reason)
			}
			if diff := cmp.Diff(want.State, got.State); diff != "" {
				t.Errorf("crash after commit %d: state (-want +got):\n%s", at, diff)
			}
		})
	}
}
