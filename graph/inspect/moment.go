package inspect

import (
	"context"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// Moment is a whole stack at a point of its history: what a fork continues from.
type Moment struct {
	// Snapshot is the stack without its records. For the present, its State may have
	// only the lists of the machine itself.
	Snapshot journal.Snapshot
	// Wave is the wave of the open cycle that was committed last, as a Point counts.
	Wave uint64
	// Base is the checkpoint that the history is followed from to this point.
	Base journal.Snapshot
	// Now says that it is the present one.
	Now bool
}

// BriefReader is a Reader that can leave out what a fork of the present does not need to
// read, however large it is.
type BriefReader interface {
	Reader
	// BriefState is State with the machine's own lists alone.
	BriefState(ctx context.Context, stack string) (journal.Snapshot, error)
	// BriefBase is Base without state and records.
	BriefBase(ctx context.Context, stack string, at journal.Point) (journal.Snapshot, error)
}

// MomentAt is a stack at a point of its history. The end of the last cycle is the present,
// and so is an open cycle; the zero Point is the present too. Errors are as those of At.
func MomentAt(ctx context.Context, store Reader, kinds graph.Kinds, stack string, at journal.Point) (Moment, error) {
	sum, err := store.Stack(ctx, stack)
	if err != nil {
		return Moment{}, err
	}
	if at == (journal.Point{}) || isPresent(&sum.Cursor, at) {
		return present(ctx, store, stack)
	}
	base, err := baseBefore(ctx, store, stack, at)
	if err != nil {
		return Moment{}, err
	}
	if c := &base.Cursor; c.Seq > 0 && at == (journal.Point{Cycle: c.Cycle}) {
		base.Records = nil
		return Moment{Snapshot: base, Base: base}, nil
	}
	m, err := machineAt(ctx, store, kinds, stack, at, base)
	if err != nil {
		return Moment{}, err
	}
	snap, _ := m.Snapshot()
	snap.Records = nil
	return Moment{Snapshot: snap, Wave: at.Wave, Base: base}, nil
}

// isPresent reports that nothing has happened since a point that would count in a fork.
func isPresent(c *journal.Cursor, at journal.Point) bool {
	if at != (journal.Point{Cycle: c.Cycle}) || c.Cycle == 0 {
		return false
	}
	for i := range c.Waiting {
		if c.Waiting[i].Answered && !c.Open {
			return false
		}
	}
	return c.Open || len(c.Background)+len(c.Asking) == 0
}

// present is a stack as it is.
func present(ctx context.Context, store Reader, stack string) (m Moment, err error) {
	m.Now = true
	state, base := store.State, store.Base
	if brief, ok := store.(BriefReader); ok {
		state, base = brief.BriefState, brief.BriefBase
	}
	if m.Snapshot, err = state(ctx, stack); err != nil || !m.Snapshot.Cursor.Open {
		return m, err
	}
	at := journal.Point{Cycle: m.Snapshot.Cursor.Cycle, Wave: 1}
	if m.Base, err = base(ctx, stack, at); err != nil {
		return m, err
	}
	want := journal.Want{From: m.Snapshot.Cursor.CycleSeq, To: m.Snapshot.Cursor.Seq, Types: []string{"wave.committed"}}
	err = store.Records(ctx, stack, want, func(r journal.Record) error {
		if b, ok := r.Body.(*journal.WaveCommitted); ok {
			m.Wave = b.Number()
		}
		return nil
	})
	return m, err
}
