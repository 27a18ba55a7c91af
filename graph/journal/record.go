package journal

import (
	"cmp"
	"slices"
	"time"
)

// Record is one entry of a stack's journal.
type Record struct {
	Seq   uint64 // 1, 2, 3, … within the stack
	Time  time.Time
	Stack string
	Cycle uint64
	Body  Body
}

// Task returns the key of the task that a task.started, task.finished or task.step
// record is about, and false for all other records.
func (r *Record) Task() (key TaskKey, ok bool) {
	var began uint64
	switch b := r.Body.(type) {
	case *TaskStarted:
		began, key = b.Began, TaskKey{Wave: b.Wave, Node: b.Node, Item: b.Item}
	case *TaskFinished:
		began, key = b.Began, TaskKey{Wave: b.Wave, Node: b.Node, Item: b.Item}
	case *TaskStep:
		began, key = b.Began, TaskKey{Wave: b.Wave, Node: b.Node, Item: b.Item}
	case *TaskWaiting:
		began, key = b.Began, TaskKey{Wave: b.Wave, Node: b.Node, Item: b.Item}
	case *TaskAnswered:
		began, key = b.Began, TaskKey{Wave: b.Wave, Node: b.Node, Item: b.Item}
	case *TaskHeld:
		began, key = b.Began, TaskKey{Wave: b.Wave, Node: b.Node, Item: b.Item}
	default:
		return key, false
	}
	key.Cycle = cmp.Or(began, r.Cycle)
	return key, true
}

// Body is what a record says. Type is its name in the journal. Bodies are
// pointers, immutable once recorded, and shared: a decision that is the same as
// in the cycle before is the same *NodeDecided.
//
// A new record is a type here with its members, and a line in fresh.
type Body interface {
	Type() string
	members(*codec)
}

// fresh gives an empty body to read a record into; nil for an unknown type.
func fresh(name string) Body {
	switch name {
	case "stack.started":
		return new(StackStarted)
	case "event.received":
		return new(EventReceived)
	case "cycle.started":
		return new(CycleStarted)
	case "node.decided":
		return new(NodeDecided)
	case "wave.started":
		return new(WaveStarted)
	case "task.started":
		return new(TaskStarted)
	case "task.step":
		return new(TaskStep)
	case "task.mark":
		return &TaskStep{Mark: true}
	case "task.waiting":
		return new(TaskWaiting)
	case "task.answered":
		return new(TaskAnswered)
	case "task.held":
		return new(TaskHeld)
	case "task.finished":
		return new(TaskFinished)
	case "task.used":
		return new(TaskUsed)
	case "wave.committed":
		return new(WaveCommitted)
	case "cycle.finished":
		return new(CycleFinished)
	case "stack.finished":
		return new(StackFinished)
	case "stack.reopened":
		return new(StackReopened)
	case "stack.control":
		return new(StackControl)
	}
	return nil
}

// Fields marked "journal" are kept in the store and left out of the public form.

// StackStarted is the first record of every stack. It is the first own one of a fork: those
// before it are of the stack that it was forked from.
type StackStarted struct {
	Graph, Hash string
	From        *From          // of a fork; else nil
	Params      map[string]any // journal
	State       map[string]any // journal: the initial state, whole; of a fork what was set with it
	By          string         // who started it, or forked it; "" if nobody is known
}

func (*StackStarted) Type() string { return "stack.started" }

func (b *StackStarted) members(c *codec) {
	c.name("graph", &b.Graph)
	c.hash("hash", &b.Hash)
	somePointer(c, "from", &b.From, (*From).members)
	if c.whole {
		c.object("params", &b.Params)
		c.object("state", &b.State)
	}
	c.someText("by", &b.By)
}

// EventReceived is an event that was accepted. The next cycle applies it.
type EventReceived struct {
	Event   string
	ID      string // journal
	Payload any    // journal
	Queued  bool   // journal: it is kept until a wait takes it, and the next cycle does not apply it
	By      string // who sent it; "" if nobody is known
}

func (*EventReceived) Type() string { return "event.received" }

func (b *EventReceived) members(c *codec) {
	c.name("event", &b.Event)
	if c.whole {
		c.someText("id", &b.ID)
		c.value("payload", &b.Payload)
		c.someBool("queued", &b.Queued)
	}
	c.someText("by", &b.By)
}

