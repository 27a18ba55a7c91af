package temporaldriver

import (
	"context"
	"slices"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/machine"
)

// waitsFor says what a task waits for that has not begun: a slot, or first its lock. pool is the
// pool over all workers, or the lock, whose limiter knows more; "" if there is none.
// reserved are locks that tasks before it have, which wait for their slots.
func (t *thinking) waitsFor(task *machine.Task, reserved map[string]int) (slot *inspect.Slot, pool string) {
	slot = &inspect.Slot{By: []inspect.Behind{}}
	rate := false
	if slot.Pool = t.poolOf(task); slot.Pool != "" {
		p := &t.def.g.Pools[task.Pool]
		slot.Parallel, rate, pool = p.Parallel, p.Rate > 0, t.slotOf(task)
	}
	if lock := t.s.lockOf(task.Lock); !t.hasLock(task, lock, reserved) {
		slot.Lock, pool = true, lock
	} else if lock != "" {
		reserved[lock]++
	}
	for _, id := range t.s.flightIDs() {
		if f := t.s.flights[id]; slot.Lock && f.lock == pool || !slot.Lock && slot.Pool != "" && f.pool == slot.Pool {
			slot.By = append(slot.By, inspect.Behind{Stack: t.s.name, Node: id.Node, Item: id.Item})
		}
	}
	for _, name := range t.s.kidNames() {
		if k := t.s.kids[name]; slot.Lock && k.Running && k.Lock == pool {
			slot.By = append(slot.By, inspect.Behind{Stack: t.s.name, Node: k.Of.Node, Item: k.Of.Item})
		}
	}
	slot.Running = len(slot.By)
	if se := t.s.sessions[pool]; se != nil && !slot.Lock {
		if se.Heard > 0 {
			slot.Parallel, slot.Running = se.Parallel, max(se.Taken, slot.Running)
		}
		if !rate { // else it would have begun
			slot.Running = max(slot.Running, slot.Parallel)
		}
	}
	slot.By = slot.By[:min(len(slot.By), inspect.MaxHolders)]
	return slot, pool
}

// noteWaits says of the tasks in the queue what they wait for.
func (s *stack) noteWaits(l *live) {
	reserved := map[string]int{}
	for i := range s.queue {
		q := &s.queue[i]
		at := slices.IndexFunc(l.Tasks, func(t inspect.TaskStatus) bool {
			return t.Node == q.Key.Node && t.Item == q.Key.Item && t.Cycle == q.Key.Cycle && t.Wave == q.Key.Wave && t.State == inspect.TaskQueued
		})
		slot, pool := s.waitsFor(q, reserved)
		if at < 0 || slot.Pool == "" && !slot.Lock {
			continue
		}
		t := &l.Tasks[at]
		if t.Slot = slot; len(slot.By) > 0 {
			t.Behind = &slot.By[0]
		}
		if pool != "" {
			l.Waits = append(l.Waits, waitAt{At: at, Pool: pool})
		}
	}
}

// waitAt is a task of live that waits for something whose limiter knows more.
type waitAt struct {
	At   int    `json:"at"` // index of the task
	Pool string `json:"pool"`
}

// askLimiters completes what a stack says of its tasks that wait, with what the limiters know. ask
// is a query of a workflow; queue is the task queue of the stack. Where a query fails, what the stack says stands.
func (l *live) askLimiters(ctx context.Context, queue string, ask func(ctx context.Context, workflow string, q readRequest) (readReply, error)) {
	known := map[string]*poolUse{}
	for _, w := range l.Waits {
		if w.At < 0 || w.At >= len(l.Tasks) || l.Tasks[w.At].Slot == nil {
			continue
		}
		p, asked := known[w.Pool]
		if !asked {
			if r, err := ask(ctx, limiterOf(w.Pool, queue), readRequest{What: readPools, Name: w.Pool}); err == nil && len(r.Pools) == 1 {
				p = &r.Pools[0]
			}
			known[w.Pool] = p
		}
		if p != nil {
			hold(&l.Tasks[w.At], p)
		}
	}
}

// hold notes who has a pool, or a lock, that a task waits for. Of other stacks the nodes are not
// known.
func hold(t *inspect.TaskStatus, p *poolUse) {
	if !t.Slot.Lock {
		t.Slot.Parallel, t.Slot.Running = p.Limits.Parallel, p.Taken
	}
	for _, s := range p.Stacks {
		own := slices.ContainsFunc(t.Slot.By, func(b inspect.Behind) bool { return b.Stack == s.Stack })
		if s.Has > 0 && !own && len(t.Slot.By) < inspect.MaxHolders {
			t.Slot.By = append(t.Slot.By, inspect.Behind{Stack: s.Stack})
		}
	}
	if len(t.Slot.By) > 0 {
		t.Behind = &t.Slot.By[0]
	}
}
