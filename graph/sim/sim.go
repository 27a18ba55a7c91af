package sim

import (
	"cmp"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
)

// Result is what a task comes to.
type Result struct {
	Output  any              // any JSON-like value; another one fails the task with kind output
	Failure *journal.Failure // nil if the task succeeds with Output
	Talk    *journal.Talk    // of an agent that succeeds: see machine.TaskDone
	Takes   time.Duration    // from its start; 0 if it ends at once
	Tokens  int64
	Cost    float64
}

// Sim drives one machine, and with Enter the machines of its children. Not safe for
// concurrent use.
type Sim struct {
	m      *machine.Machine
	clock  *clock
	result func(machine.Task) Result
	work   []task // what runs, in the order in which it ends
	kids   []*kid // in the order in which they began
	stored *journal.Snapshot

	// Recorded, when set, is called with each record once it is committed.
	Recorded func(journal.Record)
	// Committed, when set, is called with each Ready before the machine advances.
	Committed func(machine.Ready)
	// Enter, when set, is called for each task whose node runs a graph. With true a stack
	// within does the work, in the same time, and Enter has set what the Sim of that stack
	// is to call: Recorded, Committed, Enter and Answer. Otherwise the task comes to a Result.
	Enter func(t machine.Task, kid *Sim) bool
	// Acts has nodes that only send or fail do so. Otherwise they come to a Result too.
	Acts bool
	// Secrets are for the `with` of these; nil means none.
	Secrets value.Lookup
	// Crashes keeps what was committed, for Crash. The machine has Options.Snapshots then.
	Crashes bool
}

// clock is the time of a Sim and of those within it.
type clock struct {
	now    time.Time
	serial int
}

// task is one that runs until its end.
type task struct {
	machine.Task
	Result
	ends   time.Time
	serial int // tasks that end at the same time end in the order of their start
}

// New begins at a time, which is not before that of the machine's last input.
// result says what each attempt of a task comes to, in the order in which the
// attempts begin.
func New(m *machine.Machine, at time.Time, result func(machine.Task) Result) *Sim {
	return &Sim{m: m, clock: &clock{now: at}, result: result}
}

// Answer says what tasks come to from now on.
func (s *Sim) Answer(result func(machine.Task) Result) { s.result = result }

// Now is the virtual time.
func (s *Sim) Now() time.Time { return s.clock.now }

// Machine is the machine that is driven.
func (s *Sim) Machine() *machine.Machine { return s.m }

// Step feeds an input from outside, with the time Now in it, and commits what
// follows. The error is the machine's.
func (s *Sim) Step(in machine.Input) error {
	if err := s.m.Step(in); err != nil {
		return err
	}
	_, err := s.settle(nil)
	return err
}

// Until runs until a record is committed for which stop is true, or until nothing is
// due any more and only an input from outside could continue the stack. What the commit
// of that record asks for has begun then.
func (s *Sim) Until(stop func(journal.Record) bool) error {
	for {
		stopped, err := s.settle(stop)
		if stopped || err != nil {
			return err
		}
		due, err := s.next()
		if !due || err != nil {
			return err
		}
	}
}

// Forward lets a time pass, and what is due by then happen.
func (s *Sim) Forward(d time.Duration) error {
	end := s.clock.now.Add(d)
	for {
		if _, err := s.settle(nil); err != nil {
			return err
		}
		at, who := s.due()
		if who == nil || at.After(end) {
			s.clock.forward(end)
			return nil
		}
		if err := who.act(at); err != nil {
			return err
		}
	}
}

// settle commits all that the machine, and those within it, have decided; true when stop
// was. A nil stop never is.
func (s *Sim) settle(stop func(journal.Record) bool) (bool, error) {
	for {
		rd, ok := s.m.Ready()
		if !ok {
			news, err := s.lead()
			if !news || err != nil {
				return false, err
			}
			continue
		}
		stopped := false
		for r := range journal.EachRecord(rd.Records) {
			stopped = stopped || stop != nil && stop(r)
			if s.Recorded != nil {
				s.Recorded(r)
			}
		}
		if s.Committed != nil {
			s.Committed(rd)
		}
		s.store()
		s.m.Advance()
		if err := s.do(rd); stopped || err != nil {
			return stopped, err
		}
	}
}

