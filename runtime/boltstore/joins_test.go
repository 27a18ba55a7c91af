package boltstore

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// TestJoinedCyclesHaveCheckpoints: also where the ends of cycles share their commits, a state
// is at most so many cycles, or so many bytes of records, behind a checkpoint.
func TestJoinedCyclesHaveCheckpoints(t *testing.T) {
	t.Parallel()
	const cycles = 150
	for name, test := range map[string]struct{ size, within int }{
		"small records": {10, pointEvery},
		"large records": {30 << 10, 8}, // 128 KiB and what the state moved since are half of that
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: runtime.DurabilityNone})
			c := journal.Cursor{Status: journal.Running, Hash: "hash"}
			joined, pending := 0, runtime.Commit{Stack: "s", Create: &journal.Identity{Stack: "s"}}
			record := func(body journal.Body) {
				c.Seq++
				pending.Records = append(pending.Records, journal.Record{Seq: c.Seq, Stack: "s", Cycle: c.Cycle, Body: body})
			}
			commit := func() {
				pending.Cursor = c
				mustCommit(t, s, pending)
				pending = runtime.Commit{Stack: "s"}
			}
			record(&journal.StackStarted{})
			commit()
			for n := range cycles {
				c.Cycle, c.Open, c.CycleSeq = c.Cycle+1, true, c.Seq+1
				record(&journal.CycleStarted{})
				commit() // with the end of the cycle before, if it may
				c.Open = false
				record(&journal.EventReceived{Event: "e", Payload: strings.Repeat("x", test.size)})
				record(&journal.CycleFinished{})
				pending.Changes = []graph.Change{{Name: "n", Value: int64(n + 1), Whole: true}}
				if s.Joins("s") {
					joined++
				} else {
					commit()
				}
			}
			if joined == 0 || joined == cycles {
				t.Errorf("%d of %d ends share a commit", joined, cycles)
			}
			for at := uint64(1); at <= cycles; at++ {
				base, err := s.Base(t.Context(), "s", journal.Point{Cycle: at})
				if err != nil {
					t.Fatal(err)
				}
				if behind := int(at - base.Cursor.Cycle); behind > test.within || base.Cursor.Open || base.Cursor.Cycle > 0 && base.State["n"] != int64(base.Cursor.Cycle) {
					t.Errorf("cycle %d is %d cycles behind the checkpoint with n = %v, open %v; want at most %d", at, behind, base.State["n"], base.Cursor.Open, test.within)
				}
			}
		})
	}
}
