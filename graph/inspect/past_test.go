package inspect_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
)

// ended is a Reader with a checkpoint at the end of the last cycle, which counts how
// often records are read.
type ended struct {
	*one
	read int
}

func (r *ended) Base(ctx context.Context, stack string, at journal.Point) (journal.Snapshot, error) {
	if at == (journal.Point{Cycle: r.snap.Cursor.Cycle}) {
		return r.snap, nil
	}
	return r.one.Base(ctx, stack, at)
}

func (r *ended) Records(ctx context.Context, stack string, w journal.Want, fn func(journal.Record) error) error {
	r.read++
	return r.one.Records(ctx, stack, w, fn)
}

// The last wave of a cycle left the state that the cycle ended with: where that is
// kept, no output has to be read for it.
func TestLastWaveIsTheEndOfItsCycle(t *testing.T) {
	t.Parallel()
	plain := after(t, 3)
	last := journal.Point{Cycle: 3, Wave: plain.snap.Cursor.Wave}
	for _, at := range []journal.Point{{Cycle: 3}, last, {Cycle: 3, Wave: last.Wave - 1}} {
		want, err := inspect.At(t.Context(), plain, kinds{}, "s", at)
		if err != nil {
			t.Fatal(err)
		}
		r := &ended{one: plain}
		got, err := inspect.At(t.Context(), r, kinds{}, "s", at)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", at, diff)
		}
		if inside := at.Wave > 0 && at != last; (r.read > 0) != inside {
			t.Errorf("%s: records were read %d times", at, r.read)
		}
	}
}
