package machine

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
)

// A machine that is replaced after any commit, within the life of its driver, continues as if
// nothing had been: its journal is the same to the byte.
func TestContinueMatrix(t *testing.T) {
	t.Parallel()
	for _, file := range transcripts(t) {
		s := readScript(t, file)
		commands := s.commands()
		if i := slices.IndexFunc(commands, otherDriver); i >= 0 {
			commands = commands[:i]
		}
		// What words an attempt knew is in no record: one that is held without a reason is
		// found out an attempt later.
		if filepath.Base(file) == "asking_again.txt" {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			plain := newRig(t, compile(t, s.graph))
			for _, l := range commands {
				do(plain, l)
			}
			for _, every := range []int{1, 2, 3, 7} {
				r := newRig(t, compile(t, s.graph))
				r.swapEvery = every
				for _, l := range commands {
					do(r, l)
				}
				if d := cmp.Diff(lines(plain), lines(r)); d != "" {
					t.Errorf("replaced after each %d commits (-without +with)\n%s", every, d)
				}
			}
		})
	}
}

// otherDriver reports whether a command of a transcript lets a driver die and another one follow.
func otherDriver(command string) bool {
	return slices.Contains([]string{"crash", "stop", "rest", "go"}, strings.Fields(command)[0])
}

func lines(r *rig) (all []string) {
	for _, line := range r.journal {
		all = append(all, string(line))
	}
	return all
}

const lostGraph = `graphrun: 1
name: lost
nodes:
  a: {uses: work, retry: {attempts: 2}}
  b: {uses: work}
edges:
  - {to: a}
  - {to: b}
limits: {cycles: 1}
`

// An attempt that is lost with its process is no failure: the next one has a higher number
// and knows of it. One that is lost again and again is parked, also when the machine is
// replaced meanwhile.
func TestTaskLost(t *testing.T) {
	t.Parallel()
	for _, swaps := range []bool{false, true} {
		r := newRig(t, compile(t, lostGraph))
		if swaps {
			r.swapEvery = 1
		}
		if err := r.start(nil, nil); err != nil {
			t.Fatal(err)
		}
		r.step(Woke{At: r.clock})
		r.drain()
		for n := 1; n <= mostCrashes; n++ {
			r.running("a")
			r.drain()
			if got := r.tasks["a"].task; got.Attempt != n || got.Rerun != (n > 1) {
				t.Fatalf("attempt %d, rerun %v; want %d", got.Attempt, got.Rerun, n)
			}
			r.lose("a")
			r.drain()
		}
		c := r.m.Cursor()
		if len(c.Parked) != 1 || r.tasks["a"] != nil || !c.Parked[0].Until.Equal(r.clock.Add(parkTime)) || c.Counts.Failures != 0 {
			t.Fatalf("swaps %v: parked %v, given %v", swaps, c.Parked, r.tasks["a"])
		}
		r.done("b", nil)
		r.drain()
		r.clock = r.clock.Add(parkTime)
		r.step(Woke{At: r.clock})
		r.drain()
		r.done("a", nil)
		r.drain()
		if c := r.m.Cursor(); c.Counts.Cycles != 1 || c.Counts.Failures != 0 || len(c.Parked) > 0 {
			t.Fatalf("swaps %v: %s, %+v, parked %v", swaps, c.Status, c.Counts, c.Parked)
		}
		checkReplay(t, r)
	}
}

// An attempt that is to end, and is lost, ends as it was decided.
func TestTaskLostWhileItEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, lostGraph))
	r.lingers = true
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	r.step(Woke{At: r.clock})
	r.drain()
	r.running("a")
	r.running("b")
	r.drain()
	lost := r.tasks["a"].task
	r.step(CancelTask{At: r.clock, Node: "a"})
	r.drain()
	r.clock = r.clock.Add(time.Second)
	r.step(TaskLost{At: r.clock, Key: lost.Key, Attempt: lost.Attempt})
	r.drain()
	if !slices.ContainsFunc(r.records, func(rec journal.Record) bool {
		f, _ := rec.Body.(*journal.TaskFinished)
		return f != nil && f.Node == "a" && f.Error != nil && f.Error.Kind == "cancelled"
	}) {
		t.Errorf("%s", lines(r))
	}
}

// A process that ends by itself is no death of the task.
func TestTaskLostCleanly(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, lostGraph))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	r.step(Woke{At: r.clock})
	r.drain()
	for range 3 * mostCrashes {
		r.running("a")
		r.drain()
		h := r.tasks["a"].task
		r.step(TaskLost{At: r.clock, Key: h.Key, Attempt: h.Attempt, Clean: true})
		r.drain()
	}
	if p := r.m.Cursor().Parked; len(p) > 0 {
		t.Errorf("parked after shutdowns: %+v", p)
	}
}

// What was decided for an attempt before its stack is to end stays so when the machine is
// replaced.
func TestContinueKeepsDecisions(t *testing.T) {
	t.Parallel()
	for _, replaced := range []bool{false, true} {
		r := newRig(t, compile(t, strings.Replace(lostGraph, "{uses: work}", "{uses: work, timeout: 5s}", 1)))
		r.lingers = true
		for _, l := range []string{"start", "wake", "running a", "running b", "wake", "cancel"} {
			do(r, l)
		}
		if replaced {
			r.swap()
		}
		r.leave()
		r.drain()
		at := slices.IndexFunc(r.records, func(rec journal.Record) bool {
			b, ok := rec.Body.(*journal.TaskFinished)
			return ok && b.Node == "b"
		})
		if at < 0 || r.records[at].Body.(*journal.TaskFinished).Error.Kind != "timeout" {
			t.Errorf("replaced %t: b has not timed out: %v", replaced, lines(r))
		}
	}
}
