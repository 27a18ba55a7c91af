package runtime

import (
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/machine"
)

// progress is what the committed records say of a stack's tasks.
type progress struct {
	waveOpen  bool
	tasks     []*TaskStatus // of the open wave and in the background, as they began
	lastError *TaskError
}

// TaskStatus is a task that runs, or is to run again.
type TaskStatus struct {
	Node, Item string
	Cycle      uint64
	Wave       uint64
	State      TaskState
	Attempt    int
	Since      time.Time // it is in this state
	RetryAt    time.Time // end of a backoff
	Previous   []Attempt // that failed, oldest first
}

// TaskState is where a task stands.
type TaskState string

const (
	TaskQueued  TaskState = "queued"  // waits for its pool
	TaskRunning TaskState = "running" // holds a slot
	TaskBackoff TaskState = "backoff" // waits for its next attempt
)

// Attempt is an attempt that failed.
type Attempt struct {
	Attempt int
	At      time.Time // of its end
	Took    time.Duration
	Error   machine.Failure
}

// TaskError is the last failure of a stack, of a task or of a node as a whole.
type TaskError struct {
	Cycle, Wave uint64
	Node, Item  string
	At          time.Time
	Error       machine.Failure
}

// take adds records of a stack, in their order.
func (p *progress) take(records []machine.Record) {
	for i := range records {
		r := &records[i]
		switch b := r.Body.(type) {
		case *machine.CycleStarted:
			p.waveOpen = false
		case *machine.WaveStarted:
			p.waveOpen = true
		case *machine.TaskStarted:
			t := p.task(r.Cycle, b.Began, b.Wave, b.Node, b.Item)
			t.State, t.Attempt, t.Since, t.RetryAt = TaskRunning, b.Attempt, r.Time, time.Time{}
		case *machine.TaskFinished:
			p.finished(r, b)
		case *machine.WaveCommitted:
			p.waveOpen = false
		case *machine.StackFinished:
			p.waveOpen, p.tasks = false, nil
		}
	}
}

func (p *progress) finished(r *machine.Record, b *machine.TaskFinished) {
	t := p.task(r.Cycle, b.Began, b.Wave, b.Node, b.Item)
	if b.Error != nil {
		p.lastError = &TaskError{Cycle: t.Cycle, Wave: b.Wave, Node: b.Node, Item: b.Item, At: r.Time, Error: *b.Error}
	}
	if b.RetryAt.IsZero() {
		p.drop(t)
		return
	}
	t.State, t.Since, t.RetryAt = TaskBackoff, r.Time, b.RetryAt
	t.Previous = append(t.Previous, Attempt{Attempt: b.Attempt, At: r.Time, Took: b.Duration, Error: *b.Error})
}

// task finds a task, or makes it.
func (p *progress) task(cycle, began, wave uint64, node, item string) *TaskStatus {
	if began > 0 {
		cycle = began
	}
	for _, t := range p.tasks {
		if t.Node == node && t.Item == item && t.Wave == wave && t.Cycle == cycle {
			return t
		}
	}
	t := &TaskStatus{Node: node, Item: item, Cycle: cycle, Wave: wave}
	p.tasks = append(p.tasks, t)
	return t
}

func (p *progress) drop(gone *TaskStatus) {
	for i, t := range p.tasks {
		if t == gone {
			p.tasks = append(p.tasks[:i], p.tasks[i+1:]...)
			return
		}
	}
}

// queued notes an attempt that was given to its pool.
func (p *progress) queued(a *attempt) {
	k := a.task.Key
	t := p.task(k.Cycle, 0, k.Wave, k.Node, k.Item)
	t.State, t.Attempt, t.Since, t.RetryAt = TaskQueued, a.task.Attempt, a.queuedAt, time.Time{}
}

// list is a copy of the tasks, without those of nodes that wait: nothing of them
// runs.
func (p *progress) list(waiting []machine.Waiting) []TaskStatus {
	out := make([]TaskStatus, 0, len(p.tasks))
	for _, t := range p.tasks {
		waits := func(w machine.Waiting) bool { return w.Node == t.Node && w.Cycle == t.Cycle && w.Wave == t.Wave }
		if slices.ContainsFunc(waiting, waits) {
			continue
		}
		c := *t
		c.Previous = slices.Clone(t.Previous)
		out = append(out, c)
	}
	return out
}
