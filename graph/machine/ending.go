package machine

import (
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// An attempt is over when its work is. Where the machine decides that a running
// attempt ends (a timeout, a cancel, a limit, a failed sibling, a changed graph),
// the task is ending until the driver says that nothing of it runs any more. Only
// then is the end recorded, and only then does anything follow it: the next
// attempt, the next element, the wave's commit, the end of the stack. The decision
// is in the cursor meanwhile, so that a restart carries it out.
//
// An attempt that a crash or a shutdown cut off is ending too, without a failure:
// when what it left behind is gone, the task runs again.

// Orphan is an attempt of a driver that is gone. Its work may still run.
type Orphan struct {
	Key     journal.TaskKey
	Attempt int
	Again   bool   // another attempt follows; false if the task ends
	Lock    string // as Task.Lock: it had it
	Child   *Child // as Task.Child: remove it, unless another attempt follows and continues it
}

// cancelled is why an attempt failed that was cancelled.
func cancelled(message string) *journal.Failure {
	return &journal.Failure{Kind: "cancelled", Message: message}
}

// endAttempt decides that a running attempt ends with a failure.
func (m *Machine) endAttempt(t *task, r *run, f *journal.Failure) {
	k := m.key(t, r)
	if known := m.cur.EndingOf(k, t.attempt); known != nil {
		f = known // as it was decided before a restart
	}
	if t.state == ending {
		if t.fate == nil {
			t.fate = f
			m.noteEnding(t, r)
		}
		return
	}
	orphan, held := t.cut > 0, m.isHeldChild(t, r)
	t.fate = f
	m.turn(t, r, ending)
	t.byChild = held || orphan && m.g.Nodes[r.node].Kind.Runs
	m.noteEnding(t, r)
	if orphan {
		m.out.orphans = append(m.out.orphans, Orphan{Key: k, Attempt: t.attempt, Lock: m.lockOf(t, r), Child: m.childOf(t, r)})
	} else {
		m.out.cancel = append(m.out.cancel, k)
	}
}

// noteEnding puts a decision into the cursor that does not follow from what is
// recorded: under on_failure: fast and at the end of a stack it does.
func (m *Machine) noteEnding(t *task, r *run) {
	k := m.key(t, r)
	if m.cur.Closing != nil || r.failing != nil || r.enough || m.cur.EndingOf(k, t.attempt) != nil {
		return
	}
	m.cur.Ending = append(slices.Clip(m.cur.Ending), journal.Ending{
		Node: k.Node, Item: k.Item, Cycle: k.Cycle, Wave: k.Wave, Attempt: t.attempt, Failure: *t.fate,
	})
	m.out.moved = true
}

// taskGone handles the end of an ending attempt: nothing of it runs any more.
func (m *Machine) taskGone(t *task, r *run, tokens int64, cost float64) {
	k := m.key(t, r)
	if t.fate == nil {
		m.runAgain(t, r)
		return
	}
	body := m.finished(t, r)
	body.Error, body.Tokens, body.Cost = m.maskFailure(*t.fate), tokens, cost
	if m.cur.EndingOf(k, t.attempt) != nil {
		m.cur.Ending = slices.DeleteFunc(slices.Clone(m.cur.Ending), func(e journal.Ending) bool { return e.Key() == k })
		m.out.moved = true
	}
	m.finish(t, r, body)
	m.closeWhenGone()
}

// taskLost handles an attempt that ended with its process.
func (m *Machine) taskLost(in TaskLost) {
	t, r := m.current(in.Key, in.Attempt, running, ending)
	if t == nil {
		return
	}
	if t.state == running {
		t.cut = t.attempt
		was := m.cur
		was.Clean = in.Clean
		m.lose(t, r, was)
	}
	m.taskGone(t, r, 0, 0)
}

// lose has a task end whose attempt was cut off by the end of a process. It runs again when
// nothing of that is left, unless it is parked. was is the cursor of that time.
func (m *Machine) lose(t *task, r *run, was journal.Cursor) {
	m.crashed(t, r, was)
	parked := t.parked
	t.parked = false
	m.turn(t, r, ending)
	t.parked = parked
}

// runAgain queues a task whose attempt was cut off by the end of a driver, or
// keeps it parked.
func (m *Machine) runAgain(t *task, r *run) {
	if t.parked && t.due.After(m.at) {
		t.parked = false
		m.turn(t, r, backoff)
		t.parked = true
		m.arm(t, r)
	} else {
		m.turn(t, r, idle)
		r.again = append(r.again, r.first+t.index)
	}
	m.fill(r)
}

// stop ends the stack when nothing of it runs any more. Nothing begins meanwhile.
func (m *Machine) stop(s journal.Status, reason string) {
	m.stopAs(journal.Outcome{Status: s, Reason: reason})
}

// stopAs is stop, with a failure for the task whose work the stack does.
func (m *Machine) stopAs(end journal.Outcome) {
	if m.cur.Closing != nil {
		return
	}
	m.begin()
	switch {
	case m.id.Parent == "" || end.Status != journal.Failed:
		end.Failure = nil
	case end.Failure == nil:
		end.Failure = m.failureOfChild(end.Reason)
	}
	m.cur.Closing, m.out.moved = &end, true
	m.noticeBudget(&end)
	var cut []journal.TaskKey
	m.eachWave(func(w *wave) {
		for k := range w.runs {
			m.takeBack(&w.runs[k], nil)
			cut = append(cut, m.cutOff(&w.runs[k], nil)...)
			m.endRunning(&w.runs[k], nil, cancelled("cancelled"))
		}
	})
	m.goneAlready(cut)
	m.closeWhenGone()
}

// stopAfterWave ends the stack as cancelled once its open wave is committed.
func (m *Machine) stopAfterWave(reason, by string) {
	if m.cur.Stopping != "" && !m.o.Rest {
		return
	}
	if (m.waveGoesOn() || m.childrenApart()) && !m.o.Rest {
		m.cur.Stopping, m.cur.StoppedBy, m.out.moved = reason, by, true
		return
	}
	m.stopAs(journal.Outcome{Status: journal.Cancelled, Reason: reason, By: by})
}

// stopWhenGone ends a stack that is stopping once its children have ended: they commit
// what they have begun.
func (m *Machine) stopWhenGone() {
	if m.cur.Closing == nil && !m.cur.Status.Ended() && !m.o.Rest && !m.childrenApart() {
		m.stopAs(journal.Outcome{Status: journal.Cancelled, Reason: m.cur.Stopping, By: m.cur.StoppedBy})
	}
}

// waveGoesOn reports that a wave is open whose tasks still run, or whose commit is
// all that is left.
func (m *Machine) waveGoesOn() bool { return goesOn(&m.wave) || slices.ContainsFunc(m.alone, goesOn) }

func goesOn(w *wave) bool { return w.open && (w.left == 0 || !w.onlyParked()) }

// onlyParked reports that what is left of an open wave is parked.
func (w *wave) onlyParked() bool {
	for k := range w.tasks {
		if t := &w.tasks[k]; t.state != over && !t.parked {
			return false
		}
	}
	return true
}

// endRunning ends what runs of a node.
func (m *Machine) endRunning(r *run, except *task, f *journal.Failure) {
	for x := r.first; x < r.first+r.n; x++ {
		if t := &r.w.tasks[x]; t != except && (t.state == running || t.state == ending || m.isHeldChild(t, r)) {
			m.endAttempt(t, r, f)
		}
	}
}

// takeBack takes the tasks of a node out of their queues.
func (m *Machine) takeBack(r *run, except *task) {
	for x := r.first; x < r.first+r.n; x++ {
		if t := &r.w.tasks[x]; t != except && t.state == queued {
			m.out.cancel = append(m.out.cancel, m.key(t, r))
			m.turn(t, r, idle)
		}
	}
}

// cutOff finds the attempts of a node that were cut off and have not begun again: they are
// ending from now on, as those that run. The records say that they began, so they have to
// say that they ended.
func (m *Machine) cutOff(r *run, except *task) (keys []journal.TaskKey) {
	for x := r.first; x < r.first+r.n; x++ {
		if t := &r.w.tasks[x]; t != except && t.cut > 0 && (t.state == idle || t.state == backoff) {
			t.attempt = t.cut
			m.turn(t, r, ending)
			keys = append(keys, m.key(t, r))
		}
	}
	return keys
}

// goneAlready ends attempts whose work is gone.
func (m *Machine) goneAlready(keys []journal.TaskKey) {
	for _, key := range keys {
		if t, r := m.find(key); t != nil && t.state == ending {
			m.taskGone(t, r, 0, 0)
		}
	}
}

// fast says whether the first element of a node that fails ends the others.
func (m *Machine) fast(r *run) bool {
	fe := m.g.Nodes[r.node].ForEach
	return fe != nil && fe.OnFailure == graph.Fast
}

// closeWhenGone records the end of a stack that is closing once nothing of it
// runs: what waits is cancelled with it.
func (m *Machine) closeWhenGone() {
	end := m.cur.Closing
	if end == nil || m.anyEnding() || m.o.Rest && m.finallyIsDue() {
		return
	}
	for _, w := range m.cur.Waiting {
		if !w.Answered {
			m.emit(m.settled(&w, nil, cancelled("cancelled")))
		}
	}
	for i := range m.nodes {
		if b := m.nodes[i].apart; b != nil {
			m.empty(b.sidecar)
		}
	}
	m.eachWave(func(w *wave) {
		for k := range w.runs {
			m.keepChildren(&w.runs[k])
		}
	})
	if m.finallyIsDue() {
		m.startFinally(end)
		return
	}
	m.emit(&journal.StackFinished{Status: end.Status, Reason: end.Reason, Failure: end.Failure, By: end.By})
	m.out.ended = end
}

func (m *Machine) anyEnding() bool {
	found := false
	m.eachWave(func(w *wave) {
		for k := range w.tasks {
			found = found || w.tasks[k].state == ending
		}
	})
	return found
}

// failRun ends a node under on_failure: fast. Its attempts that run are ending,
// and the node is over when they are.
func (m *Machine) failRun(r *run, f *journal.Failure) {
	if r.failing != nil {
		return
	}
	r.failing, r.err = f, f
	for x := r.first; x < r.first+r.n; x++ {
		if t := &r.w.tasks[x]; t.state == idle || t.state == queued || t.state == backoff || t.state == onHold && !m.isHeldChild(t, r) {
			m.turn(t, r, over)
		}
	}
}

// orphaned finds the attempts that ran when the driver before this one ended. It
// ends those whose end was decided then; the others run again. was is the cursor
// that it left; replays says that it is still there.
func (m *Machine) orphaned(w *wave, was journal.Cursor, replays bool) {
	for k := range w.runs {
		r := &w.runs[k]
		for x := r.first; x < r.first+r.n && !r.over; x++ {
			t := &w.tasks[x]
			held := m.isHeldChild(t, r)
			if t.state != running && !held {
				continue
			}
			fate := was.EndingOf(m.key(t, r), t.attempt)
			if fate == nil && (was.Closing != nil || r.failing != nil || r.enough) {
				fate = cancelled("cancelled")
			}
			if !replays && !held {
				t.cut = t.attempt
			}
			switch {
			case held && fate == nil: // the driver finds its child
			case replays && fate == nil && !was.ParkedUntil(m.key(t, r)).IsZero(): // it was lost
				t.cut, t.due, t.parked = t.attempt, was.ParkedUntil(m.key(t, r)), true
				m.turn(t, r, backoff)
			case replays && fate == nil: // its end is in the records that follow
				m.arm(t, r)
			case replays:
				t.fate = fate
				m.turn(t, r, ending)
			case m.o.Rest && was.Closing == nil: // who rests leaves what was cut off as it was
			case fate != nil:
				m.endAttempt(t, r, fate)
			default:
				m.lose(t, r, was)
				m.out.orphans = append(m.out.orphans, Orphan{Key: m.key(t, r), Attempt: t.attempt, Again: true, Lock: m.lockOf(t, r), Child: m.childOf(t, r)})
			}
		}
	}
}

// leaving ends the tasks of background nodes that a changed graph does not have
// any more, and reports whether some of them still run.
func (m *Machine) leaving(g *graph.Graph) bool {
	for k := range m.cur.Background {
		b := m.cur.Background[k]
		w := m.nodes[m.plan.index[b.Node]].apart
		if b.Over || m.staysApart(g, b.Node) {
			continue
		}
		w.runs[0].leaving = true
		m.takeBack(&w.runs[0], nil)
		cut := m.cutOff(&w.runs[0], nil)
		m.endRunning(&w.runs[0], nil, cancelled("the graph has changed"))
		m.goneAlready(cut)
	}
	for k := range m.cur.Background {
		w := m.nodes[m.plan.index[m.cur.Background[k].Node]].apart
		if w.runs[0].leaving && slices.ContainsFunc(w.tasks, func(t task) bool { return t.state == ending }) {
			return true
		}
	}
	return false
}

// stay takes back that a changed graph is to be adopted.
func (m *Machine) stay() {
	m.adopts = false
	for i := range m.nodes {
		if w := m.nodes[i].apart; w != nil && w.runs[0].leaving {
			w.runs[0].leaving = false
			for x := range w.tasks {
				if t := &w.tasks[x]; t.state == idle && t.attempt > 0 {
					w.runs[0].again = append(w.runs[0].again, x)
				}
			}
			m.fill(&w.runs[0])
		}
	}
}

// Wants says whether an attempt is queued, or runs and is not ending.
func (m *Machine) Wants(key journal.TaskKey, attempt int) bool {
	t, _ := m.current(key, attempt, queued, running)
	return t != nil
}
