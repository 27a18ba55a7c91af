package explore

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/trial"
)

// Options say how much is explored. A zero field stands for its default.
type Options struct {
	Stacks int    // 1000
	Cycles int    // of each stack, at most: 200
	Seed   uint64 // the same seed explores the same stacks
	// Parallel calls work n times at the same time, and returns when all calls have: with 0
	// to n-1. nil calls them one after the other. The result does not depend on it.
	Parallel func(n int, work func(int))
	Workers  int    // how often Parallel calls: 1
	File     string // what test files call the graph file; the name of the graph's own
}

// Report is what was explored, and found.
type Report struct {
	Graph    string    `json:"graph"`
	Seed     uint64    `json:"seed"`
	Stacks   int       `json:"stacks"`
	Cycles   int       `json:"cycles"`
	Findings []Finding `json:"findings"`
	Files    []File    `json:"-"` // test files with the runs that show the findings, one for each kind
}

// File is a test file.
type File struct{ Name, Text string }

// Fails reports whether one of the findings is a fault.
func (r *Report) Fails() bool {
	for i := range r.Findings {
		if r.Findings[i].Fails() {
			return true
		}
	}
	return false
}

// Finding is something that can happen to a stack and should not, or that never happens
// and should.
type Finding struct {
	Kind    string `json:"kind"`
	Node    string `json:"node,omitempty"`
	Key     string `json:"key,omitempty"`
	Text    string `json:"text,omitempty"` // of the expression
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	Test    string `json:"test"` // a test file with the shortest run that was found; "" where no run can show it
}

// Fails reports whether the finding is a fault: something that a stack does wrong, and
// not only something that was never seen or that grows.
func (f *Finding) Fails() bool {
	switch f.Kind {
	case Stuck, Endless, ConditionError, Expression, Schema, Limit:
		return true
	}
	return false
}

// Kinds of findings.
const (
	Stuck          = "stuck"           // nothing can bring the stack on any more
	Endless        = "endless"         // limits are the only end that was ever reached
	ConditionError = "condition-error" // a condition failed to evaluate
	Expression     = "expression"      // a `with`, `writes` or `for_each` failed for a legal output
	Schema         = "schema"          // a written value does not fit its key
	Limit          = "limit"           // a bound of the engine was passed
	NeverLive      = "never-live"
	NeverRun       = "never-run"
	NeverStopped   = "never-stopped"
	Grows          = "grows"   // a key becomes larger with every cycle
	Starved        = "starved" // a node is to run, and its pool has no slot
)

// Explorer explores one graph.
type Explorer struct {
	s *survey
	o Options

	tests map[string]trial.Test // of the last findings, by their texts
}

// New prepares an exploration. The error says which param needs a default.
func New(g *graph.Graph, o Options) (*Explorer, error) {
	o.Stacks = cmp.Or(o.Stacks, 1000)
	o.Cycles = cmp.Or(o.Cycles, 200)
	o.Workers = max(o.Workers, 1)
	if o.Parallel == nil {
		o.Parallel = func(n int, work func(int)) {
			for i := range n {
				work(i)
			}
		}
	}
	s, err := newSurvey(g, o.Seed)
	if err != nil {
		return nil, err
	}
	x := &Explorer{s: s, o: o}
	l := s.newLive()
	for n := range 8 {
		l.reset(o.Seed, n)
		if _, err = s.begin(&l.run, newWatch(s, newCover(g), &l.run), l.answer); err == nil {
			return x, nil
		}
	}
	return nil, err
}

// round is how many stacks are explored between two questions whether that is enough.
const round = 50

// Explore explores stacks until there are enough, or until enough says so, which is asked
// between rounds of fifty stacks. The report says how many it were.
func (x *Explorer) Explore(enough func() bool) Report {
	workers := make([]*worker, x.o.Workers)
	for i := range workers {
		workers[i] = x.newWorker()
	}
	done := 0
	for done < x.o.Stacks && (done == 0 || !enough()) {
		n := min(round, x.o.Stacks-done)
		x.o.Parallel(len(workers), func(i int) {
			for k := i; k < n; k += len(workers) {
				workers[i].explore(done + k)
			}
		})
		done += n
	}
	all := newFindings(x)
	cover := newCover(x.s.g)
	for _, w := range workers {
		cover.add(w.cover)
		all.add(w.found)
	}
	all.judge(cover)
	r := Report{Graph: x.s.g.Name, Seed: x.o.Seed, Stacks: cover.stacks, Cycles: cover.cycles}
	r.Findings, r.Files = all.list()
	return r
}

// worker explores some of the stacks.
type worker struct {
	x     *Explorer
	l     *live
	w     *watch
	cover *cover
	found map[fault]shown
	grow  *trial.Growth
}

// shown is a fault with the best run that shows it so far.
type shown struct {
	seen
	run    run
	weight weight
	number int // of the stack
}

