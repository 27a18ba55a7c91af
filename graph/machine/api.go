package machine

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/cron"
	"github.com/graphrun/graphrun/graph/journal"
)

// ErrGraphChanged says that the snapshot was taken under another definition.
var ErrGraphChanged = errors.New("machine: the graph has changed")

// Machine is one stack. Not safe for concurrent use.
type Machine struct {
	g        *graph.Graph
	o        Options
	id       journal.Identity
	plan     *Plan
	ancestry map[int]nodeSet // see settledBefore
	reading  []*reads        // see readsOf

	schedule *cron.Schedule // by the params of the stack; nil for none

	state    keys
	sizes    *graph.Sizes // of the state; nil until the first write
	view     view
	env      *cond.Env
	cur      journal.Cursor
	at       time.Time // of the last input
	cycle    cycle
	nodes    []node
	latched  []*journal.Latch // by edge: it stays live; nil if none does
	edges    []judged         // verdicts that are shared or taken early, by edge
	held     []held           // conditions over the state alone, kept while it stays, by edge
	ready    []int            // nodes whose sources have settled, not decided yet
	firsts   []int            // undecided `join: first` nodes with news of a source
	early    []int            // edges judged at this moment ahead of their target
	wave     wave
	alone    []*wave              // under waves: eager, the nodes that run, in the order in which they began
	ended    []*wave              // of alone, those that are over and not committed, in the order in which they ended
	inbox    []arrived            // events that the next cycle applies
	had      map[string]*hadFiles // by node: files that its waits gave; nil without any
	queues   []*sidecar           // by event: the payloads that wait for a wait; nil without queued events
	recent   []journal.Record     // see remember
	sidecars []*sidecar           // that changed since the last commit
	caches   map[string]*cache
	foreseen foreseen
	answers  answers  // that were accepted
	kept     *sidecar // children that have ended; nil for a stack that never had one
	outbox   *sidecar // messages that are yet to be delivered
	ids      ids      // of the events that were accepted
	writers  Writers  // of the keys
	past     *sidecar // see past.go
	before   []was    // what is in it
	adopts   bool     // a changed graph is to be adopted: no cycle begins
	out      outbox
	pace     func(time.Time) (at time.Time, now bool) // Replay: when the next decision was taken, and whether it is next; else nil

	beginning func()       // Backtest: called before a cycle begins by itself; else nil
	blank     map[int]bool // Backtest: nodes that write nothing, since nobody knows what

	dueThen func() (time.Time, bool) // Replay: the moment that the cycle was for, if its beginning comes next; else nil

	told func(*journal.Waiting) *journal.TaskFinished // Replay: how a wait ended then, if that comes next; else nil

	opened  func(journal.TaskKey) bool // Replay: whether the wait of an element began then, as what comes next; else nil
	opening []journal.Waiting          // waits of elements that are yet to be put into the cursor

	watch      *watch // see Watch; else nil
	stopBefore uint64 // the record that a replay stops before; 0 for none

	released   bool      // the next wave may begin, of a machine that is led
	undecided  bool      // under waves: eager, there may be something to decide
	restoredAt time.Time // when this driver took the stack over
	restoring  bool      // records are applied that the machine's own lists know already

	rounds   []*journal.Round   // by wave, those of the last cycles; nil for none
	order    []int              // nodes decided at this moment
	toRun    []int              // of these, the nodes that run
	failures []*journal.Failure // of the wave that is committed, by run
	recorded []bool             // as failures: whether a record tells of it already
	verdicts []journal.Verdict  // of the node that is being decided
}

// outbox is what the next Ready holds. seen counts what the last one showed:
// only that is dropped by Advance.
type outbox struct {
	records  []journal.Record
	changes  []graph.Change
	memory   []MemoryChange
	start    []Task
	cancel   []journal.TaskKey
	orphans  []Orphan
	send     []Message
	lost     []Lost
	children []string
	ended    *journal.Outcome

	committed bool      // a wave was committed since Advance
	moved     bool      // the cursor changed without a record
	wakeAt    time.Time // what the driver was last told
	logged    int       // how many entries records has had since the cycle before ended
	usual     int       // how many it had then: several commits share the room that is made
	seen      struct{ records, changes, memory, start, cancel, orphans, send, lost, children int }
}

