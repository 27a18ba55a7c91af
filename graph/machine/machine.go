// Package machine decides what one stack does next, and never does it.
//
// It is a pure state machine in the manner of etcd-io/raft's RawNode: Step
// takes what happened, with its time; Ready says what must be made durable and
// what to do then; Advance says that it was done. It performs no I/O, asks no
// clock, starts no goroutine and knows no context, so `run`, `plan`, `replay`
// and a distributed engine share one meaning of a graph.
//
// Inside, every change of the machine is one Record applied: deciding emits
// records, restoring applies the recorded ones, and both end in the same place.
package machine

import (
	"time"

	"github.com/graphrun/graphrun/graph"
)

// Options are what a machine needs beside its graph; they are never stored.
type Options struct {
	// Secrets are the values of graph.Secrets, for `with`.
	Secrets map[string]any
	// Mask replaces secrets in outputs and error messages before they enter the
	// machine (strings at any depth of a canonical value). nil: nothing to mask.
	Mask func(v any) any
	// Fleets says that the driver leads the stacks of a graph with
	// `fleet: lockstep` together, by NextWave. Otherwise each goes by itself.
	Fleets bool
	// Rest says that nobody is there to run the stack: what comes in is taken in,
	// and nothing is decided, begun or committed; whoever restores it next goes on
	// from there. It needs no Secrets.
	Rest bool
}

// Identity is what never changes of a stack.
type Identity struct {
	Stack     string         `json:"stack"`
	Graph     string         `json:"graph"`
	Nonce     string         `json:"nonce"` // makes idempotency keys unique among stacks of one name; chosen by the driver
	Params    map[string]any `json:"params,omitzero"`
	CreatedAt time.Time      `json:"created_at"`
	// Parent is the idempotency key of the task that runs this stack; "": none does.
	Parent string `json:"parent,omitzero"`
}

// TaskKey names one task; it is the same for every attempt.
type TaskKey struct {
	Cycle, Wave uint64
	Node        string
	Item        string // the element's key under for_each, else ""
}

// Task is one attempt to start (or to put in its pool's queue).
type Task struct {
	Key      TaskKey
	Attempt  int // from 1; grows over retries, crashes and restarts
	Node     int // index of the node: declaration order
	Index    int // index of the element under for_each
	With     any // the evaluated `with`
	Pool     int // index into graph.Pools
	Priority int
	Rerun    bool // an attempt before this one was cut off by a crash or shutdown
	Suspect  bool // the engine died so often while it ran that it may be the cause
}

// Status of a stack.
type Status string

const (
	Running   Status = "running"
	Paused    Status = "paused"
	Completed Status = "completed"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
)

// Ended reports whether nothing will happen any more.
func (s Status) Ended() bool { return s == Completed || s == Failed || s == Cancelled }

// Counts are totals over the life of a stack.
type Counts struct {
	Cycles   uint64  `json:"cycles"` // finished cycles
	Waves    uint64  `json:"waves"`
	NodeRuns uint64  `json:"node_runs"`
	Failures uint64  `json:"failures"` // nodes that failed
	Tokens   int64   `json:"tokens,omitzero"`
	Cost     float64 `json:"cost,omitzero"`
}

// Cursor is where a stack stands: small, written with every commit. What
// happened since its cycle began is in the records from CycleSeq on.
type Cursor struct {
	Status      Status    `json:"status"`
	Reason      string    `json:"reason,omitzero"`
	Hash        string    `json:"hash"` // of the graph that the open (or next) cycle runs under
	Seq         uint64    `json:"seq"`  // of the last record
	Cycle       uint64    `json:"cycle"`
	Wave        uint64    `json:"wave"`
	Open        bool      `json:"open"`             // a cycle is under way
	CycleSeq    uint64    `json:"cycle_seq"`        // of the cycle.started record of Cycle
	WakeAt      time.Time `json:"wake_at,omitzero"` // end of the pause; zero with !Open: waits for an event
	Expires     time.Time `json:"expires,omitzero"` // when its duration is over: it ends then, unless a cycle is open; zero: never
	IdleInRow   int       `json:"idle_in_row,omitzero"`
	FailedInRow int       `json:"failed_in_row,omitzero"`
	Counts      Counts    `json:"counts"`

	// Last is how the sources of next_cycle edges settled in the last finished cycle.
	Last map[string]Settled `json:"last,omitzero"`

	// Waiting are the nodes that wait for somebody or something outside, and
	// Background those whose tasks run on over cycles, each in declaration
	// order. Both lists are never changed in place.
	Waiting    []Waiting    `json:"waiting,omitzero"`
	Background []Background `json:"background,omitzero"`

	// Parked are tasks of the open wave or in the background that are not started
	// again for a while: the engine died too often while they ran. Never changed in
	// place.
	Parked []Parked `json:"parked,omitzero"`

	Inbox int    `json:"inbox,omitzero"` // events that are taken in when the next cycle begins
	Turn  string `json:"turn,omitzero"`  // the node that ran last under `mode: round_robin`

	// Clean says that the driver stopped by itself: attempts that were running
	// were cut off on purpose. Only a driver sets it, in its last commit of a
	// stack; without it, Restore takes the end of the driver for a crash.
	Clean bool `json:"clean,omitzero"`

	// Outbox counts the messages that the driver has yet to deliver. Only a
	// driver sets it.
	Outbox int `json:"outbox,omitzero"`
}

