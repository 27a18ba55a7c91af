package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// Wake ends the pause of a stack at once. As all commands by id, it is durable
// when it returns, and works on every stack of the store that has not ended: one
// that waits is loaded; one that this runtime does not drive takes the command
// in and is put away again, without deciding or running anything: it needs no
// secrets. Errors: ErrNotFound, ErrEnded, *StoreError, ErrClosed, ctx's.
func (rt *Runtime) Wake(ctx context.Context, stack string) error {
	return rt.with(ctx, stack, func(s *Stack) error { return s.Wake(ctx) })
}

// Pause keeps new waves of a stack from starting until Unpause; running tasks finish. A
// paused stack stays paused over restarts. Errors: as Wake.
func (rt *Runtime) Pause(ctx context.Context, stack string) error {
	return rt.with(ctx, stack, func(s *Stack) error { return s.Pause(ctx) })
}

// Unpause ends a Pause. Errors: as Wake.
func (rt *Runtime) Unpause(ctx context.Context, stack string) error {
	return rt.with(ctx, stack, func(s *Stack) error { return s.Unpause(ctx) })
}

// Cancel ends a stack as cancelled; what runs of it is cancelled too. It returns
// when nothing of it runs any more and that is durable. When ctx or the process ends
// before, the stack still ends. One that was cancelled before is no error, and keeps
// its reason.
func (rt *Runtime) Cancel(ctx context.Context, stack, reason string) error {
	return rt.cancelled(ctx, stack, rt.with(ctx, stack, func(s *Stack) error { return s.Cancel(ctx, reason) }))
}

// waiter waits for something to become true of a stack.
type waiter struct {
	holds func() bool
	done  chan struct{}
}

// until waits until something is true of what is committed of a stack, or the stack
// is not driven any more. holds is called in the stack's loop.
func (s *Stack) until(ctx context.Context, holds func() bool) error {
	w := &waiter{holds, make(chan struct{})}
	s.post(func() { s.waiters = append(s.waiters, w) })
	select {
	case <-w.done:
		return nil
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answerWaiters tells those whose wait is over.
func (s *Stack) answerWaiters() {
	s.waiters = slices.DeleteFunc(s.waiters, func(w *waiter) bool {
		over := s.closed || w.holds()
		if over {
			close(w.done)
		}
		return over
	})
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

// Stopped is the reason of a stack that End has ended.
const Stopped = "stopped"

// End ends a stack gently: the tasks of the open wave finish and are committed, then the
// stack ends as cancelled with the reason Stopped, for good. End returns when that is
// durable. When ctx or the process ends before, the stack still ends with that wave, also
// after a restart. A stack that was cancelled before is no error. Other errors: as Wake.
func (rt *Runtime) End(ctx context.Context, stack string) error {
	return rt.cancelled(ctx, stack, rt.with(ctx, stack, func(s *Stack) error {
		if err := s.do(ctx, func() error { return s.m.Step(machine.Stop{At: s.now(), Reason: Stopped}) }); err != nil {
			return err
		}
		select {
		case <-s.done:
			return s.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}))
}

// Remove deletes a stack that has ended, with its history. Errors: ErrNotFound,
// ErrNotEnded (Cancel it first), *StoreError, ErrClosed.
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
			rt.discardChildren(stack, records)
		}
	}
	return rt.unknown(ctx, stack, rt.cfg.Store.Remove(ctx, stack))
}

// with addresses a stack, whether this runtime drives it or not.
func (rt *Runtime) with(ctx context.Context, id string, do func(*Stack) error) error {
	for {
		s, driven := rt.Stack(id)
		var err error
		if driven {
			err = do(s)
		} else {
			err = rt.visit(ctx, id, do)
		}
		if !errors.Is(err, errLeft) {
			return err
		}
		// It was stopped, or somebody begins to drive it, at this moment.
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// visit loads a stack that nobody drives for one command.
func (rt *Runtime) visit(ctx context.Context, id string, do func(*Stack) error) error {
	rt.aside.Lock()
	defer rt.aside.Unlock()
	return rt.load(ctx, id, do)
}

// load is visit beside other visits.
func (rt *Runtime) load(ctx context.Context, id string, do func(*Stack) error) error {
	if under, err := rt.claim(id, errLeft, make(chan struct{})); under != nil || err != nil {
		return cmp.Or(err, errLeft)
	}
	s := rt.newStack(id, "")
	s.visited = true
	if err := s.load(ctx, nil); err != nil {
		rt.free(id)
		return rt.unknown(ctx, id, err)
	}
	if s.closed {
		rt.free(id)
		return s.whyOver()
	}
	s.stopping, s.looping = true, false
	if err := rt.admit(s); err != nil {
		return err
	}
	err := do(s)
	s.post(func() {}) // a turn of the loop puts it away
	<-s.done
	return err
}
