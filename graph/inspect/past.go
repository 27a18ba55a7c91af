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
	p, _, err := writtenAt(ctx, store, kinds, stack, at)
	return p, err
}

// writerOf says who last wrote a key, if somebody knows it.
type writerOf func(key string) (by journal.By, known bool)

// writtenAt is At; it gives the writers of the keys too.
func writtenAt(ctx context.Context, store Reader, kinds graph.Kinds, stack string, at journal.Point) (Past, writerOf, error) {
	if at == (journal.Point{}) {
		snap, err := store.State(ctx, stack)
		if err != nil {
			return Past{}, nil, err
		}
		g, err := Definition(ctx, store, kinds, snap.Cursor.Hash)
		if err != nil {
			return Past{}, nil, err
		}
		w := machine.WritersIn(snap.State)
		return past(at, snap.Cursor, g.Declared(snap.State)), w.Of, nil
	}
	base, err := baseFor(ctx, store, stack, at)
	if err != nil {
		return Past{}, nil, err
	}
	if c := base.Cursor; at.Cycle == c.Cycle && c.Seq > 0 && (!at.Start || c.Cycle == 0) && (at.Wave == 0 || at.Wave == c.Committed()) {
		w := machine.WritersIn(base.State)
		return past(at, c, journal.Visible(base.State)), w.Of, nil
	}
	m, err := machineAt(ctx, store, kinds, stack, at, base)
	if err != nil {
		return Past{}, nil, err
	}
	return past(at, m.Cursor(), m.State()), m.WriterOf, nil
}

// machineAt is a stack that stands at a point other than the zero one, decided again from
// a checkpoint before it. Errors are as those of At.
func machineAt(ctx context.Context, store Reader, kinds graph.Kinds, stack string, at journal.Point, base journal.Snapshot) (*machine.Machine, error) {
	now, err := store.Stack(ctx, stack)
	if err != nil {
		return nil, err
	}
	if at == (journal.Point{Start: true}) && now.Identity.First() > 0 && base.Cursor.Seq < now.Identity.Origins[0].Seq {
		return forkBegun(ctx, store, kinds, &now.Identity, base)
	}
	if c := base.Cursor; c.Seq > 0 && at.Cycle <= c.Cycle {
		return nil, fmt.Errorf("stack %q: the history before the end of cycle %d is deleted (see history in the graph): got %s", stack, c.Cycle, at)
	}
	again := machine.Replayer{
		Options: machine.Options{Snapshots: true},
		Graphs:  definitions(ctx, store, kinds),
		Base:    base,
		Records: recordsUpTo(ctx, store, stack, base.Cursor.Seq+1, at),
	}
	m := (*machine.Machine)(nil)
	if err = errNotCommitted; at.Cycle <= now.Cursor.Cycle { // else all would be read in vain
		var differences []machine.Difference
		if m, differences, err = again.To(at); err == nil && len(differences) > 0 {
			if d := differences[len(differences)-1]; d.Parts() {
				err = fmt.Errorf("stack %q: the history before %s is decided differently now: record %d: %s", stack, at, d.Recorded.Seq, d)
			}
		}
	}
	if errors.Is(err, errNotCommitted) {
		return nil, fmt.Errorf("stack %q has not committed %s: it is at %s", stack, at, journal.Point{Cycle: now.Cursor.Cycle, Wave: now.Cursor.Committed()})
	}
	return m, err
}

// forkBegun is a fork as it began: at the moment that it continues from, with what was set.
func forkBegun(ctx context.Context, store Reader, kinds graph.Kinds, id *journal.Identity, base journal.Snapshot) (*machine.Machine, error) {
	again := machine.Replayer{
		Options: machine.Options{Snapshots: true},
		Graphs:  definitions(ctx, store, kinds),
		Base:    base,
		Records: readAll(ctx, store, id.Stack, journal.Want{From: base.Cursor.Seq + 1, To: id.Origins[0].Seq, Bulk: true}),
	}
	m, _, err := again.To(journal.Point{})
	return m, err
}

// baseFor is the nearest checkpoint that says what the state was at a point. For the
// last wave of a cycle that may be the end of the cycle: nothing changes the state
// between the two, and the outputs of the cycle need not be read.
func baseFor(ctx context.Context, store Reader, stack string, at journal.Point) (journal.Snapshot, error) {
	if at.Wave == 0 {
		return baseBefore(ctx, store, stack, at)
	}
	end, err := store.Base(ctx, stack, journal.Point{Cycle: at.Cycle})
	if err != nil || end.Cursor.Cycle < at.Cycle || end.Cursor.Committed() == at.Wave {
		return end, err
	}
	return store.Base(ctx, stack, at)
}

// baseBefore is the nearest checkpoint at or before a point.
func baseBefore(ctx context.Context, store Reader, stack string, at journal.Point) (journal.Snapshot, error) {
	switch {
	case at == journal.Point{Start: true}:
		at = journal.Beginning
	case at.Start:
		at = journal.Point{Cycle: at.Cycle, Wave: 1}
	}
	return store.Base(ctx, stack, at)
}

var errNotCommitted = errors.New("the history ends before the point")

// recordsUpTo are the records from one on to the one that completes a point. It
// is an error that there is none.
func recordsUpTo(ctx context.Context, store Reader, stack string, from uint64, at journal.Point) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for r, err := range readAll(ctx, store, stack, journal.Want{From: from, Bulk: true}) {
			if !yield(r, err) || at.Ends(r) {
				return
			}
		}
		if !at.Start {
			yield(journal.Record{}, errNotCommitted)
		}
	}
}

// past names the point as the caller named it, with the numbers that it left out.
func past(at journal.Point, c journal.Cursor, state map[string]any) Past {
	if at.Start {
		return Past{at, state}
	}
	if at.Cycle == 0 {
		at.Cycle = c.Cycle
	}
	if at.Wave == 0 {
		at.Wave = c.Committed()
	}
	return Past{at, state}
}
