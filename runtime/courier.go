package runtime

import (
	"context"
	"errors"
	"time"

	"github.com/graphrun/graphrun/graph"
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

// emptyOutbox delivers the messages that a stack left in the store when it ended.
func (rt *Runtime) emptyOutbox(ctx context.Context, stack string) error {
	if under, err := rt.claim(stack, errLeft, make(chan struct{})); err != nil {
		return err
	} else if under != nil {
		return errUndelivered
	}
	defer rt.free(stack)
	snap, err := rt.cfg.Store.State(ctx, stack)
	if errors.Is(err, ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	var left []machine.Message
	messages := machine.Messages(snap.State)
	for _, m := range messages {
		if _, err := rt.Send(rt.base, asEvent(m)); !rt.isDelivered(stack, m, err) {
			left = append(left, m)
		}
	}
	if len(left) < len(messages) {
		snap.Cursor.Outbox = len(left)
		err = rt.cfg.Store.Commit(ctx, Commit{Stack: stack, Changes: []graph.Change{machine.Undelivered(left)}, Cursor: snap.Cursor})
	}
	if err == nil && len(left) > 0 {
		err = errUndelivered
	}
	return err
}
