package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
)

// A node that runs a graph does it with a stack of its own, the child. Its id
// follows from the task, so that an attempt after a crash finds the child of the
// one before and goes on with it. The child is not driven by Recover: whoever
// drives the parent runs the task again, and that takes the child up.

// runner is the work of kinds that run a graph.
type runner struct {
	rt  *Runtime
	g   *graph.Graph // the inner one
	key journal.TaskKey
	a   *attempt
}

func (r runner) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	with, _ := t.With.(map[string]any)
	cycles := uint64(1)
	_, until := with["until"]
	if until {
		cycles = graph.DefaultMaxCycles
		if n, ok := with["max_cycles"].(int64); ok {
			cycles = uint64(max(n, 1))
		}
	}
	id := childID(t.Stack, r.key)
	res, err := r.finish(ctx, id, t.Key, with, cycles, t.Hurry)
	// Neither is a failure of the graph.
	if trouble := (*StoreError)(nil); errors.As(err, &trouble) {
		r.a.broken = err
		return nodes.Result{}, err
	}
	if errors.Is(err, ErrClosed) {
		r.a.shutdown = true
		return nodes.Result{}, err
	}
	if ctx.Err() != nil {
		return nodes.Result{}, ctx.Err()
	}
	if err != nil {
		return nodes.Result{}, nodes.Permanent(nodes.Errorf("config", "%v", err))
	}
	out := nodes.Result{Output: res.State, Tokens: res.Cursor.Counts.Tokens, Cost: res.Cursor.Counts.Cost}
	if f := failureOf(&res, r.g.Name, until, cycles); f != nil {
		f.Tokens, f.Cost = out.Tokens, out.Cost
		if res.Status != journal.Cancelled {
			f.Message += r.lastError(ctx, id)
		}
		r.rt.discard(id) // another attempt begins anew
		return nodes.Result{}, f
	}
	return out, nil
}

// finish drives the child until it has done its cycles. One that is taken from
// here before is taken up again: an attempt before this one may be giving it
// up, or it was stopped by its handle, which stops no node of its parent.
func (r runner) finish(ctx context.Context, id, key string, with map[string]any, cycles uint64, rush <-chan struct{}) (Result, error) {
	for {
		child, res, err := r.rt.child(ctx, r.g, id, key, with, cycles)
		switch {
		case errors.Is(err, ErrActive):
			select {
			case <-time.After(10 * time.Millisecond):
			case <-ctx.Done():
				return Result{}, ctx.Err()
			}
			continue
		case err != nil || child == nil:
			return res, err
		}
		select {
		case <-child.done:
		case <-ctx.Done():
			r.giveUp(ctx, child, rush)
			return Result{}, ctx.Err()
		}
		if res := child.result; child.err != nil || res.Status.Ended() || child.reached {
			return *res, child.err
		}
	}
}

// giveUp ends the driving of the child of a task that is cut off. By a
// shutdown, the child stays in the store; else it goes with its task.
func (r runner) giveUp(ctx context.Context, child *Stack, rush <-chan struct{}) {
	child.cutOffNow(rush) // what it cannot write now, it does again
	if context.Cause(ctx) != error(errShutdown) {
		counts := child.result.Cursor.Counts
		nodes.Spend(ctx, counts.Tokens, counts.Cost)
		r.rt.discard(child.name)
	}
}

// failureOf is why a child's end is a failure of its node; nil: it is none.
func failureOf(res *Result, name string, until bool, cycles uint64) *nodes.Error {
	switch {
	case res.Status == journal.Failed:
		return nodes.Errorf("error", "graph %q failed: %s", name, res.Reason)
	case res.Status == journal.Cancelled && res.Reason == "":
		return nodes.Errorf("cancelled", "graph %q was cancelled", name)
	case res.Status == journal.Cancelled:
		return nodes.Errorf("cancelled", "graph %q was cancelled: %s", name, res.Reason)
	case !until && res.Cursor.FailedInRow > 0:
		return nodes.Errorf("error", "graph %q: its cycle failed", name)
	case until && res.Status != journal.Completed:
		return nodes.Errorf("limit", "graph %q: until does not hold after %d cycles", name, cycles)
	}
	return nil
}

