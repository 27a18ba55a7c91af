package machine

import (
	"fmt"
	"slices"
)

// mostCrashes is how often the engine may die while a task runs before the task
// is held to be the cause. To die is no failure of the task: it is parked, and
// the stack paused, until somebody resumes it. One death short of that it is a
// suspect (Task.Suspect), and the driver sees to it that of several only the cause
// gets there.
const mostCrashes = 3

// Parked is a task that does not start again by itself.
type Parked struct {
	Node  string `json:"node"`
	Item  string `json:"item,omitzero"`
	Cycle uint64 `json:"cycle"`
	Wave  uint64 `json:"wave"`
}

// Key is the task's.
func (p Parked) Key() TaskKey {
	return TaskKey{Cycle: p.Cycle, Wave: p.Wave, Node: p.Node, Item: p.Item}
}

// crashed takes in that the driver before this one ended while a task ran, or
// was to run but for being parked, and says whether it may run again now.
func (m *Machine) crashed(t *task, r *run, before Cursor) bool {
	k := m.key(t, r)
	p := Parked{Node: k.Node, Item: k.Item, Cycle: k.Cycle, Wave: k.Wave}
	was := slices.Contains(before.Parked, p)
	if !before.Clean && !was && !m.g.Nodes[r.node].Kind.Runs { // the tasks of an inner graph count for themselves
		t.crashes++
	}
	if !was && t.crashes < mostCrashes {
		return true
	}
	if m.id.Parent != "" { // nobody would see it pause, nor resume it
		m.blame(t, r)
		return false
	}
	m.turn(t, r, idle)
	t.parked = true
	m.cur.Parked = append(m.cur.Parked[:len(m.cur.Parked):len(m.cur.Parked)], p)
	if m.cur.Status == Running {
		m.cur.Status = Paused
		m.cur.Reason = fmt.Sprintf("parked: the engine died %d times while %s ran", mostCrashes, m.label(t, r))
	}
	m.out.moved = true
	return false
}

// label names a task as people read it.
func (m *Machine) label(t *task, r *run) string {
	if t.item == "" {
		return m.g.Nodes[r.node].ID
	}
	return m.g.Nodes[r.node].ID + "[" + t.item + "]"
}

// blame fails a task that seems to kill the engine.
func (m *Machine) blame(t *task, r *run) {
	body := m.finished(t, r)
	body.Error = &Failure{Kind: "error", Permanent: true,
		Message: fmt.Sprintf("the engine died %d times while it ran", t.crashes)}
	m.finish(t, r, body)
}

// unpark lets parked tasks run once more; another death parks them again.
func (m *Machine) unpark() {
	if len(m.cur.Parked) == 0 {
		return
	}
	m.cur.Parked, m.cur.Reason = nil, ""
	m.out.moved = true
	if m.o.Rest {
		m.cur.Clean = true // so that who restores it next counts no death
		return
	}
	m.eachWave(func(w *wave) {
		for k := range w.runs {
			r := &w.runs[k]
			for x := r.first; x < r.first+r.n; x++ {
				if t := &w.tasks[x]; t.parked {
					t.parked, t.crashes = false, mostCrashes-1
					r.again = append(r.again, x)
				}
			}
			if !r.over && r.err == nil {
				m.fill(r)
			}
		}
	})
}

// eachWave visits the open wave and the nodes in the background.
func (m *Machine) eachWave(do func(*wave)) {
	if m.wave.open {
		do(&m.wave)
	}
	for i := range m.nodes {
		if b := m.nodes[i].apart; b != nil {
			do(b)
		}
	}
}
