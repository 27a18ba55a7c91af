package boltstore

import (
	"fmt"
	"path/filepath"
	"testing"
)

// The rows with event ids that format 1 has left go with the next commits, and
// are no damage meanwhile.
func TestOldEventRowsGo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	s := openAt(t, path, Options{})
	w := &wave{stack: "s"}
	mustCommit(t, s, w.create())
	const old = 150
	err := s.submit(true, func(t *txn) error {
		t.writes++
		n, err := t.find("s")
		if err != nil {
			return err
		}
		h, err := t.head(n)
		if err != nil {
			return err
		}
		for i := range old {
			for _, key := range [][]byte{append(n.row(eventRow), fmt.Sprint("hash", i)...), append(n.row(arrivalRow), fmt.Sprint("seq", i)...)} {
				if err := t.stacks.Put(key, sealed(stacksBucket, key, []byte{inline, 1})); err != nil {
					return err
				}
			}
		}
		h.ids = old
		key := n.row(headRow)
		return t.stacks.Put(key, seal(stacksBucket, key, h.append(nil)))
	})
	if err != nil {
		t.Fatal(err)
	}
	left := func() (rows int) {
		err := s.view(ctx, func(t *txn) error {
			return t.stacks.ForEach(func(key, _ []byte) error {
				if kind := key[numberSize]; kind == eventRow || kind == arrivalRow {
					rows++
				}
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	if left() != 2*old {
		t.Fatalf("%d rows", left())
	}
	for commits := 0; left() > 0; commits++ {
		if commits > 2*old/trimSlice {
			t.Fatalf("%d rows are left after %d commits", left(), commits)
		}
		mustCommit(t, s, w.next())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if report := mustCheck(t, path); len(report.Problems) > 0 {
		t.Errorf("got %+v", report.Problems)
	}
}
