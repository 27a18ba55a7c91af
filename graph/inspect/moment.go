package inspect

import (
	"context"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// Moment is a whole stack at a point of its history: what a fork continues from.
type Moment struct {
	// Snapshot is the stack. Its State may have only the lists of the machine itself, where it
	// is that of Base or the present one.
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
	// BriefBase is Base with the machine's own lists alone, and without records.
	BriefBase(ctx context.Context, stack string, at journal.Point) (journal.Snapshot, error)
}

// wholly is a Reader that reads all when it is asked to be brief.
type wholly struct{ Reader }

func (r wholly) BriefState(ctx context.Context, stack string) (journal.Snapshot, error) {
	return r.State(ctx, stack)
}

func (r wholly) BriefBase(ctx context.Context, stack string, at journal.Point) (journal.Snapshot, error) {
	return r.Base(ctx, stack, at)
}

func briefly(store Reader) BriefReader {
	if brief, ok := store.(BriefReader); ok {
		return brief
	}
	return wholly{store}
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
	if at.Wave == 0 && !at.Start { // there may be a checkpoint of this very moment
		base, err := briefly(store).BriefBase(ctx, stack, at)
		if err != nil {
			return Moment{}, err
		}
		if c := &base.Cursor; c.Seq > 0 && at.Cycle == c.Cycle {
			return Moment{Snapshot: base, Base: base}, nil
		}
	}
	base, err := baseBefore(ctx, store, stack, at)
	if err != nil {
		return Moment{}, err
	}
	m, err := machineAt(ctx, store, kinds, stack, at, base)
	if err != nil {
		return Moment{}, err
	}
	snap, _ := m.Snapshot()
	snap.Records, snap.Identity = nil, sum.Identity // of a fork it may stand where that was another stack
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
	brief := briefly(store)
	if m.Snapshot, err = brief.BriefState(ctx, stack); err != nil || !m.Snapshot.Cursor.Open {
		return m, err
	}
	at := journal.Point{Cycle: m.Snapshot.Cursor.Cycle, Wave: 1}
	if m.Base, err = brief.BriefBase(ctx, stack, at); err != nil {
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
