package runtime

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// deliverLater delivers the messages that a stack left in the store when it ended. It
// tries again until each has arrived or never can.
func (rt *Runtime) deliverLater(stack string) {
	rt.timers.At(time.Now().Add(firstRetry), func() {
		rt.mu.Lock()
		defer rt.mu.Unlock()
		if rt.unusable() != nil {
			return // the next runtime delivers them: see Recover
		}
		rt.couriers.Add(1)
		go func() {
			defer rt.couriers.Done()
			if err := rt.emptyOutbox(rt.base, stack); err != nil {
				rt.log.Debug("messages of an ended stack are not delivered yet", "stack", stack, "error", err)
				rt.deliverLater(stack)
			}
		}()
	})
}

// errUndelivered reports that some messages have to be tried again.
var errUndelivered = errors.New("runtime: some messages are not delivered yet")

// emptyOutbox delivers the messages that a stack left in the store when it ended. The
// stack is not claimed meanwhile: a target may be writing to it as well.
func (rt *Runtime) emptyOutbox(ctx context.Context, stack string) error {
	snap, err := rt.cfg.Store.State(ctx, stack)
	if errors.Is(err, ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	delivered := map[string]bool{}
	messages := rt.notices.split(stack, machine.Messages(snap.State))
	for _, m := range messages {
		err := ErrEnded // for one to itself
		if m.To != stack {
			_, err = rt.Send(rt.base, asEvent(m))
		}
		if rt.isDelivered(stack, m, err) {
			delivered[m.ID] = true
		}
	}
	if err := rt.forget(ctx, &snap.Identity, delivered); err != nil {
		return err
	}
	if len(delivered) < len(messages) {
		return errUndelivered
	}
	return nil
}

// forget takes messages that were delivered out of the outbox of an ended stack.
func (rt *Runtime) forget(ctx context.Context, id *journal.Identity, delivered map[string]bool) error {
	switch under, err := rt.claim(id.Stack, errLeft, make(chan struct{})); {
	case under != nil || errors.Is(err, errLeft):
		return errUndelivered
	case err != nil:
		return err
	}
	defer rt.free(id.Stack)
	snap, err := rt.cfg.Store.State(ctx, id.Stack)
	if errors.Is(err, ErrNotFound) || err == nil && snap.Identity.Nonce != id.Nonce {
		return nil // it was removed meanwhile
	} else if err != nil {
		return err
	}
	messages := machine.Messages(snap.State)
	left := slices.DeleteFunc(slices.Clone(messages), func(m machine.Message) bool { return delivered[m.ID] })
	if len(left) == len(messages) {
		return nil
	}
	snap.Cursor.Outbox = len(left)
	return rt.cfg.Store.Commit(ctx, Commit{Stack: id.Stack, Changes: []graph.Change{machine.Undelivered(left)}, Cursor: snap.Cursor})
}

// noticed takes a notice out of the outbox of its stack.
func (rt *Runtime) noticed(stack, id string) error {
	err := rt.with(rt.base, stack, func(d *drive) error {
		return d.do(rt.base, func() error { return d.m.Step(machine.Sent{At: d.now(), ID: id}) })
	})
	if errors.Is(err, ErrEnded) {
		var sum Summary
		if sum, err = rt.cfg.Store.Stack(rt.base, stack); err == nil {
			err = rt.forget(rt.base, &sum.Identity, map[string]bool{id: true})
		}
	}
	if errors.Is(err, ErrNotFound) {
		return nil // it was removed meanwhile
	}
	return err
}

// notify gives notices to their courier, and returns the other messages.
func (rt *Runtime) notify(stack string, all []machine.Message) []machine.Message {
	return rt.notices.split(stack, all)
}
