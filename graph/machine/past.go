package machine

import (
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
)

// What a node is given is evaluated on the state of the moment in which it was decided,
// for each element when there is room for it, and once more after a restart. Under `waves:
// eager` others are committed meanwhile. So what they change of it is kept as it was, in
// memory and beside the state, until nothing runs any more that was decided before.

const pastName = journal.SidecarMark + "past"

// was is the value of a key until a commit changed it.
type was struct {
	commit uint64
	key    int
	value  any
}

// reads is what the expressions of a node read.
type reads struct {
	keys  nodeSet // a bit for each key of the state
	nodes bool
}

// readsOf says what the tasks of a node read. It is worked out once.
func (m *Machine) readsOf(i int) *reads {
	if m.reading == nil {
		m.reading = make([]*reads, len(m.g.Nodes))
	}
	if r := m.reading[i]; r != nil {
		return r
	}
	out := &reads{keys: make(nodeSet, (len(m.g.Keys)+63)/64)}
	for _, p := range m.reads(&m.g.Nodes[i]) {
		r := p.Reads()
		out.nodes = out.nodes || r.Slots&(1<<graph.SlotNodes) != 0
		for k := range m.g.Keys {
			if r.Whole&(1<<graph.SlotState) != 0 || slices.Contains(r.Fields[graph.SlotState], k) {
				out.keys.put(k)
			}
		}
	}
	m.reading[i] = out
	return out
}

// stillReads reports whether a node that runs alone may still read a key as it was: its
// tasks, and the `until` of its elements, which is asked once more when it is committed.
func (m *Machine) stillReads(w *wave, key int) bool {
	i := w.runs[0].node
	fe := m.g.Nodes[i].ForEach
	return (w.left > 0 || fe != nil && fe.Until != nil) && m.readsOf(i).keys.has(key)
}

func (m *Machine) seeError(env *cond.Env, i int) { env.Slots[graph.SlotError] = m.errorOf(i) }

// seeNodes shows expressions how the nodes stand at this moment, and not later.
func (m *Machine) seeNodes(env *cond.Env) {
	env.Slots[graph.SlotNodes] = m.view.still()
}

// keepPast keeps what the commit of a node is about to change for others that run.
func (m *Machine) keepPast(committed *wave, changes []graph.Change) {
	for _, c := range changes {
		last, needed := m.lastChange(c.Key), false
		for _, w := range m.alone {
			if w == committed || !m.stillReads(w, c.Key) {
				continue
			}
			needed = needed || w.after >= last
			if !w.past {
				w.past = true
				w.env.Slots[graph.SlotState] = &keys{slices.Clone(m.state.values)}
				w.env.Reset()
			}
		}
		if needed {
			v := m.state.values[c.Key]
			m.before = append(m.before, was{m.cur.Commit + 1, c.Key, v})
			m.put(m.past, map[string]any{"commit": int64(m.cur.Commit + 1), "key": c.Name}, 0)
			m.put(m.past, v, 0) // an element of its own: a store may have the value already
		}
	}
}

// lastChange is the last commit for which the value of a key before it is kept.
func (m *Machine) lastChange(key int) uint64 {
	for k := len(m.before) - 1; k >= 0; k-- {
		if m.before[k].key == key {
			return m.before[k].commit
		}
	}
	return 0
}

// seePast shows the expressions of a node the state as it was when it was decided.
func (m *Machine) seePast(w *wave) {
	values := slices.Clone(m.state.values)
	for k := len(m.before) - 1; k >= 0 && m.before[k].commit > w.after; k-- {
		values[m.before[k].key] = m.before[k].value
	}
	w.past = true
	w.env.Slots[graph.SlotState] = &keys{values}
}

// forgetPast drops what nothing can see any more.
func (m *Machine) forgetPast() {
	if m.restoring || len(m.before) == 0 {
		return
	}
	if last := m.before[len(m.before)-1].commit; len(m.alone) == 0 || last <= m.alone[0].after {
		m.before = nil
		m.empty(m.past)
		return
	}
	for m.before[0].commit <= m.alone[0].after {
		m.before = m.before[1:]
		m.cutFront(m.past) // its name
		m.cutFront(m.past) // its value
	}
}

// restorePast reads what was kept. A key that the graph does not have is left out.
func (m *Machine) restorePast(stored any) {
	m.past = restored(pastName, stored)
	names := make(map[string]int, len(m.g.Keys))
	for k := range m.g.Keys {
		names[m.g.Keys[k].Name] = k
	}
	for x := 0; x+1 < len(m.past.list); x += 2 {
		e, _ := m.past.list[x].(map[string]any)
		name, _ := e["key"].(string)
		commit, _ := e["commit"].(int64)
		if key, ok := names[name]; ok {
			m.before = append(m.before, was{uint64(max(commit, 0)), key, m.past.list[x+1]})
		}
	}
}
