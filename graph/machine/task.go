package machine

import (
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/value"
)

// taskState is where a task stands between its attempts.
type taskState uint8

const (
	idle    taskState = iota // not queued, or to be queued again
	queued                   // waits for its pool
	running                  // holds a slot
	backoff                  // waits for its next attempt
	over
)

// task is one element of a node's run, or the node itself.
type task struct {
	run       int
	index     int
	item      string // the element's key
	value     any    // the element
	state     taskState
	attempt   int // of the last attempt that was queued or started
	tries     int // attempts that failed
	cut       bool
	ok        bool
	output    any
	err       *Failure
	with      any
	ready     bool // with and priority are evaluated
	priority  int
	startedAt time.Time // of the running attempt
	firstAt   time.Time // of the first attempt
	due       time.Time // of the next attempt, in backoff
	turns     uint32    // grows with every change of state: older timers are void
}

// turn moves a task to another state, and keeps count.
func (m *Machine) turn(t *task, r *run, to taskState) {
	was := t.state == queued || t.state == running
	is := to == queued || to == running
	switch {
	case is && !was:
		r.active++
	case was && !is:
		r.active--
	}
	t.state = to
	t.turns++
	if to == over {
		t.with = nil
		if r.left--; r.left == 0 {
			m.endRun(r)
		}
	}
}

// find looks a task of the open wave up. A nil task with a run is the node as a
// whole, under for_each; nil, nil: there is no such task.
func (m *Machine) find(node, item string) (*task, *run) {
	i, ok := m.plan.index[node]
	if !ok || !m.wave.open {
		return nil, nil
	}
	k := m.nodes[i].run
	if k >= len(m.wave.runs) || m.wave.runs[k].node != i {
		return nil, nil
	}
	r := &m.wave.runs[k]
	if m.g.Nodes[i].ForEach == nil {
		if item != "" {
			return nil, nil
		}
		return &m.wave.tasks[r.first], r
	}
	if item == "" {
		return nil, r
	}
	if x, ok := r.byKey[item]; ok {
		return &m.wave.tasks[x], r
	}
	return nil, nil
}

// current is the task that an input is about, when it is about its present
// attempt.
func (m *Machine) current(key TaskKey, attempt int, in ...taskState) (*task, *run) {
	if !m.cur.Open || key.Cycle != m.cur.Cycle || key.Wave != m.cur.Wave {
		return nil, nil
	}
	t, r := m.find(key.Node, key.Item)
	if t == nil || t.attempt != attempt {
		return nil, nil
	}
	for _, s := range in {
		if t.state == s {
			return t, r
		}
	}
	return nil, nil
}

func (m *Machine) taskRunning(in TaskRunning) {
	t, _ := m.current(in.Key, in.Attempt, queued)
	if t == nil {
		return
	}
	m.emit(&TaskStarted{Wave: m.cur.Wave, Node: in.Key.Node, Item: in.Key.Item, Attempt: in.Attempt})
	m.arm(t)
}

func (m *Machine) taskDone(in TaskDone) {
	t, r := m.current(in.Key, in.Attempt, running)
	if t == nil {
		return
	}
	m.finishDone(t, r, in.Output, in.Tokens, in.Cost)
}

// finishDone takes an output in: without secrets, canonical, and with writes
// that fit, or the attempt has failed.
func (m *Machine) finishDone(t *task, r *run, output any, tokens int64, cost float64) {
	body := m.finished(t, r)
	body.Status, body.Tokens, body.Cost = succeeded.String(), tokens, cost
	v, err := value.Of(output)
	if err != nil {
		body.Error = m.maskFailure(Failure{Kind: "output", Message: err.Error()})
	} else {
		body.Output = m.mask(v)
		if n := &m.g.Nodes[r.node]; n.ForEach == nil {
			r.written, body.Error = m.evalWrites(n, body.Output)
		}
	}
	m.finish(t, r, body)
}

func (m *Machine) taskFailed(in TaskFailed) {
	t, r := m.current(in.Key, in.Attempt, running)
	if t == nil {
		return
	}
	f := in.Failure
	if f.Kind == "" {
		f.Kind = "error"
	}
	body := m.finished(t, r)
	body.Tokens, body.Cost, body.Error = in.Tokens, in.Cost, m.maskFailure(f)
	m.finish(t, r, body)
}

// finished begins the record of an attempt's end.
func (m *Machine) finished(t *task, r *run) *TaskFinished {
	b := &TaskFinished{Wave: m.cur.Wave, Node: m.g.Nodes[r.node].ID, Item: t.item, Attempt: t.attempt}
	if t.state == running {
		b.Duration = max(0, m.at.Sub(t.startedAt))
	}
	return b
}

