package machine

import (
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// childDone ends a task with its child: the final state is the output.
func (m *Machine) childDone(in ChildDone) {
	t, r := m.current(in.Key, in.Attempt, running, ending, onHold)
	if t == nil || t.state == onHold && !m.isHeldChild(t, r) {
		return
	}
	if t.state == ending {
		m.countChild(t, r, ChildUsed{Key: in.Key, Counts: in.Cursor.Counts})
		m.taskGone(t, r, 0, 0)
		return
	}
	used := m.usedSince(ChildUsed{Key: in.Key, Counts: in.Cursor.Counts})
	output, f := ChildOutput(m.g.Nodes[r.node].Inner.Name, journal.Spot{Node: in.Key.Node, Item: in.Key.Item}, &in)
	if f != nil {
		m.taskFailed(TaskFailed{At: in.At, Key: in.Key, Attempt: in.Attempt, Failure: *f, Tokens: used.Tokens, Cost: used.Cost, NodeRuns: used.NodeRuns})
		return
	}
	m.taskDone(TaskDone{At: in.At, Key: in.Key, Attempt: in.Attempt, Output: output, Tokens: used.Tokens, Cost: used.Cost, NodeRuns: used.NodeRuns})
}

// ChildOutput is what a child gives its task, or why its end is a failure. graph is the
// name of its graph, and at where its task stands in the parent.
func ChildOutput(graph string, at journal.Spot, in *ChildDone) (value.Value, *journal.Failure) {
	if in.Err != nil {
		return value.Value{}, &journal.Failure{Kind: "config", Permanent: true, Message: in.Err.Error()}
	}
	if f := childFailed(in, graph, at); f != nil {
		return value.Value{}, f
	}
	output, err := value.Of(in.State)
	if err != nil {
		return value.Value{}, &journal.Failure{Kind: "output", Message: err.Error()}
	}
	return output, nil
}

// childFailed says why the end of a child is a failure of its task, or nil.
func childFailed(in *ChildDone, name string, at journal.Spot) *journal.Failure {
	switch c := &in.Cursor; {
	case c.Status == journal.Failed && c.Failure != nil:
		f := *c.Failure
		f.Item, f.Limit = "", "" // a limit of the child is none of its parent
		if f.Path != "" {
			f.Path = at.Within(f.Path)
		}
		return &f
	case c.Status == journal.Failed:
		return &journal.Failure{Kind: "error", Message: fmt.Sprintf("graph %q failed: %s", name, c.Reason)}
	case c.Status == journal.Cancelled && c.Reason == "":
		return cancelled(fmt.Sprintf("graph %q was cancelled", name))
	case c.Status == journal.Cancelled:
		return cancelled(fmt.Sprintf("graph %q was cancelled: %s", name, c.Reason))
	}
	return nil
}

// failureOfChild is why a stack that does the work of a task ends as failed. The first
// failure in declaration order that no node took counts.
func (m *Machine) failureOfChild(reason string) *journal.Failure {
	if i := m.untakenOf(); i >= 0 && m.nodes[i].err != nil {
		f := *m.nodes[i].err
		if f.Path == "" {
			f.Path = journal.Spot{Node: m.g.Nodes[i].ID, Item: f.Item}.String()
		}
		return &f
	}
	return &journal.Failure{Kind: "error", Message: fmt.Sprintf("graph %q failed: %s", m.g.Name, reason)}
}

// childUsed counts what a child has used.
func (m *Machine) childUsed(in ChildUsed) {
	if t, r := m.find(in.Key); t != nil && t.attempt == in.Attempt && t.state != over {
		m.at = in.At
		m.countChild(t, r, in)
	}
}

// countChild records what a child has used since that was recorded last.
func (m *Machine) countChild(t *task, r *run, in ChildUsed) {
	used := m.usedSince(in)
	if used.NodeRuns == 0 && used.Tokens == 0 && used.Cost == 0 {
		return
	}
	m.emit(&journal.TaskUsed{Wave: r.w.number, Began: m.began(r.w), Node: in.Key.Node, Item: in.Key.Item, Attempt: t.attempt,
		Tokens: used.Tokens, Cost: used.Cost, NodeRuns: used.NodeRuns, Call: in.Call, Nonce: in.Nonce})
	m.endByUsage()
}

// endByUsage ends the stack when what a child has used reaches a limit.
func (m *Machine) endByUsage() {
	if why := m.overLimit(); why != "" && !m.o.Rest && m.cur.Closing == nil {
		m.stopAs(limited(why))
	}
}

// usedSince is what a child has used beyond what is recorded of it.
func (m *Machine) usedSince(in ChildUsed) journal.Counts {
	var known journal.ChildUsage
	if i := m.usageOf(in.Key, in.Call, in.Nonce); i >= 0 {
		known = m.cur.Children[i]
	}
	counts := &in.Counts
	return journal.Counts{
		NodeRuns: counts.NodeRuns - min(known.NodeRuns, counts.NodeRuns),
		Tokens:   max(0, counts.Tokens-known.Tokens), Cost: max(0, counts.Cost-known.Cost),
	}
}

func (m *Machine) usageOf(key journal.TaskKey, call, nonce string) int {
	return slices.IndexFunc(m.cur.Children, func(u journal.ChildUsage) bool {
		return u.Key() == key && u.Call == call && u.Nonce == nonce
	})
}

// applyTaskUsed counts what a task has used besides the end of an attempt.
func (m *Machine) applyTaskUsed(b *journal.TaskUsed) {
	m.count(b.Tokens, b.Cost, b.NodeRuns)
	key := m.keyOf(b.Began, b.Wave, b.Node, b.Item)
	t, r := m.find(key)
	if t == nil || t.state == over || !m.g.Nodes[r.node].Kind.Runs && b.Call == "" {
		return
	}
	m.cur.Children = slices.Clone(m.cur.Children)
	i := m.usageOf(key, b.Call, b.Nonce)
	if i < 0 {
		i = len(m.cur.Children)
		m.cur.Children = append(m.cur.Children, journal.ChildUsage{Node: key.Node, Item: key.Item, Cycle: key.Cycle, Wave: key.Wave, Call: b.Call, Nonce: b.Nonce})
	}
	u := &m.cur.Children[i]
	u.NodeRuns, u.Tokens, u.Cost = u.NodeRuns+b.NodeRuns, u.Tokens+b.Tokens, u.Cost+b.Cost
}

// count adds usage to the totals of the stack.
func (m *Machine) count(tokens int64, cost float64, nodeRuns uint64) {
	m.cur.Counts.Tokens += tokens
	m.cur.Counts.Cost += cost
	m.cur.Counts.NodeRuns += nodeRuns
	m.cycle.inner += int(nodeRuns)
}

// forgetUsage forgets what the children of a task have used: the next child, if one
// follows, is another one.
func (m *Machine) forgetUsage(t *task, r *run) {
	key := m.key(t, r)
	m.forgetUsages(func(u journal.ChildUsage) bool { return u.Key() == key })
}

func (m *Machine) forgetUsages(which func(journal.ChildUsage) bool) {
	if len(m.cur.Children) == 0 {
		return
	}
	m.cur.Children = slices.DeleteFunc(slices.Clone(m.cur.Children), which)
	if len(m.cur.Children) == 0 {
		m.cur.Children = nil
	}
}
