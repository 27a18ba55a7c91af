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
	if w := m.waitingFor(in.Node); w != nil && !w.Answered && in.Item == "" {
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
		m.fail(t, r, &f)
	}
	r.filling = was
	m.fill(r)
	return nil
}
