package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
)

// RetryOptions say how Retry continues a stack that has ended.
type RetryOptions struct {
	// By says who asks for it, for the record.
	By string
	// Limits take the place of those of the graph, until the stack is retried again.
	Limits journal.Limits
	// StopAfter says when to stop driving the stack. Defaults to its end.
	StopAfter StopAfter
	// Rest only records it: nothing of the stack runs until somebody resumes it.
	Rest bool
}

// Retry continues a stack that has ended, with its state: the next cycle begins. The count
// of a limit that has ended it, or that is set, starts at 0, and so do failed cycles in a
// row; its duration counts from now. A graph with `once` runs again what failed and what
// lies behind it, and nothing that succeeded. Errors: *UnknownStackError, ErrNotEnded,
// *ChildError, *MissingError, *SecretError, *StoreError, ErrClosed, or that of ctx.
func (rt *Runtime) Retry(ctx context.Context, id string, o RetryOptions) (*Stack, error) {
	o.By = cmp.Or(o.By, By(ctx))
	if err := value.CheckText(o.By); err != nil {
		return nil, fmt.Errorf("runtime: by: %w", err)
	}
	if err := rt.reserveEnded(ctx, id); err != nil {
		return nil, err
	}
	rt.reap()
	d := rt.newDrive(id, "")
	d.after, d.visited = o.StopAfter, o.Rest
	if err := d.fill(ctx, &ResumeOptions{reopen: &machine.Reopen{At: d.now(), By: o.By, Limits: o.Limits}}); err != nil {
		rt.free(id)
		return nil, rt.unknown(ctx, id, err)
	}
	d.stopping = o.Rest
	counts := d.cursor.Counts
	d.base = &counts
	return rt.beginLoaded(d)
}

// reserveEnded claims a stack that has ended. One that this runtime still drives to its end
// is waited for.
func (rt *Runtime) reserveEnded(ctx context.Context, id string) error {
	for {
		err := rt.reserve(ctx, id, ErrActive)
		if !errors.Is(err, ErrActive) {
			return err
		}
		over := make(<-chan struct{})
		if d := rt.driving(id); d != nil {
			switch err := d.hasNotEnded(ctx); {
			case errors.Is(err, ErrNotEnded):
				return err
			case ctx.Err() != nil:
				return ctx.Err()
			}
			over = d.done
		}
		select {
		case <-over:
		case <-time.After(time.Millisecond): // somebody begins to drive it, or stops
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// hasNotEnded returns ErrNotEnded for a stack that has not. Its loop knows.
func (d *drive) hasNotEnded(ctx context.Context) error {
	return d.do(ctx, func() error {
		if !d.m.Cursor().Status.Ended() {
			return fmt.Errorf("%w: %q", ErrNotEnded, d.name)
		}
		return nil
	})
}
