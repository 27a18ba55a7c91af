package machine

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// retried is a recorded cycle that goes the way of another graph.
type retried struct {
	m         *Machine
	c         *pastCycle
	pending   []Task
	fed       map[taskName]int // how many of the recorded attempts
	backoff   []taskName       // tasks whose next attempt is recorded, and not queued yet
	decisions []*Decision      // by node
	fresh     []int            // decided since the doubts were settled
	end       *journal.Outcome
	over      bool // the cycle is
	stuck     bool // it did not come to its end

	// What nobody knows, by node and by key.
	unsure  []bool // whether the node would run
	unknown []bool // what it would come to
	keys    []bool // the value
}

// test takes a recorded cycle through the graph.
func (w *backtest) test(c *pastCycle) (Backtested, error) {
	base := c.snap
	if base.Cursor.Status == journal.Paused {
		base.Cursor.Status = journal.Running
	}
	m, err := restore(c.graph, w.History.Options, base, c.at, true)
	if err != nil {
		return Backtested{}, err
	}
	t := &retried{m: m, c: c, fed: map[taskName]int{}}
	m.dueThen = func() (time.Time, bool) { return c.due, true }
	m.pace = t.pace
	switch err := m.Adopt(w.Graph, c.at); {
	case errors.Is(err, ErrStillRunning): // it continues under the graph that it began with
		out := Backtested{Cycle: c.number, Ended: c.end, Ends: c.end}
		for _, b := range c.snap.Cursor.Background {
			out.Unknown = append(out.Unknown, b.Node)
		}
		return out, nil
	case err != nil:
		return Backtested{}, &AdoptError{c.number, err}
	}
	n := len(m.g.Nodes)
	t.decisions, t.unsure, t.unknown, t.keys = make([]*Decision, n), make([]bool, n), make([]bool, n), make([]bool, len(m.g.Keys))
	m.blank = map[int]bool{}
	m.Watch(Watch{Decided: func(d Decision) {
		if d.Cycle == c.number {
			t.decisions[d.Node] = &d
			t.fresh = append(t.fresh, d.Node)
		}
	}})
	if err := t.settle(); err != nil {
		return Backtested{}, err
	}
	if err := m.Step(Woke{At: c.at, Early: true}); err != nil {
		return Backtested{}, err
	}
	if err := t.run(); err != nil {
		return Backtested{}, err
	}
	return t.compared(), nil
}

// pace takes each decision when the one of the same wave was taken.
func (t *retried) pace(at time.Time) (time.Time, bool) {
	m := t.m
	var then time.Time
	switch {
	case m.g.Eager:
	case m.wave.open:
		then = t.c.commits[m.cur.Wave]
	case m.cycle.spent:
		then = t.c.finished.Time
	default:
		then = t.c.decides[m.cur.Wave+1]
	}
	if then.After(at) {
		at = then
	}
	return at, true
}

// run brings the cycle to its end.
func (t *retried) run() error {
	for waits := 0; ; {
		if err := t.settle(); err != nil || t.over {
			return err
		}
		if s, ok := t.next(); ok {
			if err := t.feed(s); err != nil {
				return err
			}
			continue
		}
		at := t.m.WakeAt()
		if waits++; waits > 100 || at.IsZero() || !t.m.cur.Open {
			t.stuck = true
			return nil
		}
		if at.Before(t.m.at) {
			at = t.m.at
		}
		if err := t.m.Step(Woke{At: at}); err != nil {
			return err
		}
	}
}

// settle takes what the machine has decided.
func (t *retried) settle() error {
	for {
		r, ok := t.m.Ready()
		if !ok {
			return nil
		}
		for _, rec := range r.Records {
			if rec.Cycle == t.c.number && rec.Body.Type() == "cycle.finished" {
				t.over = true
			}
		}
		switch c := &t.m.cur; {
		case c.Status.Ended(): // also when a last cycle has been, in which nothing ran
			t.over, t.end = true, &journal.Outcome{Status: c.Status, Reason: c.Reason}
		case c.Finally != nil:
			t.over, t.end = true, c.Finally
		case t.over && c.Closing != nil:
			t.end = c.Closing
		}
		t.doubt()
		if t.over {
			return nil
		}
		for _, s := range r.Start {
			t.starts(s)
		}
		t.m.Advance()
		for _, key := range r.Cancel {
			i := slices.IndexFunc(t.pending, func(p Task) bool { return p.Key == key })
			if i >= 0 {
				gone := t.pending[i]
				t.pending = slices.Delete(t.pending, i, i+1)
				if err := t.m.Step(TaskGone{At: t.m.at, Key: key, Attempt: gone.Attempt}); err != nil {
					return err
				}
			}
		}
	}
}