// lastError says what failed last in a child, which nobody can ask any more once
// it is removed; "" when nothing did.
func (r runner) lastError(ctx context.Context, id string) string {
	st, err := r.rt.Status(ctx, id)
	if err != nil || st.LastError == nil {
		return ""
	}
	e := st.LastError
	where := fmt.Sprintf("cycle %d", e.Cycle)
	if e.Item != "" {
		where = fmt.Sprintf("%s[%s] in %s", e.Node, e.Item, where)
	} else if e.Node != "" {
		where = e.Node + " in " + where
	}
	return fmt.Sprintf(" (%s: %s: %s)", where, e.Error.Kind, e.Error.Message)
}

// child takes up the child of a task, or starts it. One that is done already is
// told by its result.
func (rt *Runtime) child(ctx context.Context, g *graph.Graph, id, key string, with map[string]any, cycles uint64) (*Stack, Result, error) {
	snap, err := rt.cfg.Store.Load(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return nil, Result{}, err
	case snap.Identity.Parent == "":
		return nil, Result{}, fmt.Errorf("%w: %q, which this node needs for its graph", ErrExists, id)
	case snap.Identity.Parent != key: // left by another stack of the parent's name
		rt.discard(id)
	case snap.Cursor.Status.Ended() || snap.Cursor.Counts.Cycles >= cycles && !snap.Cursor.Open:
		return nil, Result{Stack: id, Graph: g.Name, Status: snap.Cursor.Status, Reason: snap.Cursor.Reason,
			State: journal.Visible(snap.State), Cursor: snap.Cursor}, nil
	default:
		left := cycles - min(snap.Cursor.Counts.Cycles, cycles-1)
		s, err := rt.Resume(ctx, id, ResumeOptions{StopAfter: StopAfter{Cycles: int(left)}})
		return s, Result{}, err
	}
	params, _ := with["params"].(map[string]any)
	state, _ := with["state"].(map[string]any)
	s, err := rt.Start(ctx, g, StartOptions{ID: id, Params: params, State: state,
		StopAfter: StopAfter{Cycles: int(cycles)}, parent: key})
	return s, Result{}, err
}

