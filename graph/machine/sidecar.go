package machine

import (
	"slices"

	"github.com/graphrun/graphrun/graph"
)

// sidecar is a list that the machine keeps beside the state, in the store under its
// name. It grows at the end and is cut at the front, and a commit holds no more
// than that.
type sidecar struct {
	name  string
	list  []any
	base  int  // how many elements the store has
	cut   int  // how many of those are gone from the front
	whole bool // the next commit stores the whole list
	dirty bool // in Machine.sidecars
	shown bool // in the last Ready, as seen says
	seen  struct{ size, cut int }
}

// restored is a list as the store has it; nil if there is none yet.
func restored(name string, stored any) *sidecar {
	o := &sidecar{name: name}
	if o.list, _ = stored.([]any); o.list == nil {
		o.whole = true
	}
	o.base = len(o.list)
	return o
}

// put adds an element, and drops the oldest when there are more than most; most 0:
// there is no bound.
func (m *Machine) put(o *sidecar, v any, most int) (dropped any) {
	o.list = append(o.list, v)
	if most > 0 && len(o.list) > most {
		dropped = o.list[0]
		m.cutFront(o)
	}
	m.touch(o)
	return dropped
}

// cutFront drops the oldest element.
func (m *Machine) cutFront(o *sidecar) {
	o.list = o.list[1:]
	if o.cut++; o.cut > o.base {
		o.whole = true
	}
	m.touch(o)
}

// empty forgets all elements.
func (m *Machine) empty(o *sidecar) {
	o.list, o.whole, o.shown = nil, true, false
	m.touch(o)
}

func (m *Machine) touch(o *sidecar) {
	if !o.dirty {
		o.dirty = true
		m.sidecars = append(m.sidecars, o)
	}
}

// sidecarChanges adds what changed of the machine's own lists to a Ready.
func (m *Machine) sidecarChanges(changes []graph.Change) []graph.Change {
	if len(m.sidecars) == 0 {
		return changes
	}
	changes = slices.Clip(changes)
	for _, o := range m.sidecars {
		c := graph.Change{Key: -1, Name: o.name, Value: o.list, Whole: o.whole}
		if o.list == nil {
			c.Value = nil
		}
		if !o.whole {
			c.Drop = o.cut
			for at := o.base - o.cut; at < len(o.list); at++ {
				c.Put = append(c.Put, graph.Element{At: at, Value: o.list[at]})
			}
		}
		changes = append(changes, c)
		o.shown, o.seen.size, o.seen.cut = true, len(o.list), o.cut
	}
	return changes
}

// sidecarsStored takes note that the store has what the last Ready showed.
func (m *Machine) sidecarsStored() {
	left := m.sidecars[:0]
	for _, o := range m.sidecars {
		if o.shown && o.seen.size == len(o.list) && o.seen.cut == o.cut {
			o.base, o.cut, o.whole, o.dirty = len(o.list), 0, o.list == nil, false
			continue
		}
		o.whole = o.whole || o.shown
		o.shown = false
		left = append(left, o)
	}
	clear(m.sidecars[len(left):])
	m.sidecars = left
}
