package pool

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/graph"
)

// What follows reads the rules of locks in docs/semantics.md as plainly as it can: all tasks
// in the order in which they were queued, and everything looked at again after each change.
// An owner has one task that wants its lock at a time, so whose turn it is does not matter.

// plainTask is a task that waits or runs.
type plainTask struct {
	name, owner, lock, child string
	urgent, slot             bool
	has                      string // the lock that it has, with whose it is; "" for none
	ticket                   *Ticket
}

type plainLocks struct {
	tasks    []*plainTask // in the order in which they were queued
	parallel int
	halted   bool
	runs     map[string]bool // as the pools say
}

// lockFor is the lock that a text means for a task: one that a task above it has is another
// lock among the tasks below.
func (p *plainLocks) lockFor(t *plainTask) string {
	for owner := t.owner; ; {
		k := slices.IndexFunc(p.tasks, func(up *plainTask) bool { return up.child == owner })
		if k < 0 {
			return t.lock
		}
		if up := p.tasks[k]; up.lock == t.lock {
			return t.lock + " below " + up.name
		}
		owner = p.tasks[k].owner
	}
}

// settle hands locks out, the urgent ones first.
func (p *plainLocks) settle() {
	for _, urgent := range []bool{true, false} {
		for _, t := range p.tasks {
			if t.lock == "" || t.has != "" || t.urgent != urgent || p.halted {
				continue
			}
			id := p.lockFor(t)
			if !slices.ContainsFunc(p.tasks, func(o *plainTask) bool { return o.has == id }) {
				t.has = id
			}
		}
	}
}

// check holds what runs against what has to run.
func (p *plainLocks) check(t *rapid.T) {
	var want, got []string
	able, seated := 0, 0
	for _, task := range p.tasks {
		switch ready := task.lock == "" || task.has != ""; {
		case task.slot && p.runs[task.name] && !ready:
			t.Fatalf("%s runs without its lock", task.name)
		case task.slot && p.runs[task.name]:
			able, seated = able+1, seated+1
		case task.slot && ready:
			able++
		case !task.slot && ready && (task.lock != "" || !p.halted || p.runs[task.name]):
			want = append(want, task.name)
		}
		if !task.slot && p.runs[task.name] {
			got = append(got, task.name)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("tasks that need no slot (-want +run)\n%s", d)
	}
	if want := min(able, p.parallel); seated > p.parallel || !p.halted && seated != want {
		t.Fatalf("%d tasks have a slot, want %d of %d", seated, want, able)
	}
}

// Of tasks with an equal lock one runs at a time, in the order of their priority and of
// their queueing, and nothing waits for a lock or a slot that is free.
func TestLocksAgainstNaive(t *testing.T) {
	t.Parallel()
	handed, below := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		h := newHall(graph.Pool{Name: "default", Parallel: rapid.IntRange(1, 3).Draw(rt, "parallel")})
		p := &plainLocks{parallel: h.pools[0].parallel, runs: map[string]bool{}}
		owners := 0
		for step := range rapid.IntRange(5, 40).Draw(rt, "steps") {
			switch what := rapid.IntRange(0, 9).Draw(rt, "what"); {
			case what == 0:
				if p.halted = !p.halted; p.halted {
					h.ps.Halt()
				} else {
					p.settle()
					h.ps.Release()
				}
			case what < 5 && len(p.runs) > 0:
				name := rapid.SampledFrom(slices.Sorted(maps.Keys(p.runs))).Draw(rt, "done")
				k := slices.IndexFunc(p.tasks, func(t *plainTask) bool { return t.name == name })
				task := p.tasks[k]
				if slices.ContainsFunc(p.tasks, func(o *plainTask) bool { return o.owner == task.child }) {
					continue // its graph works
				}
				p.tasks = slices.Delete(p.tasks, k, k+1)
				delete(p.runs, name)
				p.settle()
				h.ps.Exchange(task.owner, []*Ticket{task.ticket}, nil)
			default:
				owners++
				task := &plainTask{
					name: fmt.Sprintf("t%d", step), owner: fmt.Sprintf("o%d", owners), lock: rapid.SampledFrom([]string{"", "x", "x", "y"}).Draw(rt, "lock"),
					urgent: rapid.Bool().Draw(rt, "urgent"), slot: rapid.Bool().Draw(rt, "slot"),
				}
				var graphs []string
				for _, up := range p.tasks {
					busy := slices.ContainsFunc(p.tasks, func(o *plainTask) bool { return o.owner == up.child })
					if up.child != "" && p.runs[up.name] && !busy {
						graphs = append(graphs, up.child)
					}
				}
				if len(graphs) > 0 && rapid.Bool().Draw(rt, "below") {
					task.owner = rapid.SampledFrom(graphs).Draw(rt, "graph")
					below++
				}
				if !task.slot && rapid.Bool().Draw(rt, "runs a graph") {
					task.child = "child of " + task.name
				}
				task.ticket = &Ticket{Lock: task.lock, Owner: task.owner, Child: task.child, Since: time.Now(), Node: step,
					For: told(func(bool) { p.runs[task.name] = true })}
				if task.urgent {
					task.ticket.Priority = 1000
				}
				if task.slot {
					task.ticket.Pool = h.pools[0]
				}
				p.tasks = append(p.tasks, task)
				p.settle()
				h.ps.Exchange(task.owner, nil, []*Ticket{task.ticket})
			}
			p.check(rt)
			if slices.ContainsFunc(p.tasks, func(t *plainTask) bool { return t.lock != "" && t.has == "" }) {
				handed++
			}
		}
	})
	t.Logf("%d times a task waited for its lock, %d tasks were below another", handed, below)
	if !testing.Short() && (handed < 20 || below < 20) {
		t.Error("too few for the test to mean anything")
	}
}
