package inspect

import (
	"context"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// History is what a stack did, cycle by cycle.
type History struct {
	Stack  string         `json:"stack"`
	Graph  string         `json:"graph"`
	Status journal.Status `json:"status"`
	Reason string         `json:"reason"`
	Cycles []Cycle        `json:"cycles"`
}

// Cycle is one cycle of a History.
type Cycle struct {
	Cycle     uint64    `json:"cycle"`
	StartedAt time.Time `json:"started_at"`
	Due       time.Time `json:"due,omitzero"` // the moment of the schedule that it is for
	Finished  bool      `json:"finished"`
	Finally   bool      `json:"finally,omitzero"`  // the last one, of the nodes of `finally`
	Reopened  *Reopened `json:"reopened,omitzero"` // the stack was reopened before it; else nil
	Failed    bool      `json:"failed"`
	Faults    []string  `json:"faults,omitzero"` // what failed while it began or ended
	NodeRuns  int       `json:"node_runs"`
	Nodes     Tally     `json:"nodes"`
	Changed   []string  `json:"changed"` // keys, in the order of their declaration
	PauseMS   int64     `json:"pause_ms"`
	Tokens    int64     `json:"tokens"` // used until the next cycle began
	Cost      float64   `json:"cost"`
	Events    []string  `json:"events"` // received before it, or while it ran
	Waves     []Wave    `json:"waves"`
}

// Tally is how many nodes of a Cycle came to what. One that waits or is in the background
// counts where it began, and its failure where it ended.
type Tally struct {
	Ran     int `json:"ran"`     // were decided to run, also if they failed or are not over
	Failed  int `json:"failed"`  // failed, and were to run in this cycle or in an earlier one
	Skipped int `json:"skipped"` // were decided not to run, or were cancelled by a `join: first` node
}

// Reopened says how a stack continued that had ended.
type Reopened struct {
	At     time.Time      `json:"at"`
	By     string         `json:"by"`
	Limits journal.Limits `json:"limits,omitzero"` // that were set
}

// Wave is one commit of a Cycle. Wave 0 is what the cycle began with.
type Wave struct {
	Wave   uint64    `json:"wave"`
	Nodes  []Settled `json:"nodes"`
	Writes []Write   `json:"writes"`
}

// Settled is how a node ended in a Wave.
type Settled struct {
	Node     string `json:"node"`
	Status   string `json:"status"`
	Attempts int    `json:"attempts"`
	Error    string `json:"error,omitzero"`
	Failed   int    `json:"failed,omitzero"` // of a for_each: the elements that failed,
	Of       int    `json:"of,omitzero"`     // of so many; 0 if none did
	// Tokens and Cost are what it has used since it began, or since an earlier Wave told
	// of it as waiting.
	Tokens int64   `json:"tokens"`
	Cost   float64 `json:"cost"`
}

// Write is a key that a Wave changed, and whose writes changed it, in their order. In
// records of 0.1.0 they are those whose writes may have.
type Write struct {
	Key    string   `json:"key"`
	Nodes  []string `json:"nodes"`
	Events []string `json:"events,omitempty"` // that the cycle began with
}

// historyReader puts records together to cycles.
type historyReader struct {
	out    History
	again  *Reopened        // before the next cycle
	events []string         // of the next cycle
	used   map[string]usage // by node, since a wave told of it
	came   outcomes         // in the open cycle
	hash   string           // of under
	under  *graph.Graph     // that the records are of
	graph  func(hash string) (*graph.Graph, error)
}

type usage struct {
	tokens int64
	cost   float64
}

// HistoryOf reads the last cycles of a stack; all that are kept when last is 0. It
// reads no outputs, and no cycle before those.
func HistoryOf(ctx context.Context, store Reader, kinds graph.Kinds, stack string, last int) (History, error) {
	sum, err := store.Stack(ctx, stack)
	if err != nil {
		return History{}, err
	}
	r := historyReader{
		out:   History{stack, sum.Identity.Graph, sum.Cursor.Status, sum.Cursor.Reason, []Cycle{}},
		used:  map[string]usage{},
		under: &graph.Graph{},
		graph: func(hash string) (*graph.Graph, error) { return Definition(ctx, store, kinds, hash) },
	}
	err = store.Records(ctx, stack, journal.Want{Last: last, Types: []string{
		"stack.started", "event.received", "cycle.started", "node.decided", "wave.committed", "cycle.finished",
		"task.step", "task.mark", "task.held", "task.finished", "task.used", "stack.reopened",
	}}, r.add)
	return r.out, err
}

func (r *historyReader) add(rec journal.Record) error {
	switch b := rec.Body.(type) {
	case *journal.StackStarted:
		return r.adopt(b.Hash)
	case *journal.EventReceived:
		r.events = append(r.events, b.Event)
	case *journal.CycleStarted:
		r.out.Cycles = append(r.out.Cycles, Cycle{
			Cycle: rec.Cycle, StartedAt: rec.Time, Due: b.Due, Finally: b.Finally, Reopened: r.again, Faults: b.Faults, Changed: []string{}, Events: append([]string{}, r.events...), Waves: []Wave{},
		})
		r.events, r.again, r.came = nil, nil, outcomes{}
		if b.Hash != "" {
			return r.adopt(b.Hash)
		}
	case *journal.StackReopened:
		r.again = &Reopened{rec.Time, b.By, b.Limits}
	case *journal.NodeDecided:
		if c := r.open(); c != nil {
			r.came.decided(b)
			c.Nodes = r.came.tally()
		}
	case *journal.TaskStep:
		r.uses(b.Node, b.Tokens, b.Cost)
	case *journal.TaskHeld:
		r.uses(b.Node, b.Tokens, b.Cost)
	case *journal.TaskFinished:
		r.uses(b.Node, b.Tokens, b.Cost)
	case *journal.TaskUsed:
		r.uses(b.Node, b.Tokens, b.Cost)
	case *journal.WaveCommitted:
		if c := r.open(); c != nil {
			c.Waves = append(c.Waves, r.wave(b))
			r.came.settled(b)
			c.Nodes = r.came.tally()
			c.Changed = r.changed(c.Changed, b.Changed)
		}
	case *journal.CycleFinished:
		if c := r.open(); c != nil {
			c.Finished, c.Failed, c.NodeRuns, c.PauseMS = true, b.Failed, b.NodeRuns, b.Pause.Milliseconds()
			c.Faults = append(slices.Clip(c.Faults), b.Faults...)
		}
	}
	return nil
}

// uses counts what an attempt of a node used.
func (r *historyReader) uses(node string, tokens int64, cost float64) {
	if c := r.open(); c != nil && (tokens != 0 || cost != 0) {
		c.Tokens, c.Cost = c.Tokens+tokens, c.Cost+cost
		u := r.used[node]
		r.used[node] = usage{u.tokens + tokens, u.cost + cost}
	}
}

// open is the cycle that records belong to; nil before the first, where the
// history begins in the middle of one.
func (r *historyReader) open() *Cycle {
	if len(r.out.Cycles) == 0 {
		return nil
	}
	return &r.out.Cycles[len(r.out.Cycles)-1]
}

func (r *historyReader) wave(b *journal.WaveCommitted) Wave {
	w := Wave{Wave: b.Number(), Nodes: []Settled{}, Writes: []Write{}}
	for _, s := range b.Settled {
		u := r.used[s.Node]
		delete(r.used, s.Node)
		n := Settled{Node: s.Node, Status: s.Status, Attempts: s.Attempts, Failed: s.Elements().Failed, Of: s.Elements().Of, Tokens: u.tokens, Cost: u.cost}
		if s.Error != nil {
			n.Error = s.Error.Kind + ": " + s.Error.Message
		}
		w.Nodes = append(w.Nodes, n)
	}
	for _, key := range b.Changed {
		w.Writes = append(w.Writes, r.write(b, key))
	}
	return w
}