// New starts a stack: init overrides initial values of keys. Its first cycle
// begins when the machine is woken at WakeAt, which is at once, or when the schedule is due.
// Errors name the param, key or schedule that does not fit.
func New(g *graph.Graph, o Options, id journal.Identity, init map[string]any, at time.Time) (*Machine, error) {
	params, err := fitParams(g, id.Params)
	if err != nil {
		return nil, err
	}
	schedule, err := g.Schedule.For(params)
	if err != nil {
		return nil, err
	}
	values, err := initialState(g, init)
	if err != nil {
		return nil, err
	}
	id.Params, id.Graph = params, g.Name
	if id.CreatedAt.IsZero() {
		id.CreatedAt = at
	}
	m := &Machine{o: o, id: id, at: at, caches: map[string]*cache{}, ids: restoredIDs(nil), answers: restoredAnswers(nil), outbox: restored(outboxName, nil), past: restored(pastName, nil), writers: Writers{list: []any{}}}
	m.cur = journal.Cursor{Status: journal.Running, Hash: g.Hash, WakeAt: at}
	m.schedule = schedule
	m.load(g, values)
	m.restoreQueues(nil)
	if m.schedule != nil {
		if m.cur.Due = m.firstDue(); !g.Schedule.AtStart {
			m.cur.WakeAt = m.cur.Due
		}
	}
	m.expire()
	m.showState()
	m.emit(&journal.StackStarted{Graph: g.Name, Hash: g.Hash, Params: params, State: m.State(), By: o.By})
	return m, nil
}

// Step feeds one input. Late, double and unknown results are ignored, as is
// everything after the end but TaskUsed, Sent and Reopen. Only an Event, an Answer, a
// CancelTask, a TaskStep, TaskWaits and Reopen can be refused, and then nothing has changed.
func (m *Machine) Step(in Input) error {
	switch in := in.(type) {
	case Reopen:
		return m.reopenStack(in)
	case begunFork:
		return m.fork(in)
	}
	if (m.cur.Status.Ended() || m.cur.Closing != nil) && m.repeats(in) {
		return nil
	}
	if m.cur.Status.Ended() {
		switch in := in.(type) {
		case TaskUsed:
			m.taskUsed(in)
		case Sent:
			m.sent(in.ID)
		}
		return refusal(in)
	}
	if in, ok := in.(Cancel); ok && m.cur.Closing != nil && !in.ByNode {
		m.cancelAgain(nil)
	}
	if m.cur.Closing != nil && !endsAttempt(in) || m.cur.Finally != nil && comesTooLate(in) {
		return refusal(in)
	}
	switch in := in.(type) {
	case Event:
		if err := m.event(in); err != nil {
			return err
		}
	case Answer:
		if err := m.answer(in); err != nil {
			return err
		}
	case CancelTask:
		if err := m.cancelTask(in); err != nil {
			return err
		}
	case TaskRunning:
		m.at = in.At
		m.taskRunning(in)
	case TaskStep:
		if err := m.taskStep(in); err != nil {
			return err
		}
	case TaskWaits:
		if err := m.taskWaits(in); err != nil {
			return err
		}
	case TaskHeld:
		m.at = in.At
		m.taskHeld(in)
	case TaskUsed:
		m.taskUsed(in)
	case ChildUsed:
		m.childUsed(in)
	case Sent:
		m.sent(in.ID)
	case TaskDone:
		m.at = in.At
		m.taskDone(in)
	case TaskFailed:
		m.at = in.At
		m.taskFailed(in)
	case ChildDone:
		m.at = in.At
		m.childDone(in)
	case TaskGone:
		m.at = in.At
		if t, r := m.current(in.Key, in.Attempt, ending); t != nil {
			m.taskGone(t, r, 0, 0)
		}
	case TaskLost:
		m.at = in.At
		m.taskLost(in)
	case Woke:
		m.at = in.At
		m.woke(in.Early)
	case Cancel:
		m.at = in.At
		if m.cur.Finally != nil {
			if !in.ByNode {
				m.endFinally()
			}
			break
		}
		m.stopAs(journal.Outcome{Status: journal.Cancelled, Reason: in.Reason, By: in.By})
	case Stop:
		m.at = in.At
		m.stopAfterWave(in.Reason, in.By)
	case Control:
		m.control(in)
	case Pause:
		m.at = in.At
		m.move(journal.Running, journal.Paused)
	case Resume:
		m.at = in.At
		m.move(journal.Paused, journal.Running)
		m.unpark()
		m.skipMissed(0)
		m.startCycleIfDue()
	case Files:
		m.at = in.At
		m.files(in)
	case NextWave:
		m.at = in.At
		m.release()
	default:
		return fmt.Errorf("machine: unknown input %T", in)
	}
	if !m.g.Eager { // Ready has all that ended at one moment before it commits the first
		m.proceed()
	}
	return nil
}

