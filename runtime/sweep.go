package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
	records, err := rt.recordsOf(rt.base, &sum, "task.started")
	if err != nil {
		return
	}
	rt.discardAll(childrenIn(id, records))
	if err := rt.cfg.Store.Remove(rt.base, id); err != nil && !errors.Is(err, ErrNotFound) {
		rt.log.Warn("the stack of an inner graph cannot be removed", "stack", id, "error", err)
	}
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

// orphan says whether nobody needs a child in the store any more: its parent is gone, has
// ended, or has gone past the task. It does not matter whether anybody drives the parent:
// one that cannot be read or loaded now may continue later, and with it the child.
func (rt *Runtime) orphan(sum *Summary) bool {
	where, task, _ := strings.Cut(sum.Identity.Parent, "/")
	parent := where[:max(strings.LastIndexByte(where, '.'), 0)]
	stands, err := rt.cfg.Store.Stack(rt.base, parent)
	if err == nil {
		err = stands.Err
	}
	if err != nil {
		return errors.Is(err, ErrNotFound)
	}
	if stands.Identity.Nonce != where[len(parent)+1:] {
		return true
	}
	c := &stands.Cursor
	if c.Open && strings.HasPrefix(task, fmt.Sprintf("%d/%d/", c.Cycle, c.Wave)) {
		return false
	}
	for _, b := range c.Background {
		if strings.HasPrefix(task, fmt.Sprintf("%d/%d/%s/", b.Cycle, b.Wave, b.Node)) {
			return false
		}
	}
	return true
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
	for i := range own {
		if rt.orphan(&own[i]) {
			rt.discard(own[i].Identity.Stack)
		}
	}
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
		if records, err := rt.recordsOf(ctx, &sum, "task.started"); err == nil {
			rt.discardAll(childrenIn(stack, records))
		}
	}
	return rt.unknown(ctx, stack, rt.cfg.Store.Remove(ctx, stack))
}
