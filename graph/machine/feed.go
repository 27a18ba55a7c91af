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
		return m.Step(Event{At: r.Time, ID: b.ID, Name: b.Event, Payload: b.Payload, By: b.By})
	case *journal.CycleStarted:
		if b.Finally {
			return p.feedClosing(r.Time, journal.Outcome{Status: b.Status, Reason: b.Reason, By: b.By})
		}
		if err := p.adopt(b.Hash, r.Time); err != nil {
			return fmt.Errorf("cycle %d: %w", r.Cycle, err)
		}
		return m.Step(Woke{At: r.Time, Early: true})
	case *journal.TaskStarted:
		if t, run := m.find(m.startedKey(b)); t != nil && m.g.Nodes[run.node].Kind.Waits {
			m.at = r.Time // it began when a later driver continued the stack
			m.fill(run)
			return nil
		}
		m.requeue(b)
		return m.Step(TaskRunning{At: r.Time, Key: m.startedKey(b), Attempt: b.Attempt})
	case *journal.TaskStep:
		content, err := value.Of(b.Content)
		if err != nil {
			return err
		}
		return m.Step(TaskStep{At: r.Time, Key: m.steppedKey(b), Attempt: b.Attempt, Name: b.Name, Content: content,
			Duration: b.Duration, Tokens: b.Tokens, Cost: b.Cost, Error: b.Error, Mark: b.Mark, Call: b.Call})
	case *journal.TaskWaiting:
		return m.Step(TaskWaits{At: r.Time, Key: m.keyOf(b.Began, b.Wave, b.Node, b.Item), Attempt: b.Attempt, Calls: b.Calls})
	case *journal.TaskAnswered:
		t, run := m.find(m.keyOf(b.Began, b.Wave, b.Node, b.Item))
		if t != nil && b.Attempt > t.attempt && (t.state == running || t.state == ending) {
			m.turn(t, run, queued) // that attempt was cut off, and the next one waits for its slot
			t.attempt = b.Attempt
		}
		return m.Step(Answer{At: r.Time, Node: b.Node, Item: b.Item, Call: b.Call, Args: b.Args, Output: b.Output(), By: b.By})
	case *journal.TaskHeld:
		return m.Step(TaskHeld{At: r.Time, Key: m.keyOf(b.Began, b.Wave, b.Node, b.Item), Attempt: b.Attempt, Tokens: b.Tokens, Cost: b.Cost})
	case *journal.TaskUsed:
		key := journal.TaskKey{Cycle: cmp.Or(b.Began, r.Cycle), Wave: b.Wave, Node: b.Node, Item: b.Item}
		return m.Step(TaskUsed{At: r.Time, Key: key, Attempt: b.Attempt, Tokens: b.Tokens, Cost: b.Cost, NodeRuns: b.NodeRuns, Call: b.Call, Nonce: b.Nonce})
	case *journal.TaskFinished:
		return p.feedEnd(r, b)
	case *journal.StackFinished:
		return p.feedClosing(r.Time, journal.Outcome{Status: b.Status, Reason: b.Reason, By: b.By})
	case *journal.StackReopened:
		return m.Step(Reopen{At: r.Time, By: b.By, Limits: b.Limits})
	case *journal.StackControl:
		return m.Step(Control{At: r.Time, Action: b.Action, By: b.By, Node: b.Node, Item: b.Item})
	case *journal.StackStarted:
		if b.From != nil {
			return m.Step(begunFork{id: p.id.At(r.Seq), set: b.State, at: r.Time, by: b.By})
		}
	}
	return nil // a decision that was not taken again
}

// feedClosing gives the machine what ended the stack, or its last cycle, from outside.
func (p *replay) feedClosing(at time.Time, end journal.Outcome) error {
	m := p.m
	last := m.finallyEnds()
	if last.IsZero() {
		last = m.expiry()
	}
	switch {
	case m.cur.Finally == nil && end.Status == journal.Cancelled:
	case !last.IsZero() && !last.After(at):
		return m.Step(Woke{At: at})
	case m.cur.Finally == nil:
		return nil
	}
	return m.Step(Cancel{At: at, Reason: end.Reason, By: end.By})
}

