package machine

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// feed gives the machine the input that the next record came from.
func (p *replay) feed() error {
	m, r := p.m, p.window[0]
	switch b := r.Body.(type) {
	case *journal.EventReceived:
		return m.Step(Event{At: r.Time, ID: b.ID, Name: b.Event, Payload: b.Payload})
	case *journal.CycleStarted:
		if err := p.adopt(b.Hash); err != nil {
			return fmt.Errorf("cycle %d: %w", r.Cycle, err)
		}
		return m.Step(Woke{At: r.Time, Early: true})
	case *journal.TaskStarted:
		m.requeue(b)
		return m.Step(TaskRunning{At: r.Time, Key: m.startedKey(b), Attempt: b.Attempt})
	case *journal.TaskStep:
		content, err := value.Of(b.Content)
		if err != nil {
			return err
		}
		return m.Step(TaskStep{At: r.Time, Key: m.steppedKey(b), Attempt: b.Attempt, Name: b.Name, Content: content,
			Duration: b.Duration, Tokens: b.Tokens, Cost: b.Cost, Error: b.Error})
	case *journal.TaskUsed:
		key := journal.TaskKey{Cycle: cmp.Or(b.Began, r.Cycle), Wave: b.Wave, Node: b.Node, Item: b.Item}
		return m.Step(TaskUsed{At: r.Time, Key: key, Attempt: b.Attempt, Tokens: b.Tokens, Cost: b.Cost})
	case *journal.TaskFinished:
		return p.feedEnd(r, b)
	case *journal.StackFinished:
		if b.Status == journal.Cancelled {
			return m.Step(Cancel{At: r.Time, Reason: b.Reason})
		}
		if end := m.expiry(); !end.IsZero() && !end.After(r.Time) {
			return m.Step(Woke{At: r.Time})
		}
	}
	return nil // a decision that was not taken again
}

// adopt switches to the definition that the stack adopted then.
func (p *replay) adopt(hash string) error {
	if hash == p.m.cur.Hash {
		return nil
	}
	g, err := p.graphs(hash)
	if err != nil {
		return err
	}
	if err := p.m.Adopt(g); err != nil {
		return err
	}
	p.pull()
	return nil
}

// feedEnd feeds the end of an attempt or of a wait: a result, a cancelling, or a
// timer of the machine's own. The recorded failure says why a running attempt was
// ended.
func (p *replay) feedEnd(r journal.Record, b *journal.TaskFinished) error {
	m := p.m
	if end := p.ending(0); end != nil && end.Status == journal.Cancelled && m.cur.Closing == nil {
		if err := m.Step(Cancel{At: r.Time, Reason: end.Reason}); err != nil || m.cur.Status.Ended() {
			return err
		}
	}
	key := m.finishedKey(b)
	if w := m.waitingFor(b.Node); w != nil && w.Cycle == key.Cycle && w.Wave == key.Wave {
		return m.feedAnswer(w, b, r.Time)
	}
	t, run := m.find(key)
	if t != nil && b.Error != nil {
		if b.Attempt > t.attempt && (t.state == running || t.state == ending) {
			m.turn(t, run, queued) // that attempt was cut off, and the next one was queued
		}
		switch {
		case t.state == ending:
			t.fate = b.Error
		case t.state == running:
		case b.Error.Kind == "timeout" && m.overdue(t, run, r.Time):
			m.at, t.attempt = r.Time, b.Attempt
			m.fire(t, run)
			m.proceed()
			return nil
		case b.Error.Kind == "cancelled":
			t.attempt = b.Attempt // the others may not have made room for it yet
			return m.Step(CancelTask{At: r.Time, Node: b.Node, Item: b.Item})
		}
	}
	if b.Status == succeeded.String() || b.Output != nil {
		output, err := value.Of(b.Output)
		if err != nil {
			return err
		}
		return m.Step(TaskDone{At: r.Time, Key: key, Attempt: b.Attempt, Output: output, Tokens: b.Tokens, Cost: b.Cost})
	}
	return m.Step(TaskFailed{At: r.Time, Key: key, Attempt: b.Attempt, Failure: *b.Error, Tokens: b.Tokens, Cost: b.Cost})
}

// feedAnswer ends a wait: by time, or by what was answered.
func (m *Machine) feedAnswer(w *journal.Waiting, b *journal.TaskFinished, at time.Time) error {
	switch {
	case !w.Late(at):
	case b.Error != nil && b.Error.Kind == "cancelled":
		return m.Step(CancelTask{At: at, Node: b.Node})
	default:
		m.at = at
		m.waitOver(w)
		return nil
	}
	return m.Step(Answer{At: at, Node: b.Node, For: w.ID(), Output: b.Output, Failure: b.Error})
}

// cameIn reports that record i is none of the machine's own decisions.
func (p *replay) cameIn(i int) bool {
	switch b := p.window[i].Body.(type) {
	case *journal.EventReceived, *journal.TaskStarted, *journal.TaskStep, *journal.TaskUsed:
		return true
	case *journal.TaskFinished:
		end := p.ending(i)
		return end == nil || end.Status == journal.Cancelled
	case *journal.StackFinished:
		return b.Status == journal.Cancelled
	}
	return false
}

// ending is the end of the stack that the records from i on are: what still ran
// or waited is cancelled first, the last of it at that moment. It is nil when they
// are something else.
func (p *replay) ending(i int) *journal.StackFinished {
	last := p.window[i].Time
	for ; ; i++ {
		rec, ok := p.peek(i)
		if !ok {
			return nil
		}
		switch b := rec.Body.(type) {
		case *journal.TaskFinished:
			if b.Error == nil || b.Error.Kind != "cancelled" {
				return nil
			}
			last = rec.Time
		case *journal.StackFinished:
			if !rec.Time.Equal(last) {
				return nil
			}
			return b
		case *journal.TaskUsed:
		default:
			return nil
		}
	}
}

// overdue reports that an attempt's timeout or deadline has passed.
func (m *Machine) overdue(t *task, r *run, at time.Time) bool {
	n := &m.g.Nodes[r.node]
	return n.Timeout > 0 && t.state == running && !t.startedAt.Add(n.Timeout).After(at) ||
		n.Deadline > 0 && !t.firstAt.IsZero() && !t.firstAt.Add(n.Deadline).After(at)
}

// requeue brings a task to the attempt that was started then: its backoff was
// over, or the one before was cut off by a restart.
func (m *Machine) requeue(b *journal.TaskStarted) {
	if t, r := m.find(m.startedKey(b)); t != nil && t.state != over {
		m.turn(t, r, queued)
		m.cur.Ending = slices.DeleteFunc(slices.Clone(m.cur.Ending), func(e journal.Ending) bool { return e.Key() == m.key(t, r) })
		t.attempt, t.crashes = b.Attempt, b.Crashes
	}
}
