package boltstore

import (
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// forces decides whether a change is forced to disk before it is acknowledged. asked says
// that it is one that DurabilityCycle forces.
func (s *Store) forces(asked bool) bool {
	return s.opts.Durability == runtime.DurabilityWave || asked && s.opts.Durability == runtime.DurabilityCycle
}

// asksForDisk reports whether a commit is one that DurabilityCycle forces to disk.
func asksForDisk(c *runtime.Commit) bool {
	return c.Sync || c.Create != nil || endsCycle(c.Records)
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
