package sim

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// store keeps what a commit leaves in a store.
func (s *Sim) store() {
	if !s.Crashes {
		return
	}
	if snap, ok := s.m.Snapshot(); ok {
		s.stored = &snap
	}
}

// Crash ends all work at once and opens the store again: the machine, and those within it,
// are restored from what was committed, through the bytes of it. It needs Crashes.
func (s *Sim) Crash() error {
	if s.stored == nil {
		return errors.New("sim: nothing was committed that could be restored: set Crashes first")
	}
	b, err := json.Marshal(s.stored)
	if err != nil {
		return err
	}
	var snap journal.Snapshot
	if err := json.Unmarshal(b, &snap); err != nil {
		return err
	}
	m, err := machine.Restore(s.m.Graph(), machine.Options{Snapshots: true}, snap, s.clock.now)
	if err != nil {
		return err
	}
	s.m, s.work = m, nil
	held := m.HeldChildren()
	s.kids = slices.DeleteFunc(s.kids, func(k *kid) bool { return k.m == nil || k.stored == nil })
	for _, k := range s.kids {
		if err := k.Crash(); err != nil {
			return err
		}
		k.told, k.ends = machine.GoesOn, false
		if k.m.Cursor().Status == journal.Paused {
			k.told = machine.IsPaused
		}
		i := slices.IndexFunc(held, func(h machine.HeldChild) bool { return h.Child.ID == k.id })
		k.held, k.loose = i >= 0, i < 0
		if i < 0 {
			continue
		}
		k.attempt = held[i].Attempt
		if held[i].Ends {
			if err := s.endKid(k.key); err != nil {
				return err
			}
		}
	}
	_, err = s.settle(nil)
	return err
}
