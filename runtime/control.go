package runtime

import (
	"context"
	"errors"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// Wake ends the pause of a stack at once.
//
// Like all commands by id it works on every stack of the store that has not ended, and
// its effect is durable when it returns. A stack that waits is loaded. A stack that
// this runtime does not drive only records the command: it needs no secrets, and
// nothing of it runs. Errors: ErrNotFound, ErrEnded, *StoreError, ErrClosed, or that of
// ctx.
func (rt *Runtime) Wake(ctx context.Context, stack string) error {
	return rt.with(ctx, stack, func(d *drive) error { return d.handle.Wake(ctx) })
}

// Pause keeps new waves of a stack from starting until Unpause; running tasks finish. A
// paused stack stays paused over restarts. Errors: as Wake.
func (rt *Runtime) Pause(ctx context.Context, stack string) error {
	return rt.with(ctx, stack, func(d *drive) error { return d.handle.Pause(ctx) })
}

// Unpause ends a Pause. Errors: as Wake.
func (rt *Runtime) Unpause(ctx context.Context, stack string) error {
	return rt.with(ctx, stack, func(d *drive) error { return d.handle.Unpause(ctx) })
}

// Cancel ends a stack as cancelled and cancels its running tasks. It returns when
// nothing of the stack runs any more and that is durable. When ctx or the process ends
// first, the stack still ends. Cancelling a stack again is no error and keeps the first
// reason. Other errors: as Wake.
func (rt *Runtime) Cancel(ctx context.Context, stack, reason string) error {
	return rt.cancelled(ctx, stack, rt.with(ctx, stack, func(d *drive) error { return d.handle.Cancel(ctx, reason) }))
}

// cancelled drops the error of a stack that is already cancelled, so that a caller who
// does not know whether a call arrived may repeat it.
func (rt *Runtime) cancelled(ctx context.Context, stack string, err error) error {
	if !errors.Is(err, ErrEnded) {
		return err
	}
	if sum, broken := rt.cfg.Store.Stack(ctx, stack); broken == nil && sum.Cursor.Status == journal.Cancelled {
		return nil
	}
	return err
}

// End ends a stack gently: the tasks of the open wave finish and are committed, then the
// stack ends as cancelled with the reason Stopped, for good. End returns when that is
// durable. When ctx or the process ends before, the stack still ends with that wave, also
// after a restart. A stack that was cancelled before is no error. Other errors: as Wake.
func (rt *Runtime) End(ctx context.Context, stack string) error {
	return rt.cancelled(ctx, stack, rt.with(ctx, stack, func(d *drive) error {
		if err := d.do(ctx, func() error {
			d.command(ctx, journal.ActionStop)
			return d.m.Step(machine.Stop{At: d.now(), Reason: Stopped, By: By(ctx)})
		}); err != nil {
			return err
		}
		select {
		case <-d.done:
			return d.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}))
}
