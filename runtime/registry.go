package runtime

import (
	"context"
	"errors"
	"fmt"
)

// reserve claims a stack's id, so that nobody else drives the stack. A visit takes only
// a moment, so reserve waits for it; taken is the error for any other claim.
func (rt *Runtime) reserve(ctx context.Context, id string, taken error) error {
	return rt.reserveUnless(ctx, rt.unusable, id, taken)
}

// reserveUnless is reserve in a runtime that may not be used for everything any more:
// unless returns why not for this. It is called with rt.mu held.
func (rt *Runtime) reserveUnless(ctx context.Context, unless func() error, id string, taken error) error {
	for {
		visit, err := rt.claimUnless(unless, id, taken, nil)
		if visit == nil {
			return err
		}
		select {
		case <-visit:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// claim is reserve without waiting: for an id that is being visited it returns a
// channel that is closed when the visit is over. When visit is given, the claim itself
// is a visit, which ends when the channel is closed.
func (rt *Runtime) claim(id string, taken error, visit chan struct{}) (under <-chan struct{}, err error) {
	return rt.claimUnless(rt.unusable, id, taken, visit)
}

func (rt *Runtime) claimUnless(unless func() error, id string, taken error, visit chan struct{}) (under <-chan struct{}, err error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if err := unless(); err != nil {
		return nil, err
	}
	if _, claimed := rt.drives[id]; claimed {
		if other := rt.visits[id]; other != nil {
			return other, nil
		}
		return nil, fmt.Errorf("%w: %q", taken, id)
	}
	rt.drives[id] = nil
	if visit != nil {
		rt.visits[id] = visit
	}
	return nil, nil
}

// unusable returns why the runtime accepts nothing any more, or nil. Call it with rt.mu
// held.
func (rt *Runtime) unusable() error {
	if rt.failed != nil {
		return rt.failed
	}
	if rt.closed {
		return ErrClosed
	}
	return nil
}

// shut returns why nothing may be written any more, or nil. A runtime that closes still
// writes what its stacks end with. Call it with rt.mu held.
func (rt *Runtime) shut() error {
	if rt.failed != nil {
		return rt.failed
	}
	if rt.gone {
		return ErrClosed
	}
	return nil
}

// admit puts a loaded stack into its claimed place. A runtime that was closed meanwhile
// refuses it.
func (rt *Runtime) admit(d *drive) error {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if err := rt.unusable(); err != nil {
		rt.unclaim(d.name)
		return err
	}
	rt.drives[d.name] = d
	delete(rt.trouble, d.name)
	rt.ail(d.name, false)
	return nil
}

// free gives up a claimed id.
func (rt *Runtime) free(id string) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.unclaim(id)
}

// unclaim gives up an id. Call it with rt.mu held.
func (rt *Runtime) unclaim(id string) {
	delete(rt.drives, id)
	if visit := rt.visits[id]; visit != nil {
		delete(rt.visits, id)
		close(visit)
	}
}

// leave removes a stack that is not driven any more.
func (rt *Runtime) leave(d *drive) {
	rt.resting.remove(d)
	d.dropAllKept()
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.drives[d.name] == d {
		rt.unclaim(d.name)
	}
	if d.err != nil && !rt.closed && !d.visited && !errors.Is(d.err, ErrExists) { // that is another stack
		rt.trouble[d.name] = d.err
		rt.ail(d.name, true)
	}
}

// isGone says that Close has returned.
func (rt *Runtime) isGone() bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.gone
}

// stopping says that no commit is to wait for the store any more.
func (rt *Runtime) stopping() bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.closed || rt.failed != nil
}

func (rt *Runtime) loadDrive(d *drive) { rt.loads.add(d) }
func (rt *Runtime) restDrive(d *drive) { rt.resting.add(d) }
