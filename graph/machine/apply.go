package machine

import (
	"cmp"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// cycle is what is summed up over the open cycle.
type cycle struct {
	startedAt time.Time
	waves     int
	nodeRuns  int
	settled   int   // nodes that were outside and ended when it began
	robin     bool  // it goes by turns, not by edges
	fault     bool  // a condition failed
	spent     bool  // no node is left, only its end
	failed    []int // nodes that failed, in the order of the waves
}

// apply makes the change that a record says. It is the only place where the
// machine changes by deciding, and all that Restore needs: what is to be done
// in the world because of the change is not decided here.
func (m *Machine) apply(b journal.Body, at time.Time, seq uint64) {
	switch b := b.(type) {
	case *journal.EventReceived:
		m.applyEvent(b, at)
	case *journal.CycleStarted:
		m.applyCycleStarted(b, at, seq)
	case *journal.NodeDecided:
		if i, ok := m.plan.index[b.Node]; ok {
			m.applyDecided(i, b)
		}
	case *journal.WaveStarted:
		m.applyWaveStarted(b, at)
	case *journal.TaskStarted:
		m.applyTaskStarted(b, at)
	case *journal.TaskStep:
		m.applyTaskStep(b)
	case *journal.TaskFinished:
		m.applyTaskFinished(b, at)
	case *journal.TaskUsed:
		m.cur.Counts.Tokens += b.Tokens
		m.cur.Counts.Cost += b.Cost
	case *journal.WaveCommitted:
		m.applyCommitted(b)
	case *journal.CycleFinished:
		m.applyCycleFinished(b, at)
	case *journal.StackFinished:
		m.cur.Status, m.cur.Reason = b.Status, b.Reason
		m.cur.Stopping = ""
		m.cur.WakeAt, m.cur.Expires, m.cur.Open = time.Time{}, time.Time{}, false
		m.cur.Waiting, m.cur.Background, m.cur.Inbox = nil, nil, 0
		m.cur.Ending, m.cur.Closing = nil, nil
		m.wave.open = false
		m.wave.timers.clear()
	}
}

func (m *Machine) applyCycleStarted(b *journal.CycleStarted, at time.Time, seq uint64) {
	m.cur.Cycle++
	m.inbox, m.cur.Inbox = nil, 0
	m.cur.Wave, m.cur.Open, m.cur.CycleSeq, m.cur.WakeAt = 0, true, seq, time.Time{}
	m.cycle = cycle{startedAt: at, failed: m.cycle.failed[:0], robin: b.Mode == roundRobin, fault: len(b.Faults) > 0}
	m.seeCycle(m.cur.Cycle, at)
	for i := range m.nodes {
		n := &m.nodes[i]
		n.status, n.decided, n.taken, n.repaid, n.attempts, n.run = pending, false, false, false, 0, 0
		n.waits = len(m.g.Nodes[i].Waits)
		if n.err != nil {
			n.err = nil
		}
	}
	clear(m.view.shown)
	m.outside(func(i int) { m.view.shown[i] = seen{waiting, 1} })
	clear(m.edges)
	m.view.fresh = m.view.fresh[:0]
	m.ready = append(m.ready[:0], m.plan.roots...)
	m.firsts = append(m.firsts[:0], m.plan.firsts...)
}

func (m *Machine) applyDecided(i int, b *journal.NodeDecided) {
	n := &m.nodes[i]
	n.decided, n.decision = true, b
	for k := range b.Edges {
		v := &b.Edges[k]
		m.cycle.fault = m.cycle.fault || v.Error != ""
		e := &m.g.Edges[v.Edge]
		if m.plan.shared[v.Edge] {
			m.edges[v.Edge] = judged{known: true, live: v.Live, err: v.Error}
		}
		if b.Run && v.Live && !v.After && e.From != graph.Start && e.Outcome != graph.Success {
			if v.NextCycle {
				m.nodes[e.From].repaid = true
			} else {
				m.nodes[e.From].taken = true
			}
		}
	}
	switch {
	case b.Run:
	case m.isOutside(i):
		n.attempts = 1
		m.settle(i, waiting)
	default:
		m.settle(i, skipped)
	}
}

func (m *Machine) applyWaveStarted(b *journal.WaveStarted, at time.Time) {
	m.cur.Wave = b.Wave
	m.cycle.waves++
	for _, v := range b.Early {
		m.edges[v.Edge] = judged{known: true, live: v.Live, err: v.Error}
	}
	m.wave.now, m.wave.cycle, m.wave.number = at, m.cur.Cycle, b.Wave
	if m.cycle.robin {
		m.cur.Turn = b.Nodes[0]
	}
}

func (m *Machine) applyTaskStarted(b *journal.TaskStarted, at time.Time) {
	t, r := m.find(m.startedKey(b))
	m.attemptStarted(t, r, b, at)
}

// startedKey, steppedKey and finishedKey say which task a record is about.
func (m *Machine) startedKey(b *journal.TaskStarted) journal.TaskKey {
	return journal.TaskKey{Cycle: cmp.Or(b.Began, m.cur.Cycle), Wave: b.Wave, Node: b.Node, Item: b.Item}
}

func (m *Machine) steppedKey(b *journal.TaskStep) journal.TaskKey {
	return journal.TaskKey{Cycle: cmp.Or(b.Began, m.cur.Cycle), Wave: b.Wave, Node: b.Node, Item: b.Item}
}

func (m *Machine) finishedKey(b *journal.TaskFinished) journal.TaskKey {
	return journal.TaskKey{Cycle: cmp.Or(b.Began, m.cur.Cycle), Wave: b.Wave, Node: b.Node, Item: b.Item}
}

func (m *Machine) attemptStarted(t *task, r *run, b *journal.TaskStarted, at time.Time) {
	if t == nil || t.state == over {
		if r != nil {
			r.attempts = max(r.attempts, b.Attempt)
		}
		return
	}
	t.attempt, t.startedAt, t.cut, t.crashes = b.Attempt, at, false, b.Crashes
	if t.firstAt.IsZero() {
		t.firstAt = at
	}
	r.attempts = max(r.attempts, b.Attempt)
	m.turn(t, r, running)
}

func (m *Machine) applyTaskFinished(b *journal.TaskFinished, at time.Time) {
	m.cur.Counts.Tokens += b.Tokens
	m.cur.Counts.Cost += b.Cost
	m.applyCached(b, at)
	key := m.finishedKey(b)
	if m.applyAnswer(key, b) {
		return
	}
	t, r := m.find(key)
	m.attemptFinished(t, r, b)
	if r != nil && r.w.sidecar != nil && r.over {
		m.backgroundOver(r.w)
	}
}

func (m *Machine) attemptFinished(t *task, r *run, b *journal.TaskFinished) {
	switch {
	case r == nil || r.outside && !m.g.Nodes[r.node].Kind.Waits:
		return // of a node in the background: its own list has it
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
		if b.Error.Kind == "schema" || b.Error.Kind == "limit" {
			t.steps = nil // what they came to was wrong: the next attempt does it all again
		}
		t.tries++
		t.due = b.RetryAt
		m.turn(t, r, backoff)
	default:
		t.tries++
		t.err = b.Error
		m.turn(t, r, over)
		if m.fast(r) {
			m.failRun(r, b.Error)
		}
	}
}

func (m *Machine) applyCommitted(b *journal.WaveCommitted) {
	if b.Wave == 0 {
		m.applyTakenIn(b)
		return
	}
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
	m.show()
}

func (m *Machine) applyCycleFinished(b *journal.CycleFinished, at time.Time) {
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
	if (b.None || m.g.Pause.None && m.g.Schedule == nil) && !b.Active {
		m.cur.WakeAt = time.Time{}
	}
	if m.expects() {
		m.cur.WakeAt = at
	}
	m.cur.Last = m.lastOf()
}

// lastOf is how the sources of next_cycle edges settled.
func (m *Machine) lastOf() map[string]journal.Settled {
	if len(m.plan.sources) == 0 {
		return nil
	}
	last := make(map[string]journal.Settled, len(m.plan.sources))
	for _, i := range m.plan.sources {
		n := &m.nodes[i]
		id := m.g.Nodes[i].ID
		last[id] = journal.Settled{Node: id, Status: n.status.String(), Attempts: n.attempts, Error: n.err,
			Owed: n.status == failed && !n.taken && m.mayBeTaken(i)}
	}
	return last
}
