package journal

import "time"

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
	Open        bool      // a cycle is under way
	CycleSeq    uint64    // of the cycle.started record of Cycle
	WakeAt      time.Time // end of the pause; zero with !Open: waits for an event
	Expires     time.Time // when its duration is over: it ends then, unless a cycle is open; zero means never
	IdleInRow   int
	FailedInRow int
	Counts      Counts

	// Last is how the sources of next_cycle edges settled in the last finished cycle.
	Last map[string]Settled

	// Waiting are the nodes that wait for somebody or something outside, and
	// Background those whose tasks run on over cycles, each in declaration
	// order. Both lists are never changed in place.
	Waiting    []Waiting
	Background []Background

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

	Inbox int    // events that are applied when the next cycle begins
	Turn  string // the node that ran last under `mode: round_robin`

	// Stopping is the reason with which the stack ends once its open wave is
	// committed, or "" if it continues. The intent survives a crash.
	Stopping string

	// Clean says that the driver stopped by itself: attempts that were running
	// were cut off on purpose. Only a driver sets it, in its last commit of a
	// stack; without it, Restore takes the end of the driver for a crash.
	Clean bool

	// Outbox counts the messages that are yet to be delivered.
	Outbox int
}

func (at *Cursor) members(c *codec) {
	c.text("status", (*string)(&at.Status))
	c.someText("reason", &at.Reason)
	c.text("hash", &at.Hash)
	c.uint("seq", &at.Seq)
	c.uint("cycle", &at.Cycle)
	c.uint("wave", &at.Wave)
	c.bool("open", &at.Open)
	c.uint("cycle_seq", &at.CycleSeq)
	c.someTime("wake_at", &at.WakeAt)
	c.someTime("expires", &at.Expires)
	someNumber(c, "idle_in_row", &at.IdleInRow)
	someNumber(c, "failed_in_row", &at.FailedInRow)
	nested(c, "counts", &at.Counts, (*Counts).members)
	someByName(c, "last", &at.Last, (*Settled).members)
	someList(c, "waiting", &at.Waiting, (*Waiting).members)
	someList(c, "background", &at.Background, (*Background).members)
	someList(c, "parked", &at.Parked, (*Parked).members)
	someList(c, "ending", &at.Ending, (*Ending).members)
	somePointer(c, "closing", &at.Closing, (*Outcome).members)
	someNumber(c, "inbox", &at.Inbox)
	c.someText("turn", &at.Turn)
	c.someText("stopping", &at.Stopping)
	c.someBool("clean", &at.Clean)
	someNumber(c, "outbox", &at.Outbox)
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
	Status Status
	Reason string
}

func (o *Outcome) members(c *codec) {
	c.text("status", (*string)(&o.Status))
	c.someText("reason", &o.Reason)
}
