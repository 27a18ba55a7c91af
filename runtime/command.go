package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// do calls fn in the stack's loop, and returns its error, or nil once everything that
// follows from it is durable. When ctx ends first, fn may still take effect. While the
// store takes no commits, do has the loop try once more and then returns the store's
// error: either fn is not called any more, or what follows from it waits for room.
func (d *drive) do(ctx context.Context, fn func() error) error {
	ack := make(chan error, 1)
	var decided atomic.Bool // fn is called, or will never be
	stall := d.nextStall()
	d.post(func() {
		if !decided.CompareAndSwap(false, true) {
			return
		}
		if d.over {
			ack <- d.whyOver()
			return
		}
		switch err := fn(); {
		case errors.Is(err, machine.ErrEnded):
			ack <- fmt.Errorf("%w: %q", ErrEnded, d.name)
		case err != nil:
			ack <- err
		default:
			d.acks = append(d.acks, func() { ack <- d.err })
		}
	})
	select {
	case err := <-ack:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-stall.begun:
	}
	if decided.CompareAndSwap(false, true) {
		return stall.why
	}
	select {
	case err := <-ack:
		return err
	default:
		return fmt.Errorf("%w; it takes effect when there is room, unless the process ends before", stall.why)
	}
}

// until waits until holds returns true in the stack's loop, after a commit, or until
// the stack is not driven any more.
func (d *drive) until(ctx context.Context, holds func() bool) error {
	w := &waiter{holds, make(chan struct{})}
	d.post(func() { d.waiters = append(d.waiters, w) })
	select {
	case <-w.done:
		return nil
	case <-d.done:
		return d.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// whyOver is the error for a caller that wants something of a stack that is over.
func (d *drive) whyOver() error {
	switch {
	case d.err != nil:
		return d.err
	case d.closed && !d.result.Status.Ended():
		return errLeft
	}
	return fmt.Errorf("%w: %q", ErrEnded, d.name)
}

// errLeft reports a stack that was detached and may be driven again.
var errLeft = fmt.Errorf("%w: it is not driven any more", ErrEnded)

// graphNow returns the graph of a stack that is loaded and has not ended, or nil, and
// what is queued there.
func (d *drive) graphNow() (*graph.Graph, []journal.Queued) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.live == nil || d.m == nil || d.cursor.Status.Ended() {
		return nil, nil
	}
	return d.g, d.cursor.Queued
}
