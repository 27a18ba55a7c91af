package machine

import (
	"time"

	"github.com/graphrun/graphrun/graph"
)

// cycle is what is summed up over the open cycle.
type cycle struct {
	waves    int
	nodeRuns int
	fault    bool  // a condition failed
	failed   []int // nodes that failed, in the order of the waves
}

// apply makes the change that a record says. It is the only place where the
// machine changes by deciding, and all that Restore needs: what is to be done
// in the world because of the change is not decided here.
func (m *Machine) apply(b Body, at time.Time, seq uint64) {
	switch b := b.(type) {
	case *CycleStarted:
		m.applyCycleStarted(at, seq)
	case *NodeDecided:
		if i, ok := m.plan.index[b.Node]; ok {
			m.applyDecided(i, b)
		}
	case *WaveStarted:
		m.applyWaveStarted(b, at)
	case *TaskStarted:
		m.applyTaskStarted(b, at)
	case *TaskFinished:
		m.applyTaskFinished(b)
	case *WaveCommitted:
		m.applyCommitted(b)
	case *CycleFinished:
		m.applyCycleFinished(b, at)
	case *StackFinished:
		m.cur.Status, m.cur.Reason = b.Status, b.Reason
		m.cur.WakeAt, m.cur.Open = time.Time{}, false
		m.wave.open = false
		m.timers.clear()
	}
}

func (m *Machine) applyCycleStarted(at time.Time, seq uint64) {
	m.cur.Cycle++
	m.cur.Wave, m.cur.Open, m.cur.CycleSeq, m.cur.WakeAt = 0, true, seq, time.Time{}
	m.cycle = cycle{failed: m.cycle.failed[:0]}
	m.seeCycle(m.cur.Cycle, at)
	for i := range m.nodes {
		n := &m.nodes[i]
		n.status, n.decided, n.taken, n.attempts, n.run = pending, false, false, 0, 0
		n.waits = len(m.g.Nodes[i].Waits)
		if n.err != nil {
			n.err = nil
		}
	}
	clear(m.view.shown)
	clear(m.edges)
	m.view.fresh = m.view.fresh[:0]
	m.ready = append(m.ready[:0], m.plan.roots...)
	m.firsts = append(m.firsts[:0], m.plan.firsts...)
}

func (m *Machine) applyDecided(i int, b *NodeDecided) {
	n := &m.nodes[i]
	n.decided, n.decision = true, b
	for k := range b.Edges {
		v := &b.Edges[k]
		m.cycle.fault = m.cycle.fault || v.Error != ""
		e := &m.g.Edges[v.Edge]
		if m.plan.shared[v.Edge] {
			m.edges[v.Edge] = judged{known: true, live: v.Live, err: v.Error}
		}
		if v.Live && !v.After && !v.NextCycle && e.From != graph.Start && e.Outcome != graph.Success {
			m.nodes[e.From].taken = true
		}
	}
	if !b.Run {
		m.settle(i, skipped)
	}
}

func (m *Machine) applyWaveStarted(b *WaveStarted, at time.Time) {
	m.cur.Wave = b.Wave
	m.cycle.waves++
	for _, v := range b.Early {
		m.edges[v.Edge] = judged{known: true, live: v.Live, err: v.Error}
	}
	m.wave.now = at
}

func (m *Machine) applyTaskStarted(b *TaskStarted, at time.Time) {
	t, r := m.find(b.Node, b.Item)
	if t == nil || t.state == over {
		if r != nil {
			r.attempts = max(r.attempts, b.Attempt)
		}
		return
	}
	t.attempt, t.startedAt, t.cut = b.Attempt, at, false
	if t.firstAt.IsZero() {
		t.firstAt = at
	}
	r.attempts = max(r.attempts, b.Attempt)
	m.turn(t, r, running)
}

func (m *Machine) applyTaskFinished(b *TaskFinished) {
	m.cur.Counts.Tokens += b.Tokens
	m.cur.Counts.Cost += b.Cost
	t, r := m.find(b.Node, b.Item)
	switch {
	case r == nil:
		return
	case t == nil:
		m.closeRun(r, b.Error)
		return
	case t.state == over:
		return
	}
	switch {
	case b.Status == succeeded.String():
		t.ok, t.output = true, b.Output
		m.turn(t, r, over)
	case !b.RetryAt.IsZero():
		t.tries++
		t.due = b.RetryAt
		m.turn(t, r, backoff)
	default:
		t.tries++
		t.err = b.Error
		m.turn(t, r, over)
		if fe := m.g.Nodes[r.node].ForEach; fe != nil && fe.OnFailure == graph.Fast {
			m.closeRun(r, b.Error)
		}
	}
}

func (m *Machine) applyCommitted(b *WaveCommitted) {
	m.cur.Counts.Waves++
	for k := range b.Settled {
		s := &b.Settled[k]
		i, ok := m.plan.index[s.Node]
		if !ok {
			continue
		}
		n := &m.nodes[i]
		n.attempts, n.err = s.Attempts, s.Error
		m.cycle.nodeRuns++
		m.cur.Counts.NodeRuns++
		if s.Status == failed.String() {
			m.cycle.failed = append(m.cycle.failed, i)
			m.cur.Counts.Failures++
		}
		m.settle(i, statusNamed(s.Status))
	}
	m.wave.close()
	m.timers.clear()
	m.show()
}

func (m *Machine) applyCycleFinished(b *CycleFinished, at time.Time) {
	m.cur.Open = false
	m.cur.Counts.Cycles++
	switch {
	case b.Failed:
		m.cur.FailedInRow++
	case b.Active:
		m.cur.FailedInRow = 0
	}
	if b.Active {
		m.cur.IdleInRow = 0
	} else {
		m.cur.IdleInRow++
	}
	m.cur.WakeAt = at.Add(b.Pause)
	if m.g.Pause.None && !b.Active {
		m.cur.WakeAt = time.Time{}
	}
	m.cur.Last = m.lastOf()
}

// lastOf is how the sources of next_cycle edges settled.
func (m *Machine) lastOf() map[string]Settled {
	if len(m.plan.sources) == 0 {
		return nil
	}
	last := make(map[string]Settled, len(m.plan.sources))
	for _, i := range m.plan.sources {
		n := &m.nodes[i]
		id := m.g.Nodes[i].ID
		last[id] = Settled{Node: id, Status: n.status.String(), Attempts: n.attempts, Error: n.err}
	}
	return last
}
