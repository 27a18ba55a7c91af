package machine

import (
	"errors"
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
)

// ErrGraphChanged says that the snapshot was taken under another definition.
var ErrGraphChanged = errors.New("machine: the graph has changed")

// Machine is one stack. Not safe for concurrent use.
type Machine struct {
	g    *graph.Graph
	o    Options
	id   journal.Identity
	plan *plan

	state    keys
	sizes    *graph.Sizes // of the state; nil until the first write
	view     view
	env      *cond.Env
	cur      journal.Cursor
	at       time.Time // of the last input
	cycle    cycle
	nodes    []node
	edges    []judged // verdicts that are shared or taken early, by edge
	held     []held   // conditions over the state alone, kept while it stays, by edge
	ready    []int    // nodes whose sources have settled, not decided yet
	firsts   []int    // undecided `join: first` nodes with news of a source
	early    []int    // edges judged at this moment ahead of their target
	wave     wave
	inbox    []*journal.EventReceived // since the last cycle began
	recent   []journal.Record         // see remember
	sidecars []*sidecar               // that changed since the last commit
	caches   map[string]*cache
	answers  answers  // that were accepted
	outbox   *sidecar // messages that are yet to be delivered
	ids      ids      // of the events that were accepted
	adopts   bool     // a changed graph is to be adopted: no cycle begins
	out      outbox
	pace     func(time.Time) (at time.Time, now bool) // Replay: when the next decision was taken, and whether it is next; else nil

	watch      *watch // see Explain; else nil
	stopBefore uint64 // the record that a replay stops before; 0 for none

	released  bool // the next wave may begin, of a machine that is led
	restoring bool // records are applied that the machine's own lists know already

	order    []int             // nodes decided at this moment
	verdicts []journal.Verdict // of the node that is being decided
}

// outbox is what the next Ready holds. seen counts what the last one showed:
// only that is dropped by Advance.
type outbox struct {
	records  []journal.Record
	changes  []graph.Change
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
	usual     int       // how many records the Ready before had
	seen      struct{ records, changes, start, cancel, orphans, send, lost, children int }
}

// New starts a stack: init overrides initial values of keys. Its first cycle
// begins when the machine is woken at WakeAt, which is at once. Errors name
// the param or key that does not fit.
func New(g *graph.Graph, o Options, id journal.Identity, init map[string]any, at time.Time) (*Machine, error) {
	params, err := fitParams(g, id.Params)
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
	m := &Machine{o: o, id: id, at: at, caches: map[string]*cache{}, ids: restoredIDs(nil), answers: restoredAnswers(nil), outbox: restored(outboxName, nil)}
	m.cur = journal.Cursor{Status: journal.Running, Hash: g.Hash, WakeAt: at}
	m.load(g, values)
	m.expire()
	m.showState()
	m.emit(&journal.StackStarted{Graph: g.Name, Hash: g.Hash, Params: params, State: m.State()})
	return m, nil
}

// Step feeds one input. Late, double and unknown results are ignored, as is
// everything after the end but TaskUsed and Sent. Only an Event, an Answer, a CancelTask
// and a TaskStep can be refused, and then nothing has changed.
func (m *Machine) Step(in Input) error {
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
	if m.cur.Closing != nil && !endsAttempt(in) {
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
	case TaskUsed:
		m.taskUsed(in)
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
	case Woke:
		m.at = in.At
		m.woke(in.Early)
	case Cancel:
		m.at = in.At
		m.stop(journal.Cancelled, in.Reason)
	case Stop:
		m.at = in.At
		m.stopAfterWave(in.Reason)
	case Pause:
		m.at = in.At
		m.move(journal.Running, journal.Paused)
	case Resume:
		m.at = in.At
		m.move(journal.Paused, journal.Running)
		m.unpark()
		m.startCycleIfDue()
	case NextWave:
		m.at = in.At
		m.release()
	default:
		return fmt.Errorf("machine: unknown input %T", in)
	}
	m.proceed()
	return nil
}

// refusal is why an input is refused that comes while the stack is closing, or
// after its end; nil if it is ignored.
func refusal(in Input) error {
	switch in.(type) {
	case Event, Answer:
		return ErrEnded
	case TaskStep:
		return ErrNotRunning
	}
	return nil
}

