package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

// ForkOptions are the options of a fork.
type ForkOptions struct {
	// At is the moment that it continues from. The zero Point is the present.
	At journal.Point
	// ID is the id of the fork. Required.
	ID string
	// Set are values of keys in place of those of the moment, as any values that
	// encoding/json can write.
	Set map[string]any
	// StopAfter says when to stop driving the fork. Defaults to its end.
	StopAfter StopAfter
	// Rest only puts the fork into the store: nothing of it runs until somebody resumes it.
	// The Result of its Stack has no State then.
	Rest bool
}

// PointError reports a moment of a stack that cannot be forked.
type PointError struct{ Err error }

func (e *PointError) Error() string { return e.Err.Error() }
func (e *PointError) Unwrap() error { return e.Err }

// mostMoves bounds how often a fork is prepared again because the stack has moved on.
const mostMoves = 1000

// Fork makes a new stack that continues from a moment of another one, with the results that
// its open cycle had then. The other stack does not notice. When Fork returns, the new stack
// is in the store. Errors: *UnknownStackError, *PointError (there is no such moment, or its
// history is deleted), ErrExists, *ChildError, *MissingError, *SecretError, *InitError (a key
// of Set does not fit), *StoreError, ErrClosed, or that of ctx; after an error there is no new
// stack, unless it comes from driving it.
func (rt *Runtime) Fork(ctx context.Context, stack string, o ForkOptions) (*Stack, error) {
	if err := work.CheckStackID(o.ID); err != nil {
		return nil, &InitError{o.ID, err}
	}
	set, err := work.Canonical(o.Set)
	if err != nil {
		return nil, &InitError{o.ID, fmt.Errorf("state: %w", err)}
	}
	o.Set = set
	if err := rt.reserve(ctx, o.ID, ErrExists); err != nil {
		return nil, err
	}
	if err := rt.storeFork(ctx, stack, o); err != nil {
		rt.free(o.ID)
		return nil, rt.unknown(ctx, stack, err)
	}
	rt.free(o.ID)
	sum, err := rt.cfg.Store.Stack(ctx, o.ID)
	switch {
	case err != nil:
		return nil, err
	case o.Rest:
		return rt.newDrive(o.ID, sum.Identity.Graph).rested(&sum), nil
	case o.StopAfter != StopAfter{}:
		return rt.Resume(ctx, o.ID, ResumeOptions{StopAfter: o.StopAfter})
	}
	rt.reap()
	if _, err := rt.takeOver(&sum); err != nil { // it is loaded beside this
		return nil, err
	}
	if s, ok := rt.Stack(o.ID); ok {
		return s, nil
	}
	if sum, err = rt.cfg.Store.Stack(ctx, o.ID); err != nil { // it has ended already
		return nil, err
	}
	return rt.newDrive(o.ID, sum.Identity.Graph).rested(&sum), nil
}

// rested is the handle of a stack that nobody drives.
func (d *drive) rested(sum *Summary) *Stack {
	d.closed, d.over, d.looping = true, true, false
	d.result = &Result{Stack: d.name, Graph: d.graph, Status: sum.Cursor.Status, Cursor: sum.Cursor}
	d.live = &live{log: d.eng.log}
	close(d.done)
	return &d.handle
}

// storeFork puts a fork into the store. A stack that runs may move on meanwhile: then it is
// forked as it is next.
func (rt *Runtime) storeFork(ctx context.Context, stack string, o ForkOptions) error {
	nonce := rt.cfg.Nonce()
	for tries := 1; ; tries++ {
		c, err := rt.forkOf(ctx, stack, nonce, o)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		err = rt.cfg.Store.Commit(rt.base, c)
		if err == nil {
			rt.publishFork(c)
			return nil
		}
		if !errors.Is(err, ErrMoved) || tries == mostMoves {
			return err
		}
	}
}

