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
	Takes   time.Duration    // from its start; 0 if it ends at once
	Tokens  int64
	Cost    float64
}

// Sim drives one machine. Not safe for concurrent use.
type Sim struct {
	m      *machine.Machine
	now    time.Time
	result func(machine.Task) Result
	work   []task // what runs, in the order in which it ends
	serial int

	// Recorded, when set, is called with each record once it is committed.
	Recorded func(journal.Record)
	// Committed, when set, is called with each Ready before the machine advances.
	Committed func(machine.Ready)
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
	return &Sim{m: m, now: at, result: result}
}

// Now is the virtual time.
func (s *Sim) Now() time.Time { return s.now }

// Machine is the machine that is driven.
func (s *Sim) Machine() *machine.Machine { return s.m }

// Step feeds an input from outside, with the time Now in it, and commits what
// follows. The error is the machine's.
func (s *Sim) Step(in machine.Input) error {
	if err := s.m.Step(in); err != nil {
		return err
	}
	_, err := s.settle(func(journal.Record) bool { return false })
	return err
}

// Until runs until a record is committed for which stop is true, or until nothing is
// due any more and only an input from outside could continue the stack.
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

// settle commits all that the machine has decided; true when stop was.
func (s *Sim) settle(stop func(journal.Record) bool) (bool, error) {
	for {
		rd, ok := s.m.Ready()
		if !ok {
			return false, nil
		}
		stopped := false
		for _, r := range rd.Records {
			stopped = stopped || stop(r)
			if s.Recorded != nil {
				s.Recorded(r)
			}
		}
		if s.Committed != nil {
			s.Committed(rd)
		}
		s.m.Advance()
		if stopped {
			return true, nil
		}
		if err := s.do(rd); err != nil {
			return false, err
		}
	}
}

// do does what a Ready asks for.
func (s *Sim) do(rd machine.Ready) error {
	for _, o := range rd.Orphans { // nothing of an earlier driver runs here
		if err := s.m.Step(machine.TaskGone{At: s.now, Key: o.Key, Attempt: o.Attempt}); err != nil {
			return err
		}
	}
	for _, key := range rd.Cancel {
		i := slices.IndexFunc(s.work, func(t task) bool { return t.Key == key })
		if i < 0 {
			continue
		}
		t := s.work[i]
		s.work = slices.Delete(s.work, i, i+1)
		if err := s.m.Step(machine.TaskGone{At: s.now, Key: key, Attempt: t.Attempt}); err != nil {
			return err
		}
	}
	for _, t := range rd.Start {
		r := s.result(t)
		s.serial++
		s.work = append(s.work, task{t, r, s.now.Add(r.Takes), s.serial})
		if err := s.m.Step(machine.TaskRunning{At: s.now, Key: t.Key, Attempt: t.Attempt}); err != nil {
			return err
		}
	}
	slices.SortStableFunc(s.work, func(a, b task) int {
		return cmp.Or(a.ends.Compare(b.ends), cmp.Compare(a.serial, b.serial))
	})
	return nil
}

// next lets the next thing happen that is due; false if there is none.
func (s *Sim) next() (bool, error) {
	wake := s.m.WakeAt()
	if len(s.work) > 0 && (wake.IsZero() || !wake.Before(s.work[0].ends)) {
		t := s.work[0]
		s.work = s.work[1:]
		s.forward(t.ends)
		return true, s.end(t)
	}
	if wake.IsZero() {
		return false, nil
	}
	s.forward(wake)
	return true, s.m.Step(machine.Woke{At: s.now})
}

func (s *Sim) end(t task) error {
	if t.Failure != nil {
		return s.m.Step(machine.TaskFailed{At: s.now, Key: t.Key, Attempt: t.Attempt, Failure: *t.Failure, Tokens: t.Tokens, Cost: t.Cost})
	}
	output, err := value.Of(t.Output)
	if err != nil {
		return s.m.Step(machine.TaskFailed{At: s.now, Key: t.Key, Attempt: t.Attempt, Tokens: t.Tokens, Cost: t.Cost,
			Failure: journal.Failure{Kind: "output", Message: err.Error()}})
	}
	return s.m.Step(machine.TaskDone{At: s.now, Key: t.Key, Attempt: t.Attempt, Output: output, Tokens: t.Tokens, Cost: t.Cost})
}

// forward moves the clock; it never goes back.
func (s *Sim) forward(to time.Time) {
	if to.After(s.now) {
		s.now = to
	}
}