// refusal is why an input is refused that comes while the stack is closing, or
// after its end; nil if it is ignored.
func refusal(in Input) error {
	switch in.(type) {
	case Event, Answer:
		return ErrEnded
	case TaskStep, TaskWaits:
		return ErrNotRunning
	}
	return nil
}

// comesTooLate reports whether an input can change nothing any more once the last cycle,
// of `finally`, has begun.
func comesTooLate(in Input) bool {
	switch in.(type) {
	case Event, Pause, Stop, NextWave:
		return true
	}
	return false
}

// endsAttempt reports whether an input says that an attempt is over, which also
// counts while the stack is closing.
func endsAttempt(in Input) bool {
	switch in.(type) {
	case TaskDone, TaskFailed, TaskHeld, ChildDone, ChildUsed, TaskGone, TaskLost, TaskUsed, Sent:
		return true
	}
	return false
}

func (m *Machine) move(from, to journal.Status) {
	if m.cur.Status == from {
		m.cur.Status = to
		m.out.moved = true
	}
}

// Ready is what there is to do; false when there is nothing new since Advance.
func (m *Machine) Ready() (Ready, bool) {
	if m.g.Eager {
		m.proceed()
	}
	o := &m.out
	wake := m.WakeAt()
	if len(o.records) == 0 && len(o.start) == 0 && len(o.cancel) == 0 && len(o.orphans) == 0 && len(o.send) == 0 && len(o.lost) == 0 && len(o.children) == 0 && !o.moved && wake.Equal(o.wakeAt) {
		return Ready{}, false
	}
	o.seen.records, o.seen.changes, o.seen.memory = len(o.records), len(o.changes), len(o.memory)
	o.seen.start, o.seen.cancel, o.seen.orphans = len(o.start), len(o.cancel), len(o.orphans)
	o.seen.send, o.seen.lost, o.seen.children = len(o.send), len(o.lost), len(o.children)
	o.wakeAt, o.moved = wake, true
	return Ready{
		Records: slices.Clip(o.records), Changes: m.sidecarChanges(o.changes), Memory: o.memory, Cursor: m.cur,
		Start: o.start, Cancel: o.cancel, Orphans: o.orphans, Send: o.send, Lost: o.lost, Children: o.children, WakeAt: wake, Outcome: o.ended,
	}, true
}

