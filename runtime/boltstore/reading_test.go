package boltstore

import (
	"fmt"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// historyOf commits cycles, each with outputs of a size: one, and in the last cycle
// several.
func historyOf(t *testing.T, s *Store, stack string, cycles, size, lastOutputs, lastSize int) journal.Cursor {
	t.Helper()
	cursor := journal.Cursor{Status: journal.Running, Hash: "h"}
	commit := func(create bool, bodies ...journal.Body) {
		t.Helper()
		c := runtime.Commit{Stack: stack, Changes: []graph.Change{{Name: "n", Value: int64(cursor.Cycle), Whole: true}}}
		if create {
			c.Create = &journal.Identity{Stack: stack, Graph: "g", Nonce: stack}
		}
		for _, b := range bodies {
			cursor.Seq++
			c.Records = append(c.Records, journal.Record{Seq: cursor.Seq, Time: time.Unix(int64(cursor.Seq), 0), Stack: stack, Cycle: cursor.Cycle, Body: b})
		}
		c.Cursor = cursor
		mustCommit(t, s, c)
	}
	commit(true, &journal.StackStarted{Graph: "g", Hash: "h"})
	for i := range cycles {
		outputs, size := 1, size
		if i == cycles-1 {
			outputs, size = lastOutputs, lastSize
		}
		cursor.Cycle, cursor.Wave, cursor.Open, cursor.CycleSeq = uint64(i+1), 1, true, cursor.Seq+1
		commit(false, &journal.CycleStarted{Hash: "h"}, &journal.WaveStarted{Wave: 1, Nodes: []string{"a"}})
		for o := range outputs {
			commit(false, &journal.TaskFinished{Wave: 1, Node: "a", Attempt: 1, Status: "succeeded", Item: fmt.Sprint(o),
				Output: strings.Repeat(fmt.Sprintf("%d %d ", i, o), size/5)})
		}
		cursor.Open = false
		commit(false, &journal.WaveCommitted{Wave: 1, Changed: []string{"n"}}, &journal.CycleFinished{Waves: 1})
	}
	return cursor
}

// What is read of a stack costs what it is, whatever the outputs of its past were.
// The memory that is allocated says so, since it counts all that was copied.
func TestReadingCosts(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: runtime.DurabilityNone})
	stacks := map[string]journal.Cursor{
		"small": historyOf(t, s, "small", 10, 100, 1, 100),
		"many":  historyOf(t, s, "many", 900, 20_000, 1, 20_000),
		"large": historyOf(t, s, "large", 10, 100, 12, 2<<20),
	}
	read := func(stack string, want journal.Want) error {
		return s.Records(ctx, stack, want, func(journal.Record) error { return nil })
	}
	questions := map[string]func(stack string) error{
		"where it stands": func(stack string) error { _, err := s.Stack(ctx, stack); return err },
		"its state":       func(stack string) error { _, err := s.State(ctx, stack); return err },
		"its tasks":       func(stack string) error { return read(stack, journal.Want{From: stacks[stack].CycleSeq}) },
		"its last cycle":  func(stack string) error { return read(stack, journal.Want{Last: 1, Types: []string{"wave.committed"}}) },
		"all of it, between two cycles": func(stack string) error {
			_, err := s.Load(ctx, stack)
			return err
		},
		"the end of its last cycle": func(stack string) error {
			at := journal.Point{Cycle: stacks[stack].Cycle}
			base, err := s.Base(ctx, stack, at)
			if err != nil {
				return err
			}
			return read(stack, journal.Want{From: base.Cursor.Seq + 1, Bulk: true})
		},
	}
	for name, ask := range questions {
		costs := map[string]uint64{}
		for stack := range stacks {
			costs[stack] = allocated(t, func() error { return ask(stack) })
		}
		most := costs["small"] + costs["small"]/5 + 32<<10
		if name == "the end of its last cycle" {
			most += 2 * pointAfter // what lies between two checkpoints is read
		}
		if costs["many"] > most || costs["large"] > most {
			t.Errorf("%s: bytes allocated %v, want at most %d", name, costs, most)
		}
		t.Logf("%s: %v", name, costs)
	}
}

// allocated is how many bytes fn allocates, at the least of a few times.
func allocated(t *testing.T, fn func() error) uint64 {
	t.Helper()
	least := ^uint64(0)
	for range 5 {
		var before, after goruntime.MemStats
		goruntime.ReadMemStats(&before)
		if err := fn(); err != nil {
			t.Fatal(err)
		}
		goruntime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}
