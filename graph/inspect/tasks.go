package inspect

import (
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// Tasks follows the tasks of a stack through its records. The zero value has seen none.
// It is not safe for concurrent use.
type Tasks struct {
	waveOpen  bool
	wave      journal.Record // that began the wave that was begun last
	tasks     []*TaskStatus  // as they began
	byKey     map[journal.TaskKey]*TaskStatus
	over      int // of tasks
	lastError *TaskError
}

// WaveOpen says whether a wave has begun and is not committed.
func (p *Tasks) WaveOpen() bool { return p.waveOpen }

// LastError returns the last failure in the records of the present cycle and of those
// before it that were read, or nil.
func (p *Tasks) LastError() *TaskError { return p.lastError }

// keptTasks bounds how many finished tasks are kept. In a larger cycle those that began
// first are dropped.
const keptTasks = 1000

// TaskStatus reports where a task stands.
type TaskStatus struct {
	Node, Item string // Item is "" for a for_each node before its first element begins
	Cycle      uint64
	Wave       uint64
	State      TaskState
	Attempt    int
	Since      time.Time // it is in this state
	RetryAt    time.Time // end of a backoff
	Previous   []Attempt // that failed, and were followed by another; oldest first

	// Set if the task is over.
	Status string // succeeded or failed
	Took   time.Duration
	Error  *journal.Failure
}

func (t *TaskStatus) key() journal.TaskKey {
	return journal.TaskKey{Cycle: t.Cycle, Wave: t.Wave, Node: t.Node, Item: t.Item}
}

// TaskState is where a task stands.
type TaskState string

const (
	TaskQueued  TaskState = "queued"   // waits for its pool, or for somebody to run the stack
	TaskRunning TaskState = "running"  // holds a slot
	TaskBackoff TaskState = "backoff"  // waits for its next attempt
	TaskParked  TaskState = "parked"   // not started again for a while: the engine died too often while it ran
	TaskWaiting TaskState = "waiting"  // for an answer, an event or a time
	TaskOver    TaskState = "finished" // there will be no other attempt
)

// Attempt is a failed attempt.
type Attempt struct {
	Attempt int
	At      time.Time // of its end
	Took    time.Duration
	Error   journal.Failure
}

// TaskError is the last failure of a stack. It belongs to a task, to a node as a whole,
// or to a condition of a node's edges; without Node, to the beginning or end of a
// cycle.
type TaskError struct {
	Cycle, Wave uint64
	Node, Item  string
	At          time.Time
	Error       journal.Failure
}

// Take reads records of a stack, in their order.
func (p *Tasks) Take(records []journal.Record) {
	for i := range records {
		r := &records[i]
		switch b := r.Body.(type) {
		case *journal.CycleStarted:
			p.waveOpen = false
			p.forgetOver()
			p.faults(r, 0, "", b.Faults...)
		case *journal.NodeDecided:
			for k := range b.Edges { // thousands of them in a large graph
				if e := &b.Edges[k]; e.Error != "" {
					p.faults(r, b.Wave, b.Node, e.When+": "+e.Error)
				}
			}
		case *journal.CycleFinished:
			p.faults(r, 0, "", b.Faults...)
		case *journal.WaveStarted:
			p.waveOpen, p.wave = true, *r
		case *journal.TaskStarted:
			key, _ := r.Task()
			t := p.task(key)
			t.State, t.Attempt, t.Since, t.RetryAt = TaskRunning, b.Attempt, r.Time, time.Time{}
		case *journal.TaskFinished:
			p.finished(r, b)
		case *journal.WaveCommitted:
			p.waveOpen = false
		case *journal.StackFinished:
			p.waveOpen = false
			p.forget(func(t *TaskStatus) bool { return t.State != TaskOver })
		}
	}
}

// faults notes what made a cycle fail without a task.
func (p *Tasks) faults(r *journal.Record, wave uint64, node string, messages ...string) {
	for _, m := range messages {
		p.lastError = &TaskError{Cycle: r.Cycle, Wave: wave, Node: node, At: r.Time,
			Error: journal.Failure{Kind: "expression", Message: m}}
	}
}

func (p *Tasks) finished(r *journal.Record, b *journal.TaskFinished) {
	key, _ := r.Task()
	t := p.task(key)
	if b.Error != nil {
		p.lastError = &TaskError{Cycle: t.Cycle, Wave: b.Wave, Node: b.Node, Item: b.Item, At: r.Time, Error: *b.Error}
	}
	t.Since, t.RetryAt = r.Time, b.RetryAt
	if !b.RetryAt.IsZero() {
		t.State = TaskBackoff
		t.Previous = append(t.Previous, Attempt{Attempt: b.Attempt, At: r.Time, Took: b.Duration, Error: *b.Error})
		return
	}
	t.State, t.Attempt, t.Status, t.Took, t.Error = TaskOver, b.Attempt, b.Status, b.Duration, b.Error
	if p.over++; p.over >= 2*keptTasks {
		n := p.over - keptTasks
		p.forget(func(t *TaskStatus) bool {
			n--
			return n >= 0 && t.State == TaskOver
		})
	}
}

// task finds a task, or adds it.
func (p *Tasks) task(k journal.TaskKey) *TaskStatus {
	t := p.byKey[k]
	if t == nil {
		t = &TaskStatus{Node: k.Node, Item: k.Item, Cycle: k.Cycle, Wave: k.Wave}
		if p.byKey == nil {
			p.byKey = map[journal.TaskKey]*TaskStatus{}
		}
		p.byKey[k] = t
		p.tasks = append(p.tasks, t)
	}
	return t
}

// forgetOver drops the nodes that are over. A node that continues in the background
// keeps all its tasks.
func (p *Tasks) forgetOver() {
	if p.over == len(p.tasks) {
		clear(p.tasks)
		clear(p.byKey)
		p.tasks, p.over = p.tasks[:0], 0
		return
	}
	goesOn := map[journal.TaskKey]bool{}
	for _, t := range p.tasks {
		if t.State != TaskOver {
			goesOn[journal.TaskKey{Cycle: t.Cycle, Wave: t.Wave, Node: t.Node}] = true
		}
	}
	p.forget(func(t *TaskStatus) bool {
		return !goesOn[journal.TaskKey{Cycle: t.Cycle, Wave: t.Wave, Node: t.Node}]
	})
}

func (p *Tasks) forget(which func(*TaskStatus) bool) {
	p.tasks = slices.DeleteFunc(p.tasks, func(t *TaskStatus) bool {
		gone := which(t)
		if gone {
			delete(p.byKey, t.key())
			if t.State == TaskOver {
				p.over--
			}
		}
		return gone
	})
}

// Queued notes an attempt that was given to its pool. No record says so.
func (p *Tasks) Queued(key journal.TaskKey, attempt int, since time.Time) {
	t := p.task(key)
	t.State, t.Attempt, t.Since, t.RetryAt = TaskQueued, attempt, since, time.Time{}
}

// List copies the tasks, together with those that wait for something outside. While
// nobody drives the stack, tasks that were running count as queued.
func (p *Tasks) List(c *journal.Cursor, runs bool) []TaskStatus {
	out := make([]TaskStatus, 0, len(p.tasks)+len(c.Waiting))
	known := map[journal.TaskKey]bool{}
	add := func(t TaskStatus) {
		known[journal.TaskKey{Cycle: t.Cycle, Wave: t.Wave, Node: t.Node}] = true
		out = append(out, t)
	}
	waiting := func(t *TaskStatus) bool {
		return slices.ContainsFunc(c.Waiting, func(w journal.Waiting) bool {
			return w.Node == t.Node && w.Cycle == t.Cycle && w.Wave == t.Wave
		})
	}
	for _, t := range p.tasks {
		one := *t
		one.Previous = slices.Clone(t.Previous)
		until := c.ParkedUntil(t.key())
		switch {
		case one.State != TaskRunning:
		case !until.IsZero():
			one.State, one.RetryAt = TaskParked, until
		case waiting(t):
			one.State = TaskWaiting
		case !runs:
			one.State = TaskQueued
		}
		add(one)
	}
	if c.Status.Ended() {
		return out
	}
	missing := func(k journal.TaskKey, state TaskState, since time.Time) {
		if !known[k] {
			add(TaskStatus{Node: k.Node, Cycle: k.Cycle, Wave: k.Wave, State: state, Attempt: 1, Since: since})
		}
	}
	for i := range c.Waiting { // since an earlier cycle
		if w := &c.Waiting[i]; !w.Answered {
			missing(journal.TaskKey{Cycle: w.Cycle, Wave: w.Wave, Node: w.Node}, TaskWaiting, w.Since)
		}
	}
	if runs {
		return out
	}
	for i := range c.Background {
		if b := &c.Background[i]; !b.Over {
			missing(journal.TaskKey{Cycle: b.Cycle, Wave: b.Wave, Node: b.Node}, TaskQueued, b.Since)
		}
	}
	if p.waveOpen {
		w := p.wave.Body.(*journal.WaveStarted)
		for _, node := range w.Nodes {
			missing(journal.TaskKey{Cycle: p.wave.Cycle, Wave: w.Wave, Node: node}, TaskQueued, p.wave.Time)
		}
	}
	return out
}
