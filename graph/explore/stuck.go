package explore

import (
	"math/rand/v2"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// A stack is stuck when from some moment on no node runs, no key changes, no `stop`
// holds, and nothing that comes from outside changes that: neither time, nor an event
// that the graph declares, nor an answer to a node that waits. It is tried from a copy of
// the stack. An event that only changes its own key, and after which still nothing runs,
// brings nothing on.

// sequences is how many sequences of events and answers are tried, of up to trySteps each.
const (
	sequences = 48
	trySteps  = 6
	calmTries = 4 // cycles without an input
	least     = 6 // cycles that limits.cycles must leave for the tries
)

// stuck reports whether a stack between two cycles is stuck.
func (d *driver) stuck(seed uint64) bool {
	c := d.m().Cursor()
	snap, ok := d.m().Snapshot()
	if !ok || d.s.unfed || c.Status != journal.Running || c.Open || room(d.s.g, int(c.Counts.Cycles)) < least || filesWaitedFor(c.Waiting) != "" {
		return false
	}
	t := trying{d: d, snap: snap, dice: dice{rand.New(rand.NewPCG(seed, 1<<40+c.Counts.Cycles))}}
	return !t.calmMoves() && !t.inputsMove()
}

// IsStuck reports whether a stack that stands between two cycles is stuck: neither time,
// nor any event or answer that is tried from a copy of it, makes a node run or a stop hold.
// The machine is not changed.
func IsStuck(g *graph.Graph, m *machine.Machine, at time.Time) bool {
	const seed = 1
	s, err := newSurvey(g, seed)
	if err != nil {
		return false
	}
	w := newWatch(s, newCover(g), &run{})
	return s.driven(m, at, w, func(*machine.Task) reply { return reply{} }, false).stuck(seed)
}

type trying struct {
	d    *driver
	snap journal.Snapshot
	dice
	w *watch
}

// from is a copy of the stack, at a moment.
func (t *trying) from(at time.Time) *driver {
	t.w = newWatch(t.d.s, newCover(t.d.s.g), &run{})
	copied, err := t.d.s.resume(t.snap, at, t.w, t.reply)
	if err != nil {
		return nil
	}
	return copied
}

// reply is that of a node which does run: then the stack is not stuck.
func (t *trying) reply(task *machine.Task) reply {
	return reply{output: t.d.s.nodes[task.Node].simplest}
}

// cycle lets a copy take a cycle, and reports whether something moved.
func (t *trying) cycle(c *driver) (moved bool) {
	if c == nil {
		return true
	}
	_, err := c.do(&step{kind: stepCycle})
	return err != nil || t.w.acted
}

// calmMoves lets time pass.
func (t *trying) calmMoves() bool {
	now := t.d.sim.Now()
	c := t.from(now)
	for range calmTries {
		if t.cycle(c) {
			return true
		}
		if c.ended() {
			break
		}
	}
	for _, by := range calm {
		c := t.from(now.Add(by))
		if c == nil || c.sim.Step(machine.Woke{At: c.sim.Now()}) != nil {
			return true
		}
		for range 2 {
			if t.cycle(c) {
				return true
			}
		}
	}
	return false
}

// inputsMove tries events and answers.
func (t *trying) inputsMove() bool {
	l := &live{s: t.d.s, dice: t.dice}
	c := t.from(t.d.sim.Now())
	if c == nil {
		return true
	}
	l.answerable(c)
	if len(l.waits) == 0 && len(t.d.s.events) == 0 {
		return false
	}
	for n := range sequences {
		c := t.from(t.d.sim.Now())
		if c == nil {
			return true
		}
		for range 1 + n%trySteps {
			l.answerable(c)
			s := step{}
			switch {
			case len(l.waits) > 0 && (len(t.d.s.events) == 0 || l.N(2) == 0):
				s = l.someAnswer(c)
			case len(t.d.s.events) > 0:
				s = l.someEvent()
			default:
				s = step{kind: stepWake}
			}
			if _, err := c.do(&s); err != nil {
				return true
			}
			if l.N(3) == 0 {
				continue // another one, before the next cycle
			}
			if t.cycle(c) {
				return true
			}
			if c.ended() {
				break
			}
		}
		if !c.ended() && t.cycle(c) {
			return true
		}
	}
	return false
}
