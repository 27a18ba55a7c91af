package machine

import (
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
)

// The machine says which lock an attempt takes. The driver hands locks out, over all its
// stacks. No record has a lock: it follows from what a task sees, which is stored.

// lock evaluates the lock of a task, which the expressions of n see.
func (m *Machine) lock(n *graph.Node, env *cond.Env) (string, *journal.Failure) {
	v, err := n.Lock.Eval(env)
	if err != nil {
		return "", m.maskFailure(*failureOf(err))
	}
	text, err := graph.LockText(v)
	if err != nil {
		return "", m.maskFailure(journal.Failure{Kind: "config", Permanent: true, Message: err.Error()})
	}
	return text, nil
}

// lockOf is the lock that an attempt of an earlier driver had.
func (m *Machine) lockOf(t *task, r *run) string {
	n := &m.g.Nodes[r.node]
	if n.Lock == nil {
		return ""
	}
	defer m.seeTask(t, r, n).done()
	lock, _ := m.lock(n, r.w.env) // it had none if this fails
	return lock
}

// KeepsLock reports whether a task keeps its lock while no attempt of it runs: what an
// earlier driver left running is not gone yet, or it runs a graph that is not over.
func (m *Machine) KeepsLock(key journal.TaskKey) bool {
	t, r := m.find(key)
	return t != nil && (t.state == ending || t.state == onHold && m.g.Nodes[r.node].Kind.Runs)
}
