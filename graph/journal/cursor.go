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

// Parked is a task that is not started again for a while.
type Parked struct {
	Node  string    `json:"node"`
	Item  string    `json:"item,omitzero"`
	Cycle uint64    `json:"cycle"`
	Wave  uint64    `json:"wave"`
	Until time.Time `json:"until"`
}

// Key is the task's.
func (p Parked) Key() TaskKey {
	return TaskKey{Cycle: p.Cycle, Wave: p.Wave, Node: p.Node, Item: p.Item}
}

// ParkedUntil is when a task that is parked starts again; zero: it is not.
func (c *Cursor) ParkedUntil(k TaskKey) time.Time {
	for _, p := range c.Parked {
		if p.Key() == k {
			return p.Until
		}
	}
	return time.Time{}
}

// Outcome is how a stack ended.
type Outcome struct {
	Status Status
	Reason string
}
