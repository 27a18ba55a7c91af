package boltstore

import (
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime"
)

// mustSync decides whether a commit is forced to disk before it is
// acknowledged.
func (s *Store) mustSync(c runtime.Commit) bool {
	switch s.opts.Durability {
	case runtime.DurabilityWave:
		return true
	case runtime.DurabilityCycle:
		return c.Sync || c.Create != nil || endsCycle(c.Records)
	default:
		return c.Sync
	}
}

func endsCycle(records []machine.Record) bool {
	for _, r := range records {
		switch r.Body.(type) {
		case *machine.CycleFinished, *machine.StackFinished:
			return true
		}
	}
	return false
}
