package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// RecoverOptions say how a store's stacks go on.
type RecoverOptions struct {
	// Graphs gives the present definition of a graph and its text, as AddGraph
	// takes them. It is asked once for each name; false: the stacks go on under
	// what the store keeps. Defaults to that.
	Graphs func(name string) (g *graph.Graph, source []byte, ok bool)
}

// Recover takes over all stacks of the store that have not ended and that this
// runtime does not drive yet, and says how many. Stacks with an open cycle go
// on at once; one that waits is only noted, and loaded when it is due or
// addressed. Paused ones stay paused. A stack that cannot be read is left out
// and logged; Status says why. Errors: *StoreError, ErrClosed, ctx's.
func (rt *Runtime) Recover(ctx context.Context, o RecoverOptions) (n int, err error) {
	asked := map[string]bool{}
	hashes := map[string]bool{}
	rt.fleets.Halt()
	defer rt.fleets.Release()
	var left []string // stacks that have ended, with messages to deliver
	var inner []Summary
	err = rt.cfg.Store.Stacks(ctx, func(sum Summary) error {
		switch {
		case sum.Err != nil:
			rt.log.Error("stack cannot be read", "stack", sum.Identity.Stack, "error", sum.Err)
			return nil
		case sum.Identity.Parent != "": // its parent takes it up
			inner = append(inner, sum)
			return nil
		case sum.Cursor.Status.Ended():
			if sum.Cursor.Outbox > 0 {
				left = append(left, sum.Identity.Stack)
			}
			return nil
		}
		if name := sum.Identity.Graph; o.Graphs != nil && !asked[name] {
			asked[name] = true
			rt.ask(name, o)
		}
		taken, err := rt.takeOver(&sum)
		if taken {
			hashes[sum.Cursor.Hash] = true
			n++
		}
		return err
	})
	if err == nil {
		err = rt.assemble(ctx, hashes)
	}
	for i := range inner {
		if err == nil && rt.orphan(&inner[i]) {
			rt.discard(inner[i].Identity.Stack)
		}
	}
	for i := 0; err == nil && i < len(left); i++ {
		if err = rt.emptyOutbox(ctx, left[i]); errors.Is(err, errUndelivered) {
			rt.deliverLater(left[i])
			err = nil
		}
	}
	return n, err
}

// ask finds out the present definition of a graph.
func (rt *Runtime) ask(name string, o RecoverOptions) {
	g, source, ok := o.Graphs(name)
	if !ok {
		return
	}
	err := rt.AddGraph(g, source)
	if err == nil && g.Name != name {
		err = fmt.Errorf("the definition is of graph %q", g.Name)
	}
	if err != nil {
		rt.log.Error("stacks go on under their stored definition", "graph", name, "error", err)
	}
}

// takeOver drives a stack that is not loaded.
func (rt *Runtime) takeOver(sum *Summary) (bool, error) {
	s := &Stack{rt: rt, name: sum.Identity.Stack, graph: sum.Identity.Graph, done: make(chan struct{}), asleep: true, looping: true}
	rt.mu.Lock()
	if err := rt.unusable(); err != nil {
		rt.mu.Unlock()
		return false, err
	}
	if _, claimed := rt.stacks[s.name]; claimed {
		rt.mu.Unlock()
		return false, nil
	}
	rt.stacks[s.name] = s
	delete(rt.trouble, s.name)
	rt.mu.Unlock()
	switch due, ok := dueAt(&sum.Cursor); {
	case !ok:
	case due.After(time.Now()):
		s.wake = rt.timers.At(due, s.wakeUnloaded)
	default:
		s.post(s.woke)
	}
	s.mu.Lock()
	s.looping = len(s.inbox) > 0
	mail := s.looping
	s.mu.Unlock()
	if mail {
		rt.loads.add(s)
	}
	return true, nil
}

// wakeUnloaded loads a stack: its time has come.
func (s *Stack) wakeUnloaded() { s.post(s.woke) }

// dueAt is when a stack is to be loaded; false: when it is addressed. Only the
// machine knows when an open cycle is due, or a task in the background.
func dueAt(c *journal.Cursor) (due time.Time, ok bool) {
	if c.Open || len(c.Background) > 0 || c.Outbox > 0 {
		return time.Time{}, true
	}
	sooner := func(at time.Time) {
		if !at.IsZero() && (!ok || at.Before(due)) {
			due, ok = at, true
		}
	}
	if c.Status != journal.Paused {
		sooner(c.WakeAt)
		sooner(c.Expires)
	}
	for i := range c.Waiting {
		if w := &c.Waiting[i]; !w.Answered {
			sooner(w.Due)
			sooner(w.Until)
		}
	}
	return due, ok
}
