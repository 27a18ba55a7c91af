package runtime

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"
)

// owners are the runtimes of this process by their stores. Other processes are kept
// out by the store itself.
var owners sync.Map

// own makes rt the runtime of its store. A store that cannot be compared is known by
// nobody else.
func (rt *Runtime) own() error {
	if !reflect.ValueOf(rt.cfg.Store).Comparable() {
		return nil
	}
	if _, owned := owners.LoadOrStore(rt.cfg.Store, rt); owned {
		return ErrStoreInUse
	}
	return nil
}

func (rt *Runtime) disown() {
	if reflect.ValueOf(rt.cfg.Store).Comparable() {
		owners.CompareAndDelete(rt.cfg.Store, rt)
	}
}

// Close stops all stacks as Stack.Detach does, at the same time, and leaves nothing
// behind: no goroutine, no timer. When ctx ends, running tasks are cut off without
// more grace, and Close returns a moment later: with the error of ctx when a listener
// or the store holds up a stack. Nothing is written to the store after that. Afterwards
// every call gives ErrClosed. The other errors say why stacks could not take a last
// checkpoint, or why the store cannot be used any more.
func (rt *Runtime) Close(ctx context.Context) error {
	rt.mu.Lock()
	rt.closed = true
	rt.mu.Unlock()
	stacks := rt.Stacks()
	for _, s := range stacks {
		if !s.putAway(ErrClosed) {
			s.post(s.drain)
		}
	}
	rt.storage.nudge()
	late := closeAll(ctx, stacks...)
	rt.couriers.Wait() // they end when the runtime is closed
	rt.mu.Lock()
	rt.gone = true
	errs := []error{rt.failed}
	rt.mu.Unlock()
	for _, s := range stacks {
		if err, over := s.errNow(); over && err != ErrClosed && err != errs[0] {
			errs = append(errs, err)
		}
	}
	rt.timers.Close()
	errs = append(errs, rt.closeKinds(ctx))
	rt.disown()
	return errors.Join(append(errs, late)...)
}

// closeKinds closes what kinds have open. One that does not return is left behind
// when ctx has ended.
func (rt *Runtime) closeKinds(ctx context.Context) error {
	closed := make(chan error, 1)
	go func() { closed <- rt.kinds.Close() }()
	select {
	case err := <-closed:
		return err
	case <-ctx.Done():
	}
	moment := time.NewTimer(shortWait)
	defer moment.Stop()
	select {
	case err := <-closed:
		return err
	case <-moment.C:
		return fmt.Errorf("runtime: a kind does not close: %w", context.Cause(ctx))
	}
}

// isGone says that Close has returned.
func (rt *Runtime) isGone() bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.gone
}

// lastMoment is how long Close and Detach wait for stacks once their context has ended
// and running tasks were cut off: longer than shortWait.
const lastMoment = 2 * shortWait

// closeAll waits until stacks that are stopping have closed. When ctx ends it hurries
// them. The error wraps that of ctx when a stack does not close even so: a listener or
// the store holds it up.
func closeAll(ctx context.Context, stacks ...*Stack) error {
	if allDone(stacks, ctx.Done()) {
		return nil
	}
	for _, s := range stacks {
		s.hurry()
	}
	moment := time.NewTimer(lastMoment)
	defer moment.Stop()
	if allDone(stacks, moment.C) {
		return nil
	}
	return fmt.Errorf("runtime: a stack does not close: %w", context.Cause(ctx))
}

// allDone waits until all stacks have closed; false when enough comes first.
func allDone[T any](stacks []*Stack, enough <-chan T) bool {
	for _, s := range stacks {
		select {
		case <-s.done:
			continue
		default:
		}
		select {
		case <-s.done:
		case <-enough:
			return false
		}
	}
	return true
}

// errNow is why a stack is not driven any more; false while it is.
func (s *Stack) errNow() (error, bool) {
	select {
	case <-s.done:
		return s.err, true
	default:
		return nil, false
	}
}