// Waiting is a node that waits.
type Waiting struct {
	Node     string    `json:"node"`
	Kind     string    `json:"kind"` // approval or wait
	Cycle    uint64    `json:"cycle"`
	Wave     uint64    `json:"wave"` // in which it began to wait
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until,omitzero"` // its timeout; zero: none
	Due      time.Time `json:"due,omitzero"`   // the time that it waits for
	Event    string    `json:"event,omitzero"` // the event that it waits for
	With     any       `json:"with,omitzero"`  // evaluated, without secrets: {"prompt": …}
	Answered bool      `json:"answered,omitzero"`
}

// Background is a node whose tasks run on over cycles, or whose result is
// taken in when the next cycle begins.
type Background struct {
	Node  string    `json:"node"`
	Cycle uint64    `json:"cycle"`
	Wave  uint64    `json:"wave"` // in which it began
	Since time.Time `json:"since"`
	Over  bool      `json:"over,omitzero"` // nothing of it runs any more
}

// Settled is how a node ended in a cycle.
type Settled struct {
	Node     string   `json:"node"`
	Status   string   `json:"status"` // succeeded, failed, skipped, waiting
	Attempts int      `json:"attempts,omitzero"`
	Error    *Failure `json:"error,omitzero"`
	Elements []string `json:"elements,omitzero"` // the tasks of a for_each that sends, in their order: that of what it sends

	// AtCommit says that its work had come out well, and its writes did not: no
	// TaskFinished tells of the failure.
	AtCommit bool `json:"at_commit,omitzero"`
}

// Failure is why a task or a node failed.
type Failure struct {
	Kind      string `json:"kind"`
	Message   string `json:"message"`
	Permanent bool   `json:"permanent,omitzero"` // not to be tried again
}

// Outcome is how a stack ended.
type Outcome struct {
	Status Status
	Reason string
}

// Ready is what a driver has to do. Everything in it stays in Ready until
// Advance, so more may be stepped before it is committed. It holds the end of
// one wave at most: what follows a wave of nodes that take no time is in the
// Ready after Advance.
type Ready struct {
	Records []Record       // 1. persist with Changes and Cursor in one transaction, BEFORE anything below
	Changes []graph.Change //    what changed in the state, at most one per key; names that begin with $ are the machine's own, see Visible
	Cursor  Cursor
	Start   []Task    // 2. give these to their pools, all at once. When one gets its slot: Step(TaskRunning), commit, then start it
	Cancel  []TaskKey //    end these attempts; their results are dropped
	WakeAt  time.Time // 3. when set: Step(Woke) no earlier than this. It replaces the one before
	Outcome *Outcome  //    non-nil: the stack has ended
}

// Input is something that happened. Each carries its time.
type Input interface{ input() }

type (
	// TaskRunning: the task holds its slot. The record task.started follows; the
	// work may begin when that is durable.
	TaskRunning struct {
		At      time.Time
		Key     TaskKey
		Attempt int
	}
	// TaskDone: the attempt succeeded. Output is any JSON-like value.
	TaskDone struct {
		At      time.Time
		Key     TaskKey
		Attempt int
		Output  any
		Tokens  int64
		Cost    float64
	}
	// TaskFailed: the attempt failed.
	TaskFailed struct {
		At      time.Time
		Key     TaskKey
		Attempt int
		Failure Failure
		Tokens  int64
		Cost    float64
	}
	// Woke: the time that WakeAt asked for has come, or somebody wants the stack
	// to look again (Early): that ends a pause at once.
	Woke struct {
		At    time.Time
		Early bool
	}
	// Cancel ends the stack.
	Cancel struct {
		At     time.Time
		Reason string
	}
	// Pause and Resume: no new wave starts while paused. Resume lets parked tasks
	// run at once.
	Pause  struct{ At time.Time }
	Resume struct{ At time.Time }
	// NextWave: a machine that is led with others (Options.Fleets) may begin its
	// next wave, or end its cycle when it is Spent; between two cycles that ends a
	// pause, unless only an event can.
	NextWave struct{ At time.Time }
	// Event was sent to the stack. It is accepted when Step returns nil, for good
	// once the Ready that follows is durable; it ends a pause, and is applied
	// when the next cycle begins. Errors: *UnknownEventError, *PayloadError,
	// ErrEnded; then nothing has changed.
	Event struct {
		At      time.Time
		ID      string // the sender's; one that was accepted before is not taken again. "": none
		Name    string
		Payload any // any JSON-like value; of the type graph.Key.Payload
	}
	// Answer settles a node that waits, when the next cycle begins: with an
	// output, or with a failure. The same answer again is no error. Errors:
	// *UnknownNodeError, ErrNotWaiting, *AnswerError, ErrEnded.
	Answer struct {
		At      time.Time
		Node    string
		Output  any // of an approval: {approved, comment, by}
		Failure *Failure
	}
	// CancelTask fails a task (under for_each without Item: all of the node), or
	// a node that waits, with kind cancelled, and no attempt follows. One that
	// is not there, or over, is no error. Errors: *UnknownNodeError.
	CancelTask struct {
		At         time.Time
		Node, Item string
	}
)

func (TaskRunning) input() {}
func (TaskDone) input()    {}
func (TaskFailed) input()  {}
func (Woke) input()        {}
func (Cancel) input()      {}
func (Pause) input()       {}
func (Resume) input()      {}
func (NextWave) input()    {}
func (Event) input()       {}
func (Answer) input()      {}
func (CancelTask) input()  {}

// Snapshot is what a store has of a stack.
type Snapshot struct {
	Identity Identity
	Cursor   Cursor
	State    map[string]any // the machine's own names included
	Records  []Record       // from Cursor.CycleSeq on, whether a cycle is open or not
}
