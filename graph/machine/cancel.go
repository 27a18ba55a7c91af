package machine

import "github.com/graphrun/graphrun/graph/journal"

// cancelTask fails tasks of a node that are not over, or ends its waiting.
func (m *Machine) cancelTask(in CancelTask) error {
	i, ok := m.plan.index[in.Node]
	if !ok {
		return &UnknownNodeError{Node: in.Node, Known: m.g.NodeIDs()}
	}
	m.at = in.At
	f := journal.Failure{Kind: "cancelled", Message: "cancelled", Permanent: true}
	if w := m.waitingFor(in.Node, ""); w != nil && !w.Answered && in.Item == "" && m.g.Nodes[i].ForEach == nil {
		m.emit(m.settled(w, nil, &f))
		return nil
	}
	r := m.runOf(i)
	if r == nil || r.outside {
		return nil
	}
	// Those that are cancelled make no room for others before all of them are.
	was := r.filling
	r.filling = true
	for x := r.first; x < r.first+r.n && !r.over; x++ {
		t := &r.w.tasks[x]
		if t.state == over || in.Item != "" && t.item != in.Item {
			continue
		}
		if t.state == ending {
			m.cancelAgain(t)
		}
		m.fail(t, r, &f)
	}
	r.filling = was
	m.fill(r)
	return nil
}

// cancelAgain asks again for the end of tasks that are to end already and may have
// children, of all or of one. The last cycles of the children are cut off.
func (m *Machine) cancelAgain(one *task) {
	m.eachWave(func(w *wave) {
		for k := range w.tasks {
			t := &w.tasks[k]
			if t.state != ending || t.fate == nil || one != nil && t != one {
				continue
			}
			r := &w.runs[t.run]
			if n := &m.g.Nodes[r.node]; n.Kind.Runs || len(n.Calls) > 0 {
				m.out.cancel = append(m.out.cancel, m.key(t, r))
			}
		}
	})
}
