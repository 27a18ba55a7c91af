package journal

import (
	"cmp"
	"time"
)

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
	Cycles   uint64 // finished cycles
	Waves    uint64
	NodeRuns uint64
	Failures uint64 // nodes that failed
	Tokens   int64
	Cost     float64
}

func (n *Counts) members(c *codec) {
	c.uint("cycles", &n.Cycles)
	c.uint("waves", &n.Waves)
	c.uint("node_runs", &n.NodeRuns)
	c.uint("failures", &n.Failures)
	someNumber(c, "tokens", &n.Tokens)
	c.someFloat("cost", &n.Cost)
}

// Cursor is where a stack stands: small, written with every commit. What
// happened since its cycle began is in the records from CycleSeq on.
type Cursor struct {
	Status      Status
	Reason      string
	Hash        string // of the graph that the open (or next) cycle runs under
	Seq         uint64 // of the last record
	Cycle       uint64
	Wave        uint64
	Commit      uint64    // under `waves: eager` the last commit of the cycle; else 0
	Open        bool      // a cycle is under way
	CycleSeq    uint64    // of the cycle.started record of Cycle
	WakeAt      time.Time // end of the pause; zero with !Open: waits for an event
	Due         time.Time // the first moment of the schedule that has not had its cycle; zero when no cycle follows by a schedule
	Expires     time.Time // when its duration is over: it ends then, unless a cycle is open; zero means never
	IdleInRow   int
	FailedInRow int
	Counts      Counts

	// Last is how the sources of next_cycle edges settled in the last finished cycle.
	Last map[string]Settled

	// Pass is what the finished cycles have come to, of a graph with `once`: while something
	// waits, and after the end of the stack. nil otherwise.
	Pass *Pass
	// Latches are verdicts of finished cycles that hold: of edges to nodes with `latch`
	// and, under `once`, to nodes that are yet to be decided, in declaration order of the
	// edges. Never changed in place.
	Latches []Latch

	// Waiting are the nodes that wait for somebody or something outside, and
	// Background those whose tasks run on over cycles, each in declaration
	// order. Both lists are never changed in place.
	Waiting    []Waiting
	Background []Background
	// Asking are tasks in the background that began to wait while they ran: for words on
	// calls, or, without Calls, for what the stack waits for that does their work. They are
	// in the order in which they asked. Never changed in place.
	Asking []Waiting

	// Parked are tasks of the open wave or in the background that are not started
	// again for a while: the engine died too often while they ran. Never changed in
	// place.
	Parked []Parked

	// Ending are attempts that were decided to fail while they ran, until nothing
	// of them runs any more. Never changed in place.
	Ending []Ending
	// Closing is how the stack ends as soon as nothing of it runs any more; nothing
	// begins meanwhile. nil if it is not about to end.
	Closing *Outcome
	// Finally is how the stack ends once the open cycle, its last, is over: that of the
	// nodes of `finally`. nil before it.
	Finally *Outcome

	// Queued counts the payloads of queued events that no wait has taken, of each event
	// that has some. Never changed in place.
	Queued []Queued

	Inbox int    // events that are applied when the next cycle begins
	Turn  string // the node that ran last under `mode: round_robin`

	// Stopping is the reason with which the stack ends once its open wave is
	// committed, or "" if it continues. The intent survives a crash.
	Stopping string

	// Refused is "tokens" or "cost" after a task has failed because it would pass this
	// limit: the stack ends with the open wave. "" if none has.
	Refused string

	// Clean says that the driver stopped by itself: attempts that were running
	// were cut off on purpose. Only a driver sets it, in its last commit of a
	// stack; without it, Restore takes the end of the driver for a crash.
	Clean bool

	// Outbox counts the messages that are yet to be delivered.
	Outbox int

	// Busy counts the finished cycles that were not idle, of a stack with Identity.MaxCycles.
	Busy uint64
	// Children are the tasks that run graphs, and what of the usage of their stacks is in
	// Counts. Those that have used nothing are not there. Never changed in place.
	Children []ChildUsage
	// Failure is why a stack with an Identity.Parent has failed; nil for all others. Its
	// Path is the place of the node that failed, "" if none did.
	Failure *Failure

	// Reopened is what the limits go by since the stack was reopened; nil if it never was.
	Reopened *Reopened

	// StoppedBy is who gave the reason in Stopping; "" if nobody is known.
	StoppedBy string
}

// ChildUsage is what a stack with its own stacks has used for a task, or for a call that
// the task makes.
type ChildUsage struct {
	Node     string
	Item     string
	Cycle    uint64
	Wave     uint64
	Call     string // as TaskUsed.Call
	Nonce    string // as TaskUsed.Nonce
	NodeRuns uint64
	Tokens   int64
	Cost     float64
}

func (u *ChildUsage) members(c *codec) {
	c.text("node", &u.Node)
	c.someText("item", &u.Item)
	c.uint("cycle", &u.Cycle)
	c.uint("wave", &u.Wave)
	c.someText("call", &u.Call)
	c.someText("nonce", &u.Nonce)
	c.someUint("node_runs", &u.NodeRuns)
	someNumber(c, "tokens", &u.Tokens)
	c.someFloat("cost", &u.Cost)
}

