package boltstore

import (
	"github.com/graphrun/graphrun/graph/journal"
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

func endsCycle(records []journal.Record) bool {
	for _, r := range records {
		switch r.Body.(type) {
		case *journal.CycleFinished, *journal.StackFinished:
			return true
		}
	}
	return false
}
