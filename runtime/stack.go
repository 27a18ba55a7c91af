package runtime

import (
	"context"
	"fmt"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
)

// ID returns the id of the stack.
func (s *Stack) ID() string { return s.d.name }

// Graph returns the name of the stack's graph.
func (s *Stack) Graph() string { return s.d.graph }

// Done returns a channel that is closed when the stack has ended or is not driven any
// more, and nothing of it runs.
func (s *Stack) Done() <-chan struct{} { return s.d.done }

// Wait waits until the stack has ended or is not driven any more, and nothing of it
// runs. A stack that ended as failed is no error. Errors: that of ctx, *StoreError,
// *AdoptError. After a *StoreError the result's State may be ahead of the store; what
// the store has is what counts.
func (s *Stack) Wait(ctx context.Context) (Result, error) {
	select {
	case <-s.d.done:
		return *s.d.result, s.d.err
	default:
	}
	select {
	case <-s.d.done:
		return *s.d.result, s.d.err
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// State returns the committed state. Its values are shared and must not be changed.
func (s *Stack) State(ctx context.Context) (map[string]any, error) {
	r, err := s.Snapshot(ctx)
	return r.State, err
}

// Snapshot reports where the stack stands at this moment: its status, counts since
// Start or Resume, committed state and cursor. It waits for the stack's loop.
func (s *Stack) Snapshot(ctx context.Context) (Result, error) {
	answer := make(chan Result, 1)
	s.d.post(func() { s.d.acks = append(s.d.acks, func() { answer <- s.d.outcome() }) })
	select {
	case r := <-answer:
		return r, nil
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// Detach stops driving the stack and waits until that is done. The stack itself does
// not end: Runtime.Resume continues it, here or in another process. No new wave begins;
// running tasks finish, or are cut off after the runtime's grace (which is no failure:
// they run again); the last checkpoint is on disk. When ctx ends, running tasks are cut
// off at once, and Detach returns a moment later.
func (s *Stack) Detach(ctx context.Context) error {
	s.d.post(s.d.drain)
	if err := closeAll(ctx, s.d); err != nil {
		return err
	}
	return s.d.err
}

// Cancel ends the stack as cancelled. It returns when nothing of the stack runs any
// more and that is durable. When ctx ends first, the stack still ends, unless the store
// has not recorded the cancel yet.
func (s *Stack) Cancel(ctx context.Context, reason string) error {
	if err := value.CheckText(reason); err != nil {
		return fmt.Errorf("runtime: reason: %w", err)
	}
	if err := s.d.do(ctx, func() error {
		s.d.command(ctx, journal.ActionCancel)
		s.d.step(machine.Cancel{At: s.d.now(), Reason: reason, By: By(ctx)})
		return nil
	}); err != nil {
		return err
	}
	select {
	case <-s.d.done:
		return s.d.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Pause keeps new waves from starting until Unpause, over restarts too.
func (s *Stack) Pause(ctx context.Context) error {
	return s.d.do(ctx, func() error {
		s.d.command(ctx, journal.ActionPause)
		s.d.step(machine.Pause{At: s.d.now()})
		s.d.passOn(func(ctx context.Context, kid Stack) error { return kid.Pause(ctx) })
		return nil
	})
}

// Unpause ends a Pause.
func (s *Stack) Unpause(ctx context.Context) error {
	return s.d.do(ctx, func() error {
		s.d.command(ctx, journal.ActionResume)
		s.d.resumeAll()
		s.d.passOn(func(ctx context.Context, kid Stack) error { return kid.Unpause(ctx) })
		return nil
	})
}

// Wake ends the pause between two cycles at once.
func (s *Stack) Wake(ctx context.Context) error {
	return s.d.do(ctx, func() error {
		s.d.command(ctx, journal.ActionWake)
		s.d.wakeAll()
		s.d.passOn(func(ctx context.Context, kid Stack) error { return kid.Wake(ctx) })
		return nil
	})
}

// passOn has a command reach the children of a stack that nobody drives, when its visit is
// over. The loops of children that are driven follow their parent by themselves.
func (d *drive) passOn(command func(ctx context.Context, kid Stack) error) {
	if d.visited {
		d.follows = command
	}
}
