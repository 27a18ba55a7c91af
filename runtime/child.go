package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
)

// A node that runs a graph does it with a stack of its own, the child: see machine.Child.
// Recover does not drive children: whoever drives the parent runs the task again, which
// continues the child, or finds the child of a task that is held.

// runner is the work of kinds that run a graph: it has the child driven until that is
// over, or waits for somebody outside.
type runner struct {
	rt *Runtime
	d  *drive       // the parent
	g  *graph.Graph // the inner one
	a  *attempt
}

func (rt *Runtime) runner(d *drive, a *attempt, inner *graph.Graph) nodes.Node {
	return runner{rt, d, inner, a}
}

// Run leaves the end of the child with the attempt: the machine decides what it means.
// What the child has used is told apart from that.
func (r runner) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	res, err := r.finish(ctx, r.a.task.Child, "", t.Hurry)
	if errors.Is(err, errRests) {
		if err := t.Ask(ctx, nil); err != nil {
			return nodes.Result{}, err
		}
		return nodes.Result{}, nodes.ErrHeld
	}
	// Neither is an end of the graph.
	if isStoreError(err) {
		r.a.broken = err
		return nodes.Result{}, err
	}
	if errors.Is(err, ErrClosed) {
		r.a.shutdown = true
		return nodes.Result{}, err
	}
	if err != nil && ctx.Err() != nil {
		return nodes.Result{}, ctx.Err()
	}
	r.a.child = &machine.ChildDone{Cursor: res.Cursor, State: res.State, Err: err}
	return nodes.Result{}, nil
}

// errRests says that all that a child does is wait for somebody outside.
var errRests = errors.New("runtime: the child waits for somebody outside")

// How long an attempt waits before it looks again whether its child is free.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = time.Second
)

// finish has the child driven until it has ended, or, unless it does the work of a call,
// rests. When somebody else stops driving it first, finish takes it over again: an earlier
// attempt may be giving it up, or a caller has detached it, which does not stop the node
// of its parent.
func (r runner) finish(ctx context.Context, c *machine.Child, call string, rush <-chan struct{}) (Result, error) {
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		child, res, nonce, err := r.rt.child(ctx, r.g, c)
		switch {
		case errors.Is(err, ErrActive):
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return Result{}, ctx.Err()
			}
			continue
		case err != nil:
			return Result{}, err
		case child == nil:
			if call != "" { // nobody may have said so before a crash
				r.d.post(func() { r.d.count(usageNote{r.a.task.Key, r.a.task.Attempt, call, nonce, res.Cursor.Counts}) })
			}
			return res, nil
		}
		r.attach(child.d, call)
		if err := r.await(ctx, child.d, call); err != nil && ctx.Err() == nil {
			return Result{}, err
		}
		select {
		case <-child.d.done:
		default:
			r.giveUp(ctx, child.d, call, rush)
			if !child.d.result.Status.Ended() { // a shutdown: its last cycle is not over
				return Result{}, cmp.Or(child.d.err, ErrClosed)
			}
			return Result{}, ctx.Err()
		}
		if res := child.d.result; child.d.err != nil || res.Status.Ended() {
			return *res, child.d.err
		}
		if r.d.isStopping() {
			return Result{}, ErrClosed
		}
	}
}

// attach makes the child one of the parent's, in the parent's loop.
func (r runner) attach(child *drive, call string) {
	is := child.status()
	r.d.post(func() { r.d.attach(child, r.a.task.Key, r.a.task.Attempt, call, is) })
}

// await waits until a child is not driven any more, rests (errRests), or ctx ends.
func (r runner) await(ctx context.Context, child *drive, call string) error {
	if call != "" {
		select {
		case <-child.done:
		case <-ctx.Done():
		}
		return nil
	}
	rests := make(chan struct{})
	_ = child.until(ctx, func() bool {
		if !child.waitsOutside() {
			return false
		}
		close(rests)
		return true
	})
	select {
	case <-rests:
		return errRests
	default:
		return nil
	}
}

// giveUp stops driving the child of a task that is cut off, and waits until nothing of it
// runs. After a shutdown the child continues with its task; otherwise it ends with it. The
// child of a call is removed then.
func (r runner) giveUp(ctx context.Context, child *drive, call string, rush <-chan struct{}) {
	if errors.Is(context.Cause(ctx), errShutdown) {
		child.cutOffNow(rush) // what it cannot write now, it does again
		return
	}
	child.post(child.endWith)
	select {
	case <-child.done:
	case <-rush:
		child.hurry()
		<-child.done
	}
	if call != "" && child.result.Status.Ended() {
		r.rt.discard(child.name)
	}
}