// forkOf is the commit that makes a fork.
func (rt *Runtime) forkOf(ctx context.Context, stack, nonce string, o ForkOptions) (Commit, error) {
	moment, err := inspect.MomentAt(ctx, rt.cfg.Store, rt.cfg.Kinds, stack, o.At)
	var se *StoreError
	switch {
	case errors.Is(err, ErrNotFound), errors.As(err, &se), errors.Is(err, ErrClosed), ctx.Err() != nil && err != nil:
		return Commit{}, err
	case err != nil:
		return Commit{}, &PointError{err}
	}
	snap := moment.Snapshot
	if snap.Identity.Parent != "" {
		return Commit{}, &ChildError{stack}
	}
	def, err := rt.defs.ofHash(ctx, snap.Cursor.Hash)
	if err != nil {
		return Commit{}, fmt.Errorf("stack %q: %w", stack, err)
	}
	if !o.Rest {
		if len(def.g.Missing) > 0 {
			return Commit{}, &MissingError{def.g.Name, def.g.Missing}
		}
		if _, err := secretsOf(rt.cfg.Secret, def.g.Completed(snap.Identity.Params), def.g); err != nil {
			return Commit{}, err
		}
	}
	made, err := machine.Fork(def.g, snap, machine.ForkOptions{
		Stack: o.ID, Nonce: nonce, At: time.Now().UTC(), Wave: moment.Wave, Set: o.Set, By: By(ctx)})
	if err != nil {
		return Commit{}, &InitError{o.ID, err}
	}
	f, changes := takenBy(stack, &moment)
	id := made.Identity
	id.Origins = slices.DeleteFunc(id.Origins, func(o journal.Origin) bool { // of stacks whose records it has not
		return o.Seq != made.Record.Seq && (f.To == 0 || o.Seq <= f.From)
	})
	return Commit{
		Stack: o.ID, Create: &id, Graph: &StoredGraph{Hash: def.g.Hash}, Records: []journal.Record{made.Record},
		Changes: merged(changes, made.Changes), MemoriesOf: stack, Fork: f, Cursor: made.Cursor, Sync: true, Keep: def.g.History,
	}, nil
}

// takenBy says what a fork takes of the stack, and what has changed from there to the moment.
func takenBy(stack string, m *inspect.Moment) (*Fork, []graph.Change) {
	at, base := &m.Snapshot.Cursor, &m.Base.Cursor
	f := &Fork{Stack: stack, Nonce: m.Snapshot.Identity.Nonce, Now: m.Now}
	f.Base, f.State = base.Seq, base.Seq
	var changes []graph.Change
	if m.Now {
		f.State = at.Seq
	} else {
		changes = difference(m.Base.State, m.Snapshot.State)
	}
	if at.Open {
		if f.From, f.To = 1, at.Seq; base.Seq > 0 {
			f.From = max(base.CycleSeq, 1)
		}
		return f, changes
	}
	// What came in since the cycle began stays with the other stack.
	c := *at
	c.CycleSeq, c.Inbox = c.Seq+1, 0
	f.BaseCursor, f.BaseChanges = &c, changes
	if m.Now {
		f.Base = f.State
	}
	return f, nil
}

// difference is what makes a state of another one, by keys.
func difference(from, to map[string]any) (changes []graph.Change) {
	for _, name := range slices.Sorted(maps.Keys(to)) {
		if was, ok := from[name]; !ok || !value.Same(was, to[name]) && !value.Equal(was, to[name]) {
			changes = append(changes, graph.Change{Name: name, Value: to[name], Whole: true})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if _, ok := to[name]; !ok && from[name] != nil {
			changes = append(changes, graph.Change{Name: name, Whole: true})
		}
	}
	return changes
}

// merged are changes and those that follow them, each key once.
func merged(before, then []graph.Change) (all []graph.Change) {
	for _, c := range before {
		if !slices.ContainsFunc(then, func(t graph.Change) bool { return t.Name == c.Name }) {
			all = append(all, c)
		}
	}
	for _, c := range then {
		all = append(all, graph.Change{Key: c.Key, Name: c.Name, Value: c.Value, Whole: true})
	}
	return all
}

// publishFork tells the listeners of a new stack.
func (rt *Runtime) publishFork(c Commit) {
	rt.note(c.Create, &c.Cursor)
	d := rt.newDrive(c.Stack, c.Create.Graph)
	d.publish(c)
}
