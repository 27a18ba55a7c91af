package machine

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// mostCrashes is how often the engine may die while a task runs before the task
// is held to be the cause. To die is no failure of the task, and nobody can tell
// who killed the engine: the task is parked for a while, which keeps it from
// taking the engine down again and again.
const mostCrashes = 3

// A task is parked for parkTime, and twice as long after each further death.
const (
	parkTime    = 10 * time.Second
	maxParkTime = 10 * time.Minute
)

// parkFor is how long a task is parked after its nth death, counted from mostCrashes.
// From the second time on it is up to half as long again, so that tasks which were
// parked together start at different moments: a task that kills the engine then leaves
// time to those that ran beside it.
func (m *Machine) parkFor(k journal.TaskKey, n int) time.Duration {
	d := min(parkTime<<min(n, 16), maxParkTime)
	if n == 0 {
		return d
	}
	sum := sha256.Sum256([]byte(m.id.Stack + "/" + k.Node + "/" + k.Item))
	return d + d/2*time.Duration(sum[0])/256
}

// crashed notes that the driver before this one ended while a task ran, or
// was to run but for being parked. One that may not run again now is parked.
func (m *Machine) crashed(t *task, r *run, before journal.Cursor) {
	if m.g.Nodes[r.node].Kind.Runs { // the tasks of its graph count for themselves
		return
	}
	k := m.key(t, r)
	until := before.ParkedUntil(k)
	died := !until.IsZero() || !before.Clean // the death that had it parked is in no record yet
	if died {
		t.crashes++
	}
	if until.IsZero() && died && t.crashes >= mostCrashes {
		until = m.at.Add(m.parkFor(k, t.crashes-mostCrashes))
	}
	if !until.After(m.at) {
		return
	}
	t.due, t.parked = until, true
	m.cur.Parked = append(slices.Clip(m.cur.Parked), journal.Parked{Node: k.Node, Item: k.Item, Cycle: k.Cycle, Wave: k.Wave, Until: until})
	m.out.moved = true
}

// leavePark notes that a task is not parked any more, whatever becomes of it.
func (m *Machine) leavePark(t *task, r *run) {
	t.parked = false
	k := m.key(t, r)
	m.cur.Parked = slices.DeleteFunc(slices.Clone(m.cur.Parked), func(p journal.Parked) bool { return p.Key() == k })
	m.out.moved = true
}

// unpark lets parked tasks run at once.
func (m *Machine) unpark() {
	if len(m.cur.Parked) == 0 {
		return
	}
	if m.o.Rest {
		m.cur.Parked, m.out.moved = nil, true
		m.cur.Clean = true // so that who restores it next counts no death
		return
	}
	m.eachWave(func(w *wave) {
		for k := range w.runs {
			r := &w.runs[k]
			for x := r.first; x < r.first+r.n; x++ {
				switch t := &w.tasks[x]; {
				case t.parked && t.state == ending: // it runs when its orphan is gone
					m.leavePark(t, r)
				case t.parked:
					m.turn(t, r, idle)
					r.again = append(r.again, x)
				}
			}
			if !r.over && r.err == nil {
				m.fill(r)
			}
		}
	})
}

// eachWave visits the open waves and the nodes in the background.
func (m *Machine) eachWave(do func(*wave)) {
	if m.wave.open {
		do(&m.wave)
	}
	for _, w := range m.alone {
		do(w)
	}
	for i := range m.nodes {
		if b := m.nodes[i].apart; b != nil {
			do(b)
		}
	}
}
