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
	inner     int  // nodes that ran in children
	waits     int  // of nodeRuns: those that began to wait
	settled   int  // nodes that were outside and ended when it began
	robin     bool // it goes by turns, not by edges
	fault     bool // a condition failed
	started   *journal.CycleStarted
	spent     bool  // no node is left, only its end
	plainly   bool  // it begins with nothing that its first moment could not be foreseen by, and that moment is still to come
	failed    []int // nodes that failed, in the order of the waves
}

// apply makes the change that a record says. It is the only place where the
// machine changes by deciding, and all that Restore needs: what is to be done
// in the world because of the change is not decided here.
func (m *Machine) apply(b journal.Body, at time.Time, seq uint64) {
	switch b := b.(type) {
	case *journal.StackStarted:
		if b.From != nil {
			m.applyForked(at, seq)
		}
	case *journal.EventReceived:
		m.applyEvent(b, at, seq)
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
	case *journal.TaskWaiting:
		m.applyTaskWaiting(b, at)
	case *journal.TaskAnswered:
		m.applyTaskAnswered(b)
	case *journal.TaskHeld:
		m.applyTaskHeld(b)
	case *journal.TaskFinished:
		m.applyTaskFinished(b, at)
	case *journal.TaskUsed:
		m.applyTaskUsed(b)
	case *journal.WaveCommitted:
		m.applyCommitted(b)
	case *journal.CycleFinished:
		m.applyCycleFinished(b, at)
	case *journal.StackFinished:
		switch {
		case m.id.Parent != "": // it is removed with its task
			m.cur.Pass, m.cur.Latches = nil, nil
		case m.cur.Open && m.cur.Finally == nil:
			m.notePass(nil)
		}
		m.cur.Status, m.cur.Reason, m.cur.Failure = b.Status, b.Reason, b.Failure
		m.cur.Stopping, m.cur.StoppedBy = "", ""
		m.cur.WakeAt, m.cur.Due, m.cur.Expires, m.cur.Open = time.Time{}, time.Time{}, time.Time{}, false
		m.cur.Waiting, m.cur.Background, m.cur.Asking, m.cur.Inbox = nil, nil, nil, 0
		m.cur.Ending, m.cur.Closing, m.cur.Children, m.cur.Finally = nil, nil, nil, nil
		m.wave.open = false
		m.wave.timers.clear()
		m.closeEach()
	case *journal.StackReopened:
		m.applyReopened(b)
	}
}

func (m *Machine) applyCycleStarted(b *journal.CycleStarted, at time.Time, seq uint64) {
	m.leave()
	if b.Finally {
		m.applyFinally(b)
	}
	m.cur.Due = m.dueAfter(b, at)
	m.cur.Cycle++
	m.inbox, m.cur.Inbox = nil, 0
	m.applyLeft(b)
	m.cur.Wave, m.cur.Commit, m.cur.Open, m.cur.CycleSeq, m.cur.WakeAt = 0, 0, true, seq, time.Time{}
	m.undecided = true
	m.cycle = cycle{startedAt: at, failed: m.cycle.failed[:0], robin: b.Mode == roundRobin, fault: len(b.Faults) > 0, started: b}
	m.cycle.plainly = m.mayBeForeseen()
	m.seeCycle(m.cur.Cycle, at, b.Due)
	m.view.moved, m.view.fresh = 0, false
	if m.foreseen.pending = m.foreseen.holds && m.cycle.plainly; m.foreseen.pending {
		m.ready, m.firsts = m.ready[:0], m.firsts[:0]
		return
	}
	m.resetNodes()
	if b.Finally { // what a pass has left undone stays so
		m.ready = append(m.ready[:0], m.plan.final.roots...)
		m.firsts = append(m.firsts[:0], m.plan.final.firsts...)
	}
}

// resetNodes lets the nodes stand as a cycle begins from scratch.
func (m *Machine) resetNodes() {
	m.foreseen.pending, m.foreseen.holds = false, false
	for i := range m.nodes {
		m.nodes[i].reset()
		m.nodes[i].waits = len(m.g.Nodes[i].Waits)
	}
	m.outside(func(i int) { m.nodes[i].away = true })
	clear(m.edges)
	m.ready = append(m.ready[:0], m.plan.ordinary.roots...)
	m.firsts = append(m.firsts[:0], m.plan.ordinary.firsts...)
	m.resumePass()
	m.takeLatches()
}

