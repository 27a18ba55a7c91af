package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"testing"
)

// waves are those of a cycle: the commits of a side that commits once for each.
var waves = map[string]int{chain: chainLength, chainNew: chainLength, fan64: 3, fan256: 3,
	orchestrator: orchestratorWaves, fleetOf: orchestratorWaves, oneChanged: 1, noneChanged: 1, large: 1}

// TestSidesDoTheSameWork lets each side of each row do three cycles. All sides that have a
// state must end with the same one, after as many node runs.
func TestSidesDoTheSameWork(t *testing.T) {
	t.Parallel()
	for _, tr := range trials() {
		if tr.job.Work == starting || tr.job.Work == recovering {
			continue // programs that have to be built, and a process that is killed
		}
		t.Run(tr.name(), func(t *testing.T) {
			t.Parallel()
			w := works()[tr.job.Work]
			var want map[string]any
			var from string
			for _, s := range tr.sides {
				j := tr.job
				j.Side, j.Dir, j.Cycles, j.Bytes, j.Size = s, t.TempDir(), 3, commitBytes, min(j.Size, 1000)
				if j.Stacks > 0 {
					j.Stacks = 4
				}
				f, err := do(t.Context(), j)
				if err != nil {
					t.Fatal(err)
				}
				if cycles := 3 * max(1, j.Stacks); f.Cycles != cycles {
					t.Errorf("%s: %d cycles, want %d", s, f.Cycles, cycles)
				}
				checkCommits(t, s, j, f)
				if f.State == "" {
					continue
				}
				if f.NodeRuns != f.Cycles*w.nodes {
					t.Errorf("%s: %d node runs in %d cycles, want %d in each", s, f.NodeRuns, f.Cycles, w.nodes)
				}
				state := decoded(t, f.State)
				if want == nil {
					want, from = state, s
				} else if !reflect.DeepEqual(state, want) && tr.job.Work != chainNew {
					t.Errorf("the state of %s is %v, that of %s %v", s, state, from, want)
				}
			}
			if want == nil {
				t.Error("no side has a state")
			}
		})
	}
}

// checkCommits: where something is stored, a wave is a commit, or more.
func checkCommits(t *testing.T, s string, j job, f figures) {
	t.Helper()
	least := f.Cycles * waves[j.Work]
	engine := s == "func" || s == "set"
	switch {
	case j.Class == memory:
	case engine && f.Commits < least, !engine && f.Commits != least:
		t.Errorf("%s, %s, %s: %d commits, want %d", j.Work, j.Class, s, f.Commits, least)
	case f.Written < int64(f.Commits) && written() > 0:
		t.Errorf("%s, %s, %s: %d bytes written in %d commits", j.Work, j.Class, s, f.Written, f.Commits)
	}
}

// decoded is a state without the members that are still zero, which some sides leave out.
func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	var state map[string]any
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(state, func(_ string, v any) bool { return v == 0.0 || fmt.Sprint(v) == "[]" })
	return state
}

// TestTrialsFit: each goal is about a side that is measured.
func TestTrialsFit(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, tr := range trials() {
		if names[tr.name()] {
			t.Errorf("%q is there twice", tr.name())
		}
		names[tr.name()] = true
		w := works()[tr.job.Work]
		if w == nil {
			t.Fatalf("%q is no work", tr.job.Work)
		}
		measured := map[string]bool{"": true}
		for _, s := range tr.sides {
			measured[s] = true
			if w.sides[s] == nil {
				t.Errorf("%q is not done by %q", tr.job.Work, s)
			}
		}
		for _, s := range tr.shows {
			for _, g := range s.goals {
				if g.side == "" || !measured[g.side] || !measured[g.of] {
					t.Errorf("%q: the goal %+v is about a side that is not measured", tr.name(), g)
				}
			}
		}
	}
}
