package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// A node of a kind that runs a graph does so with a stack of its own, the child. The
// machine decides which child a task has, what the child begins with, what its end
// means for the task, and when nobody needs it any more. The driver runs and removes it.

// Child is the stack of a task whose node runs a graph.
type Child struct {
	ID string // follows from the task: an attempt after a crash continues the child of the one before
	// Parent is the journal.Identity.Parent of the child. A stack of this ID with another
	// Parent belongs to an attempt that has failed, or to another stack of the parent's
	// name: it is removed, and the child begins from the beginning.
	Parent string
	Params map[string]any // that it begins with
	State  map[string]any // initial values that differ from those of its graph
	Cycles uint64         // it is over when it has finished as many cycles, or has ended
}

// ChildDone says that the child of a running attempt is over, and that nothing of it
// runs any more. It takes the place of TaskDone and TaskFailed.
type ChildDone struct {
	At      time.Time
	Key     journal.TaskKey
	Attempt int
	Cursor  journal.Cursor // where the child stands; what it has used counts for the attempt
	State   map[string]any // of the child, without its sidecars
	Last    *ChildFailure  // what failed last in it; nil if nothing did
	Err     error          // it could not begin, as when its params do not fit; nil if it did
}

func (ChildDone) input() {}

// ChildFailure is a failure within a child.
type ChildFailure struct {
	Cycle      uint64
	Node, Item string // Node is "" for a failure that no node caused, as of a stop condition
	Failure    journal.Failure
}

// childOf says which child a task has; nil for kinds that run no graph.
func (m *Machine) childOf(t *task, r *run) *Child {
	if !m.g.Nodes[r.node].Kind.Runs {
		return nil
	}
	key := m.key(t, r)
	c := &Child{ID: ChildID(m.id.Stack, key), Parent: m.id.TaskKey(key), Cycles: 1}
	if t.tries > 0 {
		c.Parent += fmt.Sprintf("#%d", t.tries)
	}
	with, _ := t.with.(map[string]any)
	c.Params, _ = with["params"].(map[string]any)
	c.State, _ = with["state"].(map[string]any)
	if most, until := cyclesUntil(with); until {
		c.Cycles = most
	}
	return c
}

// cyclesUntil is how many cycles a graph may take until its `until` holds; false if it
// has none.
func cyclesUntil(with map[string]any) (most uint64, until bool) {
	if _, until = with["until"]; !until {
		return 0, false
	}
	if n, ok := with["max_cycles"].(int64); ok {
		return uint64(max(n, 1)), true
	}
	return graph.DefaultMaxCycles, true
}

// maxStackID is how long the id of a stack may be.
const maxStackID = 128

// ChildID is the id of a task's child: PARENT.NODE.CYCLE.WAVE, followed by a hash for
// an element of a for_each. Where that is too long, it is only a hash.
func ChildID(parent string, k journal.TaskKey) string {
	id := fmt.Sprintf("%s.%s.%d.%d", parent, k.Node, k.Cycle, k.Wave)
	if k.Item != "" {
		id += "." + shortHash(k.Item)
	}
	if len(id) > maxStackID {
		id = "inner." + shortHash(id)
	}
	return id
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// childDone ends an attempt with its child: the final state is the output.
func (m *Machine) childDone(in ChildDone) {
	t, r := m.current(in.Key, in.Attempt, running, ending)
	if t == nil {
		return
	}
	used := in.Cursor.Counts
	output, f := m.childOutput(&in, t, r)
	if f != nil {
		m.taskFailed(TaskFailed{At: in.At, Key: in.Key, Attempt: in.Attempt, Failure: *f, Tokens: used.Tokens, Cost: used.Cost})
		return
	}
	m.taskDone(TaskDone{At: in.At, Key: in.Key, Attempt: in.Attempt, Output: output, Tokens: used.Tokens, Cost: used.Cost})
}

// childOutput is what a child gives its task, or why its end is a failure.
func (m *Machine) childOutput(in *ChildDone, t *task, r *run) (value.Value, *journal.Failure) {
	if in.Err != nil {
		return value.Value{}, &journal.Failure{Kind: "config", Permanent: true, Message: in.Err.Error()}
	}
	if f := m.childFailed(in, t, r); f != nil {
		return value.Value{}, f
	}
	output, err := value.Of(in.State)
	if err != nil {
		return value.Value{}, &journal.Failure{Kind: "output", Message: err.Error()}
	}
	return output, nil
}

// childFailed says why the end of a child is a failure of its task, or nil.
func (m *Machine) childFailed(in *ChildDone, t *task, r *run) *journal.Failure {
	name := m.g.Nodes[r.node].Inner.Name
	with, _ := t.with.(map[string]any)
	most, until := cyclesUntil(with)
	f := &journal.Failure{Kind: "error"}
	switch c := &in.Cursor; {
	case c.Status == journal.Failed:
		f.Message = fmt.Sprintf("graph %q failed: %s", name, c.Reason)
	case c.Status == journal.Cancelled && c.Reason == "":
		return cancelled(fmt.Sprintf("graph %q was cancelled", name))
	case c.Status == journal.Cancelled:
		return cancelled(fmt.Sprintf("graph %q was cancelled: %s", name, c.Reason))
	case !until && c.FailedInRow > 0:
		f.Message = fmt.Sprintf("graph %q: its cycle failed", name)
	case until && c.Status != journal.Completed:
		f.Kind, f.Message = "limit", fmt.Sprintf("graph %q: until does not hold after %d cycles", name, most)
	default:
		return nil
	}
	f.Message += in.Last.text()
	return f
}

// text describes a failure for whoever cannot look into the child, or is "".
func (l *ChildFailure) text() string {
	if l == nil {
		return ""
	}
	where := fmt.Sprintf("cycle %d", l.Cycle)
	switch {
	case l.Item != "":
		where = fmt.Sprintf("%s[%s] in %s", l.Node, l.Item, where)
	case l.Node != "":
		where = l.Node + " in " + where
	}
	return fmt.Sprintf(" (%s: %s: %s)", where, l.Failure.Kind, l.Failure.Message)
}

// releaseChildren says that nobody needs the children of a settled node any more. A
// replay has none.
func (m *Machine) releaseChildren(r *run) {
	if !m.g.Nodes[r.node].Kind.Runs || m.pace != nil {
		return
	}
	for x := r.first; x < r.first+r.n; x++ {
		if t := &r.w.tasks[x]; t.attempt > 0 {
			m.out.children = append(m.out.children, ChildID(m.id.Stack, m.key(t, r)))
		}
	}
}