// next is the task whose result came first then; those without one come last. It is false
// when the next attempt of another one came before, or nothing runs.
func (t *retried) next() (Task, bool) {
	best := -1
	for i := range t.pending {
		if best < 0 || t.seq(&t.pending[i]) < t.seq(&t.pending[best]) {
			best = i
		}
	}
	if best < 0 {
		return Task{}, false
	}
	if !t.m.WakeAt().IsZero() {
		for _, name := range t.backoff {
			if r := t.c.results[name]; t.fed[name] < len(r.ends) && r.ends[t.fed[name]].seq < t.seq(&t.pending[best]) {
				return Task{}, false
			}
		}
	}
	s := t.pending[best]
	t.pending = slices.Delete(t.pending, best, best+1)
	return s, true
}

// seq is the record of what an attempt came to; the last of all if nobody knows.
func (t *retried) seq(s *Task) uint64 {
	if e := t.result(s); e != nil {
		return e.seq
	}
	return math.MaxUint64
}

// result is what an attempt came to then; nil if nobody knows.
func (t *retried) result(s *Task) *pastEnd {
	name := taskName{s.Key.Node, s.Key.Item}
	if r := t.c.results[name]; r != nil && t.fed[name] < len(r.ends) && !t.unknown[s.Node] {
		return &r.ends[t.fed[name]]
	}
	return nil
}

// starts decides whether the result of a task is known.
func (t *retried) starts(s Task) {
	t.pending = append(t.pending, s)
	n := &t.m.g.Nodes[s.Node]
	if n.Kind.Fails != nil || n.Kind.Waits || n.Outside() {
		return
	}
	name := taskName{s.Key.Node, s.Key.Item}
	t.backoff = slices.DeleteFunc(t.backoff, func(other taskName) bool { return other == name })
	end := t.result(&s)
	known := end != nil && !(end.Error != nil && end.Error.Kind == "cancelled")
	if known && !t.unsure[s.Node] && !t.readsDoubt(t.m.reads(n)...) && t.sameWork(n) && reflect.DeepEqual(t.c.with[name], s.With) {
		return
	}
	t.loses(s.Node)
}

// sameWork reports that a node does in both graphs the same with the same `with`.
func (t *retried) sameWork(n *graph.Node) bool {
	i, ok := t.c.graph.NodeByID(n.ID)
	if !ok {
		return false
	}
	was := &t.c.graph.Nodes[i]
	return was.Kind.Name == n.Kind.Name && (was.Inner == nil) == (n.Inner == nil) && (n.Inner == nil || was.Inner.Hash == n.Inner.Hash) &&
		(was.ForEach == nil) == (n.ForEach == nil) && slices.Equal(was.Calls, n.Calls)
}

// loses makes the result of a node, and what it writes, unknown.
func (t *retried) loses(node int) {
	if t.unknown[node] {
		return
	}
	t.unknown[node] = true
	t.m.blank[node] = true
	for _, w := range t.m.g.Nodes[node].Writes {
		t.keys[w.Key] = true
	}
}

// feed gives the machine what an attempt came to.
func (t *retried) feed(s Task) error {
	m, end, name := t.m, t.result(&s), taskName{s.Key.Node, s.Key.Item}
	at := m.at
	if end != nil && end.at.After(at) {
		at = end.at
	}
	if task, _ := m.find(s.Key); end != nil && end.Attempt > s.Attempt && task != nil {
		task.attempt, s.Attempt = end.Attempt, end.Attempt // others before it were cut off
	}
	if err := m.Step(TaskRunning{At: at, Key: s.Key, Attempt: s.Attempt}); err != nil {
		return err
	}
	n := &m.g.Nodes[s.Node]
	if n.Kind.Fails != nil {
		f := journal.Failure{Kind: "config", Permanent: true}
		if with, err := value.Fill(s.With, nil); err != nil {
			f.Message = err.Error()
		} else {
			f.Kind, f.Message, f.Permanent = n.Kind.Fails(with)
		}
		return m.Step(TaskFailed{At: at, Key: s.Key, Attempt: s.Attempt, Failure: f})
	}
	if end == nil {
		return m.Step(TaskDone{At: at, Key: s.Key, Attempt: s.Attempt})
	}
	r := t.c.results[name]
	t.fed[name]++
	if w := end.waits; w != nil {
		if err := m.Step(TaskWaits{At: at, Key: s.Key, Attempt: s.Attempt, Calls: w.Calls}); err != nil {
			return err
		}
		return m.Step(TaskHeld{At: at, Key: s.Key, Attempt: s.Attempt})
	}
	tokens, cost, runs := end.Tokens, end.Cost, end.NodeRuns
	if t.fed[name] == len(r.ends) {
		tokens, cost, runs = tokens+r.tokens, cost+r.cost, runs+r.nodeRuns
	} else {
		t.backoff = append(t.backoff, name)
	}
	if end.Status != succeeded.String() && end.Output == nil && end.Error != nil {
		return m.Step(TaskFailed{At: at, Key: s.Key, Attempt: s.Attempt, Failure: *end.Error, Wait: end.Wait, Tokens: tokens, Cost: cost, NodeRuns: runs})
	}
	output, err := value.Of(end.Output)
	if err != nil {
		return err
	}
	return m.Step(TaskDone{At: at, Key: s.Key, Attempt: s.Attempt, Output: output, Talk: end.Talk, Memory: end.Memory, Tokens: tokens, Cost: cost, NodeRuns: runs})
}