// do does what a Ready asks for.
func (s *Sim) do(rd machine.Ready) error {
	for _, o := range rd.Orphans { // nothing of an earlier driver runs here
		if err := s.clear(o); err != nil {
			return err
		}
	}
	for _, key := range rd.Cancel {
		i := slices.IndexFunc(s.work, func(t task) bool { return t.Key == key })
		if i < 0 {
			if err := s.endKid(key); err != nil {
				return err
			}
			continue
		}
		t := s.work[i]
		s.work = slices.Delete(s.work, i, i+1)
		if err := s.m.Step(machine.TaskGone{At: s.clock.now, Key: key, Attempt: t.Attempt}); err != nil {
			return err
		}
	}
	for _, t := range rd.Start {
		if err := s.start(t); err != nil {
			return err
		}
	}
	slices.SortStableFunc(s.work, func(a, b task) int {
		return cmp.Or(a.ends.Compare(b.ends), cmp.Compare(a.serial, b.serial))
	})
	for _, m := range rd.Send { // nobody else is there: they have arrived
		if err := s.m.Step(machine.Sent{At: s.clock.now, ID: m.ID}); err != nil {
			return err
		}
	}
	return nil
}

// start begins an attempt.
func (s *Sim) start(t machine.Task) error {
	k, enters := s.enter(t)
	if !enters {
		r := s.comesTo(t)
		s.clock.serial++
		s.work = append(s.work, task{t, r, s.clock.now.Add(r.Takes), s.clock.serial})
	}
	if err := s.m.Step(machine.TaskRunning{At: s.clock.now, Key: t.Key, Attempt: t.Attempt}); err != nil || !enters {
		return err
	}
	return s.begin(k, t)
}

// next lets the next thing happen that is due; false if there is none.
func (s *Sim) next() (bool, error) {
	at, who := s.due()
	if who == nil {
		return false, nil
	}
	return true, who.act(at)
}

// due is when the next thing happens, and to whom; nil if there is none. Work ends before
// anything else that is due at the same time.
func (s *Sim) due() (at time.Time, who *Sim) {
	if len(s.work) > 0 {
		at, who = s.work[0].ends, s
	}
	for _, k := range s.kids {
		if k.loose {
			continue
		}
		if when, whose := k.due(); whose != nil && (who == nil || when.Before(at)) {
			at, who = when, whose
		}
	}
	if wake := s.m.WakeAt(); !wake.IsZero() && (who == nil || wake.Before(at)) {
		at, who = wake, s
	}
	return at, who
}

// act lets happen what is due at a time.
func (s *Sim) act(at time.Time) error {
	s.clock.forward(at)
	if len(s.work) > 0 && !s.work[0].ends.After(at) {
		t := s.work[0]
		s.work = s.work[1:]
		return s.end(t)
	}
	return s.m.Step(machine.Woke{At: s.clock.now})
}

func (s *Sim) end(t task) error {
	if t.Failure != nil {
		return s.m.Step(machine.TaskFailed{At: s.clock.now, Key: t.Key, Attempt: t.Attempt, Failure: *t.Failure, Tokens: t.Tokens, Cost: t.Cost})
	}
	output, err := value.Of(t.Output)
	if err != nil {
		return s.m.Step(machine.TaskFailed{At: s.clock.now, Key: t.Key, Attempt: t.Attempt, Tokens: t.Tokens, Cost: t.Cost,
			Failure: journal.Failure{Kind: "output", Message: err.Error()}})
	}
	return s.m.Step(machine.TaskDone{At: s.clock.now, Key: t.Key, Attempt: t.Attempt, Output: output, Talk: t.Talk, Tokens: t.Tokens, Cost: t.Cost})
}

// forward moves the clock; it never goes back.
func (c *clock) forward(to time.Time) {
	if to.After(c.now) {
		c.now = to
	}
}