func (x *Explorer) newWorker() *worker {
	c := newCover(x.s.g)
	l := x.s.newLive()
	return &worker{x: x, l: l, w: newWatch(x.s, c, &l.run), cover: c, found: map[fault]shown{}, grow: trial.NewGrowth(x.s.g)}
}

// quietCycles is after how many cycles in which nothing happened it is tried whether
// anything still can.
const quietCycles = 2

// explore runs the stack of a number.
func (k *worker) explore(number int) {
	l, w := k.l, k.w
	l.reset(k.x.o.Seed, number)
	w.reset()
	k.grow.Reset()
	k.cover.stacks++
	d, err := k.x.s.begin(&l.run, w, l.answer)
	if err != nil {
		return // params that do not go together
	}
	tried := false
	for c := range k.x.o.Cycles {
		before := w.cycles
		if c > 0 {
			if err := l.between(d, w.idle > 1); err != nil {
				break
			}
		}
		if err := l.step(d, step{kind: stepCycle}); err != nil {
			break
		}
		w.grown(d, k.grow)
		k.note(number)
		if d.ended() || d.starts > mostStarts {
			break
		}
		if w.moved {
			tried = false
		}
		still := w.cycles == before // it waits for something from outside
		if (w.idle >= quietCycles || still) && !tried {
			tried = true
			if tries(number) && d.stuck(k.x.o.Seed) {
				w.add(seen{fault: k.x.s.stuckFault(d), message: k.x.s.stuckMessage(d, w)})
				k.note(number)
				break
			}
		}
		if w.idle > longIdle && len(l.waits) == 0 && len(k.x.s.events) == 0 && !k.x.s.timely {
			break
		}
		if still {
			before := len(l.steps)
			if err := l.between(d, true); err != nil || len(l.steps) == before && len(l.waits) == 0 {
				break // nothing can come from outside
			}
		}
	}
	k.end(d, number)
}

// longIdle is how many cycles in a row without any effect end a stack that nobody can send
// anything.
const longIdle = 12

// tries says in which stacks it is tried whether they are stuck, which takes as long as
// many cycles: the first ones, and some of the others.
func tries(number int) bool { return number < 2*enoughStacks || number%8 == 0 }

// note keeps the runs of what was found, where they are shorter than those that are known.
func (k *worker) note(number int) {
	for _, f := range k.w.found {
		run := &k.l.run
		g := weight{cycles: run.cycles(), steps: len(run.steps)}
		if old, known := k.found[f.fault]; known && !(g.less(old.weight) || g == old.weight && number < old.number) {
			continue
		}
		k.found[f.fault] = shown{seen: f, run: run.until(len(run.steps)), weight: g, number: number}
	}
	k.w.found = k.w.found[:0]
}

// end counts how a stack ended.
func (k *worker) end(d *driver, number int) {
	k.cover.cycles += k.w.cycles
	out := k.w.outcome
	if out == nil {
		return
	}
	k.w.ended()
	k.note(number)
	k.cover.ended++
	if k.w.plain() {
		k.cover.plain++
	}
	for i := range k.x.s.g.Stops {
		s := &k.x.s.g.Stops[i]
		if !k.w.limited && (out.Reason == s.Reason || s.Reason == "" && out.Reason == s.When.Text().Value) {
			k.cover.stopped[i]++
			break
		}
	}
}

// stuckFault names a stuck stack by what waits in it.
func (s *survey) stuckFault(d *driver) fault {
	f := fault{kind: Stuck}
	f.line, f.column = s.place()
	var names []string
	for _, w := range d.m().Cursor().Waiting {
		names = append(names, w.Place())
	}
	slices.Sort(names)
	if len(names) > 0 {
		f.node = strings.Join(slices.Compact(names), ", ")
	}
	return f
}

// stuckMessage says why no node runs.
func (s *survey) stuckMessage(d *driver, w *watch) string {
	var why []string
	for i := range s.nodes {
		b := w.last[i]
		if b == nil || b.Run {
			continue
		}
		why = append(why, fmt.Sprintf("%s: %s", b.Node, b.Reason))
	}
	c := d.m().Cursor()
	text := fmt.Sprintf("after cycle %d no node runs, no key changes and no stop holds", c.Cycle)
	if len(s.events) > 0 {
		text += ", whatever event comes"
	}
	if len(why) > 0 {
		text += " (" + strings.Join(why[:min(len(why), 8)], ", ") + ")"
	}
	return text
}

func (s *survey) endlessFault() fault {
	f := fault{kind: Endless}
	at := s.g.Stops[0].When.Text().Span.Start
	f.line, f.column, f.text = at.Line, at.Col, s.g.Stops[0].When.Text().Value
	return f
}

// place is where findings about the graph as a whole stand: its first stop, or its name.
func (s *survey) place() (line, column int) {
	at := s.g.Def.Name.Span.Start
	if len(s.g.Stops) > 0 {
		at = s.g.Stops[0].When.Text().Span.Start
	}
	return at.Line, at.Col
}