// CycleStarted begins a cycle.
type CycleStarted struct {
	Hash   string   // journal: of the graph that the cycle runs under
	Mode   string   // journal: round_robin, or "" for graph
	Faults []string // what failed while it began; the cycle is a failed one

	// Due is the moment of the schedule that the cycle is for, or when the stack was created.
	// It is zero when the cycle was not due.
	Due time.Time

	// Finally says that it is the last one, of the nodes of `finally` alone; Status, Reason
	// and Failure and By (journal) are how the stack ends with it. Left (journal) are the events that
	// no cycle has applied: the next one does if the stack is reopened.
	Finally bool
	Status  Status
	Reason  string
	Failure *Failure
	Left    []LeftEvent
	By      string
}

// LeftEvent is an event that was accepted and that no cycle has applied.
type LeftEvent struct {
	Seq     uint64 // of its record
	Time    time.Time
	Event   string
	Payload any
}

func (e *LeftEvent) members(c *codec) {
	c.uint("seq", &e.Seq)
	c.time("time", &e.Time)
	c.name("event", &e.Event)
	c.value("payload", &e.Payload)
}

func (*CycleStarted) Type() string { return "cycle.started" }

func (b *CycleStarted) members(c *codec) {
	if c.whole {
		c.someHash("hash", &b.Hash)
		c.someWord("mode", &b.Mode)
	}
	c.someTime("due", &b.Due)
	c.someTexts("faults", &b.Faults)
	c.someBool("finally", &b.Finally)
	if c.whole {
		c.someWord("status", (*string)(&b.Status))
		c.someText("reason", &b.Reason)
		somePointer(c, "failure", &b.Failure, (*Failure).members)
		someList(c, "left", &b.Left, (*LeftEvent).members)
		c.someText("by", &b.By)
	}
}

// NodeDecided is the decision over one node.
type NodeDecided struct {
	Wave   uint64
	Node   string
	Run    bool
	Reason string    // why the node does not run; "" when it runs
	Edges  []Verdict // the edges that count in the join, in declaration order
}

func (*NodeDecided) Type() string { return "node.decided" }

func (b *NodeDecided) members(c *codec) {
	c.uint("wave", &b.Wave)
	c.name("node", &b.Node)
	c.bool("run", &b.Run)
	c.word("reason", &b.Reason)
	list(c, "edges", &b.Edges, (*Verdict).members)
}

// Failed reports whether a condition could not be evaluated.
func (b *NodeDecided) Failed() bool {
	for k := range b.Edges {
		if b.Edges[k].Error != "" {
			return true
		}
	}
	return false
}

// Verdict is one edge of a decision.
type Verdict struct {
	Edge    int    // journal: index in the graph
	From    string // "start" for the start of the cycle
	Outcome string // success, failure, always; "" on after and start edges
	When    string // source of the condition; "" for none
	Live    bool
	Error   string // why the condition failed to evaluate, with its place: "graph.yaml:12:8: index out of range"

	After, Else, NextCycle bool // the edge's form
}

func (v *Verdict) members(c *codec) {
	like := c.packs && c.pack.shape.has(v)
	if like {
		v = &Verdict{Edge: v.Edge, Live: v.Live, Error: v.Error}
	}
	c.name("from", &v.From)
	c.word("outcome", &v.Outcome)
	c.name("when", &v.When)
	c.bool("live", &v.Live)
	c.someText("error", &v.Error)
	c.someBool("after", &v.After)
	c.someBool("else", &v.Else)
	c.someBool("next_cycle", &v.NextCycle)
	if c.whole {
		number(c, "edge", &v.Edge)
	}
	if c.packs { // the rest is what the shape has
		c.pack.bool(&like)
		c.pack.fill(v, like)
	}
}

// WaveStarted begins a wave.
type WaveStarted struct {
	Wave  uint64
	Nodes []string  // in declaration order
	Early []Verdict // journal: verdicts over edges of nodes that are not decided yet or were cancelled (join: first, siblings of an else edge)
}

func (*WaveStarted) Type() string { return "wave.started" }

func (b *WaveStarted) members(c *codec) {
	c.uint("wave", &b.Wave)
	c.names("nodes", &b.Nodes)
	if c.whole {
		someList(c, "early", &b.Early, (*Verdict).members)
	}
}

