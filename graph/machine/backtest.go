package machine

import (
	"fmt"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// Backtest says what another graph would have decided in the cycles of a history. Each
// cycle begins with its recorded state and goes the way of the graph: with the recorded
// results of the nodes whose evaluated `with` is the same. Of other nodes the result is
// not known, and what depends on it is not judged.
type Backtest struct {
	History Replayer
	Graph   *graph.Graph
	From    uint64 // the first cycle; 0 means all
}

// Backtested is what became of one cycle.
type Backtested struct {
	Cycle   uint64
	Unknown []string         // nodes whose result is not known, and nodes that are not judged; in declaration order
	Nodes   []NodeBacktested // that would run or not, other than recorded: in declaration order, and then those that the graph does not have
	Ended   *journal.Outcome // how the stack ended with the cycle; nil if it continued
	Ends    *journal.Outcome // how it would have ended
	EndDiff bool             // only one of the two
}

// Differs reports that the graph decides the cycle otherwise.
func (b *Backtested) Differs() bool { return len(b.Nodes) > 0 || b.EndDiff }

// NodeBacktested is a node that would run, or would not.
type NodeBacktested struct {
	Node     string
	Recorded *journal.NodeDecided // nil if it was not decided
	Decided  *Decision            // nil if it is not decided
}

// AdoptError says that the state of a stack does not fit the graph.
type AdoptError struct {
	Cycle uint64
	Err   error
}

func (e *AdoptError) Error() string { return fmt.Sprintf("before cycle %d: %v", e.Cycle, e.Err) }
func (e *AdoptError) Unwrap() error { return e.Err }

// Run calls fn for each finished cycle, in order, but for the last cycles of `finally`. An
// error of fn ends it. Errors: *AdoptError, those of the Replayer, and that the history
// cannot be decided again.
func (b Backtest) Run(fn func(Backtested) error) error {
	w := &backtest{Backtest: b, fn: fn}
	r := replay{graphs: b.History.Graphs, side: w}
	if err := r.over(b.History); err != nil {
		return err
	}
	if w.failed == nil {
		w.flush()
	}
	if w.failed != nil {
		return w.failed
	}
	if n := len(r.differences); n > 0 && r.differences[n-1].Parts() {
		return fmt.Errorf("the history cannot be decided again: record %d: %s", r.differences[n-1].Recorded.Seq, r.differences[n-1])
	}
	return nil
}

// backtest walks beside a replay, and collects what each cycle was.
type backtest struct {
	Backtest
	fn     func(Backtested) error
	now    *pastCycle
	failed error
}

// pastCycle is a cycle as it was recorded.
type pastCycle struct {
	number   uint64
	snap     journal.Snapshot // before it
	graph    *graph.Graph     // that it ran under
	at, due  time.Time
	with     map[taskName]any
	results  map[taskName]*pastResult
	decided  map[string]*journal.NodeDecided
	commits  map[uint64]time.Time // by wave
	decides  map[uint64]time.Time
	finished *journal.Record
	end      *journal.Outcome
}

type taskName struct{ node, item string }

// pastResult is how the attempts of a task ended.
type pastResult struct {
	ends     []pastEnd
	left     bool  // the last of them began to wait
	tokens   int64 // besides those of the ends
	cost     float64
	nodeRuns uint64
}

// pastEnd is the end of an attempt, or that it began to wait: then its node left the wave,
// and what followed is of later cycles.
type pastEnd struct {
	*journal.TaskFinished // empty if it waits
	waits                 *journal.TaskWaiting
	seq                   uint64
	at                    time.Time
}

// begins is called when a cycle is about to begin: m has all that came in before.
func (w *backtest) begins(m *Machine) {
	w.flush()
	snap, ok := m.Snapshot()
	if !ok || w.failed != nil || m.cur.Cycle+1 < w.From {
		return
	}
	w.now = &pastCycle{number: m.cur.Cycle + 1, snap: snap, graph: m.g, at: m.at, with: map[taskName]any{}, results: map[taskName]*pastResult{},
		decided: map[string]*journal.NodeDecided{}, commits: map[uint64]time.Time{}, decides: map[uint64]time.Time{}}
}

// starts notes what the tasks of the cycle are given.
func (w *backtest) starts(tasks []Task) {
	for _, t := range tasks {
		if c := w.now; c != nil && t.Key.Cycle == c.number {
			c.with[taskName{t.Key.Node, t.Key.Item}] = t.With
		}
	}
}

// sees takes a recorded record.
func (w *backtest) sees(rec journal.Record) {
	c := w.now
	if c == nil {
		return
	}
	if f := c.finished; f != nil {
		switch b := rec.Body.(type) {
		case *journal.StackFinished:
			c.ends(f, rec.Time, b.Status, b.Reason)
		case *journal.CycleStarted:
			c.ends(f, rec.Time, b.Status, b.Reason)
		}
		return
	}
	if rec.Cycle != c.number {
		return
	}
	if k, ok := rec.Task(); ok && k.Cycle == c.number {
		c.note(taskName{k.Node, k.Item}, rec)
		return
	}
	switch b := rec.Body.(type) {
	case *journal.CycleStarted:
		c.at, c.due = rec.Time, b.Due
	case *journal.NodeDecided:
		c.decided[b.Node] = b
		c.decides[b.Wave] = rec.Time
	case *journal.WaveStarted:
		c.decides[b.Wave] = rec.Time
	case *journal.WaveCommitted:
		c.commits[b.Wave] = rec.Time
	case *journal.CycleFinished:
		c.finished = &rec
	case *journal.TaskUsed:
		c.uses(taskName{b.Node, b.Item}, b.Tokens, b.Cost, b.NodeRuns)
	}
}

// ends notes that the stack ended with the cycle: not by somebody who cancelled it, nor
// because its time was over later. What still ran may have ended after the cycle.
func (c *pastCycle) ends(f *journal.Record, at time.Time, status journal.Status, reason string) {
	late := !at.Equal(f.Time) && strings.HasPrefix(reason, "duration ")
	if c.end == nil && status != "" && status != journal.Cancelled && !late {
		c.end = &journal.Outcome{Status: status, Reason: reason}
	}
}

func (c *pastCycle) uses(name taskName, tokens int64, cost float64, runs uint64) *pastResult {
	r := c.results[name]
	if r == nil {
		r = &pastResult{}
		c.results[name] = r
	}
	r.tokens, r.cost, r.nodeRuns = r.tokens+tokens, r.cost+cost, r.nodeRuns+runs
	return r
}

func (c *pastCycle) note(name taskName, rec journal.Record) {
	switch b := rec.Body.(type) {
	case *journal.TaskStep:
		c.uses(name, b.Tokens, b.Cost, 0)
	case *journal.TaskHeld:
		c.uses(name, b.Tokens, b.Cost, 0)
	case *journal.TaskFinished:
		if r := c.uses(name, 0, 0, 0); !r.left {
			r.ends = append(r.ends, pastEnd{TaskFinished: b, seq: rec.Seq, at: rec.Time})
		}
	case *journal.TaskWaiting:
		if r := c.uses(name, 0, 0, 0); !r.left {
			r.left = true
			r.ends = append(r.ends, pastEnd{TaskFinished: &journal.TaskFinished{Attempt: b.Attempt}, waits: b, seq: rec.Seq, at: rec.Time})
		}
	}
}

// flush tests the cycle that is over.
func (w *backtest) flush() {
	c := w.now
	w.now = nil
	if c == nil || c.finished == nil || w.failed != nil {
		return
	}
	out, err := w.test(c)
	if err == nil {
		err = w.fn(out)
	}
	w.failed = err
}

// compared holds what was decided against what is decided.
func (t *retried) compared() Backtested {
	g, c := t.m.g, t.c
	out := Backtested{Cycle: c.number, Ended: c.end, Ends: t.end}
	for i := range g.Nodes {
		id := g.Nodes[i].ID
		was, is := c.decided[id], t.decisions[i]
		if t.unsure[i] || t.unknown[i] {
			out.Unknown = append(out.Unknown, id)
		}
		if t.unsure[i] || is == nil && t.stuck {
			continue
		}
		ran, runs := was != nil && was.Run, is != nil && is.Taken.Run
		if ran != runs {
			out.Nodes = append(out.Nodes, NodeBacktested{id, was, is})
		}
	}
	for i := range c.graph.Nodes {
		id := c.graph.Nodes[i].ID
		if _, ok := g.NodeByID(id); !ok && c.decided[id] != nil && c.decided[id].Run {
			out.Nodes = append(out.Nodes, NodeBacktested{Node: id, Recorded: c.decided[id]})
		}
	}
	out.EndDiff = (out.Ended == nil) != (out.Ends == nil) && !t.unsureEnd()
	return out
}
