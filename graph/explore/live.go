package explore

import (
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// live decides at random what comes to a stack, and notes it. Each stack has its own
// habits: how often nodes fail, how many different outputs a node has, how often events
// come. So some stacks go where others hardly ever do.
type live struct {
	s *survey
	dice
	run

	fails    float64 // of attempts
	slow     float64
	lost     float64 // of attempts of nodes with a timeout
	sends    float64 // between two cycles
	answers  float64
	rejects  float64
	broken   int   // a node that always fails; -1 for none
	variants []int // by node: how many different outputs it has; 0 for all
	offsets  []int // where they begin
	waits    []int // indices into the waiting nodes that can be answered
}

func (s *survey) newLive() *live {
	return &live{s: s, variants: make([]int, len(s.nodes)), offsets: make([]int, len(s.nodes))}
}

// reset begins the stack of a number. What it does follows from the seed and the number.
func (l *live) reset(seed uint64, number int) {
	l.dice = dice{rand.New(rand.NewPCG(seed, uint64(number)+1))}
	l.steps, l.taken = l.steps[:0], l.taken[:0]
	choose := func(of ...float64) float64 { return of[l.N(len(of))] }
	l.fails = choose(0, 0, 0, 0, 0.02, 0.1, 0.4)
	l.slow = choose(0, 0, 0.1, 0.5)
	l.lost = choose(0, 0, 0, 0.1)
	l.sends = choose(0, 0, 0.1, 0.5, 1)
	l.answers = choose(0.1, 0.7, 1, 1)
	l.rejects = choose(0, 0.2, 0.8)
	l.crashes = l.N(16) == 0
	l.broken = -1
	if l.N(10) == 0 {
		l.broken = l.N(len(l.s.nodes))
	}
	few := choose(0, 0, 1, 2, 4)
	for i := range l.variants {
		l.variants[i] = int(few)
		if l.N(4) == 0 {
			l.variants[i] = l.N(4)
		}
		if n := len(l.s.nodes[i].outputs); n > 0 {
			l.offsets[i] = l.N(n)
		}
	}
	l.params = l.drawParams()
}

// drawParams draws the params of a stack: those without a default, and in half of the
// stacks others too.
func (l *live) drawParams() map[string]any {
	params := map[string]any{}
	others := l.N(2) == 0
	for i := range l.s.g.Params {
		p, values := &l.s.g.Params[i], l.s.params[i]
		if len(values) > 0 && (!p.HasDefault && !p.Type.Nullable || others && l.N(2) == 0) {
			params[p.Name] = values[l.N(len(values))]
		}
	}
	return params
}

// answer gives an attempt its reply.
func (l *live) answer(t *machine.Task) reply {
	if t.Rerun {
		if r, ok := again(l.taken, t); ok {
			return l.run.take(t, r)
		}
	}
	return l.run.take(t, l.draw(&l.s.nodes[t.Node], t.Node))
}

func (l *live) draw(n *source, node int) reply {
	var r reply
	if l.slow > 0 && l.chance(l.slow) {
		r.takes = [...]time.Duration{time.Second, 5 * time.Second, time.Minute, time.Hour}[l.N(4)]
		if n.timeout > 0 && r.takes >= n.timeout {
			r.takes = n.timeout / 2
		}
	}
	if n.timeout > 0 && l.lost > 0 && l.chance(l.lost) {
		r.takes = n.timeout + time.Second
	}
	if len(n.failures) > 0 && (node == l.broken || l.chance(l.fails)) {
		r.failure = &n.failures[l.N(len(n.failures))]
		return r
	}
	k := l.N(len(n.outputs))
	if few := l.variants[node]; few > 0 {
		k = (l.offsets[node] + k%few) % len(n.outputs)
	}
	r.output = n.outputs[k]
	return r
}

// between takes the steps between two cycles.
func (l *live) between(d *driver, force bool) error {
	if l.crashes && l.N(8) == 0 {
		s := step{kind: stepCrash}
		if l.N(2) == 0 {
			s.name = l.s.g.Nodes[l.N(len(l.s.g.Nodes))].ID
		}
		if err := l.step(d, s); err != nil || d.ended() {
			return err
		}
	}
	if l.answerable(d); len(l.waits) > 0 && (force || l.chance(l.answers)) {
		if err := l.step(d, l.someAnswer(d)); err != nil {
			return err
		}
		force = false
	}
	if pattern := filesWaitedFor(d.m().Cursor().Waiting); pattern != "" && (force || l.chance(l.answers)) {
		if err := l.step(d, step{kind: stepFiles, name: pattern, item: matching(pattern, l.N(4))}); err != nil {
			return err
		}
		force = false
	}
	if len(l.s.events) > 0 && (force || l.chance(l.sends)) {
		return l.step(d, l.someEvent())
	}
	return nil
}

// answerable finds the nodes that wait for a person.
func (l *live) answerable(d *driver) {
	l.waits = l.waits[:0]
	waiting := d.m().Cursor().Waiting
	for i := range waiting {
		w := &waiting[i]
		if k := l.s.index(w.Node); !w.Answered && k >= 0 && len(l.s.nodes[k].answers) > 0 {
			l.waits = append(l.waits, i)
		}
	}
}

func (l *live) someAnswer(d *driver) step {
	w := &d.m().Cursor().Waiting[l.waits[l.N(len(l.waits))]]
	s := step{kind: stepAnswer, name: w.Node, item: w.Item}
	all := l.s.nodes[l.s.index(w.Node)].answers
	s.value = all[l.N(len(all))]
	if given, ok := s.value.(map[string]any); ok && given["approved"] == true && l.chance(l.rejects) {
		no := maps.Clone(given)
		no["approved"] = false
		s.value = no
	}
	return s
}

func (l *live) someEvent() step {
	e := &l.s.events[l.N(len(l.s.events))]
	s := step{kind: stepSend, name: e.name}
	if len(e.payloads) > 0 {
		s.value = e.payloads[l.N(len(e.payloads))]
	}
	return s
}

// step takes a step and notes it, unless it did nothing.
func (l *live) step(d *driver, s step) error {
	l.steps = append(l.steps, s)
	refused, err := d.do(&l.steps[len(l.steps)-1])
	if refused {
		if s.kind == stepCrash && s.name != "" { // the cycle went to its end instead
			l.steps[len(l.steps)-1] = step{kind: stepCycle}
		} else {
			l.steps = l.steps[:len(l.steps)-1]
		}
	}
	return err
}

// matching is a path that a pattern of files matches: with letters in place of * and ?.
func matching(pattern string, n int) string {
	return strings.NewReplacer("**", "in", "*", "file-"+strconv.Itoa(n), "?", "a").Replace(pattern)
}

// filesWaitedFor is the pattern of files that a node waits for; "" for none.
func filesWaitedFor(waiting []journal.Waiting) string {
	for i := range waiting {
		if waiting[i].Files != "" && !waiting[i].Answered {
			return waiting[i].Files
		}
	}
	return ""
}

// room is how many cycles a stack may still have before a limit ends it.
func room(g *graph.Graph, done int) int {
	if g.Limits.Cycles == 0 {
		return 1 << 30
	}
	return g.Limits.Cycles - done
}
