package boltstore

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/graphrun/graphrun/runtime"
)

// A request that fails after it has written leaves nothing behind and does not
// touch those that share its transaction.
func TestGroup(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{})
	hold, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // keeps the writer busy while the others queue up
		_ = s.submit(false, func(*txn) error {
			close(held)
			<-hold
			return nil
		})
	})
	<-held
	before := s.db.Stats().TxStats
	bad := errors.New("bad")
	answers := make([]error, 12)
	for i := range answers {
		wg.Go(func() {
			answers[i] = s.submit(true, func(t *txn) error {
				t.writes++
				if err := t.stacks.Put(fmt.Append(nil, "row ", i), []byte{1}); err != nil || i%3 != 0 {
					return err
				}
				return bad
			})
		})
	}
	for queued := 0; queued < len(answers); {
		s.mu.Lock()
		queued = len(s.queue)
		s.mu.Unlock()
	}
	close(hold)
	wg.Wait()
	after := s.db.Stats().TxStats
	if n := after.GetWrite() - before.GetWrite(); n > 8 {
		t.Errorf("%d pages written: the requests did not share a transaction", n)
	}
	err := s.view(ctx, func(txn *txn) error {
		for i, err := range answers {
			there := txn.stacks.Get(fmt.Append(nil, "row ", i)) != nil
			if wrong := i%3 == 0; errors.Is(err, bad) != wrong || there == wrong {
				t.Errorf("request %d: %v, there %v", i, err, there)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A panic in a transaction, as bbolt's over a damaged page, is an error that
// stops the store, not the process.
func TestPanic(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{})
	var fatal *runtime.StoreError
	err := s.submit(true, func(*txn) error { panic("page 7: unexpected") })
	if !errors.As(err, &fatal) || !fatal.Fatal {
		t.Fatalf("got %v", err)
	}
	if _, err := s.Load(ctx, "any"); !errors.Is(err, fatal) {
		t.Errorf("then got %v", err)
	}
}

// Close waits for commits that have begun; later ones are refused.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	s := openAt(t, path, Options{Durability: runtime.DurabilityNone})
	acknowledged := make([]int, 8)
	var wg sync.WaitGroup
	for i := range acknowledged {
		wg.Go(func() {
			w := &wave{stack: fmt.Sprint("stack", i)}
			err := s.Commit(ctx, w.create())
			for err == nil {
				acknowledged[i] = w.n
				err = s.Commit(ctx, w.next())
			}
			if !errors.Is(err, runtime.ErrClosed) {
				t.Error(err)
			}
		})
	}
	for stats := s.db.Stats().TxStats; stats.GetWrite() < 200; stats = s.db.Stats().TxStats {
		if _, err := stacks(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	s = openAt(t, path, Options{})
	for i, n := range acknowledged {
		w, err := resume(s, fmt.Sprint("stack", i))
		if err != nil || w.n != n {
			t.Errorf("stack %d: %d commits, %d acknowledged (%v)", i, w.n, n, err)
		}
	}
}
