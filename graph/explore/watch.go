package explore

import (
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// fault names a finding: two runs that show the same fault have the same one.
type fault struct {
	kind         string
	node, key    string
	text         string
	line, column int
}

// seen is a fault with what a run said about it.
type seen struct {
	fault
	message string
}

// watch looks at the records of one stack. It is used again for the next one.
type watch struct {
	s     *survey
	found []seen // of this stack, each once

	cover *cover

	run      *run // of the stack
	moved    bool // a node ran, or what waited was settled, in this cycle
	changed  bool // a key changed in this cycle, by more than events
	acted    bool // moved or ended otherwise than by a limit, since beginTry
	cycles   int
	idle     int // cycles in a row in which nothing moved and nothing changed
	limited  bool
	outcome  *journal.StackFinished
	failures bool // the stack has seen a failure
	last     []*journal.NodeDecided
}

func newWatch(s *survey, c *cover, r *run) *watch {
	return &watch{s: s, cover: c, run: r, last: make([]*journal.NodeDecided, len(s.g.Nodes))}
}

// reset forgets a stack.
func (w *watch) reset() {
	clear(w.last)
	w.found = w.found[:0]
	w.moved, w.changed, w.acted, w.limited, w.failures = false, false, false, false, false
	w.cycles, w.idle, w.outcome = 0, 0, nil
}

func (w *watch) beginCycle() { w.moved, w.changed = false, false }

// record looks at one record.
func (w *watch) record(r journal.Record) {
	switch b := r.Body.(type) {
	case *journal.NodeDecided:
		w.decided(b)
	case *journal.WaveStarted:
		w.moved, w.acted = true, true
		for k := range b.Early {
			w.verdict(&b.Early[k])
		}
	case *journal.TaskFinished:
		if b.Error != nil {
			w.failed(b, r.Cycle)
		}
	case *journal.WaveCommitted:
		w.committed(b)
	case *journal.CycleFinished:
		w.cycles++
		for _, f := range b.Faults {
			w.add(seen{fault: w.placed("condition-error", "", f), message: f})
		}
		if w.moved || w.changed || len(b.Faults) > 0 {
			w.idle = 0
		} else {
			w.idle++
		}
	case *journal.StackFinished:
		w.outcome = b
		w.limited = machine.EndedByLimit(b.Status, b.Reason)
		w.acted = w.acted || !w.limited
	}
}

// decided looks at the verdicts over a node. A decision that is the same as before is the
// same one.
func (w *watch) decided(b *journal.NodeDecided) {
	i := w.s.index(b.Node)
	if i < 0 || w.last[i] == b {
		return
	}
	w.last[i] = b
	if b.Run {
		w.cover.ran[i] = true
	} else if b.Reason != "waiting" {
		w.cover.passed[i]++
	}
	for k := range b.Edges {
		w.verdict(&b.Edges[k])
	}
}

func (w *watch) verdict(v *journal.Verdict) {
	c := &w.cover.edges[v.Edge]
	if v.Live {
		c.live++
		return
	}
	c.dead++
	if v.Error == "" {
		return
	}
	e := &w.s.g.Edges[v.Edge]
	f := w.placed("condition-error", w.s.g.Nodes[e.To].ID, v.Error)
	f.text = v.When
	w.add(seen{fault: f, message: v.Error})
}

// failed looks at a failure that a task ended with.
func (w *watch) failed(b *journal.TaskFinished, cycle uint64) {
	w.failures = true
	i := w.s.index(b.Node)
	if i < 0 {
		return
	}
	w.cover.failed[i] = true
	began := b.Began
	if began == 0 {
		began = cycle
	}
	w.fault(i, b.Error, b.Attempt > 0 && w.run.replied(i, began, b.Wave, b.Item, b.Attempt))
}

// fault keeps a failure that the graph itself has caused. One behind an output whose type
// nobody has declared is none.
func (w *watch) fault(i int, f *journal.Failure, replied bool) {
	n := &w.s.nodes[i]
	kind := f.Kind
	switch {
	case n.of.Kind.Fails != nil:
		return
	case kind == "config" && !replied: // its `with`, its elements, or what it waits for
		kind = "expression"
	case kind != "expression" && kind != "schema" && kind != "limit":
		return
	case replied && n.guessed:
		return
	case kind == "limit" && n.of.Inner != nil:
		return
	}
	placed := w.placed(kind, n.of.ID, f.Message)
	if placed.line == 0 {
		placed.line, placed.column = n.of.Def.At.Start.Line, n.of.Def.At.Start.Col
	}
	if kind == "schema" {
		placed.key = keyOf(f.Message)
	}
	w.add(seen{fault: placed, message: f.Message})
}

// keyOf is the key of the state that a mismatch is about: "todos[2].status: must be …".
func keyOf(message string) string {
	path, _, ok := strings.Cut(message, ": ")
	if !ok {
		return ""
	}
	if k := strings.IndexAny(path, ".["); k >= 0 {
		path = path[:k]
	}
	return path
}

func (w *watch) committed(b *journal.WaveCommitted) {
	if len(b.Settled) > 0 {
		w.moved, w.acted = true, true
	}
	if b.Wave > 0 && len(b.Changed) > 0 {
		w.changed = true
	}
	for k := range b.Settled {
		s := &b.Settled[k]
		i := w.s.index(s.Node)
		if i < 0 {
			continue
		}
		switch s.Status {
		case "succeeded":
			w.cover.succeeded[i] = true
		case "failed":
			w.failures, w.cover.failed[i] = true, true
		}
		if s.AtCommit && s.Error != nil {
			w.fault(i, s.Error, true)
		}
	}
}

func (w *watch) add(f seen) {
	for k := range w.found {
		if w.found[k].fault == f.fault {
			return
		}
	}
	w.found = append(w.found, f)
}

// placed is a fault at the place that a message begins with: FILE:LINE:COL: ….
func (w *watch) placed(kind, node, message string) fault {
	f := fault{kind: kind, node: node}
	f.line, f.column = placeIn(message)
	return f
}

// placeIn finds the place in a message: the first ":LINE:COL: ".
func placeIn(message string) (line, column int) {
	for at := 0; at < len(message); at++ {
		if message[at] != ':' {
			continue
		}
		l, n := number(message[at+1:])
		if n == 0 || at+1+n >= len(message) || message[at+1+n] != ':' {
			continue
		}
		c, m := number(message[at+2+n:])
		if m > 0 && strings.HasPrefix(message[at+2+n+m:], ": ") {
			return l, c
		}
	}
	return 0, 0
}

func number(s string) (n, digits int) {
	for digits < len(s) && digits < 7 && s[digits] >= '0' && s[digits] <= '9' {
		n = n*10 + int(s[digits]-'0')
		digits++
	}
	return n, digits
}

// ended looks at how the stack has ended: by a limit, though nothing failed and the graph
// has a stop.
func (w *watch) ended() {
	if w.plain() && len(w.s.g.Stops) > 0 {
		w.add(seen{fault: w.s.endlessFault(), message: "limits are the only end that was ever reached: " + w.outcome.Reason})
	}
}

// plain reports that a limit has ended the stack, and no failure had a part in it.
func (w *watch) plain() bool {
	return w.limited && !w.failures && !strings.HasPrefix(w.outcome.Reason, "failures ")
}

// index is the place of a node in the graph.
func (s *survey) index(id string) int {
	i, ok := s.g.NodeByID(id)
	if !ok {
		return -1
	}
	return i
}

// cover is what stacks have reached, of one worker.
type cover struct {
	ran, failed, succeeded []bool
	passed                 []int // decisions against a node
	edges                  []verdicts
	stopped                []int // by stop: how many stacks
	ended, limited, plain  int   // stacks that ended; by limits; by limits other than failures and without a failure
	cycles, stacks         int
}

type verdicts struct{ live, dead int }

func newCover(g *graph.Graph) *cover {
	n := len(g.Nodes)
	return &cover{ran: make([]bool, n), failed: make([]bool, n), succeeded: make([]bool, n), passed: make([]int, n),
		edges: make([]verdicts, len(g.Edges)), stopped: make([]int, len(g.Stops))}
}

// add joins what two workers have reached. It does not matter in which order.
func (c *cover) add(o *cover) {
	for i := range c.ran {
		c.ran[i] = c.ran[i] || o.ran[i]
		c.failed[i] = c.failed[i] || o.failed[i]
		c.succeeded[i] = c.succeeded[i] || o.succeeded[i]
		c.passed[i] += o.passed[i]
	}
	for i := range c.edges {
		c.edges[i].live += o.edges[i].live
		c.edges[i].dead += o.edges[i].dead
	}
	for i := range c.stopped {
		c.stopped[i] += o.stopped[i]
	}
	c.ended += o.ended
	c.limited += o.limited
	c.plain += o.plain
	c.cycles += o.cycles
	c.stacks += o.stacks
}

// calm is the time that passes in a try without an input: long enough for what is due by
// the clock.
var calm = []time.Duration{time.Hour, 25 * time.Hour, 8 * 24 * time.Hour, 40 * 24 * time.Hour, 400 * 24 * time.Hour}
