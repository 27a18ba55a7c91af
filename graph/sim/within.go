package sim

import (
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// kid is the stack that does the work of a task.
type kid struct {
	*Sim
	id, parent string // as machine.Child
	key        journal.TaskKey
	attempt    int
	told       machine.Standing
	held       bool // the task waits for it without an attempt
	ends       bool // its node ends
	loose      bool // a crash cut its task off: the next attempt continues it
	begun      bool // it has a machine, which failed may say why it could not get
	failed     error
}

// enter says which stack does the work of a task; false if a Result stands for it.
func (s *Sim) enter(t machine.Task) (*kid, bool) {
	if t.Child == nil || s.Enter == nil {
		return nil, false
	}
	i := slices.IndexFunc(s.kids, func(k *kid) bool { return k.id == t.Child.ID })
	if i >= 0 && s.kids[i].parent == t.Child.Parent {
		k := s.kids[i]
		k.attempt, k.loose, k.held = t.Attempt, false, false
		return k, true
	}
	if i >= 0 { // of an attempt that has failed
		s.kids = slices.Delete(s.kids, i, i+1)
	}
	k := &kid{Sim: &Sim{clock: s.clock, Crashes: s.Crashes}, id: t.Child.ID, parent: t.Child.Parent, key: t.Key, attempt: t.Attempt}
	if !s.Enter(t, k.Sim) {
		return nil, false
	}
	s.kids = append(s.kids, k)
	return k, true
}

// begin starts the machine of a child that is not there yet.
func (s *Sim) begin(k *kid, t machine.Task) error {
	if k.begun {
		return nil
	}
	k.begun = true
	c := t.Child
	id := journal.Identity{Stack: c.ID, Params: c.Params, Parent: c.Parent, MaxCycles: c.MaxCycles}
	k.m, k.failed = machine.New(s.m.Graph().Nodes[t.Node].Inner, machine.Options{Snapshots: s.Crashes}, id, c.State, s.clock.now)
	return nil
}

// lead does what stands between a stack and its children: it lets each commit what it has
// decided, and tells either what it has to know of the other. True when the machine was
// heard something.
func (s *Sim) lead() (news bool, err error) {
	if len(s.kids) == 0 {
		return false, nil
	}
	to, reason := s.m.ForChildren()
	for _, k := range slices.Clone(s.kids) {
		if k.loose {
			continue
		}
		told, err := s.heed(k, to, reason)
		if err != nil {
			return false, err
		}
		news = news || told
	}
	return news, nil
}

// heed leads one child.
func (s *Sim) heed(k *kid, to machine.Standing, reason string) (news bool, err error) {
	now := s.clock.now
	if k.failed != nil {
		s.drop(k)
		return true, s.m.Step(machine.ChildDone{At: now, Key: k.key, Attempt: k.attempt, Err: k.failed})
	}
	if k.told != to {
		k.told = to
		if err := k.m.Step(to.Input(now, reason)); err != nil {
			return false, err
		}
	}
	before := k.m.Cursor().Counts
	if _, err := k.settle(nil); err != nil {
		return false, err
	}
	c := k.m.Cursor()
	switch {
	case c.Status.Ended():
		s.drop(k)
		return true, s.m.Step(machine.ChildDone{At: now, Key: k.key, Attempt: k.attempt, Cursor: c, State: k.m.State()})
	case !k.held && !k.works() && k.m.WaitsOutside(now):
		k.held = true
		if err := s.m.Step(machine.TaskWaits{At: now, Key: k.key, Attempt: k.attempt}); err != nil {
			return false, nil // its attempt is to end
		}
		return true, s.m.Step(machine.TaskHeld{At: now, Key: k.key, Attempt: k.attempt})
	case c.Counts != before && s.m.MetersChildren():
		return true, s.m.Step(machine.ChildUsed{At: now, Key: k.key, Attempt: k.attempt, Counts: c.Counts})
	}
	return false, nil
}

// works reports whether an attempt runs.
func (s *Sim) works() bool {
	return len(s.work) > 0 || slices.ContainsFunc(s.kids, func(k *kid) bool { return !k.held })
}

func (s *Sim) drop(k *kid) {
	s.kids = slices.DeleteFunc(s.kids, func(one *kid) bool { return one == k })
}

// endKid ends the child of a task that is to end.
func (s *Sim) endKid(key journal.TaskKey) error {
	i := slices.IndexFunc(s.kids, func(k *kid) bool { return k.key == key })
	if i < 0 {
		return nil
	}
	k := s.kids[i]
	again := k.ends
	k.ends = true
	if k.m == nil {
		return nil
	}
	return k.m.Step(machine.EndChild(s.clock.now, again))
}

// clear says that nothing runs of an attempt that a crash cut off. A child whose task does
// not run again ends first.
func (s *Sim) clear(o machine.Orphan) error {
	if o.Child != nil && !o.Again {
		if i := slices.IndexFunc(s.kids, func(k *kid) bool { return k.id == o.Child.ID }); i >= 0 {
			s.kids[i].loose, s.kids[i].attempt = false, o.Attempt
			return s.endKid(o.Key)
		}
	}
	return s.m.Step(machine.TaskGone{At: s.clock.now, Key: o.Key, Attempt: o.Attempt})
}

// Child is the Sim of the stack that does the work of a node, or of one element of it, at
// present; nil if there is none.
func (s *Sim) Child(at journal.Spot) *Sim {
	for _, k := range s.kids {
		if k.key.Node == at.Node && k.key.Item == at.Item && k.m != nil && !k.loose {
			return k.Sim
		}
	}
	return nil
}

// All calls do for the stack and for those within it, from the outside to the inside.
func (s *Sim) All(do func(*Sim)) {
	do(s)
	for _, k := range s.kids {
		if k.m != nil && !k.loose {
			k.All(do)
		}
	}
}

// Settle commits what the machines of the stack, and of those within it, have heard.
func (s *Sim) Settle() error {
	_, err := s.settle(nil)
	return err
}

// Runs reports whether an attempt of a node of the stack runs.
func (s *Sim) Runs(node string) bool {
	return slices.ContainsFunc(s.work, func(t task) bool { return t.Key.Node == node }) ||
		slices.ContainsFunc(s.kids, func(k *kid) bool { return k.key.Node == node && !k.held })
}