// Advance says that the last Ready was done (its commit is durable).
func (m *Machine) Advance() {
	o := &m.out
	full := len(o.records) == o.seen.records
	o.records = o.records[o.seen.records:] // those that follow stand behind them
	o.changes = rest(o.changes, o.seen.changes)
	o.memory = rest(o.memory, o.seen.memory)
	o.start = rest(o.start, o.seen.start)
	o.cancel = rest(o.cancel, o.seen.cancel)
	o.orphans = rest(o.orphans, o.seen.orphans)
	o.send = rest(o.send, o.seen.send)
	o.lost = rest(o.lost, o.seen.lost)
	o.children = rest(o.children, o.seen.children)
	o.seen.records, o.seen.changes, o.seen.memory, o.seen.start, o.seen.cancel = 0, 0, 0, 0, 0
	o.seen.orphans, o.seen.send, o.seen.lost, o.seen.children = 0, 0, 0, 0
	m.sidecarsStored()
	o.moved = false
	if full {
		o.committed = false
		o.ended = nil
		if !m.cur.Open { // a stack that pauses keeps nothing of what was stored
			o.records, o.usual, o.logged = nil, o.logged, 0
		}
		m.takeOwn()
	}
	m.proceed()
}

// rest drops what was handed out; the driver keeps the array.
func rest[T any](s []T, n int) []T {
	if n == len(s) {
		return nil
	}
	return s[n:]
}

// State is the committed state; values are shared and must not be changed.
func (m *Machine) State() map[string]any {
	s := make(map[string]any, len(m.g.Keys))
	for i := range m.g.Keys {
		s[m.g.Keys[i].Name] = m.state.values[i]
	}
	return s
}

// Cursor is where the stack stands.
func (m *Machine) Cursor() journal.Cursor { return m.cur }

// Identity is the stack's, with its params complete and canonical.
func (m *Machine) Identity() journal.Identity { return m.id }

// Time is that of the last input, or of the last decision.
func (m *Machine) Time() time.Time { return m.at }

// emit records a change and makes it.
func (m *Machine) emit(b journal.Body) {
	if m.stopBefore == m.cur.Seq+1 {
		panic(stopHere{})
	}
	m.apply(b, m.at, m.cur.Seq+1)
	m.log(b)
	if m.o.Notices {
		m.notice(b)
	}
}

// log appends a record of a change that was made.
func (m *Machine) log(b journal.Body) {
	rec := journal.Record{Seq: m.cur.Seq + 1, Time: m.at, Stack: m.id.Stack, Cycle: m.cur.Cycle, Body: b}
	last := rec.Last()
	if m.stopBefore > m.cur.Seq && m.stopBefore <= last {
		panic(stopHere{})
	}
	m.cur.Seq = last
	if n := len(m.out.records); n == cap(m.out.records) {
		m.out.records = append(make([]journal.Record, 0, max(min(m.out.usual, 64), 2*n, 4)), m.out.records...)
	}
	m.out.records = append(m.out.records, rec)
	m.out.logged++
	m.remember(rec)
	m.noteInWave(rec)
	if len(m.cur.Background) > 0 {
		m.keep(rec)
	}
}

// proceed does all that needs no further input.
func (m *Machine) proceed() {
	for m.cur.Open && !m.cur.Status.Ended() && m.cur.Closing == nil && !m.o.Rest {
		switch {
		case m.cur.Stopping != "" && !m.waveGoesOn():
			m.stopWhenGone()
			return
		case m.g.Eager:
			if !m.proceedEagerly() {
				return
			}
			continue
		case m.wave.open && (m.wave.left > 0 || m.out.committed):
			return
		case !m.wave.open && (m.cur.Status == journal.Paused || m.halted()):
			return
		}
		if !m.keepsPace() {
			return
		}
		switch {
		case m.wave.open:
			m.commitWave(&m.wave)
		case m.cycle.spent:
			m.finishCycle()
		default:
			m.nextWave()
		}
	}
	if m.cur.Stopping != "" && !m.cur.Open {
		m.stopWhenGone()
	}
}

// keepsPace reports that the next decision is to be taken. A replay takes it when it was
// taken then.
func (m *Machine) keepsPace() bool {
	if m.pace == nil {
		return true
	}
	at, next := m.pace(m.at)
	if next {
		m.at = at
	}
	return next
}
