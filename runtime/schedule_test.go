package runtime_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// daily is a graph whose node runs once a day at 05:00 UTC, and ends after n days.
func daily(t testing.TB, n int, catchUp string) graph.Def {
	t.Helper()
	return one(t, n, `, "with": {"day": "${{ formatTime(cycle.due ?? now, \"02\") }}"}`,
		`, "schedule": {"cron": "0 5 * * *", "at_start": false, "catch_up": "`+catchUp+`"}`)
}

// days are those that the node was given.
func days(k *runtimetest.Kit) string {
	var all []string
	for _, task := range k.Runs("a") {
		with, _ := task.With.(map[string]any)
		all = append(all, fmt.Sprint(with["day"]))
	}
	return strings.Join(all, " ")
}

// What was missed while nothing ran is made up for from a file, and a second end of the
// engine in the middle of it changes nothing but the attempt that it cut off.
func TestMissedMomentsOverRestarts(t *testing.T) {
	t.Parallel()
	for catchUp, want := range map[string]struct {
		days string
		ends time.Duration // after midnight of the first day
	}{
		"all":  {"01 02 03 03 04 05 06 07", 6*24*time.Hour + 5*time.Hour},
		"last": {"01 05 06 07 08 09 10", 9*24*time.Hour + 5*time.Hour},
		"none": {"01 06 07 08 09 10 11", 10*24*time.Hour + 5*time.Hour},
	} {
		t.Run(catchUp, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				file := filepath.Join(t.TempDir(), "stacks.db")
				open := func() *boltstore.Store {
					s, err := boltstore.Open(file, boltstore.Options{Durability: runtime.DurabilityNone})
					if err != nil {
						t.Fatal(err)
					}
					k.Store = s
					return s
				}
				restart := func(s *boltstore.Store, down time.Duration, crash func()) *boltstore.Store {
					if err := k.Runtime.Close(k.T.Context()); err != nil {
						t.Fatal(err)
					}
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					k.Forward(down)
					s = open()
					crash()
					return s
				}
				k.Node("a", runtimetest.Takes(10*time.Second, runtimetest.Returns(1)))
				begin := time.Now()
				store := open()
				defer func() { _ = store.Close() }()
				k.Reopen()
				s := k.Start(k.Compile(daily(t, 7, catchUp)), runtime.StartOptions{})
				k.Cycles(s, 1)
				store = restart(store, 4*24*time.Hour+2*time.Hour, k.Reopen)
				k.Resume("one", runtime.ResumeOptions{})
				k.Forward(15 * time.Second) // under `all` the second of the missed ones runs
				k.Crash()
				r := k.Wait(k.Resume("one", runtime.ResumeOptions{}))
				if got := days(k); got != want.days {
					t.Errorf("ran for %s, want %s", got, want.days)
				}
				if got := time.Since(begin).Truncate(time.Minute); got != want.ends || r.Status != journal.Completed {
					t.Errorf("%s after %s, want %s", r.Status, got, want.ends)
				}
			})
		})
	}
}

// With `until` an inner graph follows its schedule; without, it is one pass at once.
func TestTheScheduleOfAnInnerGraph(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		with string
		took time.Duration
	}{
		"until":    {`, "until": "state.n >= 3"`, time.Hour + 10*time.Minute},
		"one pass": {"", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Node("a", runtimetest.Returns(1))
				begin := time.Now()
				r := k.Wait(k.Start(k.Compile(outerOf(t, tt.with, "10 ${{ params.every }} * * *")), runtime.StartOptions{}))
				if got := time.Since(begin); got != tt.took || r.Failures > 0 {
					t.Errorf("took %s, want %s; %d failures", got, tt.took, r.Failures)
				}
			})
		})
	}
}

// An inner graph whose params make no schedule fails its node.
func TestAnInnerGraphWithoutAMoment(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		r := k.Wait(k.Start(k.Compile(outerOf(t, `, "until": "state.n >= 3"`, "10 ${{ params.every }}")), runtime.StartOptions{}))
		if r.Failures != 1 || r.Status != journal.Failed {
			t.Errorf("%+v", r)
		}
		for _, rec := range k.Records("outer") {
			if b, ok := rec.Body.(*journal.TaskFinished); ok && (b.Error == nil || b.Error.Kind != "config" || !strings.Contains(b.Error.Message, "five fields")) {
				t.Errorf("failed with %+v", b.Error)
			}
		}
	})
}

func outerOf(t testing.TB, with, cron string) graph.Def {
	t.Helper()
	return def(t, fmt.Sprintf(`{"graphrun": 1, "name": "outer", "limits": {"cycles": 1},
		"nodes": [{"id": "sub", "uses": "graph", "with": {"file": "inner.yaml" %s}, "graph": {
			"graphrun": 1, "name": "inner",
			"params": [{"name": "every", "type": "string", "default": "*"}],
			"state": [{"name": "n", "type": "integer", "reduce": {"name": "sum"}}],
			"schedule": {"cron": "%s"},
			"nodes": [{"id": "a", "uses": "work", "writes": [{"key": "n", "expr": "output"}]}]}}]}`, with, cron))
}
