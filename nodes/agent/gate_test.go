package agent

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graphrun/graphrun/graph"
)

func passes(t *testing.T, g *gate, n int, tokens int64, hold time.Duration) []time.Duration {
	t.Helper()
	began := time.Now()
	var mu sync.Mutex
	var at []time.Duration
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			leave, err := g.enter(t.Context(), nil, tokens)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			at = append(at, time.Since(began))
			mu.Unlock()
			<-time.After(hold)
			leave(tokens)
		})
	}
	all.Wait()
	return at
}

func within(t *testing.T, at []time.Duration, until time.Duration) (n int) {
	t.Helper()
	for _, d := range at {
		if d <= until {
			n++
		}
	}
	return n
}

// TestRates: at most one second's worth passes at once, and the rest at the rate.
func TestRates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		p      graph.Provider
		tokens int64
		at     map[time.Duration]int
	}{
		"60/m":       {graph.Provider{Rate: 60, RatePer: time.Minute}, 1, map[time.Duration]int{0: 1, time.Second: 2, 5 * time.Second: 6}},
		"10/s":       {graph.Provider{Rate: 10, RatePer: time.Second}, 1, map[time.Duration]int{0: 10, 100 * time.Millisecond: 11}},
		"6/h":        {graph.Provider{Rate: 6, RatePer: time.Hour}, 1, map[time.Duration]int{0: 1, 9 * time.Minute: 1, 10 * time.Minute: 2}},
		"600 tokens": {graph.Provider{Tokens: 600, TokensPer: time.Minute}, 5, map[time.Duration]int{0: 2, 500 * time.Millisecond: 3, time.Second: 4}},
		"a long one": {graph.Provider{Tokens: 600, TokensPer: time.Minute}, 100, map[time.Duration]int{0: 1, 9 * time.Second: 1, 10 * time.Second: 2, 20 * time.Second: 3}},
		"no limit":   {graph.Provider{}, 100, map[time.Duration]int{0: 12}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := &gate{}
				g.limit(&c.p)
				at := passes(t, g, 12, c.tokens, 0)
				for until, want := range c.at {
					if got := within(t, at, until); got != want {
						t.Errorf("%d passed within %v, want %d: %v", got, until, want, at)
					}
				}
			})
		})
	}
}

// TestTokensAreCounted: what an answer came to counts, not the estimate.
func TestTokensAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		g.limit(&graph.Provider{Tokens: 100, TokensPer: time.Second})
		leave, _ := g.enter(t.Context(), nil, 10)
		leave(500)
		began := time.Now()
		if _, err := g.enter(t.Context(), nil, 10); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began).Round(time.Millisecond); took != 4100*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// TestParallel: over all tasks, first come, first served; a wait of more than a second
// gives the slot back.
func TestParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		g.limit(&graph.Provider{Parallel: 2})
		at := passes(t, g, 5, 1, time.Second)
		if within(t, at, 0) != 2 || within(t, at, time.Second) != 4 || within(t, at, 2*time.Second) != 5 {
			t.Errorf("%v", at)
		}
		leave, _ := g.enter(t.Context(), nil, 1)
		if _, err := g.enter(t.Context(), nil, 1); err != nil {
			t.Fatal(err)
		}
		rested := 0
		rest := func(ctx context.Context, until <-chan struct{}) error {
			rested++
			time.AfterFunc(time.Second, func() { leave(1) })
			<-until
			return nil
		}
		began := time.Now()
		if _, err := g.enter(t.Context(), rest, 1); err != nil || rested != 1 || time.Since(began) != 2*time.Second {
			t.Errorf("%v, %d rests, %v", err, rested, time.Since(began))
		}
	})
}

// TestLeavingTheQueue: who stops waiting holds nobody up.
func TestLeavingTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		g.limit(&graph.Provider{Parallel: 1, Rate: 1, RatePer: time.Hour})
		impatient := func() {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			if _, err := g.enter(ctx, nil, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		}
		leave, _ := g.enter(t.Context(), nil, 1)
		impatient() // in the queue
		leave(1)
		impatient() // for the rate
		if g.inside != 0 {
			t.Errorf("%d inside", g.inside)
		}
		if len(g.queue) != 0 {
			t.Errorf("%d in the queue", len(g.queue))
		}
	})
}

// TestLeavingAsItsTurnComes: whoever stops waiting in the moment in which a place is free
// gives the place back.
func TestLeavingAsItsTurnComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		g.limit(&graph.Provider{Parallel: 1})
		leave, _ := g.enter(t.Context(), nil, 1)
		// Both happen before the wait returns: the place is free, and ctx has ended.
		ctx, cancel := context.WithCancel(t.Context())
		rest := func(ctx context.Context, _ <-chan struct{}) error {
			leave(1)
			cancel()
			return context.Cause(ctx)
		}
		if _, err := g.enter(ctx, rest, 1); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		if g.inside != 0 || len(g.queue) != 0 {
			t.Errorf("%d inside, %d in the queue", g.inside, len(g.queue))
		}
		// The next one gets it at once, and those in the queue before.
		again, err := g.enter(t.Context(), nil, 1)
		if err != nil || g.inside != 1 {
			t.Fatalf("%v, %d inside", err, g.inside)
		}
		passed := make(chan func(int64), 1)
		ctx, cancel = context.WithCancel(t.Context())
		rest = func(ctx context.Context, until <-chan struct{}) error {
			go func() {
				leave, _ := g.enter(t.Context(), nil, 1)
				passed <- leave
			}()
			synctest.Wait()
			again(1)
			cancel()
			return context.Cause(ctx)
		}
		if _, err := g.enter(ctx, rest, 1); err == nil {
			t.Fatal("it entered")
		}
		(<-passed)(1)
		if g.inside != 0 {
			t.Errorf("%d inside", g.inside)
		}
	})
}

// TestARateThatNobodyWaitedFor: who leaves while it waits for the rate has booked nothing.
func TestARateThatNobodyWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		g.limit(&graph.Provider{Rate: 6, RatePer: time.Minute, Tokens: 600, TokensPer: time.Minute})
		enter := func(ctx context.Context) error {
			leave, err := g.enter(ctx, nil, 5)
			if err == nil {
				leave(5)
			}
			return err
		}
		if err := enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := enter(ctx); err == nil {
				t.Error("it passed")
			}
			cancel()
		}
		began := time.Now()
		if err := enter(t.Context()); err != nil || time.Since(began).Round(time.Millisecond) != 7*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