// finish ends an attempt: for good, or until its next try.
func (m *Machine) finish(t *task, r *run, body *TaskFinished) {
	n := &m.g.Nodes[r.node]
	if body.Error != nil {
		body.Status = failed.String()
		body.RetryAt = m.retryAt(t, n, body)
	}
	fast := body.Error != nil && body.RetryAt.IsZero() && n.ForEach != nil && n.ForEach.OnFailure == graph.Fast
	var rest []*TaskFinished
	if fast {
		rest = m.cancelRun(r, t)
	}
	k := t.run
	m.emit(body)
	for _, b := range rest {
		m.emit(b)
	}
	if t.state == backoff {
		m.arm(t)
	}
	m.fill(k)
}

// cancelRun asks for the end of a node's other attempts, and gives the records
// of those that had begun.
func (m *Machine) cancelRun(r *run, except *task) (ended []*TaskFinished) {
	for x := r.first; x < r.first+r.n; x++ {
		t := &m.wave.tasks[x]
		if t == except || t.state != queued && t.state != running {
			continue
		}
		m.out.cancel = append(m.out.cancel, m.key(t, r))
		if t.state == running {
			b := m.finished(t, r)
			b.Status, b.Error = failed.String(), &Failure{Kind: "cancelled", Message: "cancelled"}
			ended = append(ended, b)
		}
	}
	return ended
}

// cancelTasks ends all attempts of the open wave.
func (m *Machine) cancelTasks() {
	if !m.wave.open {
		return
	}
	for k := range m.wave.runs {
		for _, b := range m.cancelRun(&m.wave.runs[k], nil) {
			m.emit(b)
		}
	}
}

func (m *Machine) key(t *task, r *run) TaskKey {
	return TaskKey{Cycle: m.cur.Cycle, Wave: m.cur.Wave, Node: m.g.Nodes[r.node].ID, Item: t.item}
}

// enqueue gives a task to its pool, or runs it here when it takes no time.
func (m *Machine) enqueue(x int) {
	t := &m.wave.tasks[x]
	r := &m.wave.runs[t.run]
	n := &m.g.Nodes[r.node]
	if !t.ready {
		if f := m.prepare(t, r, n); f != nil {
			m.failBegun(t, r, f)
			return
		}
	}
	t.attempt++
	if n.Kind.Inline {
		m.emit(&TaskStarted{Wave: m.cur.Wave, Node: n.ID, Item: t.item, Attempt: t.attempt})
		m.finishInline(t, r)
		return
	}
	m.turn(t, r, queued)
	m.arm(t)
	m.out.start = append(m.out.start, Task{
		Key: m.key(t, r), Attempt: t.attempt, Node: r.node, Index: t.index,
		With: t.with, Pool: n.Pool, Priority: t.priority, Rerun: t.cut,
	})
}

// finishInline is finishDone for a kind without work: nothing can retry it.
func (m *Machine) finishInline(t *task, r *run) {
	output := t.with
	if output == nil {
		output = map[string]any{}
	}
	m.finishDone(t, r, output, 0, 0)
}

// failBegun ends a task whose `with` cannot be had.
func (m *Machine) failBegun(t *task, r *run, f *Failure) {
	t.attempt++
	m.emit(&TaskStarted{Wave: m.cur.Wave, Node: m.g.Nodes[r.node].ID, Item: t.item, Attempt: t.attempt})
	body := m.finished(t, r)
	body.Error = f
	m.finish(t, r, body)
}

// prepare evaluates what the attempts of a task are given.
func (m *Machine) prepare(t *task, r *run, n *graph.Node) *Failure {
	s := m.env.Slots
	s[graph.SlotError] = m.errorOf(r.node)
	s[graph.SlotSecrets] = m.o.Secrets
	if n.ForEach != nil {
		s[graph.SlotItem], s[graph.SlotIndex] = t.value, int64(t.index)
	}
	defer func() {
		s[graph.SlotError], s[graph.SlotSecrets], s[graph.SlotItem], s[graph.SlotIndex] = nil, nil, nil, nil
	}()
	if n.With != nil {
		with, err := n.With.Eval(m.env)
		if err != nil {
			return m.maskFailure(*failureOf(err))
		}
		t.with = with
	}
	if n.Priority != nil {
		v, err := n.Priority.Eval(m.env)
		if err != nil {
			return m.maskFailure(*failureOf(err))
		}
		p, ok := wholeNumber(v)
		if !ok {
			return m.maskFailure(Failure{Kind: "config", Permanent: true,
				Message: fmt.Sprintf("priority is %s, expected an integer", value.String(v))})
		}
		t.priority = p
	}
	t.ready = true
	return nil
}

func wholeNumber(v any) (int, bool) {
	switch v := v.(type) {
	case nil:
		return 0, true
	case int64:
		return int(v), true
	case float64:
		return int(v), v == float64(int(v))
	}
	return 0, false
}