// adopt switches to the definition that the stack adopted then.
func (p *replay) adopt(hash string, at time.Time) error {
	if hash == p.m.cur.Hash {
		return nil
	}
	g, err := p.graphs(hash)
	if err != nil {
		return err
	}
	if err := p.m.Adopt(g, at); err != nil {
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
	if m.finallyEndedIt(b.Error) {
		if err := m.Step(Woke{At: r.Time}); err != nil {
			return err
		}
	}
	if end := p.ending(0); end != nil && p.fromOutside(end) && m.cur.Closing == nil {
		last := m.cur.Finally
		if err := m.Step(Cancel{At: r.Time, Reason: end.Reason, By: end.By}); err != nil || m.cur.Status.Ended() || m.cur.Finally != last {
			return err
		}
	}
	key := m.finishedKey(b)
	if w := m.waitingFor(b.Node, b.Item); w != nil && p.dropsAll(w) {
		return m.Step(CancelTask{At: r.Time, Node: b.Node})
	} else if w != nil && w.Cycle == key.Cycle && w.Wave == key.Wave {
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
		case t.state == running || m.isHeldChild(t, run):
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
		return m.Step(TaskDone{At: r.Time, Key: key, Attempt: b.Attempt, Output: output, Talk: b.Talk, Memory: b.Memory, Tokens: b.Tokens, Cost: b.Cost, NodeRuns: b.NodeRuns})
	}
	if b.Error == nil {
		return nil // a journal that no machine wrote
	}
	return m.Step(TaskFailed{At: r.Time, Key: key, Attempt: b.Attempt, Failure: *b.Error, Wait: b.Wait, Tokens: b.Tokens, Cost: b.Cost, NodeRuns: b.NodeRuns})
}

// feedAnswer ends a wait: by time, or by what was answered.
func (m *Machine) feedAnswer(w *journal.Waiting, b *journal.TaskFinished, at time.Time) error {
	switch {
	case !w.Late(at):
	case b.Error != nil && b.Error.Kind == "cancelled":
		return m.Step(CancelTask{At: at, Node: b.Node, Item: b.Item})
	default:
		m.at = at
		m.waitOver(w)
		return nil
	}
	return m.Step(Answer{At: at, Node: b.Node, Item: b.Item, For: w.ID(), Output: b.Output, Failure: b.Error, By: b.By})
}

// dropsAll reports whether all elements of a node that waits, also those that have not
// begun, were cancelled at once: then none of them makes room for another.
func (p *replay) dropsAll(w *journal.Waiting) bool {
	if w.Item == "" {
		return false
	}
	r := p.m.runOf(p.m.plan.index[w.Node])
	left := 0
	for x := r.first; x < r.first+r.n; x++ {
		if r.w.tasks[x].state != over {
			left++
		}
	}
	if left < 2 {
		return false
	}
	for i := range left {
		rec, ok := p.peek(i)
		if !ok || !rec.Time.Equal(p.window[0].Time) {
			return false
		}
		b, ok := rec.Body.(*journal.TaskFinished)
		if !ok || b.Node != w.Node || b.Item == "" || b.Error == nil || b.Error.Kind != "cancelled" {
			return false
		}
	}
	return true
}

// cameIn reports that record i is none of the machine's own decisions.
func (p *replay) cameIn(i int) bool {
	switch b := p.window[i].Body.(type) {
	case *journal.StackStarted:
		return b.From != nil
	case *journal.EventReceived, *journal.TaskStarted, *journal.TaskStep, *journal.TaskUsed,
		*journal.TaskWaiting, *journal.TaskAnswered, *journal.TaskHeld, *journal.StackReopened, *journal.StackControl:
		return true
	case *journal.TaskFinished:
		end := p.ending(i)
		return end == nil || p.fromOutside(end)
	case *journal.CycleStarted:
		return b.Finally && b.Status == journal.Cancelled
	case *journal.StackFinished:
		return b.Status == journal.Cancelled || p.m.cur.Finally != nil
	}
	return false
}

// fromOutside reports that it was no decision of the machine's own to end the stack, or
// its last cycle, so.
func (p *replay) fromOutside(end *journal.Outcome) bool {
	return end.Status == journal.Cancelled || p.m.cur.Finally != nil
}

// ending is the end of the stack that the records from i on are: what still ran
// or waited is cancelled first, the last of it at that moment. It is nil when they
// are something else.
func (p *replay) ending(i int) *journal.Outcome {
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
		case *journal.CycleStarted:
			if !b.Finally || !rec.Time.Equal(last) {
				return nil
			}
			return &journal.Outcome{Status: b.Status, Reason: b.Reason, By: b.By}
		case *journal.StackFinished:
			if !rec.Time.Equal(last) {
				return nil
			}
			return &journal.Outcome{Status: b.Status, Reason: b.Reason, By: b.By}
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
