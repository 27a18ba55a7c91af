package runtime

import (
	"context"
	"errors"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// Status is where a stack stands.
type Status struct {
	Stack, Graph string
	CreatedAt    time.Time
	Driven       bool // by this runtime
	Loaded       bool // it is in memory

	// Cursor says the rest of where it stands: status and reason, cycle and wave,
	// WakeAt, Waiting (what an approval asks for), Background, Counts.
	Cursor journal.Cursor
	// Tasks of the present cycle (between two: of the one before), and those that
	// go on from earlier ones. Known of a loaded stack, and of a single one.
	Tasks []TaskStatus
	// LastError is the last failure in the present cycle or the one before, or
	// since the stack was loaded; nil: none. Known as Tasks are.
	LastError *TaskError
	// WaitsFor are the stacks, sorted, that have to get as far before this one goes
	// on, under `fleet: lockstep`.
	WaitsFor []string
	// Refused is the changed graph that it did not take up; nil: none.
	Refused *AdoptError
	// Problem is why it cannot be read, is not driven any more, or waits for the
	// store; nil: none.
	Problem error
}

// Status is where a stack of the store stands. It is had without loading the
// stack, also while the store takes no commits. Errors: ErrNotFound,
// *StoreError, ErrClosed.
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
		var p progress
		p.take(records)
		st.Tasks, st.LastError = p.list(&st.Cursor, st.Driven), p.lastError
	}
	return st, nil
}

// recordsOf are the records of some types, or of all, since the present cycle of
// a stack began, without their bulk.
func (rt *Runtime) recordsOf(ctx context.Context, sum *Summary, types ...string) (list []journal.Record, err error) {
	want := journal.Want{From: sum.Cursor.CycleSeq, To: sum.Cursor.Seq, Types: types}
	err = rt.cfg.Store.Records(ctx, sum.Identity.Stack, want, func(r journal.Record) error {
		list = append(list, r)
		return nil
	})
	return list, err
}

// List calls fn with the position of each stack of the store, sorted by id, until
// fn returns an error; that error comes back as it is.
func (rt *Runtime) List(ctx context.Context, fn func(Status) error) error {
	return rt.cfg.Store.Stacks(ctx, func(sum Summary) error { return fn(rt.status(sum)) })
}

// status joins what the store has of a stack with what this runtime knows.
func (rt *Runtime) status(sum Summary) Status {
	id := sum.Identity
	st := Status{Stack: id.Stack, Graph: id.Graph, CreatedAt: id.CreatedAt, Cursor: sum.Cursor, Problem: sum.Err}
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
		st.Tasks, st.LastError = d.progress.list(&d.cursor, true), d.progress.lastError
	}
	return st
}

// unknown says which stacks there are, when err is that there is no such one.
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
