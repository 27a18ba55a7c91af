package inspect

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// Past is a stack's state at a point of its history.
type Past struct {
	Point journal.Point  // cycle and wave, the last one where the end of a cycle was asked for
	State map[string]any // shared, not to be changed
}

// At is a stack's state at a point of its history: for the zero Point the
// committed one, else decided again from the results that the journal holds,
// from where the history is kept on. ErrNotFound when there is no such stack;
// other errors name the points that there are, or are a *StoreError.
func At(ctx context.Context, store Reader, kinds graph.Kinds, stack string, at journal.Point) (Past, error) {
	if at == (journal.Point{}) {
		snap, err := store.State(ctx, stack)
		if err != nil {
			return Past{}, err
		}
		g, err := Definition(ctx, store, kinds, snap.Cursor.Hash)
		if err != nil {
			return Past{}, err
		}
		return past(at, snap.Cursor, g.Declared(snap.State)), nil
	}
	base, err := baseFor(ctx, store, stack, at)
	if err != nil {
		return Past{}, err
	}
	kept := journal.Point{Cycle: base.Cursor.Cycle}
	switch {
	case at.Cycle == kept.Cycle && (at.Wave == 0 || at.Wave == base.Cursor.Committed()):
		return past(at, base.Cursor, journal.Visible(base.State)), nil
	case at.Cycle <= kept.Cycle:
		return Past{}, fmt.Errorf("stack %q: the history before the end of cycle %s is deleted (see history in the graph): got %s", stack, kept, at)
	}
	now, err := store.Stack(ctx, stack)
	if err != nil {
		return Past{}, err
	}
	again := machine.Replayer{
		Graphs:  func(hash string) (*graph.Graph, error) { return Definition(ctx, store, kinds, hash) },
		Base:    base,
		Records: recordsUpTo(ctx, store, stack, base.Cursor.Seq+1, at),
	}
	m := (*machine.Machine)(nil)
	if err = errNotCommitted; at.Cycle <= now.Cursor.Cycle { // else all would be read in vain
		m, _, err = again.To(at)
	}
	if errors.Is(err, errNotCommitted) {
		return Past{}, fmt.Errorf("stack %q has not committed %s: it is at %s", stack, at, journal.Point{Cycle: now.Cursor.Cycle, Wave: now.Cursor.Committed()})
	}
	if err != nil {
		return Past{}, err
	}
	return past(at, m.Cursor(), m.State()), nil
}

// baseFor is the nearest checkpoint that says what the state was at a point. For the
// last wave of a cycle that may be the end of the cycle: nothing changes the state
// between the two, and the outputs of the cycle need not be read.
func baseFor(ctx context.Context, store Reader, stack string, at journal.Point) (journal.Snapshot, error) {
	if at.Wave == 0 {
		return store.Base(ctx, stack, at)
	}
	end, err := store.Base(ctx, stack, journal.Point{Cycle: at.Cycle})
	if err != nil || end.Cursor.Cycle < at.Cycle || end.Cursor.Committed() == at.Wave {
		return end, err
	}
	return store.Base(ctx, stack, at)
}

var errNotCommitted = errors.New("the history ends before the point")

// recordsUpTo are the records from one on to the one that completes a point. It
// is an error that there is none.
func recordsUpTo(ctx context.Context, store Reader, stack string, from uint64, at journal.Point) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		enough := errors.New("enough")
		err := store.Records(ctx, stack, journal.Want{From: from, Bulk: true}, func(r journal.Record) error {
			if !yield(r, nil) || at.Ends(r) {
				return enough
			}
			return nil
		})
		switch {
		case err == nil:
			yield(journal.Record{}, errNotCommitted)
		case !errors.Is(err, enough):
			yield(journal.Record{}, err)
		}
	}
}

// past names the point as the caller named it: a machine that was stopped at the end of
// a wave may stand beyond it.
func past(at journal.Point, c journal.Cursor, state map[string]any) Past {
	if at.Cycle == 0 {
		at.Cycle = c.Cycle
	}
	if at.Wave == 0 {
		at.Wave = c.Committed()
	}
	return Past{at, state}
}
