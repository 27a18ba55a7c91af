package machine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// A fork is a stack that continues from a moment of another one. It has the state, the counts
// and the results of that moment, and the records of the cycle that was open then; its own
// records follow them, stack.started first. What was on its way to the other stack, or from
// it, stays there: events, their ids, messages. What ran begins again, and so do all times
// that were running: timeouts, backoffs, the duration of the stack.

// ForkOptions say what a fork is.
type ForkOptions struct {
	Stack string
	Nonce string
	At    time.Time      // the fork is created then
	Wave  uint64         // of the open cycle: the last one that was committed, as a Point counts
	Set   map[string]any // values of keys in place of those of the moment
	By    string         // who makes it, for its record
}

// Forked is a fork: with the changes it has the state of the snapshot, and its records after
// those of the snapshot.
type Forked struct {
	Identity journal.Identity
	Cursor   journal.Cursor
	Record   journal.Record // stack.started
	Changes  []graph.Change
}

// Fork makes a fork of a stack as it is in a snapshot; the records of it are not needed, nor
// are values of the state whose keys do not begin with journal.SidecarMark. Errors name the
// key or the value that does not fit.
func Fork(g *graph.Graph, s journal.Snapshot, o ForkOptions) (Forked, error) {
	if s.Cursor.Hash != g.Hash {
		return Forked{}, fmt.Errorf("%w: the stack runs %.12s, this is %.12s", ErrGraphChanged, s.Cursor.Hash, g.Hash)
	}
	schedule, err := scheduleOf(g, s.Identity.Params)
	if err != nil {
		return Forked{}, err
	}
	m := &Machine{o: Options{Rest: true}, id: s.Identity, at: o.At, schedule: schedule, caches: map[string]*cache{},
		ids: restoredIDs(nil), answers: restoredAnswers(nil), outbox: restored(outboxName, nil), past: restored(pastName, nil), writers: WritersIn(s.State)}
	m.load(g, valuesIn(g, s.State))
	m.cur = s.Cursor
	if err := m.fork(begunFork{id: m.forkOf(o), set: o.Set, at: o.At, by: o.By}); err != nil {
		return Forked{}, err
	}
	f := Forked{Identity: m.id, Cursor: m.cur, Record: m.out.records[0], Changes: m.out.changes}
	for _, name := range slices.Sorted(maps.Keys(s.State)) {
		if staysBehind(name) && s.State[name] != nil {
			f.Changes = append(f.Changes, graph.Change{Key: -1, Name: name, Whole: true})
		}
	}
	return f, nil
}

// forkOf is the identity of a fork of the stack as it is.
func (m *Machine) forkOf(o ForkOptions) journal.Identity {
	id := m.id
	c := &m.cur
	origin := journal.Origin{
		From:  journal.From{Stack: id.Stack, Cycle: c.Cycle, Wave: c.Committed()},
		Nonce: id.Nonce, CreatedAt: id.CreatedAt, Seq: c.Seq + 1, First: c.Seq + 1,
	}
	if c.Open {
		origin.First, origin.Wave = c.CycleSeq, o.Wave
	}
	id.Stack, id.Nonce, id.CreatedAt = o.Stack, o.Nonce, o.At
	id.Origins = append([]journal.Origin{origin}, id.Origins...)
	return id
}

// staysBehind says which of the machine's own lists a fork does not get.
func staysBehind(name string) bool {
	own, is := strings.CutPrefix(name, journal.SidecarMark)
	return is && (slices.Contains([]string{"events", "answers"}, own) || name == outboxName || name == childrenName || strings.HasPrefix(name, queueName))
}

// begunFork is the input that makes a stack a fork of itself: a replay of a fork comes to
// the moment at which it was forked.
type begunFork struct {
	id  journal.Identity // of the fork
	set map[string]any
	at  time.Time
	by  string
}

func (begunFork) input() {}

// fork continues as a fork.
func (m *Machine) fork(in begunFork) error {
	set, err := m.fitSet(in.set)
	if err != nil {
		return err
	}
	m.at, m.id = in.at, in.id
	from := m.id.Origins[0].From
	m.emit(&journal.StackStarted{Graph: m.g.Name, Hash: m.cur.Hash, From: &from, Params: m.id.Params, State: set, By: in.by})
	var by writing
	var changes []graph.Change
	for i := range m.g.Keys {
		name := m.g.Keys[i].Name
		v, ok := set[name]
		if !ok {
			continue
		}
		m.measured()
		m.set(i, v, value.Size(v))
		changes = append(changes, graph.Change{Key: i, Name: name, Value: v, Whole: true})
		by.list = append(by.list, journal.Writer{Key: name})
	}
	m.commitChanges(changes, &by, 0)
	m.env.Reset()
	m.eachWave(func(w *wave) {
		for k := range w.runs {
			if r := &w.runs[k]; !r.over && r.err == nil {
				m.fill(r)
			}
		}
	})
	return nil
}

