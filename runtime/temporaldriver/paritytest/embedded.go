package paritytest

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// Memstore runs a case in the embedded engine on a store in memory.
func Memstore(t *testing.T, c *Case) *Outcome {
	t.Helper()
	return embedded(t, c, func(*testing.T) runtime.Store { return &memstore.Store{Cycles: -1} })
}

// Boltstore runs a case in the embedded engine on a store in a file.
func Boltstore(t *testing.T, c *Case) *Outcome {
	t.Helper()
	return embedded(t, c, func(t *testing.T) runtime.Store {
		s, err := boltstore.Open(filepath.Join(t.TempDir(), "store"), boltstore.Options{Durability: runtime.DurabilityNone})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

// embedded runs a case in a bubble of fake time.
func embedded(t *testing.T, c *Case, open func(*testing.T) runtime.Store) (o *Outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		kinds, err := c.Registry(Sleep)
		if err != nil {
			t.Fatal(err)
		}
		store := &recorded{Store: open(t)}
		rt, err := runtime.Open(context.Background(), runtime.Config{
			Store: store, Kinds: kinds, Secret: c.Secret, Grace: -1, Nonce: func() string { return Nonce },
		})
		if err != nil {
			t.Fatal(err)
		}
		o = &Outcome{Said: make([]string, len(c.Does))}
		play(t, c, rt, o)
		o.Lives = store.Stop()
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = rt.Close(now) // what still runs is cut off
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

// play starts the stacks and does what comes from outside, until all have ended or the time is
// over.
func play(t *testing.T, c *Case, rt *runtime.Runtime, o *Outcome) {
	end := time.After(time.Until(Begin.Add(c.Until)))
	var running sync.WaitGroup
	for i := range c.Stacks {
		s := &c.Stacks[i]
		handle, err := rt.Start(by(s.By), s.Graph, runtime.StartOptions{ID: s.ID, Params: s.Params, State: s.State})
		if err != nil {
			o.Failed = append(o.Failed, err.Error())
			continue
		}
		running.Go(func() { <-handle.Done() })
	}
	over := make(chan struct{})
	go func() {
		running.Wait()
		close(over)
	}()
	var mu sync.Mutex
	said := make([]string, len(c.Does))
	for i := range c.Does {
		said[i] = Pending
		select {
		case <-time.After(time.Until(Begin.Add(c.Does[i].At))):
		case <-end:
			return
		}
		m := &c.Does[i]
		go func() {
			err := m.Do(rt)
			mu.Lock()
			defer mu.Unlock()
			said[i] = Word(err)
		}()
	}
	select {
	case <-over:
	case <-end:
	}
	synctest.Wait()
	mu.Lock()
	defer mu.Unlock()
	copy(o.Said, said)
}

// recorded is a store whose commits are kept.
type recorded struct {
	runtime.Store
	Recorder
}

func (r *recorded) Commit(ctx context.Context, c runtime.Commit) error {
	err := r.Store.Commit(ctx, c)
	if err == nil {
		r.Recorder.Commit(c)
	}
	return err
}

// Busy is that of the store behind.
func (r *recorded) Busy(free func()) bool {
	s, ok := r.Store.(runtime.BusyStore)
	return ok && s.Busy(free)
}

// Joins is that of the store behind.
func (r *recorded) Joins(stack string) bool {
	s, ok := r.Store.(runtime.JoiningStore)
	return ok && s.Joins(stack)
}
