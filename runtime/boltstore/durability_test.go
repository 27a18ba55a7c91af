package boltstore

import (
	"path/filepath"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// What is forced to disk, by durability: a wave, the end of a cycle, a commit
// that asks for it.
func TestDurability(t *testing.T) {
	t.Parallel()
	tests := []struct {
		durability                   runtime.Durability
		create, wave, cycle, ordered bool
	}{
		{"", true, true, true, true},
		{runtime.DurabilityWave, true, true, true, true},
		{runtime.DurabilityCycle, true, false, true, true},
		{runtime.DurabilityNone, false, false, false, false},
	}
	for _, test := range tests {
		t.Run("durability "+string(test.durability), func(t *testing.T) {
			t.Parallel()
			s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: test.durability})
			w := &wave{stack: "d"}
			create, next := w.create(), w.next()
			cycle := w.next()
			cycle.Records[len(cycle.Records)-1].Body = &journal.CycleFinished{}
			ordered := w.next()
			ordered.Sync = true
			for _, step := range []struct {
				name   string
				commit runtime.Commit
				synced bool
			}{{"create", create, test.create}, {"wave", next, test.wave}, {"cycle", cycle, test.cycle}, {"ordered", ordered, test.ordered}} {
				mustCommit(t, s, step.commit)
				if s.unsynced == step.synced {
					t.Errorf("%s: forced to disk %v, want %v", step.name, !s.unsynced, step.synced)
				}
			}
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: "often"}); err == nil {
		t.Error("an unknown durability was taken")
	}
}
