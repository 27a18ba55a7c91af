package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graphrun/graphrun/runtime"
)

// checkBusy: whoever waits for a busy store hears once that it is free, also if nothing is
// committed after that.
func checkBusy(t *testing.T, s runtime.Store, _ func() runtime.Store) {
	busy, ok := s.(runtime.BusyStore)
	if !ok {
		return // it never lets anybody wait
	}
	const stacks, commits = 8, 20
	var writers sync.WaitGroup
	for i := range stacks {
		writers.Go(func() {
			st := newStack(fmt.Sprint("s", i))
			for range commits {
				if err := s.Commit(t.Context(), st.commit(1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { writers.Wait(); close(over) }()

	var asked, told, twice atomic.Int64
	var waiting sync.WaitGroup
	ask := func() {
		var once atomic.Bool
		waiting.Add(1)
		if !busy.Busy(func() {
			if once.Swap(true) {
				twice.Add(1)
				return
			}
			told.Add(1)
			waiting.Done()
		}) {
			waiting.Done()
			return
		}
		asked.Add(1)
	}
	for done := false; !done; {
		ask()
		select {
		case <-over:
			done = true
		case <-time.After(50 * time.Microsecond):
		}
	}
	all := make(chan struct{})
	go func() { waiting.Wait(); close(all) }()
	select {
	case <-all:
	case <-time.After(30 * time.Second):
		t.Errorf("%d waited for the store, %d heard that it is free", asked.Load(), told.Load())
	}
	t.Logf("%d found the store busy", asked.Load())
	if twice.Load() > 0 {
		t.Errorf("%d heard it twice", twice.Load())
	}
}