// child starts the child of a task, or continues it. It returns the result of a child
// that has ended already, and its nonce. ErrActive says that somebody else has the child at this moment:
// an earlier attempt, which may be ending it.
func (rt *Runtime) child(ctx context.Context, g *graph.Graph, c *machine.Child) (s *Stack, end Result, nonce string, err error) {
	snap, err := rt.cfg.Store.State(ctx, c.ID)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return nil, Result{}, "", err
	case snap.Identity.Parent == "":
		return nil, Result{}, "", fmt.Errorf("%w: %q, which this node needs for its graph", ErrExists, c.ID)
	case snap.Identity.Parent != c.Parent:
		rt.discard(c.ID)
	case snap.Cursor.Status.Ended():
		return nil, endOf(snap, g.Name), snap.Identity.Nonce, nil
	default:
		o := ResumeOptions{}
		if def, err := rt.defs.ofHash(ctx, snap.Cursor.Hash); err == nil && !def.g.Once && def.g.Until == nil {
			o.Graph = g // an earlier version did not write down how a node runs it
		}
		s, err := rt.Resume(ctx, c.ID, o)
		return s, Result{}, "", err
	}
	s, err = rt.Start(ctx, g, StartOptions{ID: c.ID, Params: c.Params, State: c.State, parent: c.Parent, maxCycles: c.MaxCycles})
	if errors.Is(err, ErrExists) {
		err = fmt.Errorf("%w: %q", ErrActive, c.ID)
	}
	return s, Result{}, "", err
}

// endOf is the result of a stack that has ended, as the store has it.
func endOf(snap journal.Snapshot, graph string) Result {
	return Result{Stack: snap.Identity.Stack, Graph: graph, Status: snap.Cursor.Status, Reason: snap.Cursor.Reason,
		State: journal.Visible(snap.State), Cursor: snap.Cursor}
}

// findHeld has the child of a held task driven, without loading it.
func (rt *Runtime) findHeld(c *machine.Child) foundChild {
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		sum, err := rt.cfg.Store.Stack(rt.base, c.ID)
		switch {
		case errors.Is(err, ErrNotFound), err == nil && c.Parent != "" && sum.Identity.Parent != c.Parent:
			return foundChild{err: fmt.Errorf("the stack %q of this node is not in the store any more", c.ID)}
		case err != nil:
			return foundChild{err: err}
		case sum.Err != nil:
			return foundChild{err: sum.Err}
		case sum.Cursor.Status.Ended():
			snap, err := rt.cfg.Store.State(rt.base, c.ID)
			if err != nil {
				return foundChild{err: err}
			}
			end := endOf(snap, sum.Identity.Graph)
			return foundChild{end: &end}
		}
		if d := rt.driving(c.ID); d != nil && !d.visited {
			return foundChild{d: d, status: sum.Cursor.Status}
		}
		taken, err := rt.takeOver(&sum)
		if err != nil {
			return foundChild{err: err}
		}
		if d := rt.driving(c.ID); taken && d != nil {
			return foundChild{d: d, status: sum.Cursor.Status}
		}
		time.Sleep(pause) // somebody visits it
	}
}

// endChild ends the child of a task that a crash cut off and that does not run again, and
// returns where it stands then.
func (rt *Runtime) endChild(c *machine.Child) journal.Cursor {
	sum, err := rt.cfg.Store.Stack(rt.base, c.ID)
	if err != nil || c.Parent != "" && sum.Identity.Parent != c.Parent {
		return journal.Cursor{}
	}
	if !sum.Cursor.Status.Ended() {
		end := func(d *drive) error {
			if err := d.do(rt.base, func() error { d.endWith(); return nil }); err != nil {
				return err
			}
			<-d.done
			return nil
		}
		if d := rt.driving(c.ID); d != nil {
			_ = end(d)
		} else {
			_ = rt.visitBeside(rt.base, c.ID, end)
		}
		if now, err := rt.cfg.Store.Stack(rt.base, c.ID); err == nil {
			sum = now
		}
	}
	return sum.Cursor
}
