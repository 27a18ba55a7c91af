package runtime

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"

	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// outboxKey is where a stack's messages wait in the store, beside its state.
const outboxKey = "$outbox"

// message is an event that a node sends to another stack.
type message struct {
	id      string // of the event: the task's key
	node    string
	item    string // only until its wave is committed
	to      string
	event   string
	payload any
}

// outbox is the messages of a stack on their way: those of tasks that are done
// wait for the commit of their wave, which puts them into the store; from there
// they are delivered, each as an event with an id of its own, so that one that
// is delivered again after a crash is known to its target.
type outbox struct {
	done       []message // of the open wave
	waiting    []message // in the store
	dirty      bool      // waiting is not what the store has
	delivering bool
	retry      *timer.Timer // a delivery failed; until then, none is tried
}

// take adds what records say: messages of tasks that are done, and that a wave
// with them is committed.
func (o *outbox) take(id journal.Identity, g *graph.Graph, records []journal.Record) {
	for i := range records {
		switch b := records[i].Body.(type) {
		case *journal.TaskFinished:
			if n, ok := g.NodeByID(b.Node); ok && g.Nodes[n].Kind.Sends && b.Status == "succeeded" {
				key := taskKey(id, taskOf(&records[i], b.Began, b.Wave, b.Node, b.Item))
				m := newMessage(key, b.Node, b.Output)
				m.item = b.Item
				o.done = append(o.done, m)
			}
		case *journal.WaveCommitted:
			for i := range b.Settled {
				o.settled(&b.Settled[i])
			}
		}
	}
}

// settled lets the messages of a node go, or drops them. They leave in the
// order of the node's elements, whichever was done first.
func (o *outbox) settled(n *journal.Settled) {
	first := len(o.waiting)
	o.done = slices.DeleteFunc(o.done, func(m message) bool {
		if m.node == n.Node && n.Status == "succeeded" {
			o.waiting = append(o.waiting, m)
			o.dirty = true
		}
		return m.node == n.Node
	})
	if len(n.Elements) == 0 {
		return
	}
	place := make(map[string]int, len(n.Elements))
	for i, item := range n.Elements {
		place[item] = i
	}
	slices.SortStableFunc(o.waiting[first:], func(a, b message) int { return cmp.Compare(place[a.item], place[b.item]) })
}

// newMessage reads the output of a task. The id is its key, or stands for it
// when that is too long for an event.
func newMessage(key, node string, output any) message {
	if len(key) > maxEventID {
		sum := sha256.Sum256([]byte(key))
		key = hex.EncodeToString(sum[:])
	}
	out, _ := output.(map[string]any)
	m := message{id: key, node: node, payload: out["payload"]}
	m.to, _ = out["to"].(string)
	m.event, _ = out["event"].(string)
	return m
}

// change is the outbox as a commit stores it.
func (o *outbox) change() graph.Change {
	list := make([]any, len(o.waiting))
	for i, m := range o.waiting {
		list[i] = map[string]any{"id": m.id, "node": m.node, "to": m.to, "event": m.event, "payload": m.payload}
	}
	return graph.Change{Name: outboxKey, Value: list, Whole: true}
}

// storedMessages reads the outbox of a snapshot.
func storedMessages(state map[string]any) []message {
	list, _ := state[outboxKey].([]any)
	out := make([]message, 0, len(list))
	for _, v := range list {
		entry, _ := v.(map[string]any)
		id, _ := entry["id"].(string)
		node, _ := entry["node"].(string)
		out = append(out, newMessage(id, node, entry))
	}
	return out
}

// pack adds the outbox to a commit when it has changed.
func (s *Stack) pack(c *Commit) {
	c.Cursor.Outbox = len(s.outbox.waiting)
	if s.outbox.dirty {
		c.Changes = append(slices.Clip(c.Changes), s.outbox.change())
	}
}

// takeOwn takes in what the stack has sent to itself, before its next cycle can
// begin: nobody has to carry it.
func (s *Stack) takeOwn() {
	o := &s.outbox
	if s.over || s.visited || s.err != nil {
		return
	}
	o.waiting = slices.DeleteFunc(o.waiting, func(m message) bool {
		if m.to != s.name {
			return false
		}
		_, err := s.takeIn(m.asEvent())
		arrived := s.rt.isDelivered(s.name, m, err)
		o.dirty = o.dirty || arrived
		return arrived
	})
}

// deliver delivers what waits in the outbox, and notes in the store what was
// delivered. The loop goes on meanwhile.
func (s *Stack) deliver() {
	o := &s.outbox
	if o.dirty && s.err == nil {
		c := Commit{Stack: s.name, Cursor: s.cursor}
		s.pack(&c)
		if err := s.store(c); err != nil {
			s.fail(err)
			return
		}
		s.keep(c.Cursor, nil)
		o.dirty = false
	}
	if o.delivering || o.retry != nil || len(o.waiting) == 0 || s.visited || s.err != nil {
		return
	}
	o.delivering = true
	batch := slices.Clone(o.waiting)
	go func() {
		var gone []string
		for _, m := range batch {
			if !s.rt.handOver(s.name, m) {
				break
			}
			gone = append(gone, m.id)
		}
		s.post(func() { s.delivered(gone, len(gone) == len(batch)) })
	}()
}

// delivered takes messages out of the outbox. When some are left, they are
// tried again after a while; those of a stack that is over, by Recover.
func (s *Stack) delivered(ids []string, all bool) {
	o := &s.outbox
	o.delivering = false
	if !all {
		o.retry = s.rt.timers.At(time.Now().Add(firstRetry), func() { s.post(func() { o.retry = nil }) })
	}
	if len(ids) == 0 {
		return
	}
	o.dirty = true
	o.waiting = slices.DeleteFunc(o.waiting, func(m message) bool { return slices.Contains(ids, m.id) })
}

// handOver gives a message to its target; false: it stays in the outbox, and is
// tried again.
func (rt *Runtime) handOver(from string, m message) bool {
	_, err := rt.Send(rt.base, m.asEvent())
	return rt.isDelivered(from, m, err)
}

func (m *message) asEvent() Send {
	return Send{Stack: m.to, Event: m.event, Payload: m.payload, ID: m.id}
}

// isDelivered judges the end of a delivery. A message that can never arrive is
// dropped: its target has ended or changed since the task looked.
func (rt *Runtime) isDelivered(from string, m message, err error) bool {
	var unknown *machine.UnknownEventError
	var payload *machine.PayloadError
	switch {
	case err == nil:
		return true
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrEnded), errors.As(err, &unknown), errors.As(err, &payload):
		rt.log.Warn("a message cannot be delivered", "stack", from, "node", m.node, "to", m.to, "event", m.event, "error", err)
		return true
	}
	level := slog.LevelWarn
	if trouble := (*StoreError)(nil); errors.As(err, &trouble) {
		level = slog.LevelDebug // which the log tells once for all
	}
	rt.log.Log(rt.base, level, "a message is not delivered yet", "stack", from, "to", m.to, "event", m.event, "error", err)
	return false
}
