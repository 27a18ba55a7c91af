package machine

import (
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// The records of a child are part of its parent's history: the child stays in the store
// after its end, until the cycle in which its node ended is not kept any more. The parent
// has the list of them in a sidecar.

// childrenName is the sidecar's name.
const childrenName = journal.SidecarMark + "children"

// KeptChild is a child that has ended and whose records are kept.
type KeptChild struct {
	ID   string          // of its stack
	Task journal.TaskKey // that it did the work of
	Over uint64          // the cycle in which its node ended
	At   time.Time       // when that was
}

// KeptChildren lists the children that a stored stack keeps, in the order in which their
// nodes ended. state is that of journal.Snapshot.
func KeptChildren(state map[string]any) []KeptChild {
	list, _ := state[childrenName].([]any)
	out := make([]KeptChild, 0, len(list))
	for _, e := range list {
		out = append(out, keptChild(e))
	}
	return out
}

func keptChild(stored any) (c KeptChild) {
	f, _ := stored.(map[string]any)
	number := func(name string) uint64 {
		n, _ := f[name].(int64)
		return uint64(max(n, 0))
	}
	c.ID, _ = f["id"].(string)
	c.Task.Node, _ = f["node"].(string)
	c.Task.Item, _ = f["item"].(string)
	c.Task.Cycle, c.Task.Wave, c.Over = number("cycle"), number("wave"), number("over")
	at, _ := f["at"].(string)
	c.At, _ = time.Parse(time.RFC3339Nano, at)
	return c
}

// mostKept is how many ended children a stack keeps at most: the oldest go first.
const mostKept = 20_000

// keepChildren notes that the children of a settled node have ended, and removes those
// that are in the history no more.
func (m *Machine) keepChildren(r *run) {
	if !m.g.Nodes[r.node].Kind.Runs {
		return
	}
	for x := r.first; x < r.first+r.n; x++ {
		t := &r.w.tasks[x]
		if t.attempt == 0 {
			continue
		}
		if m.kept == nil {
			m.kept = restored(childrenName, nil)
		}
		key := m.key(t, r)
		if gone := m.put(m.kept, KeptChild{ChildID(m.id.Stack, key), key, m.cur.Cycle, m.at}.stored(), mostKept); gone != nil {
			m.releaseChild(keptChild(gone).ID)
		}
	}
}

// releaseOldChildren gives up the children whose nodes ended before the history that is
// kept.
func (m *Machine) releaseOldChildren() {
	if m.kept == nil {
		return
	}
	keep := m.g.History
	for len(m.kept.list) > 0 {
		c := keptChild(m.kept.list[0])
		old := keep.Cycles > 0 && c.Over+uint64(keep.Cycles) <= m.cur.Cycle || keep.Age > 0 && m.at.Sub(c.At) >= keep.Age
		if !old {
			return
		}
		m.cutFront(m.kept)
		m.releaseChild(c.ID)
	}
}

// releaseChild says that nobody may look at a child any more. A replay has none.
func (m *Machine) releaseChild(id string) {
	if m.pace == nil {
		m.out.children = append(m.out.children, id)
	}
}

func (c KeptChild) stored() map[string]any {
	f := map[string]any{
		"id": c.ID, "node": c.Task.Node, "cycle": int64(c.Task.Cycle), "wave": int64(c.Task.Wave),
		"over": int64(c.Over), "at": c.At.Format(time.RFC3339Nano),
	}
	if c.Task.Item != "" {
		f["item"] = c.Task.Item
	}
	return f
}

// TaskApart is a task of a node in the background.
type TaskApart struct {
	Key  journal.TaskKey
	Over bool // no attempt of it follows
}

// TasksApart lists the tasks that have begun of nodes in the background that are not over,
// as a stored stack has them.
func TasksApart(s *journal.Snapshot) (tasks []TaskApart) {
	for _, b := range s.Cursor.Background {
		list, _ := s.State[journal.SidecarMark+"task."+b.Node].([]any)
		if b.Over || len(list) == 0 {
			continue
		}
		at := map[journal.TaskKey]int{}
		_ = keptRecords(list[1:], func(rec journal.Record) { // what cannot be read ends the list
			key, _ := rec.Task()
			switch end := rec.Body.(type) {
			case *journal.TaskStarted:
				if _, known := at[key]; !known {
					at[key] = len(tasks)
					tasks = append(tasks, TaskApart{Key: key})
				}
			case *journal.TaskFinished:
				if i, known := at[key]; known && end.RetryAt.IsZero() {
					tasks[i].Over = true
				}
			}
		})
	}
	return tasks
}