// childID is the id of a task's child: PARENT.NODE.CYCLE.WAVE, with a hash for
// the element of a for_each; only a hash where that would be too long.
func childID(parent string, k journal.TaskKey) string {
	id := fmt.Sprintf("%s.%s.%d.%d", parent, k.Node, k.Cycle, k.Wave)
	if k.Item != "" {
		id += "." + shortHash(k.Item)
	}
	if !stackID.MatchString(id) {
		id = "inner." + shortHash(id)
	}
	return id
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// discard removes a child with what still runs of it. One that a crash cut off
// ends first, as any stack does: that sees to what its own tasks left behind.
func (rt *Runtime) discard(id string) {
	if s, ok := rt.Stack(id); ok && s.child {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.Detach(now)
	} else if !ok && rt.cutOff(id) {
		_ = rt.load(rt.base, id, func(s *Stack) error { return s.Cancel(rt.base, "its node is over") })
	}
	if err := rt.reserve(rt.base, id, ErrActive); err != nil {
		return // it is closing, or somebody has it: Recover clears it away
	}
	defer rt.free(id)
	snap, err := rt.cfg.Store.Load(rt.base, id)
	if err != nil || snap.Identity.Parent == "" {
		return
	}
	rt.discardChildren(id, snap.Records)
	if err := rt.cfg.Store.Remove(rt.base, id); err != nil && !errors.Is(err, ErrNotFound) {
		rt.log.Warn("the stack of an inner graph cannot be removed", "stack", id, "error", err)
	}
}

// discardChildren removes the children that the records of a stack name, for one
// that is over: a crash may have left them.
func (rt *Runtime) discardChildren(id string, records []journal.Record) {
	for i := range records {
		if b, ok := records[i].Body.(*journal.TaskStarted); ok {
			rt.discard(childID(id, taskOf(&records[i], b.Began, b.Wave, b.Node, b.Item)))
		}
	}
}

// cutOff says whether a child of the store had tasks when a crash ended its
// driving.
func (rt *Runtime) cutOff(id string) bool {
	snap, err := rt.cfg.Store.Load(rt.base, id)
	if err != nil || snap.Identity.Parent == "" {
		return false
	}
	c := &snap.Cursor
	return !c.Status.Ended() && !c.Clean && (c.Open || len(c.Background) > 0)
}

// children are those of tasks that are done, or that a crash cut off, until
// their wave is committed.
type children struct {
	done []childOf
	free []string // may be removed
}

type childOf struct{ node, id string }

// take adds what records say.
func (c *children) take(id journal.Identity, g *graph.Graph, records []journal.Record) {
	for i := range records {
		switch b := records[i].Body.(type) {
		case *journal.TaskFinished:
			if n, ok := g.NodeByID(b.Node); ok && g.Nodes[n].Kind.Runs {
				key := taskOf(&records[i], b.Began, b.Wave, b.Node, b.Item)
				if child := (childOf{b.Node, childID(id.Stack, key)}); !slices.Contains(c.done, child) {
					c.done = append(c.done, child)
				}
			}
		case *journal.WaveCommitted:
			for _, s := range b.Settled {
				if s.Status != "waiting" { // in the background it has only begun
					c.settled(s.Node)
				}
			}
		case *journal.StackFinished:
			for _, d := range c.done {
				c.free = append(c.free, d.id)
			}
			c.done = nil
		}
	}
}

func (c *children) settled(node string) {
	c.done = slices.DeleteFunc(c.done, func(d childOf) bool {
		if d.node == node {
			c.free = append(c.free, d.id)
		}
		return d.node == node
	})
}

// removeChildren removes those that nobody needs any more, beside the loop.
func (s *Stack) removeChildren() {
	if len(s.children.free) == 0 || s.clearing {
		return
	}
	ids := s.children.free
	s.children.free, s.clearing = nil, true
	go func() {
		for _, id := range ids {
			s.rt.discard(id)
		}
		s.post(func() { s.clearing = false })
	}()
}

// mayHaveLeft says whether crashes may have left children of earlier cycles.
func (s *Stack) mayHaveLeft() bool {
	return !s.cursor.Clean && slices.ContainsFunc(s.g.Nodes, func(n graph.Node) bool { return n.Kind.Runs })
}

// sweep removes them, beside the loop of the stack, which knows that it does.
func (s *Stack) sweep() {
	var own []Summary
	_ = s.rt.cfg.Store.Stacks(s.rt.base, func(sum Summary) error {
		if sum.Err == nil && strings.HasPrefix(sum.Identity.Parent, s.name+"."+s.id.Nonce+"/") {
			own = append(own, sum)
		}
		return nil
	})
	for i := range own {
		if s.rt.orphan(&own[i]) {
			s.rt.discard(own[i].Identity.Stack)
		}
	}
	s.post(func() { s.clearing = false })
}

// orphan says whether a child of the store is of no use any more: nobody drives
// the parent, or the parent is beyond the task.
func (rt *Runtime) orphan(sum *Summary) bool {
	where, task, _ := strings.Cut(sum.Identity.Parent, "/")
	parent := where[:max(strings.LastIndexByte(where, '.'), 0)]
	s, ok := rt.Stack(parent)
	if !ok {
		return true
	}
	snap, err := rt.cfg.Store.Load(rt.base, s.name)
	if err != nil {
		return false
	}
	c := &snap.Cursor
	at := fmt.Sprintf("%d/%d/", c.Cycle, c.Wave)
	if snap.Identity.Nonce == where[len(parent)+1:] {
		if c.Open && strings.HasPrefix(task, at) {
			return false
		}
		for _, b := range c.Background {
			if strings.HasPrefix(task, fmt.Sprintf("%d/%d/%s/", b.Cycle, b.Wave, b.Node)) {
				return false
			}
		}
	}
	return true
}
