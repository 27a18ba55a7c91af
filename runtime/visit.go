package runtime

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// with calls do with the drive of a stack. A stack that this runtime does not drive is
// loaded for the call.
func (rt *Runtime) with(ctx context.Context, id string, do func(*drive) error) error {
	for {
		d := rt.driving(id)
		var err error
		if d != nil {
			err = do(d)
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
func (rt *Runtime) visit(ctx context.Context, id string, do func(*drive) error) error {
	if err := rt.stepAside(ctx); err != nil {
		return err
	}
	defer rt.comeBack()
	return rt.visitBeside(ctx, id, do)
}

// stepAside waits until nobody visits a stack, and keeps visitors out until comeBack. The
// error is that of ctx.
func (rt *Runtime) stepAside(ctx context.Context) error {
	select {
	case rt.aside <- struct{}{}:
		return nil
	default:
	}
	select {
	case rt.aside <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (rt *Runtime) comeBack() { <-rt.aside }

// visitBeside is visit while another visit may be open.
func (rt *Runtime) visitBeside(ctx context.Context, id string, do func(*drive) error) error {
	if under, err := rt.claim(id, errLeft, make(chan struct{})); under != nil || err != nil {
		return cmp.Or(err, errLeft)
	}
	d := rt.newDrive(id, "")
	d.visited = true
	if err := d.fill(ctx, nil); err != nil {
		rt.free(id)
		return rt.unknown(ctx, id, err)
	}
	if d.closed {
		rt.free(id)
		return d.whyOver()
	}
	d.stopping, d.looping = true, false
	below := d.childrenAtRest()
	if err := rt.admit(d); err != nil {
		return err
	}
	err := do(d)
	d.post(func() {}) // a round of the loop closes it
	<-d.done
	if err != nil || d.follows == nil || d.result.Status.Ended() {
		return err // when it has ended, they have with it
	}
	var errs error
	for _, child := range below {
		err := rt.visitBeside(ctx, child, func(kid *drive) error { return d.follows(ctx, kid.handle) })
		if !errors.Is(err, ErrEnded) && !errors.Is(err, ErrNotFound) {
			errs = errors.Join(errs, err)
		}
	}
	return errs
}

// childrenAtRest lists the children of a stack that was loaded for one command, also of
// what a crash or a shutdown cut off.
func (d *drive) childrenAtRest() []string {
	ids := d.m.Children()
	for _, called := range d.orphans { // in any order: each is a stack of its own
		for _, c := range called {
			ids = append(ids, c.id)
		}
	}
	return ids
}
