package runtime

import (
	"cmp"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// outboxKey is where a stack's messages wait in the store, beside its state.
const outboxKey = "$outbox"

// outbox holds the messages of a stack that are on their way. The message of a task
// waits until its wave is committed, which puts it into the store. From there it is
// delivered as an event with an id of its own, so the target recognizes it when it is
// delivered again after a crash.
type outbox struct {
	done       []message // of the open wave
	waiting    []message // in the store
	dirty      bool      // waiting is not what the store has
	delivering bool
	retry      *timer.Timer // a delivery failed; until then, none is tried
}

// take adds what some records say: tasks that have sent something, and waves that are
// committed.
func (o *outbox) take(id journal.Identity, g *graph.Graph, records []journal.Record) {
	for i := range records {
		switch b := records[i].Body.(type) {
		case *journal.TaskFinished:
			if n, ok := g.NodeByID(b.Node); ok && g.Nodes[n].Kind.Sends && b.Status == "succeeded" {
				key, _ := records[i].Task()
				m := newMessage(taskKey(id, key), b.Node, b.Output)
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

// settled releases the messages of a node that succeeded, and drops those of one that
// failed. They leave in the order of the node's elements, whichever was done first.
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

// change is the outbox in the form in which a commit stores it.
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