// reset forgets how a node stood in a cycle.
func (n *node) reset() {
	n.status, n.decided, n.kept, n.open, n.taken, n.repaid = pending, false, false, false, false, false
	n.attempts, n.run, n.cause, n.lost, n.away, n.decision = 0, 0, plain, false, false, nil
	if n.err != nil {
		n.err = nil
	}
	if n.results != nil {
		n.results = nil
	}
}

func (m *Machine) applyDecided(i int, b *journal.NodeDecided) {
	n := &m.nodes[i]
	n.decided, n.decision = true, b
	for k := range b.Edges {
		v := &b.Edges[k]
		m.cycle.fault = m.cycle.fault || v.Error != "" && !m.isOldFault(v.Edge)
		if m.plan.shared[v.Edge] && m.latchOver(v.Edge) == nil {
			m.edges[v.Edge] = judged{known: true, live: v.Live, err: v.Error}
		}
	}
	if b.Run {
		m.repay(b)
	}
	if b.Run && m.g.Nodes[i].Cancel {
		m.applyLost(i)
	}
	switch {
	case b.Run:
	case m.isOutside(i):
		n.attempts = 1
		m.settle(i, waiting)
	default:
		if m.plan.unless {
			n.cause = m.causeOf(i)
		}
		n.open = b.Reason == "waiting" || !m.g.Once && m.anyOutside() && m.mayChange(i, b)
		m.settle(i, skipped)
	}
}

// repay notes whose failures a node takes that runs.
func (m *Machine) repay(b *journal.NodeDecided) {
	for k := range b.Edges {
		v := &b.Edges[k]
		if !v.Live || v.After {
			continue
		}
		switch e := &m.g.Edges[v.Edge]; {
		case e.From == graph.Start || !e.Outcome.TakesFailure():
		case v.NextCycle:
			m.nodes[e.From].repaid = true
		default:
			m.nodes[e.From].taken = true
		}
	}
}

func (m *Machine) applyWaveStarted(b *journal.WaveStarted, at time.Time) {
	m.cur.Wave = b.Wave
	if !m.g.Eager {
		m.cycle.waves++
	}
	for _, v := range b.Early {
		m.edges[v.Edge] = judged{known: true, live: v.Live, err: v.Error}
	}
	m.wave.now, m.wave.cycle, m.wave.number = at, m.cur.Cycle, b.Wave
	if m.cycle.robin && len(b.Nodes) > 0 {
		m.cur.Turn = b.Nodes[0]
	}
}

func (m *Machine) applyTaskStarted(b *journal.TaskStarted, at time.Time) {
	t, r := m.find(m.startedKey(b))
	m.attemptStarted(t, r, b, at)
}

// startedKey, steppedKey, finishedKey and keyOf say which task a record is about.
func (m *Machine) startedKey(b *journal.TaskStarted) journal.TaskKey {
	return m.keyOf(b.Began, b.Wave, b.Node, b.Item)
}

func (m *Machine) steppedKey(b *journal.TaskStep) journal.TaskKey {
	return m.keyOf(b.Began, b.Wave, b.Node, b.Item)
}

func (m *Machine) finishedKey(b *journal.TaskFinished) journal.TaskKey {
	return m.keyOf(b.Began, b.Wave, b.Node, b.Item)
}

func (m *Machine) keyOf(began, wave uint64, node, item string) journal.TaskKey {
	return journal.TaskKey{Cycle: cmp.Or(began, m.cur.Cycle), Wave: wave, Node: node, Item: item}
}

func (m *Machine) attemptStarted(t *task, r *run, b *journal.TaskStarted, at time.Time) {
	if t == nil || t.state == over {
		if r != nil {
			r.attempts = max(r.attempts, b.Attempt)
		}
		return
	}
	t.attempt, t.startedAt, t.cut, t.crashes = b.Attempt, at, 0, b.Crashes
	if t.firstAt.IsZero() {
		t.firstAt = at
	}
	r.attempts = max(r.attempts, b.Attempt)
	if m.g.Nodes[r.node].Kind.Waits {
		m.turn(t, r, onHold)
		return
	}
	m.turn(t, r, running)
}

