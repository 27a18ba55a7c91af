package runtime

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/machine"
)

// takeIn gives the machine an event, unless it is a duplicate.
func (d *drive) takeIn(in Send, by string) (duplicate bool, err error) {
	if d.m.Known(in.ID) {
		return true, nil
	}
	return false, d.m.Step(machine.Event{At: d.now(), ID: in.ID, Name: in.Event, Payload: in.Payload, By: by})
}

// send has messages delivered that are committed. A stack that was loaded for one command
// leaves them to whoever drives it next.
func (d *drive) send(all []machine.Message) {
	if d.visited {
		all = slices.DeleteFunc(slices.Clone(all), func(m machine.Message) bool { return m.Hook != nil })
	}
	d.outbox.waiting = append(d.outbox.waiting, d.home.notify(d.name, all)...)
}

// deliver sends the messages that wait in the outbox, beside the loop.
func (d *drive) deliver() {
	o := &d.outbox
	if o.delivering || o.retry != nil || len(o.waiting) == 0 || d.visited || d.err != nil {
		return
	}
	o.delivering = true
	batch := slices.Clone(o.waiting)
	go func() {
		gone := 0
		for _, m := range batch {
			if _, err := d.home.Send(d.eng.base, asEvent(m)); !d.eng.isDelivered(d.name, m, err) {
				break
			}
			gone++
		}
		d.post(func() { d.delivered(gone, gone == len(batch)) })
	}()
}

// delivered tells the machine which messages have arrived, so many of those that wait.
// The rest is tried again after a while.
func (d *drive) delivered(gone int, all bool) {
	o := &d.outbox
	o.delivering = false
	if !all {
		o.retry = d.eng.timers.At(time.Now().Add(firstRetry), func() { d.post(func() { o.retry = nil }) })
	}
	for _, m := range o.waiting[:gone] {
		if err := d.m.Step(machine.Sent{At: d.now(), ID: m.ID}); err != nil {
			d.fail(err)
		}
	}
	o.waiting = slices.Delete(o.waiting, 0, gone)
}

// isDelivered judges an attempt to deliver a message. A message that can never arrive
// counts as delivered: its target has ended or has changed since the task looked.
func (e *engine) isDelivered(from string, m machine.Message, err error) bool {
	var unknown *machine.UnknownEventError
	var payload *machine.PayloadError
	switch {
	case err == nil:
		return true
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrEnded), errors.As(err, &unknown), errors.As(err, &payload):
		e.log.Warn("a message cannot be delivered", "stack", from, "node", m.Node, "to", m.To, "event", m.Event, "error", err)
		return true
	}
	level := slog.LevelWarn
	if full := (*machine.QueueFullError)(nil); errors.As(err, &full) {
		level = slog.LevelDebug // it arrives when a wait has made room
	}
	if trouble := (*StoreError)(nil); errors.As(err, &trouble) {
		level = slog.LevelDebug // which the log tells once for all
	}
	e.log.Log(e.base, level, "a message is not delivered yet", "stack", from, "to", m.To, "event", m.Event, "error", err)
	return false
}
