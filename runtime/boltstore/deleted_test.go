package boltstore

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// A stack whose records are removed, or deleted as too old, while they are read is not
// damaged.
func TestRecordsThatGoWhileTheyAreRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		size int // of an output: in the line of its record, or apart from it
		away func(t *testing.T, s *Store)
		want string
	}{
		"removed":             {1500, remove, "stack"},
		"removed, bulk apart": {5000, remove, "stack"},
		"deleted":             {1500, outdate, "were deleted while they were read"},
		"deleted, bulk apart": {5000, outdate, "were deleted while they were read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: runtime.DurabilityNone})
			historyOf(t, s, "stack", 300, tt.size, 1, tt.size)
			gone := false
			err := s.Records(ctx, "stack", journal.Want{Bulk: true}, func(journal.Record) error {
				if !gone {
					gone = true
					tt.away(t, s)
				}
				return nil
			})
			var damaged *runtime.StoreError
			switch {
			case err == nil || errors.As(err, &damaged) || !strings.Contains(err.Error(), tt.want):
				t.Errorf("got %v, want %q", err, tt.want)
			case tt.want == "stack" && !errors.Is(err, runtime.ErrNotFound):
				t.Errorf("got %v, want ErrNotFound", err)
			}
		})
	}
}

// A damaged row with the bulk of a record is reported once, with the store's path.
func TestDamagedBulk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	s := openAt(t, path, Options{Durability: runtime.DurabilityNone})
	historyOf(t, s, "stack", 1, 5000, 1, 5000)
	err := s.submit(false, func(t *txn) error {
		t.writes++
		n, err := t.find("stack")
		if err != nil {
			return err
		}
		return t.stacks.Delete(n.bulk(4))
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Records(ctx, "stack", journal.Want{Bulk: true}, func(journal.Record) error { return nil })
	var damaged *runtime.StoreError
	if !errors.As(err, &damaged) || strings.Count(err.Error(), path) != 1 {
		t.Errorf("got %v, want a damage with the path once", err)
	}
}

func remove(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Remove(ctx, "stack"); err != nil {
		t.Error(err)
	}
}

// outdate continues the stack until all that it had is too old.
func outdate(t *testing.T, s *Store) {
	t.Helper()
	sum, err := s.Stack(ctx, "stack")
	if err != nil {
		t.Error(err)
	}
	cursor := sum.Cursor
	for range 60 {
		c := runtime.Commit{Stack: "stack", Keep: graph.History{Cycles: 4}}
		cursor.Cycle++
		cursor.CycleSeq = cursor.Seq + 1
		for _, b := range []journal.Body{&journal.CycleStarted{Hash: "h"}, &journal.CycleFinished{}} {
			cursor.Seq++
			c.Records = append(c.Records, journal.Record{Seq: cursor.Seq, Stack: "stack", Cycle: cursor.Cycle, Body: b})
		}
		c.Cursor = cursor
		mustCommit(t, s, c)
	}
}
