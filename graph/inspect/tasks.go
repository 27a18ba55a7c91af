package inspect

import (
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// Tasks follows the tasks of a stack through its records. The zero value has seen none.
// It is not safe for concurrent use.
type Tasks struct {
	open      []begun       // nodes that began and are not committed
	tasks     []*TaskStatus // as they began
	byKey     map[journal.TaskKey]*TaskStatus
	spare     []*TaskStatus // of tasks that were forgotten, for those that follow
	over      int           // of tasks
	lastError *TaskError
	failed    []Elements // of nodes that were committed in the present cycle
}

// WaveOpen says whether a wave has begun and is not committed.
func (p *Tasks) WaveOpen() bool { return len(p.open) > 0 }

// begun is a node that has begun.
type begun struct {
	key journal.TaskKey
	at  time.Time
}

// LastError returns the last failure in the records of the present cycle and of those
// before it that were read, or nil.
func (p *Tasks) LastError() *TaskError { return p.lastError }

// Failed counts the failed elements of the nodes with for_each that were committed in the
// present cycle. A node without failed elements is left out.
func (p *Tasks) Failed() []Elements { return slices.Clone(p.failed) }

// Elements says how many elements of a node with for_each failed.
type Elements struct {
	Node       string
	Failed, Of int
}

// keptTasks bounds how many finished tasks are kept. In a larger cycle those that began
// first are dropped.
const keptTasks = 1000

// keptSpare bounds how many forgotten tasks are kept for their memory: those of most cycles.
const keptSpare = 64

// TaskStatus reports where a task stands.
type TaskStatus struct {
	Node, Item string // Item is "" for a for_each node before its first element begins
	Cycle      uint64
	Wave       uint64
	State      TaskState
	Attempt    int
	Since      time.Time // it is in this state
	RetryAt    time.Time // end of a backoff
	Of         int       // elements of its node under for_each; 0 where the engine that runs the stack has not said
	Previous   []Attempt // that failed, and were followed by another; oldest first

	// Set if the task is over.
	Status string // succeeded or failed
	Took   time.Duration
	Error  *journal.Failure

	// Behind is the task that has the lock, or a slot of the pool, that this one is queued
	// for. It is nil if no task has, as when the pool is on hold.
	Behind *Behind
	// Slot is what this task is queued for, as the engine knows that runs the stack; nil for
	// a task that is not queued.
	Slot *Slot

	// What its attempts have used of models, as far as it is recorded.
	Tokens int64
	Cost   float64
}

// Behind is a task that another one waits behind.
type Behind struct {
	Stack string `json:"stack"`
	Node  string `json:"node"` // "" where the engine that runs the stack does not know it
	Item  string `json:"item,omitzero"`
}

// Slot is a slot of a pool, or a lock, that a task is queued for.
type Slot struct {
	Pool     string   `json:"pool"`          // "" for one that needs no slot, behind its lock
	Lock     bool     `json:"lock,omitzero"` // it waits for its lock first
	Running  int      `json:"running"`       // slots that are taken
	Parallel int      `json:"parallel"`      // slots that there are; 0 while the pool is on hold
	By       []Behind `json:"by"`            // tasks in the slots, or the one with the lock, the oldest first; at most MaxHolders
}

// MaxHolders is how many holders of a pool's slots are named.
const MaxHolders = 8

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
		p.used(r)
		switch b := r.Body.(type) {
		case *journal.StackStarted:
			if b.From != nil {
				p.beginAgain(r.Time)
			}
		case *journal.CycleStarted:
			p.open, p.failed = p.open[:0], p.failed[:0]
			p.forgetOver()
			p.faults(r, 0, "", b.Faults...)
		case *journal.NodeDecided:
			p.decided(r, b)
		case *journal.Round:
			for _, d := range b.Failed { // a few of thousands in a large graph
				p.decided(r, d)
			}
		case *journal.CycleFinished:
			p.faults(r, 0, "", b.Faults...)
		case *journal.WaveStarted:
			for _, node := range b.Nodes {
				p.open = append(p.open, begun{journal.TaskKey{Cycle: r.Cycle, Wave: b.Wave, Node: node}, r.Time})
			}
		case *journal.TaskStarted:
			key, _ := r.Task()
			t := p.task(key)
			t.State, t.Attempt, t.Since, t.RetryAt = TaskRunning, b.Attempt, r.Time, time.Time{}
		case *journal.TaskHeld:
			key, _ := r.Task()
			t := p.task(key)
			t.State, t.Attempt, t.Since, t.RetryAt = TaskWaiting, b.Attempt, r.Time, time.Time{}
		case *journal.TaskFinished:
			p.finished(r, b)
		case *journal.WaveCommitted:
			p.open = slices.DeleteFunc(p.open, func(o begun) bool { return b.Commit == 0 || settles(b, o.key.Node) })
			p.settled(r, b)
		case *journal.StackFinished:
			p.open = p.open[:0]
			p.forget(func(t *TaskStatus) bool { return t.State != TaskOver })
		}
	}
}

