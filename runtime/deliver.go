package runtime

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/machine"
)

// takeIn gives the machine an event, unless it is a duplicate.
func (d *drive) takeIn(in Send) (duplicate bool, err error) {
	if d.m.Known(in.ID) {
		return true, nil
	}
	return false, d.m.Step(machine.Event{At: d.now(), ID: in.ID, Name: in.Event, Payload: in.Payload})
}

// takeOwn gives the stack the messages that it has sent to itself, before its next
// cycle can begin.
func (d *drive) takeOwn() {
	o := &d.outbox
	if d.over || d.visited || d.err != nil {
		return
	}
	o.waiting = slices.DeleteFunc(o.waiting, func(m message) bool {
		if m.to != d.name {
			return false
		}
		_, err := d.takeIn(m.asEvent())
		arrived := d.eng.isDelivered(d.name, m, err)
		o.dirty = o.dirty || arrived
		return arrived
	})
}

// deliver sends the messages that wait in the outbox, beside the loop, and removes from
// the store those that have arrived.
func (d *drive) deliver() {
	o := &d.outbox
	if o.dirty && d.err == nil {
		c := Commit{Stack: d.name, Cursor: d.cursor}
		d.pack(&c)
		if err := d.store(c); err != nil {
			d.fail(err)
			return
		}
		d.keep(c.Cursor, nil)
		o.dirty = false
	}
	if o.delivering || o.retry != nil || len(o.waiting) == 0 || d.visited || d.err != nil {
		return
	}
	o.delivering = true
	batch := slices.Clone(o.waiting)
	go func() {
		var gone []string
		for _, m := range batch {
			if _, err := d.home.Send(d.eng.base, m.asEvent()); !d.eng.isDelivered(d.name, m, err) {
				break
			}
			gone = append(gone, m.id)
		}
		d.post(func() { d.delivered(gone, len(gone) == len(batch)) })
	}()
}

// delivered removes messages from the outbox. The rest is tried again after a while.
func (d *drive) delivered(ids []string, all bool) {
	o := &d.outbox
	o.delivering = false
	if !all {
		o.retry = d.eng.timers.At(time.Now().Add(firstRetry), func() { d.post(func() { o.retry = nil }) })
	}
	if len(ids) == 0 {
		return
	}
	o.dirty = true
	o.waiting = slices.DeleteFunc(o.waiting, func(m message) bool { return slices.Contains(ids, m.id) })
}

// isDelivered judges an attempt to deliver a message. A message that can never arrive
// counts as delivered: its target has ended or has changed since the task looked.
func (e *engine) isDelivered(from string, m message, err error) bool {
	var unknown *machine.UnknownEventError
	var payload *machine.PayloadError
	switch {
	case err == nil:
		return true
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrEnded), errors.As(err, &unknown), errors.As(err, &payload):
		e.log.Warn("a message cannot be delivered", "stack", from, "node", m.node, "to", m.to, "event", m.event, "error", err)
		return true
	}
	level := slog.LevelWarn
	if trouble := (*StoreError)(nil); errors.As(err, &trouble) {
		level = slog.LevelDebug // which the log tells once for all
	}
	e.log.Log(e.base, level, "a message is not delivered yet", "stack", from, "to", m.to, "event", m.event, "error", err)
	return false
}
