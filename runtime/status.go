package runtime

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
)

type (
	// TaskStatus is a task in a Status.
	TaskStatus = inspect.TaskStatus
	// TaskState is where a task stands.
	TaskState = inspect.TaskState
	// TaskError is the last failure of a stack.
	TaskError = inspect.TaskError
	// Behind is a task that a queued one waits behind.
	Behind = inspect.Behind
	// Elements says how many elements of a node with for_each failed.
	Elements = inspect.Elements
	// Attempt is an attempt that failed and was followed by another one.
	Attempt = inspect.Attempt
)

// States of a task.
const (
	TaskQueued  = inspect.TaskQueued
	TaskRunning = inspect.TaskRunning
	TaskBackoff = inspect.TaskBackoff
	TaskParked  = inspect.TaskParked
	TaskWaiting = inspect.TaskWaiting
	TaskOver    = inspect.TaskOver
)

// Status reports the current position of a stack.
type Status struct {
	Stack, Graph string
	CreatedAt    time.Time
	Driven       bool   // by this runtime
	Loaded       bool   // it is in memory
	Child        bool   // it does the work of a node or of a call of another stack
	Parent       string // of a Child: journal.Identity.Parent

	// Cursor has the status with its reason, cycle and wave, WakeAt, what the stack waits
	// for (with the prompts of approvals), background nodes and counts.
	Cursor journal.Cursor
	// Tasks are those of the present cycle (between two cycles, of the last one) and
	// those that continue from earlier cycles. List fills them in only for loaded stacks,
	// and without what they wait behind.
	Tasks []TaskStatus
	// LastError is the last failure in the present cycle or the one before, or since the
	// stack was loaded; nil when there is none. List fills it in as Tasks.
	LastError *TaskError
	// Failed counts the failed elements of nodes with for_each in that cycle. List fills
	// it in as Tasks.
	Failed []Elements
	// WaitsFor lists the stacks, sorted, that this one waits for under `fleet: lockstep`.
	WaitsFor []string
	// Refused is the changed graph that the stack did not adopt, or nil.
	Refused *AdoptError
	// Problem is why the stack cannot be read, is not driven any more, or waits for the
	// store; nil when there is no problem.
	Problem error
}

// Status reports the current position of a stack. It does not load the stack and works
// while the store rejects commits. Errors: *UnknownStackError, *StoreError, ErrClosed.
func (rt *Runtime) Status(ctx context.Context, stack string) (Status, error) {
	sum, err := rt.cfg.Store.Stack(ctx, stack)
	if err != nil {
		return Status{}, rt.unknown(ctx, stack, err)
	}
	st := rt.status(sum)
	if !st.Loaded {
		records, err := rt.recordsOf(ctx, &sum)
		if err != nil {
			return Status{}, rt.unknown(ctx, stack, err)
		}
		var tasks inspect.Tasks
		tasks.Take(records)
		st.Tasks, st.LastError, st.Failed = tasks.List(&st.Cursor, st.Driven), tasks.LastError(), tasks.Failed()
	}
	if st.Loaded {
		rt.waitBehind(stack, st.Tasks)
	}
	return st, nil
}

// waitBehind says of the queued tasks of a stack what they wait for, and behind whom.
func (rt *Runtime) waitBehind(stack string, tasks []TaskStatus) {
	if !slices.ContainsFunc(tasks, func(t TaskStatus) bool { return t.State == TaskQueued }) {
		return
	}
	waits := rt.pools.Waits(stack)
	for i := range tasks {
		t := &tasks[i]
		w, ok := waits[journal.TaskKey{Cycle: t.Cycle, Wave: t.Wave, Node: t.Node, Item: t.Item}]
		if !ok || t.State != TaskQueued {
			continue
		}
		t.Slot = &inspect.Slot{Pool: w.Pool, Lock: w.Lock, Running: w.Running, Parallel: w.Parallel, By: []Behind{}}
		for _, h := range w.Holders[:min(len(w.Holders), inspect.MaxHolders)] {
			t.Slot.By = append(t.Slot.By, Behind{Stack: h.Owner, Node: h.Task.Node, Item: h.Task.Item})
		}
		if len(t.Slot.By) > 0 {
			t.Behind = &t.Slot.By[0]
		}
	}
}

// recordsOf reads the records of some types, or of all types, since the present cycle
// of a stack began, without their outputs.
func (rt *Runtime) recordsOf(ctx context.Context, sum *Summary, types ...string) (list []journal.Record, err error) {
	want := journal.Want{From: sum.Cursor.CycleSeq, To: sum.Cursor.Seq, Types: types}
	err = rt.cfg.Store.Records(ctx, sum.Identity.Stack, want, func(r journal.Record) error {
		list = append(list, r)
		return nil
	})
	return list, err
}

// List calls fn with the status of each stack of the store, sorted by id, until fn
// returns an error, which List then returns.
func (rt *Runtime) List(ctx context.Context, fn func(Status) error) error {
	return rt.ListAfter(ctx, "", fn)
}

// ListAfter is List for the stacks whose ids come after one, which need not be there.
func (rt *Runtime) ListAfter(ctx context.Context, after string, fn func(Status) error) error {
	return inspect.StacksAfter(ctx, rt.cfg.Store, after, func(sum Summary) error { return fn(rt.status(sum)) })
}

// status joins what the store has of a stack with what this runtime knows.
func (rt *Runtime) status(sum Summary) Status {
	id := sum.Identity
	st := Status{Stack: id.Stack, Graph: id.Graph, CreatedAt: id.CreatedAt, Child: id.Parent != "", Parent: id.Parent, Cursor: sum.Cursor, Problem: sum.Err}
	rt.mu.Lock()
	d := rt.drives[id.Stack]
	if st.Problem == nil {
		st.Problem = rt.trouble[id.Stack]
	}
	rt.mu.Unlock()
	if d == nil {
		return st
	}
	st.WaitsFor = rt.fleets.Awaited(member{d})
	d.mu.Lock()
	defer d.mu.Unlock()
	st.Driven, st.Refused = true, d.refused
	if st.Problem == nil {
		st.Problem = d.stalled
	}
	if d.live != nil && d.m != nil {
		st.Loaded = true
		st.Cursor = d.cursor
		st.Tasks, st.LastError, st.Failed = d.tasks.List(&d.cursor, true), d.tasks.LastError(), d.tasks.Failed()
	}
	return st
}

// unknown adds the stacks that there are to an error that reports an unknown one.
func (rt *Runtime) unknown(ctx context.Context, stack string, err error) error {
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	e := &UnknownStackError{Stack: stack}
	enough := errors.New("enough")
	err = rt.cfg.Store.Stacks(ctx, func(sum Summary) error {
		if len(e.Known) == manyNames {
			e.Known = append(e.Known, "…")
			return enough
		}
		e.Known = append(e.Known, sum.Identity.Stack)
		return nil
	})
	if err != nil && !errors.Is(err, enough) {
		return err
	}
	return e
}

// manyNames is how many names a message lists.
const manyNames = 20