// doubt finds the decisions that depend on what nobody knows, moment by moment. What such
// a node would write is unknown too, whether it runs or not.
func (t *retried) doubt() {
	for len(t.fresh) > 0 {
		n := 1
		for n < len(t.fresh) && t.decisions[t.fresh[n]].Taken.Wave == t.decisions[t.fresh[0]].Taken.Wave {
			n++
		}
		t.doubtMoment(t.fresh[:n])
		t.fresh = t.fresh[n:]
	}
}

func (t *retried) doubtMoment(decided []int) {
	for changed := true; changed; {
		changed = false
		for _, i := range decided {
			if !t.unsure[i] && t.isUnsure(i) {
				t.unsure[i], changed = true, true
			}
		}
	}
	for _, i := range decided {
		n := &t.m.g.Nodes[i]
		if t.unsure[i] || t.decisions[i].Taken.Run && n.Kind.Inline && t.readsDoubt(t.m.reads(n)...) {
			t.loses(i)
		}
		for _, w := range n.Writes {
			if t.decisions[i].Taken.Run && t.readsDoubt(w.Expr) {
				t.keys[w.Key] = true
			}
		}
	}
}

// isUnsure reports that a decision depends on what nobody knows.
func (t *retried) isUnsure(i int) bool {
	g := t.m.g
	for _, x := range g.Nodes[i].In {
		if t.doubtsEdge(&g.Edges[x]) {
			return true
		}
		for _, s := range g.Edges[x].Siblings {
			if t.doubtsEdge(&g.Edges[s]) {
				return true
			}
		}
	}
	for k := range g.Nodes { // it may have been cancelled
		if g.Nodes[k].Cancel && (t.unsure[k] || t.unknown[k]) {
			for _, x := range g.Nodes[k].In {
				if g.Edges[x].From == i {
					return true
				}
			}
		}
	}
	return false
}

func (t *retried) doubtsEdge(e *graph.Edge) bool {
	if e.From != graph.Start && !e.NextCycle && (t.unsure[e.From] || t.unknown[e.From]) {
		return true
	}
	return e.When != nil && t.readsDoubt(e.When)
}

// readsDoubt reports that an expression reads what nobody knows.
func (t *retried) readsDoubt(all ...*cond.Program) bool {
	for _, p := range all {
		if p == nil {
			continue
		}
		r := p.Reads()
		if r.Slots&(1<<graph.SlotState) != 0 && (r.Whole&(1<<graph.SlotState) != 0 && slices.Contains(t.keys, true) ||
			slices.ContainsFunc(r.Fields[graph.SlotState], func(k int) bool { return t.keys[k] })) {
			return true
		}
		if r.Slots&(1<<graph.SlotNodes) != 0 {
			in := func(i int) bool { return t.unsure[i] || t.unknown[i] }
			if r.Whole&(1<<graph.SlotNodes) != 0 {
				if slices.Contains(t.unsure, true) || slices.Contains(t.unknown, true) {
					return true
				}
			} else if slices.ContainsFunc(r.Fields[graph.SlotNodes], in) {
				return true
			}
		}
	}
	return false
}

// unsureEnd reports that nobody knows whether the stack would end.
func (t *retried) unsureEnd() bool {
	if t.stuck || t.m.g.Once && (slices.Contains(t.unknown, true) || slices.Contains(t.unsure, true)) {
		return true
	}
	for i := range t.m.g.Stops {
		if t.readsDoubt(t.m.g.Stops[i].When) {
			return true
		}
	}
	return false
}
