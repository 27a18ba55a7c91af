package machine

import "github.com/graphrun/graphrun/graph/journal"

// control records who gives a command. A replay has the record because it was written then,
// whatever the status is that its machine has: no record says when a pause ended.
func (m *Machine) control(in Control) {
	if in.By == "" || m.pace == nil && !m.obeys(in) {
		return
	}
	m.at = in.At
	m.emit(&journal.StackControl{Action: in.Action, By: in.By, Node: in.Node, Item: in.Item})
}

// obeys reports whether a command changes anything now.
func (m *Machine) obeys(in Control) bool {
	switch in.Action {
	case journal.ActionPause:
		return m.cur.Status == journal.Running && m.cur.Finally == nil
	case journal.ActionResume:
		return m.cur.Status == journal.Paused || len(m.cur.Parked) > 0
	case journal.ActionWake:
		return !m.cur.Open
	case journal.ActionStop:
		return m.cur.Stopping == "" && m.cur.Finally == nil
	case journal.ActionCancelTask:
		i, known := m.plan.index[in.Node]
		return known && (m.waitingFor(in.Node, in.Item) != nil || m.runOf(i) != nil)
	}
	return true
}
