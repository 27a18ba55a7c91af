package trial

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/sim"
	"github.com/graphrun/graphrun/graph/tree"
)

// Options are what a run needs beside the graph and the test.
type Options struct {
	// Work does the work of a task without a reply, as a recording of it does; false if it
	// does not know it. Nil knows none.
	Work func(g *graph.Graph, id journal.Identity, t machine.Task) (sim.Result, bool)
	// Stuck says whether nothing can bring a stack on any more, for `never: [stuck]`:
	// explore.IsStuck does. It must not change the machine. Where it is nil, tests that say
	// so fail.
	Stuck func(g *graph.Graph, m *machine.Machine, at time.Time) bool
	// Cover, of the same graph, gathers what the test shows of it; nil gathers nothing.
	Cover *Cover
}

// Run runs a test that Check found nothing wrong with. Nothing is run but the engine's own
// work; a second run comes out the same.
func Run(g *graph.Graph, t *Test, o Options) Result {
	r := &run{g: g, t: t, o: o, pack: newPack(t.Replies)}
	if slices.ContainsFunc(t.Never, func(n diag.Text) bool { return n.Value == Grows }) {
		r.growth = NewGrowth(g)
	}
	if err := r.begin(); err != nil {
		r.fail(t.Name.Span, "the stack cannot begin: %v", err)
		return r.Result
	}
	r.steps()
	if !r.broken {
		r.end()
	}
	r.nevers()
	return r.Result
}

// run is one test that runs.
type run struct {
	g    *graph.Graph
	t    *Test
	o    Options
	s    *sim.Sim
	pack *pack
	Result

	happened                  // in the stack
	last     *passed          // the cycle that is open, or was the last one
	done     []*passed        // cycles that are over and that no step has looked at
	before   *machine.Machine // as it was before a crash, until the next cycle begins
	step     diag.Span
	broken   bool // a step could not be done: nothing after it means anything
}

func (r *run) fail(at diag.Span, format string, args ...any) {
	r.Failures = append(r.Failures, Failed{At: at, Message: fmt.Sprintf(format, args...)})
}

// stop is fail for what makes the rest of the test meaningless. A test that says only what
// must never happen ends there: once the graph is mended, its stacks go other ways.
func (r *run) stop(at diag.Span, format string, args ...any) {
	if !r.broken && !r.t.onlyNever() {
		r.fail(at, format, args...)
	}
	r.broken = true
}

// onlyNever reports that a test expects nothing but that something never happens.
func (t *Test) onlyNever() bool {
	return len(t.Never) > 0 && t.End == nil && !slices.ContainsFunc(t.Steps, func(s Step) bool {
		return s.Does == ExpectStep || s.Cycle != (Cycle{})
	})
}

// start is when the stack of a test is created.
func (t *Test) start() time.Time {
	if at, err := time.Parse(time.RFC3339, t.Start.Value); err == nil {
		return at.UTC()
	}
	return DefaultStart
}

// object is the value of a mapping; nil for none.
func object(n *tree.Node) map[string]any {
	m, _ := n.Value().(map[string]any)
	return m
}

// begin creates the stack.
func (r *run) begin() error {
	at, crashes := r.t.start(), false
	for i := range r.t.Steps {
		crashes = crashes || r.t.Steps[i].Does == CrashStep
	}
	id := journal.Identity{Stack: cmp.Or(r.t.Stack.Value, r.g.Name), Params: object(r.t.Params), CreatedAt: at}
	m, err := machine.New(r.g, machine.Options{Snapshots: crashes}, id, object(r.t.State), at)
	if err != nil {
		return err
	}
	r.s = sim.New(m, at, nil)
	r.s.Crashes = crashes
	r.equip(r.s, nil)
	r.watch()
	return r.s.Until(func(rec journal.Record) bool { return rec.Body.Type() == "stack.started" })
}

// watch has the machine of the stack tell what it decides.
func (r *run) watch() {
	if r.o.Cover != nil {
		r.o.Cover.watch(r.s.Machine())
	}
}

// equip sets what a Sim calls. at is the place of its stack: the nodes around it.
func (r *run) equip(s *sim.Sim, at journal.Place) {
	s.Acts, s.Secrets = true, Secret
	s.Recorded = func(rec journal.Record) { r.note(s, at, rec) }
	s.Answer(func(t machine.Task) sim.Result { return r.reply(s, at, t) })
	s.Enter = func(t machine.Task, kid *sim.Sim) bool {
		here := within(at, t.Key)
		if r.pack.has(here) {
			return false
		}
		r.equip(kid, here)
		return true
	}
}

// within is the place of a task in a stack at a place.
func within(at journal.Place, k journal.TaskKey) journal.Place {
	return append(at[:len(at):len(at)], journal.Spot{Node: k.Node, Item: k.Item})
}

// Secret is what the secrets of a graph are in tests: secret:NAME.
func Secret(name string) (string, bool) { return "secret:" + name, true }

// errBound says that a step took too many cycles.
var errBound = errors.New("too many cycles")

// until runs until stop is true of a record, for at most MaxCycles cycles, and reports
// whether it was.
func (r *run) until(stop func(journal.Record) bool) (reached bool, err error) {
	cycles := 0
	err = r.s.Until(func(rec journal.Record) bool {
		if rec.Body.Type() == "cycle.finished" {
			cycles++
		}
		reached = reached || stop(rec)
		return reached || r.broken || cycles >= MaxCycles
	})
	if err == nil && !reached && cycles >= MaxCycles {
		err = errBound
	}
	return reached, err
}