func (p *Tasks) decided(r *journal.Record, b *journal.NodeDecided) {
	for k := range b.Edges {
		if e := &b.Edges[k]; e.Error != "" {
			p.faults(r, b.Wave, b.Node, e.When+": "+e.Error)
		}
	}
}

// beginAgain has the tasks of a fork wait for their next attempts: those that ran were
// those of the stack that it was forked from.
func (p *Tasks) beginAgain(at time.Time) {
	for _, t := range p.byKey { // in any order: each for itself
		if t.State == TaskRunning {
			t.State, t.Since = TaskQueued, at
		}
	}
}

// used adds what a record says that its task used. One that was dropped stays dropped.
func (p *Tasks) used(r *journal.Record) {
	key, u, ok := usedBy(r)
	if t := p.byKey[key]; ok && t != nil {
		t.Tokens += u.tokens
		t.Cost += u.cost
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

// settled notes what a commit tells besides the ends of tasks.
func (p *Tasks) settled(r *journal.Record, b *journal.WaveCommitted) {
	for i := range b.Settled {
		s := &b.Settled[i]
		if s.AtCommit && s.Error != nil {
			p.lastError = &TaskError{Cycle: r.Cycle, Wave: b.Wave, Node: s.Node, At: r.Time, Error: *s.Error}
		}
		if e := s.Elements(); e.Of > 0 {
			p.failed = append(p.failed, Elements{s.Node, e.Failed, e.Of})
		}
	}
}

// task finds a task, or adds it.
func (p *Tasks) task(k journal.TaskKey) *TaskStatus {
	t := p.byKey[k]
	if t == nil {
		if n := len(p.spare); n > 0 {
			t, p.spare = p.spare[n-1], p.spare[:n-1]
		} else {
			t = new(TaskStatus)
		}
		*t = TaskStatus{Node: k.Node, Item: k.Item, Cycle: k.Cycle, Wave: k.Wave}
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
		p.spare = append(p.spare, p.tasks[:min(len(p.tasks), keptSpare-len(p.spare))]...)
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
			if len(p.spare) < keptSpare {
				p.spare = append(p.spare, t) // List gives copies
			}
		}
		return gone
	})
}

// Queued notes an attempt that was given to its pool, and of how many elements it is one,
// 0 without for_each. No record says so.
func (p *Tasks) Queued(key journal.TaskKey, attempt, of int, since time.Time) {
	t := p.task(key)
	t.Of = of
	t.State, t.Attempt, t.Since, t.RetryAt = TaskQueued, attempt, since, time.Time{}
}

// List copies the tasks, together with those that wait for something outside. While
// nobody drives the stack, tasks that were running count as queued.
func (p *Tasks) List(c *journal.Cursor, runs bool) []TaskStatus {
	out := make([]TaskStatus, 0, len(p.tasks)+len(c.Waiting))
	known := map[journal.TaskKey]bool{}
	add := func(t TaskStatus) {
		known[journal.TaskKey{Cycle: t.Cycle, Wave: t.Wave, Node: t.Node}], known[t.key()] = true, true
		out = append(out, t)
	}
	waits := make(map[journal.TaskKey]bool, len(c.Waiting))
	for i := range c.Waiting {
		waits[c.Waiting[i].Task()] = true
	}
	waiting := func(t *TaskStatus) bool { return waits[t.key()] }
	asking := func(t *TaskStatus) *journal.Waiting {
		if i := slices.IndexFunc(c.Asking, func(w journal.Waiting) bool { return w.Task() == t.key() }); i >= 0 {
			return &c.Asking[i]
		}
		return nil
	}
	for _, t := range p.tasks {
		one := *t
		one.Previous = slices.Clone(t.Previous)
		until := c.ParkedUntil(t.key())
		question := asking(t)
		switch {
		case one.State == TaskOver:
		case question != nil && (one.State == TaskRunning || one.State == TaskWaiting):
			one.State, one.Since = TaskWaiting, question.Since
		case one.State == TaskWaiting: // it was held, and has all its words
			one.State = TaskQueued
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
		if w := &c.Waiting[i]; !w.Answered && !known[w.Task()] {
			add(TaskStatus{Node: w.Node, Item: w.Item, Cycle: w.Cycle, Wave: w.Wave, State: TaskWaiting, Attempt: 1, Since: w.Since})
		}
	}
	for i := range c.Asking {
		w := &c.Asking[i]
		if k := w.Task(); !slices.ContainsFunc(out, func(t TaskStatus) bool { return t.key() == k }) {
			known[journal.TaskKey{Cycle: w.Cycle, Wave: w.Wave, Node: w.Node}] = true
			out = append(out, TaskStatus{Node: w.Node, Item: w.Item, Cycle: w.Cycle, Wave: w.Wave, State: TaskWaiting, Attempt: 1, Since: w.Since})
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
	for _, o := range p.open {
		missing(o.key, TaskQueued, o.at)
	}
	return out
}

// settles reports whether a commit, which is whole, has the end of a node.
func settles(b *journal.WaveCommitted, node string) bool {
	return slices.ContainsFunc(b.Settled, func(s journal.Settled) bool { return s.Node == node })
}