// fitSet checks the values of keys that are set with a fork.
func (m *Machine) fitSet(given map[string]any) (map[string]any, error) {
	if len(given) == 0 {
		return nil, nil
	}
	set := make(map[string]any, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(m.g.Keys, func(k graph.Key) bool { return k.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("unknown state key %q (%s)", name, existing("keys", m.g.Keys, func(k graph.Key) string { return k.Name }))
		}
		v, err := fitValue(m.g.Keys[i].Type, "state."+name, given[name])
		if err != nil {
			return nil, err
		}
		set[name] = v
	}
	sizes := graph.Measure(m.state.values)
	for i := range m.g.Keys {
		if v, ok := set[m.g.Keys[i].Name]; ok {
			size := value.Size(v)
			if err := sizes.Check(m.g, i, size); err != nil {
				return nil, err
			}
			sizes.Set(i, size)
		}
	}
	return set, nil
}

// applyForked leaves behind what a fork does not take along, and has begin again what ran.
func (m *Machine) applyForked(at time.Time, seq uint64) {
	m.inbox = nil
	m.eachWave(func(w *wave) { m.beginAgain(w, at) })
	if m.restoring {
		return // the cursor and the machine's own lists are as the fork left them
	}
	c := &m.cur
	ended := c.Status.Ended()
	c.Status, c.Reason, c.Failure, c.Closing, c.Stopping, c.StoppedBy = journal.Running, "", nil, nil, "", ""
	c.Parked, c.Ending, c.Children, c.Queued = nil, nil, nil, nil
	c.Inbox, c.Outbox, c.Clean = 0, 0, true
	if r := c.Reopened; r != nil {
		again := *r
		again.At = at
		c.Reopened = &again
	}
	m.ids, m.answers, m.outbox, m.kept = restoredIDs(nil), restoredAnswers(nil), restored(outboxName, nil), nil
	m.restoreQueues(nil)
	m.waitAgain(at)
	if !c.Open {
		c.CycleSeq = seq
	}
	if ended {
		m.goOnAfterEnd(at)
	}
	m.out.ended = nil
	m.expire()
	m.seeStack()
}

// waitAgain begins the times of what waits. An answer that no cycle has applied belongs to
// the open cycle, if there is one.
func (m *Machine) waitAgain(at time.Time) {
	c := &m.cur
	again := func(w *journal.Waiting) {
		later := at.Sub(w.Since)
		fields, _ := w.With.(map[string]any)
		if !w.Until.IsZero() {
			w.Until = w.Until.Add(later)
		}
		if !w.Due.IsZero() && fields["for"] != nil {
			w.Due = w.Due.Add(later)
		}
		w.Since = at
	}
	c.Waiting = slices.Clone(c.Waiting)
	for k := range c.Waiting {
		w := &c.Waiting[k]
		if w.Answered && !c.Open {
			w.Answered = false
			m.nodes[m.plan.index[w.Node]].answer = nil
		}
		if !w.Answered {
			again(w)
		}
	}
	// What waited for a stack of its own begins it again.
	c.Asking = slices.DeleteFunc(slices.Clone(c.Asking), func(w journal.Waiting) bool { return len(w.Calls) == 0 })
	for k := range c.Asking {
		again(&c.Asking[k])
	}
}

// goOnAfterEnd has the next cycle of a stack begin that had ended.
func (m *Machine) goOnAfterEnd(at time.Time) {
	c := &m.cur
	c.Refused, c.WakeAt, c.Last = "", at, settledDebts(c.Last)
	if m.schedule != nil && !m.g.Once {
		c.Due = m.schedule.Next(at) // what came while it had ended gets no cycle
	}
	m.wave.close()
	m.closeEach()
	for i := range m.nodes {
		m.nodes[i].answer, m.nodes[i].apart = nil, nil
	}
	m.forgetPast()
	m.redo()
}

// beginAgain has the tasks of a wave run again that are not over. One that is on hold stays
// so while a question of it is open; one whose node is ending ends.
func (m *Machine) beginAgain(w *wave, at time.Time) {
	for k := range w.runs {
		r := &w.runs[k]
		if r.over || r.failing != nil || r.enough {
			continue
		}
		for x := r.first; x < r.first+r.n; x++ {
			t := &w.tasks[x]
			t.firstAt, t.cut = time.Time{}, 0
			if t.state == queued { // nothing says that this attempt was to be made
				t.attempt--
			}
			switch {
			case t.state == running, t.state == ending, t.state == queued, m.isHeldChild(t, r):
				m.turn(t, r, idle)
				r.again = append(r.again, x)
			case t.state == backoff:
				t.due = at.Add(t.rest)
				fallthrough
			case t.state == onHold:
				t.turns++ // the timers that it had are void
				m.arm(t, r)
			}
		}
	}
}
