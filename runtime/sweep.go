package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// discard removes the stack of a node that ran a graph, with what still runs of it. One
// that a crash cut off ends first, as any stack does: that cleans up after its own tasks.
func (rt *Runtime) discard(id string) {
	if d := rt.driving(id); d != nil && d.child {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = d.handle.Detach(now)
	} else if d == nil && rt.cutOff(id) {
		_ = rt.visitBeside(rt.base, id, func(d *drive) error { return d.handle.Cancel(rt.base, "its node is over") })
	}
	if err := rt.reserveUnless(rt.base, rt.shut, id, ErrActive); err != nil {
		return // the runtime has closed, or somebody has it: Recover clears it away
	}
	defer rt.free(id)
	sum, err := rt.cfg.Store.Stack(rt.base, id)
	if err != nil || sum.Identity.Parent == "" {
		return
	}
	below, err := rt.childrenOf(rt.base, &sum)
	if err != nil {
		return
	}
	rt.discardAll(below)
	if err := rt.remove(rt.base, id); err != nil && !errors.Is(err, ErrNotFound) {
		rt.log.Warn("the stack of an inner graph cannot be removed", "stack", id, "error", err)
	}
}

// childrenOf lists the stacks that a stack in the store may have: those of its open nodes,
// and those that have ended and are kept with its history.
func (rt *Runtime) childrenOf(ctx context.Context, sum *Summary) ([]string, error) {
	records, err := rt.recordsOf(ctx, sum, childTypes...)
	if err != nil {
		return nil, err
	}
	snap, err := rt.cfg.Store.State(ctx, sum.Identity.Stack)
	if err != nil {
		return nil, err
	}
	ids := childrenIn(sum.Identity.Stack, records)
	for _, t := range machine.TasksApart(&snap) {
		ids = append(ids, machine.ChildID(sum.Identity.Stack, t.Key))
	}
	for _, c := range machine.KeptChildren(snap.State) {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func (rt *Runtime) discardAll(children []string) {
	for _, id := range children {
		rt.discard(id)
	}
}

// cutOff says whether a child in the store had running tasks when a crash ended its
// driving.
func (rt *Runtime) cutOff(id string) bool {
	sum, err := rt.cfg.Store.Stack(rt.base, id)
	if err != nil || sum.Identity.Parent == "" {
		return false
	}
	return wasCutOff(&sum.Cursor)
}

// parentOf is the parent of a child and the parent's nonce, and the task, from
// Identity.Parent.
func parentOf(sum *Summary) (parent, nonce, task string) {
	where, task, _ := strings.Cut(sum.Identity.Parent, "/")
	parent = where[:max(strings.LastIndexByte(where, '.'), 0)]
	return parent, where[min(len(parent)+1, len(where)):], task
}

// orphans lists those of some children in the store that nobody needs any more: the parent
// is gone, or has gone past the task, and does not keep the child with its history. It
// does not matter whether anybody drives the parent: one that cannot be read or loaded now
// may continue later, and with it the child.
func (rt *Runtime) orphans(children []Summary) (ids []string) {
	type known struct {
		stands Summary
		err    error
		kept   map[string]bool // nil while it is not read
	}
	parents := map[string]*known{}
	for i := range children {
		sum := &children[i]
		name, nonce, task := parentOf(sum)
		p := parents[name]
		if p == nil {
			p = &known{}
			if p.stands, p.err = rt.cfg.Store.Stack(rt.base, name); p.err == nil {
				p.err = p.stands.Err
			}
			parents[name] = p
		}
		switch {
		case errors.Is(p.err, ErrNotFound):
			ids = append(ids, sum.Identity.Stack)
		case p.err != nil:
		case p.stands.Identity.Nonce != nonce:
			ids = append(ids, sum.Identity.Stack)
		case !atWork(&p.stands.Cursor, task):
			if p.kept == nil {
				p.kept = map[string]bool{}
				snap, err := rt.cfg.Store.State(rt.base, name)
				if err != nil {
					p.err = err
					continue
				}
				for _, c := range machine.KeptChildren(snap.State) {
					p.kept[c.ID] = true
				}
			}
			if !p.kept[sum.Identity.Stack] {
				ids = append(ids, sum.Identity.Stack)
			}
		}
	}
	return ids
}

// atWork reports whether the task of a child may not be over: it is one of the open wave,
// or of a node in the background.
func atWork(c *journal.Cursor, task string) bool {
	if c.Open && strings.HasPrefix(task, fmt.Sprintf("%d/%d/", c.Cycle, c.Wave)) {
		return true
	}
	if c.Open && c.Commit > 0 && strings.HasPrefix(task, fmt.Sprintf("%d/", c.Cycle)) {
		return true // under `waves: eager` earlier ones of the cycle may still run
	}
	return slices.ContainsFunc(c.Background, func(b journal.Background) bool {
		return strings.HasPrefix(task, fmt.Sprintf("%d/%d/%s/", b.Cycle, b.Wave, b.Node))
	})
}

// sweep removes children of earlier cycles that crashes have left, beside the loop of
// their parent. The parent does not close meanwhile.
func (rt *Runtime) sweep(d *drive) {
	var own []Summary
	_ = rt.cfg.Store.Stacks(rt.base, func(sum Summary) error {
		if sum.Err == nil && strings.HasPrefix(sum.Identity.Parent, d.name+"."+d.id.Nonce+"/") {
			own = append(own, sum)
		}
		return nil
	})
	rt.discardAll(rt.orphans(own))
	d.post(func() { d.clearing = false })
}

// Remove deletes a stack that has ended, with its history. Errors: *UnknownStackError,
// ErrNotEnded (cancel it first), *StoreError, ErrClosed.
func (rt *Runtime) Remove(ctx context.Context, stack string) error {
	if err := rt.reserve(ctx, stack, ErrNotEnded); err != nil {
		return err
	}
	defer rt.free(stack)
	// One that cannot be read may be removed too.
	if snap, err := rt.cfg.Store.State(ctx, stack); err == nil {
		if !snap.Cursor.Status.Ended() {
			return fmt.Errorf("%w: %q", ErrNotEnded, stack)
		}
		sum := Summary{Identity: snap.Identity, Cursor: snap.Cursor}
		if below, err := rt.childrenOf(ctx, &sum); err == nil {
			rt.discardAll(below)
		}
	}
	return rt.unknown(ctx, stack, rt.remove(ctx, stack))
}