// TaskStarted is the beginning of an attempt.
type TaskStarted struct {
	Wave    uint64
	Began   uint64 // the cycle of Wave, when the task outlived that cycle; else 0
	Node    string
	Item    string // the element's key under for_each
	Attempt int
	Crashes int // journal: attempts before this one that ended with the engine
}

func (*TaskStarted) Type() string { return "task.started" }

func (b *TaskStarted) members(c *codec) {
	c.task(&b.Wave, &b.Began, &b.Node, &b.Item, &b.Attempt)
	if c.whole {
		someNumber(c, "crashes", &b.Crashes)
	}
}

// task is what says which attempt a record is about.
func (c *codec) task(wave, began *uint64, node, item *string, attempt *int) {
	c.uint("wave", wave)
	c.someUint("began", began)
	c.name("node", node)
	c.someText("item", item)
	number(c, "attempt", attempt)
}

// TaskStep is a part of a task that is done. Later attempts of the task continue
// after it.
type TaskStep struct {
	Wave     uint64
	Began    uint64 // as in TaskStarted
	Node     string
	Item     string
	Attempt  int
	Step     int    // 1, 2, 3, … within the task, over all its attempts
	Name     string // the node's own name for it
	Duration time.Duration
	Tokens   int64
	Cost     float64
	Error    *Failure // nil if it succeeded
	Content  any      // journal: what the node wants back in a later attempt
	Call     string   // journal: the call of a graph that is over with it, as in TaskUsed; else ""

	// Mark says that a part begins, for work that must know in a later attempt that it
	// did: the record task.mark, which is no step and has no number.
	Mark bool
}

func (b *TaskStep) Type() string {
	if b.Mark {
		return "task.mark"
	}
	return "task.step"
}

func (b *TaskStep) members(c *codec) {
	c.task(&b.Wave, &b.Began, &b.Node, &b.Item, &b.Attempt)
	someNumber(c, "step", &b.Step)
	c.text("name", &b.Name)
	c.ms("duration_ms", &b.Duration)
	someNumber(c, "tokens", &b.Tokens)
	c.someFloat("cost", &b.Cost)
	somePointer(c, "error", &b.Error, (*Failure).members)
	if c.whole {
		number(c, "duration_ns", &b.Duration)
		c.someValue("content", &b.Content)
		c.someText("call", &b.Call)
	}
}

// TaskFinished is the end of an attempt. Its Attempt is 0 if none began, because the
// result of an earlier run is used (Cached) or the task was cancelled before.
type TaskFinished struct {
	Wave     uint64
	Began    uint64 // as in TaskStarted
	Node     string
	Item     string
	Attempt  int
	Status   string // succeeded or failed
	Duration time.Duration
	Error    *Failure
	Output   any           // journal
	Talk     *Talk         // journal: of an agent; else nil
	Memory   []MemoryWrite // journal: what the commit of its writes puts into memories
	Tokens   int64         // journal: what the attempt used, without its steps
	Cost     float64       // journal: as Tokens
	Wait     time.Duration // journal: the least time before the next attempt, as the work asked for it
	RetryAt  time.Time     // journal: when the next attempt is due; zero if none follows
	Cached   bool          // the result of an earlier run is used again
	Enough   bool          // journal: with this element the `until` of its for_each holds
	CacheKey string        // journal: what the result is kept under; "" if it is not kept
	NodeRuns uint64        // journal: of the stack that did the work, as far as no TaskUsed has them
	By       string        // who answered the question that is over; "" if nobody is known
}

func (*TaskFinished) Type() string { return "task.finished" }

func (b *TaskFinished) members(c *codec) {
	c.task(&b.Wave, &b.Began, &b.Node, &b.Item, &b.Attempt)
	c.word("status", &b.Status)
	c.ms("duration_ms", &b.Duration)
	somePointer(c, "error", &b.Error, (*Failure).members)
	c.someBool("cached", &b.Cached)
	if c.whole {
		number(c, "duration_ns", &b.Duration)
		c.someValue("output", &b.Output)
		somePointer(c, "talk", &b.Talk, (*Talk).members)
		someList(c, "memory", &b.Memory, (*MemoryWrite).members)
		someNumber(c, "tokens", &b.Tokens)
		c.someFloat("cost", &b.Cost)
		someNumber(c, "wait_ns", &b.Wait)
		c.someTime("retry_at", &b.RetryAt)
		c.someText("cache_key", &b.CacheKey)
		c.someUint("node_runs", &b.NodeRuns)
		c.someBool("enough", &b.Enough)
	}
	c.someText("by", &b.By)
}

