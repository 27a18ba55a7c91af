package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"
)

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
	drives := rt.all()
	for _, d := range drives {
		if !d.putAway(ErrClosed) {
			d.post(d.drain)
		}
	}
	rt.storage.nudge()
	late := closeAll(ctx, drives...)
	rt.couriers.Wait() // they end when the runtime is closed
	rt.mu.Lock()
	rt.gone = true
	errs := []error{rt.failed}
	rt.mu.Unlock()
	for _, d := range drives {
		if err, over := d.errNow(); over && !errors.Is(err, ErrClosed) && !errors.Is(err, errs[0]) {
			errs = append(errs, err)
		}
	}
	rt.timers.Close()
	errs = append(errs, rt.closeKinds(ctx))
	rt.disown()
	return errors.Join(append(errs, late)...)
}

// closeKinds closes what kinds have open. When ctx has ended it leaves behind a kind
// that does not return.
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