func (m *Machine) applyTaskFinished(b *journal.TaskFinished, at time.Time) {
	m.count(b.Tokens, b.Cost, b.NodeRuns)
	if b.Error != nil && b.Error.Limit != "" {
		m.cur.Refused = b.Error.Limit
	}
	m.applyCached(b, at)
	key := m.finishedKey(b)
	m.noteFiles(key, b)
	if m.applyAnswer(key, b) {
		return
	}
	t, r := m.find(key)
	m.attemptFinished(t, r, b, at)
	if r != nil && r.w.sidecar != nil {
		m.dropWaits(r)
		if r.over {
			m.backgroundOver(r.w)
		}
	}
}

func (m *Machine) attemptFinished(t *task, r *run, b *journal.TaskFinished, at time.Time) {
	switch {
	case r == nil || r.outside && (!m.g.Nodes[r.node].Kind.Waits || m.g.Nodes[r.node].ForEach != nil):
		return // of a node in the background: its own list has it
	case t == nil:
		m.closeRun(r, b.Error)
		return
	case t.state == over:
		return
	}
	switch {
	case b.Status == succeeded.String():
		t.ok, t.output, t.talk, t.memory = true, b.Output, b.Talk, b.Memory
		m.turn(t, r, over)
		if b.Enough {
			m.closeElements(r)
		}
	case !b.RetryAt.IsZero():
		if b.Error.Kind == "schema" || b.Error.Kind == "limit" {
			t.void = len(t.steps) // what they came to was wrong: the next attempt does it all again
			m.dropQuestions(t, r)
			t.asked, t.words = nil, nil
		}
		if m.g.Nodes[r.node].Kind.Runs { // the next attempt has another child
			m.dropQuestions(t, r)
			m.forgetUsage(t, r)
		}
		t.tries++
		t.due, t.rest = b.RetryAt, b.RetryAt.Sub(at)
		m.turn(t, r, backoff)
	default:
		t.tries++
		t.err = b.Error
		m.turn(t, r, over)
		switch {
		case b.Enough:
			m.closeElements(r)
		case m.fast(r) && !r.enough:
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
		n.attempts, n.err, n.results = s.Attempts, s.Error, s.Elements().Results
		m.cycle.nodeRuns++
		m.cur.Counts.NodeRuns++
		if s.Status == waiting.String() {
			m.cycle.waits++
		}
		if s.Status == failed.String() {
			m.cycle.failed = append(m.cycle.failed, i)
			m.cur.Counts.Failures++
		}
		m.settleLost(i, s)
		m.settle(i, statusNamed(s.Status))
		if b.Commit > 0 {
			m.closeAlone(i)
		}
	}
	if b.Commit > 0 {
		m.cur.Commit, m.undecided = b.Commit, true
		m.cycle.waves++
	} else {
		m.wave.close()
	}
	m.show()
}

func (m *Machine) applyCycleFinished(b *journal.CycleFinished, at time.Time) {
	m.cur.Open = false
	if m.cur.Finally != nil {
		return
	}
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
	m.afterPause(b, at)
	if (b.None || m.g.Pause.None && m.schedule == nil) && (!b.Active || m.onlyBeganToWait()) {
		m.cur.WakeAt = time.Time{}
	}
	if m.g.Once {
		m.cur.WakeAt = time.Time{}
	}
	if m.g.Until != nil && b.Active {
		m.cur.Busy++
	}
	if m.expects() {
		m.cur.WakeAt = at
	}
	m.noteLatches()
	m.cur.Last = m.lastOf()
	m.notePass(b.Faults)
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
		var results any
		if m.plan.results[i].next {
			results = n.results
		}
		s := journal.Settled{
			Node: id, Status: n.status.String(), Attempts: n.attempts, Error: m.lastError(i),
			Owed: n.status == failed && !n.taken && m.mayBeTaken(i), Reason: m.lastReason(i)}
		s.SetElements(journal.Each{Results: results})
		last[id] = s
	}
	return last
}
