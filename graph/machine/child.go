package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// A node of a kind that runs a graph does so with a stack of its own, the child. The
// machine decides which child a task has, what the child begins with, what its end
// means for the task, and how long its records are kept. The driver runs and removes it.
//
// A task whose child waits for somebody outside is held, without calls that need a word,
// and stays so until its end: no attempt follows, also while the child works again. Where
// such a task is to end, its child is to end first.

// Child is the stack of a task whose node runs a graph. The task is over when the child
// has ended.
type Child struct {
	ID string // follows from the task: an attempt after a crash continues the child of the one before
	// Parent is the journal.Identity.Parent of the child. A stack of this ID with another
	// Parent belongs to an attempt that has failed, or to another stack of the parent's
	// name: it is removed, and the child begins from the beginning.
	Parent    string
	Params    map[string]any // that it begins with
	State     map[string]any // initial values that differ from those of its graph
	MaxCycles uint64         // the child's journal.Identity.MaxCycles
}

type (
	// ChildDone says that the child of a task is over, and that nothing of it runs any
	// more. It takes the place of TaskDone and TaskFailed; the attempt may be held. What
	// the child has used counts as far as no ChildUsed has told it.
	ChildDone struct {
		At      time.Time
		Key     journal.TaskKey
		Attempt int
		Cursor  journal.Cursor // where the child stands
		State   map[string]any // of the child, without its sidecars
		Err     error          // it could not begin, as when its params do not fit; nil if it did
	}
	// ChildUsed says what the child of a task, or of a call that the task makes, has used
	// since it began. It counts in the limits of the stack at once. For the child of a call
	// a driver says it a last time before the step of the call, which has none of it.
	ChildUsed struct {
		At      time.Time
		Key     journal.TaskKey
		Attempt int
		Call    string         // its numbers, as for CallChildID; "" for the child of the task
		Nonce   string         // journal.Identity.Nonce of the call's child
		Counts  journal.Counts // of the child
	}
)

func (ChildDone) input() {}
func (ChildUsed) input() {}

// HeldChild is a child that no attempt looks after: its task is held, or it is to end and
// what ran it was cut off.
type HeldChild struct {
	Key     journal.TaskKey
	Attempt int
	Child   *Child // its ID and Parent
	Ends    bool   // the task is to end
}

// HeldChildren lists the children that no attempt looks after.
func (m *Machine) HeldChildren() (held []HeldChild) {
	m.eachWave(func(w *wave) {
		for k := range w.runs {
			r := &w.runs[k]
			for x := r.first; x < r.first+r.n; x++ {
				if t := &w.tasks[x]; m.isHeldChild(t, r) || t.byChild {
					held = append(held, HeldChild{Key: m.key(t, r), Attempt: t.attempt, Child: m.childOf(t, r), Ends: t.state == ending})
				}
			}
		}
	})
	return held
}

// Children lists the ids of the children of all tasks that are not over. A task that a
// crash or a shutdown cut off may not have begun its child.
func (m *Machine) Children() (ids []string) {
	m.eachWave(func(w *wave) {
		for k := range w.tasks {
			t := &w.tasks[k]
			if r := &w.runs[t.run]; t.attempt > 0 && t.state != over && m.g.Nodes[r.node].Kind.Runs {
				ids = append(ids, ChildID(m.id.Stack, m.key(t, r)))
			}
		}
	})
	return ids
}

// Ends reports whether an attempt, or a held task, is to end.
func (m *Machine) Ends(key journal.TaskKey, attempt int) bool {
	t, _ := m.current(key, attempt, ending)
	return t != nil
}

// isHeldChild reports that a task is held because its child waits, or has waited.
func (m *Machine) isHeldChild(t *task, r *run) bool {
	return t.state == onHold && m.g.Nodes[r.node].Kind.Runs
}

// childrenApart reports whether children of nodes in the background are not over.
func (m *Machine) childrenApart() bool {
	for k := range m.cur.Background {
		w := m.nodes[m.plan.index[m.cur.Background[k].Node]].apart
		if w == nil || !m.g.Nodes[w.runs[0].node].Kind.Runs {
			continue
		}
		for x := range w.tasks {
			if s := w.tasks[x].state; s == running || s == ending || s == onHold {
				return true
			}
		}
	}
	return false
}

// childOf says which child a task has; nil for kinds that run no graph.
func (m *Machine) childOf(t *task, r *run) *Child {
	if !m.g.Nodes[r.node].Kind.Runs {
		return nil
	}
	key := m.key(t, r)
	parent := m.id.TaskKey(key)
	if t.tries > 0 {
		parent += fmt.Sprintf("#%d", t.tries)
	}
	return NewChild(ChildID(m.id.Stack, key), parent, t.with)
}

// NewChild is a child with the params and the state that a `with` gives it.
func NewChild(id, parent string, with any) *Child {
	c := &Child{ID: id, Parent: parent}
	fields, _ := with.(map[string]any)
	c.Params, _ = fields["params"].(map[string]any)
	c.State, _ = fields["state"].(map[string]any)
	if _, until := fields["until"]; until {
		c.MaxCycles = graph.DefaultMaxCycles
		if n, ok := fields["max_cycles"].(int64); ok {
			c.MaxCycles = uint64(max(n, 1))
		}
	}
	return c
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
	return shortID(id)
}

// CallChildID is the id of the child of a call that a task makes: that of ChildID, with
// the numbers of the call and of those that it is below, as in ".call.2" and ".call.2.1".
func CallChildID(parent string, k journal.TaskKey, numbers string) string {
	id := fmt.Sprintf("%s.%s.%d.%d", parent, k.Node, k.Cycle, k.Wave)
	if k.Item != "" {
		id += "." + shortHash(k.Item)
	}
	return shortID(id + ".call." + numbers)
}

// shortID is an id that is not too long.
func shortID(id string) string {
	if len(id) > maxStackID {
		return "inner." + shortHash(id)
	}
	return id
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}
