package explore

import (
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// run is one stack, as what came to it from outside: enough to let it happen again.
type run struct {
	params  map[string]any
	crashes bool // it can be restored within a cycle too
	steps   []step
	taken   []taken
}

// stepKind is what a step does.
type stepKind uint8

const (
	stepCycle  stepKind = iota // to the end of the next cycle, or of the open one
	stepSend                   // an event
	stepAnswer                 // a node that waits for a person
	stepWake
	stepCrash // what runs the stack ends, and another one restores it
	stepWait  // time passes
	stepFiles // files come that a node waits for; item is the path
)

// step is one thing that is done to a stack from outside.
type step struct {
	kind  stepKind
	name  string // of the event, or of the node
	item  string
	value any // the payload, or the whole answer
	wait  time.Duration
}

// reply is what one attempt of a task comes to.
type reply struct {
	output  any
	failure *journal.Failure
	takes   time.Duration
}

// taken is a reply that an attempt was given.
type taken struct {
	node    int
	item    string
	step    int // in which the attempt began
	attempt int
	cycle   uint64
	wave    uint64
	reply
}

// replied reports whether an attempt was given a reply: whether it began its work.
func (r *run) replied(node int, cycle, wave uint64, item string, attempt int) bool {
	for i := len(r.taken) - 1; i >= 0 && r.taken[i].cycle >= cycle; i-- {
		if t := &r.taken[i]; t.node == node && t.cycle == cycle && t.wave == wave && t.item == item && t.attempt == attempt {
			return true
		}
	}
	return false
}

// take notes the reply of an attempt.
func (r *run) take(t *machine.Task, given reply) reply {
	r.taken = append(r.taken, taken{node: t.Node, item: t.Key.Item, step: len(r.steps) - 1, attempt: t.Attempt,
		cycle: t.Key.Cycle, wave: t.Key.Wave, reply: given})
	return given
}

// until is the part of a run up to a step, with a copy of its lists.
func (r *run) until(steps int) run {
	out := run{params: r.params, crashes: r.crashes, steps: slices.Clone(r.steps[:steps])}
	for i := range r.taken {
		if r.taken[i].step < steps {
			out.taken = append(out.taken, r.taken[i])
		}
	}
	return out
}

// cycles counts the cycles of a run.
func (r *run) cycles() int {
	n := 0
	for i := range r.steps {
		if k := r.steps[i].kind; k == stepCycle || k == stepCrash && r.steps[i].name != "" {
			n++
		}
	}
	return n
}

// weight orders runs: fewer cycles first, then fewer other steps, then fewer replies that
// are not the simplest.
type weight struct{ cycles, steps, replies, size int }

func (w weight) less(o weight) bool {
	switch {
	case w.cycles != o.cycles:
		return w.cycles < o.cycles
	case w.steps != o.steps:
		return w.steps < o.steps
	case w.replies != o.replies:
		return w.replies < o.replies
	}
	return w.size < o.size
}
