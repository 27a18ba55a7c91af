package machine

import (
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// Restore continues from a snapshot. Tasks that were running when it was taken
// are in the first Ready again, with a higher attempt; finished ones are not.
func Restore(g *graph.Graph, o Options, s journal.Snapshot, at time.Time) (*Machine, error) {
	return restore(g, o, s, at, false)
}

// Continue is Restore within the life of a driver, which has lost the machine and nothing
// else: attempts that were running still run, and messages that are on their way are not
// sent again. What was queued is in the first Ready again. Where an attempt is known to be
// lost, and no other has followed, the driver says TaskLost once more. since is when the
// driver took the stack over by Restore; the zero time if it did not.
func Continue(g *graph.Graph, o Options, s journal.Snapshot, since, at time.Time) (*Machine, error) {
	m, err := restore(g, o, s, at, true)
	if err == nil {
		m.restoredAt = since
	}
	return m, err
}

// restore is Restore. Replays and Continue stay within the life of a driver: then what was
// running still runs.
func restore(g *graph.Graph, o Options, s journal.Snapshot, at time.Time, replays bool) (*Machine, error) {
	if s.Cursor.Hash != g.Hash {
		return nil, fmt.Errorf("%w: the stack runs %.12s, this is %.12s", ErrGraphChanged, s.Cursor.Hash, g.Hash)
	}
	schedule, err := scheduleOf(g, s.Identity.Params)
	if err != nil {
		return nil, err
	}
	m := &Machine{o: o, id: s.Identity, at: at, schedule: schedule, caches: map[string]*cache{}, ids: restoredIDs(s.State[journal.SidecarMark+"events"]),
		answers: restoredAnswers(s.State[journal.SidecarMark+"answers"]), outbox: restored(outboxName, s.State[outboxName]), writers: WritersIn(s.State)}
	m.load(g, valuesIn(g, s.State))
	m.restoreQueues(s.State)
	m.restoreFiles(s.State)
	for i := range g.Nodes {
		if id := g.Nodes[i].ID; g.Nodes[i].Cache != nil {
			m.caches[id] = restoredCache(id, s.State[journal.SidecarMark+"cache."+id])
		}
	}
	m.cur.Last, m.cur.Waiting, m.cur.Background, m.cur.Asking = s.Cursor.Last, s.Cursor.Waiting, s.Cursor.Background, s.Cursor.Asking
	m.cur.Pass, m.cur.Latches = s.Cursor.Pass, s.Cursor.Latches
	m.cur.Finally = s.Cursor.Finally
	if list := s.State[childrenName]; list != nil {
		m.kept = restored(childrenName, list)
	}
	m.restoring = true
	m.restorePast(s.State[pastName])
	if err := m.reapply(s); err != nil {
		return nil, err
	}
	if err := m.restoreBackground(s); err != nil {
		return nil, err
	}
	m.restoring = false
	if !replays {
		m.restoredAt = at
	}
	m.cur = s.Cursor
	m.restoreDue()
	m.expire()
	m.out.wakeAt = time.Time{}
	if m.wave.open {
		m.see(m.wave.now)
	}
	if !o.Rest {
		m.cur.Clean = false
		if !replays {
			m.cur.Parked = nil
		}
	}
	m.eachWave(func(w *wave) { m.orphaned(w, s.Cursor, replays) })
	if !o.Rest {
		m.eachWave(m.pickUp)
	}
	m.closeWhenGone()
	m.endOldPass()
	m.cur.Outbox = len(m.outbox.list)
	if !replays {
		m.resend()
		m.takeOwn()
	}
	m.proceed()
	return m, nil
}

// reapply makes the changes that the records since the last cycle began say,
// without deciding anything again. When that cycle is over, only what came in
// since matters.
func (m *Machine) reapply(s journal.Snapshot) error {
	records := journal.Singles(s.Records)
	for len(records) > 0 && records[0].Seq < s.Cursor.CycleSeq {
		records = records[1:]
	}
	if !s.Cursor.Open {
		return m.reapplyArrivals(s, records)
	}
	if len(records) == 0 || records[0].Seq != s.Cursor.CycleSeq {
		return fmt.Errorf("machine: record %d is missing: it began cycle %d", s.Cursor.CycleSeq, s.Cursor.Cycle)
	}
	m.cur.Cycle = s.Cursor.Cycle - 1
	at, settled := m.at, map[string]bool(nil)
	if m.g.Eager {
		settled = settledIn(records)
	}
	for i, r := range records {
		if r.Seq != s.Cursor.CycleSeq+uint64(i) {
			return fmt.Errorf("machine: record %d is missing", s.Cursor.CycleSeq+uint64(i))
		}
		if r.Seq > s.Cursor.Seq {
			break
		}
		m.at = r.Time
		m.apply(r.Body, r.Time, r.Seq)
		m.remember(r)
		m.noteInWave(r)
		w, begins := r.Body.(*journal.WaveStarted)
		switch {
		case begins && m.g.Eager:
			m.see(r.Time)
			m.reopen(w, settled)
		case begins && !committed(records[i:], w.Wave):
			m.see(r.Time)
			m.openWave(m.indices(w.Nodes))
		}
	}
	m.at = at
	return nil
}

// reapplyArrivals finds the events and answers that the next cycle applies.
func (m *Machine) reapplyArrivals(s journal.Snapshot, records []journal.Record) error {
	m.cur.Cycle = s.Cursor.Cycle
	for _, r := range records {
		switch b := r.Body.(type) {
		case *journal.CycleStarted:
			m.applyLeft(b)
		case *journal.EventReceived:
			m.applyEvent(b, r.Time, r.Seq)
		case *journal.TaskFinished:
			m.applyAnswer(m.finishedKey(b), b)
		}
		m.remember(r)
	}
	// After the last cycle no cycle applies what it has left, unless the stack is reopened.
	if !s.Cursor.Status.Ended() && s.Cursor.Finally == nil && len(m.inbox) != s.Cursor.Inbox {
		return fmt.Errorf("machine: %d events wait for the next cycle, %d are in the records", s.Cursor.Inbox, len(m.inbox))
	}
	return nil
}

func committed(records []journal.Record, wave uint64) bool {
	for _, r := range records {
		if c, ok := r.Body.(*journal.WaveCommitted); ok && c.Wave == wave {
			return true
		}
	}
	return false
}

func (m *Machine) indices(names []string) []int {
	out := make([]int, 0, len(names))
	for _, n := range names {
		if i, ok := m.plan.index[n]; ok {
			out = append(out, i)
		}
	}
	return out
}

// pickUp puts the tasks of a wave where they were: backoffs continue, and what never
// began is queued.
func (m *Machine) pickUp(w *wave) {
	for k := range w.runs {
		r := &w.runs[k]
		for x := r.first; x < r.first+r.n && !r.over; x++ {
			t := &w.tasks[x]
			switch {
			case t.state == backoff && t.due.After(m.at):
				m.arm(t, r)
			case t.state == backoff:
				m.turn(t, r, idle)
				r.again = append(r.again, x)
			case t.state == onHold && m.g.Nodes[r.node].Kind.Waits: // its time is in the cursor
			case t.state == onHold && m.waits(t, r):
				m.arm(t, r)
			case t.state == onHold:
				m.turn(t, r, idle)
				r.again = append(r.again, x)
			}
		}
		if !r.over && r.err == nil {
			m.fill(r)
		}
	}
}

// valuesIn are the values of a graph's keys in a stored state. A key that is not there has
// its initial value.
func valuesIn(g *graph.Graph, state map[string]any) []any {
	values := make([]any, len(g.Keys))
	for i := range g.Keys {
		v, ok := state[g.Keys[i].Name]
		if !ok {
			v = g.Keys[i].Initial
		}
		values[i] = v
	}
	return values
}
