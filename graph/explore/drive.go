package explore

import (
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/sim"
)

// epoch is when stacks begin: the clock of a test starts there too.
var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// mostStarts is how many attempts one cycle may take: a stack that takes more is left.
const mostStarts = 20_000

// driver runs one stack.
type driver struct {
	s       *survey
	m       *machine.Machine
	sim     *sim.Sim
	watch   *watch
	reply   func(t *machine.Task) reply
	crashes bool // within cycles too
	starts  int
}

// begin starts a stack. The error is the machine's, about params.
func (s *survey) begin(params map[string]any, w *watch, answer func(t *machine.Task) reply) (*driver, error) {
	m, err := machine.New(s.g, machine.Options{}, journal.Identity{Stack: s.g.Name, Params: params}, nil, epoch)
	if err != nil {
		return nil, err
	}
	d := &driver{s: s, watch: w, reply: answer}
	d.drive(m, epoch)
	return d, nil
}

// resume continues a stack from a snapshot.
func (s *survey) resume(snap journal.Snapshot, at time.Time, w *watch, answer func(t *machine.Task) reply) (*driver, error) {
	m, err := machine.Restore(s.g, machine.Options{}, snap, at)
	if err != nil {
		return nil, err
	}
	d := &driver{s: s, watch: w, reply: answer}
	d.drive(m, at)
	return d, nil
}

func (d *driver) drive(m *machine.Machine, at time.Time) {
	d.m = m
	d.sim = sim.New(m, at, d.result)
	d.sim.Recorded = d.watch.record
}

// result gives an attempt its reply.
func (d *driver) result(t machine.Task) sim.Result {
	d.starts++
	r := d.reply(&t)
	return sim.Result{Output: r.output, Failure: r.failure, Takes: r.takes}
}

// do takes a step. A step that the machine refuses does nothing.
func (d *driver) do(s *step) error {
	d.starts = 0
	now := d.sim.Now()
	switch s.kind {
	case stepCycle:
		d.watch.beginCycle()
		return d.sim.Until(d.cycleEnds)
	case stepSend:
		d.refused(d.sim.Step(machine.Event{At: now, Name: s.name, Payload: s.value}))
	case stepAnswer:
		d.refused(d.sim.Step(machine.Answer{At: now, Node: s.name, Item: s.item, For: d.questionOf(s), Output: s.value}))
	case stepReject:
		d.refused(d.sim.Step(machine.Answer{At: now, Node: s.name, Item: s.item, For: d.questionOf(s), Output: map[string]any{"approved": false}}))
	case stepWake:
		return d.sim.Step(machine.Woke{At: now, Early: true})
	case stepCrash:
		return d.crash()
	case stepWait:
		return d.pass(s.wait)
	}
	return nil
}

func (d *driver) refused(error) {}

// questionOf is the id of the question that a step answers.
func (d *driver) questionOf(s *step) string {
	waiting := d.m.Cursor().Waiting
	for i := range waiting {
		if w := &waiting[i]; w.Node == s.name && w.Item == s.item && !w.Answered {
			return w.ID()
		}
	}
	return ""
}

// cycleEnds stops the simulation at the end of a cycle, or of the stack.
func (d *driver) cycleEnds(r journal.Record) bool {
	switch r.Body.(type) {
	case *journal.CycleFinished:
		return d.m.Cursor().Closing == nil // its end follows at once
	case *journal.StackFinished:
		return true
	}
	return d.starts > mostStarts
}

// crash ends what drives the stack between two cycles, and restores it.
func (d *driver) crash() error {
	snap, ok := d.m.Snapshot()
	if !ok {
		return nil
	}
	now := d.sim.Now()
	m, err := machine.Restore(d.s.g, machine.Options{}, snap, now)
	if err != nil {
		return err
	}
	d.drive(m, now)
	return nil
}

// pass lets time pass, with all that happens in it.
func (d *driver) pass(by time.Duration) error {
	end := d.sim.Now().Add(by)
	return d.sim.Until(func(r journal.Record) bool { return !r.Time.Before(end) })
}

// ended reports that the stack has ended.
func (d *driver) ended() bool { return d.m.Cursor().Status.Ended() }