// Key is the task's.
func (u *ChildUsage) Key() TaskKey {
	return TaskKey{Cycle: u.Cycle, Wave: u.Wave, Node: u.Node, Item: u.Item}
}

func (at *Cursor) members(c *codec) {
	c.word("status", (*string)(&at.Status))
	c.someText("reason", &at.Reason)
	c.hash("hash", &at.Hash)
	c.uint("seq", &at.Seq)
	c.uint("cycle", &at.Cycle)
	c.uint("wave", &at.Wave)
	c.someUint("commit", &at.Commit)
	c.bool("open", &at.Open)
	c.uint("cycle_seq", &at.CycleSeq)
	c.someTime("wake_at", &at.WakeAt)
	c.someTime("due", &at.Due)
	c.someTime("expires", &at.Expires)
	someNumber(c, "idle_in_row", &at.IdleInRow)
	someNumber(c, "failed_in_row", &at.FailedInRow)
	nested(c, "counts", &at.Counts, (*Counts).members)
	someByName(c, "last", &at.Last, (*Settled).members)
	somePointer(c, "pass", &at.Pass, (*Pass).members)
	someList(c, "latches", &at.Latches, (*Latch).members)
	someList(c, "waiting", &at.Waiting, (*Waiting).members)
	someList(c, "background", &at.Background, (*Background).members)
	someList(c, "asking", &at.Asking, (*Waiting).members)
	someList(c, "parked", &at.Parked, (*Parked).members)
	someList(c, "ending", &at.Ending, (*Ending).members)
	somePointer(c, "closing", &at.Closing, (*Outcome).members)
	somePointer(c, "finally", &at.Finally, (*Outcome).members)
	someList(c, "queued", &at.Queued, (*Queued).members)
	someNumber(c, "inbox", &at.Inbox)
	c.someText("turn", &at.Turn)
	c.someText("stopping", &at.Stopping)
	c.someWord("refused", &at.Refused)
	c.someBool("clean", &at.Clean)
	someNumber(c, "outbox", &at.Outbox)
	c.someUint("busy", &at.Busy)
	someList(c, "children", &at.Children, (*ChildUsage).members)
	somePointer(c, "failure", &at.Failure, (*Failure).members)
	somePointer(c, "reopened", &at.Reopened, (*Reopened).members)
	c.someText("stopped_by", &at.StoppedBy)
}

// Queued is how many payloads of an event wait to be taken.
type Queued struct {
	Event string
	N     int
}

// QueuedOf is how many payloads of an event are queued.
func QueuedOf(all []Queued, event string) int {
	for i := range all {
		if all[i].Event == event {
			return all[i].N
		}
	}
	return 0
}

func (q *Queued) members(c *codec) {
	c.text("event", &q.Event)
	number(c, "n", &q.N)
}

// Parked is a task that is not started again for a while.
type Parked struct {
	Node  string
	Item  string
	Cycle uint64
	Wave  uint64
	Until time.Time
}

func (p *Parked) members(c *codec) {
	c.text("node", &p.Node)
	c.someText("item", &p.Item)
	c.uint("cycle", &p.Cycle)
	c.uint("wave", &p.Wave)
	c.time("until", &p.Until)
}

// Key is the task's.
func (p Parked) Key() TaskKey {
	return TaskKey{Cycle: p.Cycle, Wave: p.Wave, Node: p.Node, Item: p.Item}
}

// ParkedUntil is when a parked task starts again, the zero time for any other task.
func (c *Cursor) ParkedUntil(k TaskKey) time.Time {
	for _, p := range c.Parked {
		if p.Key() == k {
			return p.Until
		}
	}
	return time.Time{}
}

// Ending is an attempt that was decided to fail and whose work may still run.
type Ending struct {
	Node    string
	Item    string
	Cycle   uint64
	Wave    uint64
	Attempt int
	Failure Failure
}

func (e *Ending) members(c *codec) {
	c.text("node", &e.Node)
	c.someText("item", &e.Item)
	c.uint("cycle", &e.Cycle)
	c.uint("wave", &e.Wave)
	number(c, "attempt", &e.Attempt)
	nested(c, "failure", &e.Failure, (*Failure).members)
}

// Key is the task's.
func (e Ending) Key() TaskKey {
	return TaskKey{Cycle: e.Cycle, Wave: e.Wave, Node: e.Node, Item: e.Item}
}

// EndingOf is the failure that was decided for an attempt whose work may still
// run, nil if none was.
func (at *Cursor) EndingOf(k TaskKey, attempt int) *Failure {
	for i := range at.Ending {
		if e := &at.Ending[i]; e.Attempt == attempt && e.Key() == k {
			return &e.Failure
		}
	}
	return nil
}

// Outcome is how a stack ended.
type Outcome struct {
	Status  Status
	Reason  string
	Failure *Failure // as Cursor.Failure
	By      string   // as StackFinished.By
}

func (o *Outcome) members(c *codec) {
	c.word("status", (*string)(&o.Status))
	c.someText("reason", &o.Reason)
	somePointer(c, "failure", &o.Failure, (*Failure).members)
	c.someText("by", &o.By)
}

// Committed is the number of the last wave of the cycle that a Point names: under
// `waves: eager`, where each commit is one, the last commit.
func (at *Cursor) Committed() uint64 { return cmp.Or(at.Commit, at.Wave) }
