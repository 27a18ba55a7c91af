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
// or the store holds it up. Nothing is written to the store after that. Afterwards
// every call gives ErrClosed. The other errors say why stacks could not take a last
// checkpoint, or why the store cannot be used any more.
func (rt *Runtime) Close(ctx context.Context) error {
	told := inTime(ctx, "a hook is still being told", func() error {
		rt.notices.finish()
		return nil
	})
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
	late = errors.Join(late, told, inTime(ctx, "a message is still being delivered", func() error {
		rt.couriers.Wait() // they end when the runtime is closed, unless the store holds them up
		return nil
	}))
	rt.mu.Lock()
	rt.gone = true
	errs := []error{rt.failed}
	rt.mu.Unlock()
	for _, d := range drives {
		if err, over := d.errNow(); over && !errors.Is(err, ErrClosed) && !errors.Is(err, errs[0]) {
			errs = append(errs, err)
		}
	}
	rt.files.close()
	rt.timers.Close()
	errs = append(errs, inTime(ctx, "a kind does not close", rt.kinds.Close))
	rt.disown()
	return errors.Join(append(errs, late)...)
}

// inTime waits for something that ends with the runtime. When ctx has ended it leaves
// that behind a moment later; late says what it was.
func inTime(ctx context.Context, late string, end func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- end() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	moment := time.NewTimer(shortWait)
	defer moment.Stop()
	select {
	case err := <-ended:
		return err
	case <-moment.C:
		return fmt.Errorf("runtime: %s: %w", late, context.Cause(ctx))
	}
}