// TaskUsed is what an attempt used whose result does not count: it had timed out
// or been cancelled, or was cut off, before its work came to an end. A task that runs a
// graph, or makes a call that does, has one for what the graph's stack has used since the
// last one.
type TaskUsed struct {
	Wave     uint64
	Began    uint64 // as in TaskStarted
	Node     string
	Item     string
	Attempt  int
	Tokens   int64
	Cost     float64
	NodeRuns uint64 // of the graph's stack
	Call     string // journal: the numbers of the call that runs the graph, as in "2.1"; "" if the task does
	Nonce    string // journal: of the call's stack
}

func (*TaskUsed) Type() string { return "task.used" }

func (b *TaskUsed) members(c *codec) {
	c.task(&b.Wave, &b.Began, &b.Node, &b.Item, &b.Attempt)
	number(c, "tokens", &b.Tokens)
	c.someFloat("cost", &b.Cost)
	c.someUint("node_runs", &b.NodeRuns)
	if c.whole {
		c.someText("call", &b.Call)
		c.someText("nonce", &b.Nonce)
	}
}

// WaveCommitted is the end of a wave. Wave 0 is what a cycle began with:
// events, answers and background results.
type WaveCommitted struct {
	Wave    uint64
	Commit  uint64    // under `waves: eager` its number among the commits of the cycle; else 0
	Changed []string  // keys, in declaration order
	Writers []Writer  // who changed them, in declaration order of the keys, then in the order of the writes; nil in records of 0.1.0
	Settled []Settled // how the wave's nodes ended, in declaration order; the public form has those with AtCommit, and those with Of
}

// Number is what a Point calls the commit: its wave, or under `waves: eager` its own
// number.
func (b *WaveCommitted) Number() uint64 { return cmp.Or(b.Commit, b.Wave) }

func (*WaveCommitted) Type() string { return "wave.committed" }

func (b *WaveCommitted) members(c *codec) {
	c.uint("wave", &b.Wave)
	c.someUint("commit", &b.Commit)
	c.names("changed", &b.Changed)
	someList(c, "writers", &b.Writers, (*Writer).members)
	if c.whole {
		list(c, "settled", &b.Settled, (*Settled).members)
	}
	if c.packs || c.whole && (!c.reading() || len(b.Settled) > 0) {
		return
	}
	unfit := slices.DeleteFunc(slices.Clone(b.Settled), func(s Settled) bool { return !s.AtCommit })
	someList(c, "failed", &unfit, (*Settled).unfit)
	some := slices.DeleteFunc(slices.Clone(b.Settled), func(s Settled) bool { return s.Elements().Of == 0 })
	someList(c, "elements", &some, (*Settled).some)
	if c.reading() {
		b.Settled = slices.Concat(unfit, some)
	}
}

// CycleFinished is the end of a cycle.
type CycleFinished struct {
	Waves, NodeRuns int
	Failed, Active  bool
	Pause           time.Duration
	None            bool     // journal: a computed pause is "none"; the graph itself has the other one
	Faults          []string // what failed while it ended: stop conditions, the pause
}

func (*CycleFinished) Type() string { return "cycle.finished" }

func (b *CycleFinished) members(c *codec) {
	number(c, "waves", &b.Waves)
	number(c, "node_runs", &b.NodeRuns)
	c.bool("failed", &b.Failed)
	c.bool("active", &b.Active)
	c.ms("pause_ms", &b.Pause)
	c.someTexts("faults", &b.Faults)
	if c.whole {
		number(c, "pause_ns", &b.Pause)
		c.someBool("none", &b.None)
	}
}

// StackFinished is the end of a stack: its last record, unless it is reopened.
type StackFinished struct {
	Status  Status
	Reason  string
	Failure *Failure // journal: as Cursor.Failure
	By      string   // who cancelled or stopped it; "" if it ended by itself, or nobody is known
}

func (*StackFinished) Type() string { return "stack.finished" }

func (b *StackFinished) members(c *codec) {
	c.word("status", (*string)(&b.Status))
	c.text("reason", &b.Reason)
	if c.whole {
		somePointer(c, "failure", &b.Failure, (*Failure).members)
	}
	c.someText("by", &b.By)
}
