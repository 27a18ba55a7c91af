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
	s      *survey
	sim    *sim.Sim
	watch  *watch
	reply  func(t *machine.Task) reply
	starts int // attempts in this step
	sent   int // events
}

// begin starts the stack of a run. The error is the machine's, about params.
func (s *survey) begin(r *run, w *watch, answer func(t *machine.Task) reply) (*driver, error) {
	o := machine.Options{Snapshots: r.crashes}
	m, err := machine.New(s.g, o, journal.Identity{Stack: s.g.Name, Params: r.params, CreatedAt: epoch}, nil, epoch)
	if err != nil {
		return nil, err
	}
	return s.driven(m, epoch, w, answer, r.crashes), nil
}

// resume continues a stack from a snapshot.
func (s *survey) resume(snap journal.Snapshot, at time.Time, w *watch, answer func(t *machine.Task) reply) (*driver, error) {
	m, err := machine.Restore(s.g, machine.Options{}, snap, at)
	if err != nil {
		return nil, err
	}
	return s.driven(m, at, w, answer, false), nil
}

func (s *survey) driven(m *machine.Machine, at time.Time, w *watch, answer func(t *machine.Task) reply, crashes bool) *driver {
	d := &driver{s: s, watch: w, reply: answer}
	d.sim = sim.New(m, at, d.result)
	d.sim.Recorded, d.sim.Acts, d.sim.Crashes = w.record, true, crashes
	d.sim.Secrets = func(name string) (string, bool) { return "secret:" + name, true }
	return d
}

func (d *driver) m() *machine.Machine { return d.sim.Machine() }

// result gives an attempt its reply.
func (d *driver) result(t machine.Task) sim.Result {
	d.starts++
	r := d.reply(&t)
	return sim.Result{Output: r.output, Failure: r.failure, Takes: r.takes}
}

// do takes a step. What the machine refuses, as an event that its queue has no room for,
// does nothing: refused says so.
func (d *driver) do(s *step) (refused bool, err error) {
	d.starts = 0
	now := d.sim.Now()
	switch s.kind {
	case stepCycle:
		d.watch.beginCycle()
		return false, d.sim.Until(d.cycleEnds)
	case stepSend:
		d.sent++
		return d.sim.Step(machine.Event{At: now, Name: s.name, Payload: s.value}) != nil, nil
	case stepAnswer:
		return d.sim.Step(machine.Answer{At: now, Node: s.name, Item: s.item, For: d.questionOf(s), Output: s.value}) != nil, nil
	case stepWake:
		return false, d.sim.Step(machine.Woke{At: now, Early: true})
	case stepCrash:
		return d.crash(s.name)
	case stepFiles:
		return false, d.sim.Step(machine.Files{At: now, Pattern: s.name, Seen: []machine.File{
			{Path: s.item, Size: 1, Modified: now, Since: now.Add(-24 * time.Hour)},
		}})
	case stepWait:
		return false, d.sim.Forward(s.wait)
	}
	return false, nil
}

// questionOf is the id of the question that a step answers.
func (d *driver) questionOf(s *step) string {
	waiting := d.m().Cursor().Waiting
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
	case *journal.CycleFinished, *journal.StackFinished:
		return true
	}
	return d.starts > mostStarts
}

// crash ends all work at once and restores the stack: now, or once a node has ended.
func (d *driver) crash(after string) (refused bool, err error) {
	if after != "" {
		ended, over := false, false
		err := d.sim.Until(func(r journal.Record) bool {
			switch b := r.Body.(type) {
			case *journal.TaskFinished:
				ended = ended || b.RetryAt.IsZero() && b.Node == after
			case *journal.CycleFinished, *journal.StackFinished:
				over = true
			}
			return over || ended && !d.sim.Runs(after) || d.starts > mostStarts
		})
		if err != nil || !ended || d.ended() {
			return true, err
		}
	}
	return false, d.sim.Crash()
}

// ended reports that the stack has ended.
func (d *driver) ended() bool { return d.m().Cursor().Status.Ended() }
