package machine

import (
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// The id of an event is known for a day of the records' time, and as long as not
// ten thousand others came after it: whichever is longer.
const (
	KnownFor  = 24 * time.Hour
	KnownLast = 10_000
)

// Known reports whether an event of this id was accepted: one that comes again
// changes nothing. "" is never known.
func (m *Machine) Known(id string) bool {
	_, known := m.ids.came[id]
	return known
}

// ids are those of the events that were accepted, oldest first. An element of the
// sidecar is [SECONDS, ID]; earlier versions wrote the id alone.
type ids struct {
	*sidecar
	came map[string]int64 // Unix seconds
}

func restoredIDs(stored any) ids {
	out := ids{restored(journal.SidecarMark+"events", stored), map[string]int64{}}
	for _, e := range out.list {
		id, at := arrival(e)
		out.came[id] = at
	}
	return out
}

func arrival(e any) (id string, at int64) {
	switch e := e.(type) {
	case string:
		return e, 0
	case []any:
		if len(e) == 2 {
			at, _ = e[0].(int64)
			id, _ = e[1].(string)
		}
	}
	return id, at
}

// add remembers an id, and forgets those that are old in both ways.
func (k *ids) add(m *Machine, id string, at time.Time) {
	now := at.Unix()
	k.came[id] = now
	m.put(k.sidecar, []any{now, id}, 0)
	for len(k.list) > KnownLast {
		old, came := arrival(k.list[0])
		if now-came <= int64(KnownFor/time.Second) {
			return
		}
		m.cutFront(k.sidecar)
		delete(k.came, old)
	}
}
