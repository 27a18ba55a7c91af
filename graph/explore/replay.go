package explore

import (
	"slices"

	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/trial"
)

// script lets a run happen again: each task gets the replies that it had, in their order,
// and the simplest output of its node when they are used up.
type script struct {
	s *survey
	run
	next   []bool // by reply of given: it is used
	given  []taken
	varied []int // by node: how many of its outputs it has given; nil for the simplest one all the time
}

func (s *survey) newScript(r *run) *script {
	return &script{s: s, run: run{params: r.params, crashes: r.crashes}, given: r.taken, next: make([]bool, len(r.taken))}
}

// answer gives an attempt its reply.
func (c *script) answer(t *machine.Task) reply {
	if t.Rerun {
		if r, ok := again(c.taken, t); ok {
			return c.take(t, r)
		}
	}
	r := reply{output: c.s.nodes[t.Node].simplest}
	if c.varied != nil {
		all := c.s.nodes[t.Node].outputs
		r.output = all[c.varied[t.Node]%len(all)]
		c.varied[t.Node]++
	}
	for i := range c.given {
		if g := &c.given[i]; !c.next[i] && g.node == t.Node && g.item == t.Key.Item {
			r, c.next[i] = g.reply, true
			break
		}
	}
	return c.take(t, r)
}

// again is the reply of the attempt that a crash has cut off.
func again(all []taken, t *machine.Task) (reply, bool) {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].node == t.Node && all[i].item == t.Key.Item {
			return all[i].reply, true
		}
	}
	return reply{}, false
}

// stuckCost is what it takes to try whether a stack is stuck, in cycles.
const stuckCost = 150

// replayer lets runs happen again, within a bound.
type replayer struct {
	x      *Explorer
	left   int  // cycles
	varied bool // nodes give one output after the other where a run has no reply for them
}

// shows lets a run happen again and reports whether it shows a fault, and what of it was
// needed for that.
func (p *replayer) shows(r *run, want fault) (needed run, message string, ok bool) {
	s := p.x.s
	c := s.newScript(r)
	w := newWatch(s, newCover(s.g), &c.run)
	if p.varied {
		c.varied = make([]int, len(s.nodes))
	}
	d, err := s.begin(r, w, c.answer)
	if err != nil {
		return run{}, "", false
	}
	g := trial.NewGrowth(s.g)
	for i := range r.steps {
		if d.ended() || p.left <= 0 {
			break
		}
		c.steps = append(c.steps, r.steps[i])
		if refused, err := d.do(&c.steps[i]); refused || err != nil {
			return run{}, "", false
		}
		if r.steps[i].kind == stepCycle {
			p.left--
			w.grown(d, g)
		}
		if d.ended() {
			w.ended()
		}
		if k := slices.IndexFunc(w.found, func(f seen) bool { return f.fault == want }); k >= 0 {
			return c.run, w.found[k].message, true
		}
	}
	if want.kind == Stuck && !d.ended() {
		p.left -= stuckCost
		if d.stuck(p.x.o.Seed) && s.stuckFault(d) == want {
			return c.run, s.stuckMessage(d, w), true
		}
	}
	return run{}, "", false
}