// endsAttempt reports whether an input says that an attempt is over, which also
// counts while the stack is closing.
func endsAttempt(in Input) bool {
	switch in.(type) {
	case TaskDone, TaskFailed, ChildDone, TaskGone, TaskUsed, Sent:
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
	o := &m.out
	wake := m.WakeAt()
	if len(o.records) == 0 && len(o.start) == 0 && len(o.cancel) == 0 && len(o.orphans) == 0 && len(o.send) == 0 && len(o.lost) == 0 && len(o.children) == 0 && !o.moved && wake.Equal(o.wakeAt) {
		return Ready{}, false
	}
	o.seen.records, o.seen.changes = len(o.records), len(o.changes)
	o.seen.start, o.seen.cancel, o.seen.orphans = len(o.start), len(o.cancel), len(o.orphans)
	o.seen.send, o.seen.lost, o.seen.children = len(o.send), len(o.lost), len(o.children)
	o.wakeAt, o.moved = wake, true
	return Ready{
		Records: o.records, Changes: m.sidecarChanges(o.changes), Cursor: m.cur,
		Start: o.start, Cancel: o.cancel, Orphans: o.orphans, Send: o.send, Lost: o.lost, Children: o.children, WakeAt: wake, Outcome: o.ended,
	}, true
}

// Advance says that the last Ready was done (its commit is durable).
func (m *Machine) Advance() {
	o := &m.out
	full := len(o.records) == o.seen.records
	if full {
		o.usual = min(len(o.records), 16)
	}
	o.records = rest(o.records, o.seen.records)
	o.changes = rest(o.changes, o.seen.changes)
	o.start = rest(o.start, o.seen.start)
	o.cancel = rest(o.cancel, o.seen.cancel)
	o.orphans = rest(o.orphans, o.seen.orphans)
	o.send = rest(o.send, o.seen.send)
	o.lost = rest(o.lost, o.seen.lost)
	o.children = rest(o.children, o.seen.children)
	o.seen.records, o.seen.changes, o.seen.start, o.seen.cancel = 0, 0, 0, 0
	o.seen.orphans, o.seen.send, o.seen.lost, o.seen.children = 0, 0, 0, 0
	m.sidecarsStored()
	o.moved = false
	if full {
		o.committed = false
		o.ended = nil
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

// emit records a change and makes it.
func (m *Machine) emit(b journal.Body) {
	if m.stopBefore == m.cur.Seq+1 {
		panic(stopHere{})
	}
	m.apply(b, m.at, m.cur.Seq+1)
	m.log(b)
}

// log appends a record of a change that was made.
func (m *Machine) log(b journal.Body) {
	if m.stopBefore == m.cur.Seq+1 {
		panic(stopHere{})
	}
	m.cur.Seq++
	if m.out.records == nil {
		m.out.records = make([]journal.Record, 0, max(1, m.out.usual))
	}
	m.out.records = append(m.out.records, journal.Record{
		Seq: m.cur.Seq, Time: m.at, Stack: m.id.Stack, Cycle: m.cur.Cycle, Body: b,
	})
	rec := m.out.records[len(m.out.records)-1]
	m.remember(rec)
	if len(m.cur.Background) > 0 {
		m.keep(rec)
	}
}

// proceed does all that needs no further input.
func (m *Machine) proceed() {
	for m.cur.Open && !m.cur.Status.Ended() && m.cur.Closing == nil && !m.o.Rest {
		switch {
		case m.cur.Stopping != "" && !m.waveGoesOn():
			m.stop(journal.Cancelled, m.cur.Stopping)
			return
		case m.wave.open && (m.wave.left > 0 || m.out.committed):
			return
		case !m.wave.open && (m.cur.Status == journal.Paused || m.halted()):
			return
		}
		if m.pace != nil {
			at, next := m.pace(m.at)
			if !next {
				return
			}
			m.at = at
		}
		switch {
		case m.wave.open:
			m.commitWave()
		case m.cycle.spent:
			m.finishCycle()
		default:
			m.nextWave()
		}
	}
}
