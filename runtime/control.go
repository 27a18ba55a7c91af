package runtime

import (
	"context"
	"errors"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// Wake ends the pause of a stack at once. As all commands by id, it is durable
// when it returns, and works on every stack of the store that has not ended: one
// that waits is loaded; one that this runtime does not drive takes the command
// in and is put away again, without deciding or running anything: it needs no
// secrets. Errors: ErrNotFound, ErrEnded, *StoreError, ErrClosed, ctx's.
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

// Cancel ends a stack as cancelled; what runs of it is cancelled too. It returns
// when nothing of it runs any more and that is durable. When ctx or the process ends
// before, the stack still ends. One that was cancelled before is no error, and keeps
// its reason.
func (rt *Runtime) Cancel(ctx context.Context, stack, reason string) error {
	return rt.cancelled(ctx, stack, rt.with(ctx, stack, func(d *drive) error { return d.handle.Cancel(ctx, reason) }))
}

// cancelled forgets that a stack has ended when it has in the way that was
// wanted: who is not sure that a call arrived may repeat it.
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
		if err := d.do(ctx, func() error { return d.m.Step(machine.Stop{At: d.now(), Reason: Stopped}) }); err != nil {
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
