package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/storetest"
)

// engine is graphrun on a new store.
type engine struct {
	m     *meter
	rt    *runtime.Runtime
	store *counted
	g     *graph.Graph
}

// counted counts the commits of a store for a meter. A feed would count them too, but hands
// each commit to a goroutine, which the peers have nothing like.
type counted struct {
	*storetest.Counting
	m *meter
}

func (c *counted) Commit(ctx context.Context, commit runtime.Commit) error {
	c.m.commits.Add(1)
	return c.Counting.Commit(ctx, commit)
}

// openStore opens the store of a class in a folder.
func openStore(class, dir string) (runtime.Store, error) {
	switch class {
	case memory:
		return memstore.New(), nil
	case killSafe:
		return boltstore.Open(filepath.Join(dir, "bench.db"), boltstore.Options{Durability: runtime.DurabilityNone})
	case powerSafe:
		return boltstore.Open(filepath.Join(dir, "bench.db"), boltstore.Options{Durability: runtime.DurabilityWave})
	}
	return nil, fmt.Errorf("there is no class %q", class)
}

func newEngine(ctx context.Context, j job, m *meter, text string) (*engine, error) {
	k, err := kinds()
	if err != nil {
		return nil, err
	}
	e := &engine{m: m}
	if e.g, err = compile(k, text, j.Side); err != nil {
		return nil, err
	}
	store, err := openStore(j.Class, j.Dir)
	if err != nil {
		return nil, err
	}
	e.store = &counted{storetest.Count(store), m}
	e.rt, err = runtime.Open(ctx, runtime.Config{Store: e.store, Kinds: k})
	return e, err
}

// close closes all and takes what was written.
func (e *engine) close(ctx context.Context) error {
	err := e.rt.Close(ctx)
	if cerr := e.store.Close(); err == nil {
		err = cerr
	}
	e.m.closed()
	return err
}

// keep takes the count of node runs and the state.
func (e *engine) keep(r runtime.Result) error {
	state, err := json.Marshal(r.State)
	e.m.NodeRuns += int(r.NodeRuns)
	e.m.State = string(state)
	return err
}

// oneStack drives one stack on through all cycles.
func oneStack(text func() string) side {
	return func(ctx context.Context, j job, m *meter) error {
		e, err := newEngine(ctx, j, m, text())
		if err != nil {
			return err
		}
		started := false
		if err := m.fill(j, func(n int) error {
			stop := runtime.StopAfter{Cycles: n}
			var s *runtime.Stack
			var err error
			if started {
				s, err = e.rt.Resume(ctx, e.g.Name, runtime.ResumeOptions{StopAfter: stop})
			} else {
				s, err = e.rt.Start(ctx, e.g, runtime.StartOptions{StopAfter: stop})
			}
			if err != nil {
				return err
			}
			started = true
			r, err := s.Wait(ctx)
			if err != nil {
				return err
			}
			m.NodeRuns = 0
			if int(r.Cycles) != n || r.Failures > 0 {
				return fmt.Errorf("%d cycles, %d failures: want %d cycles", r.Cycles, r.Failures, n)
			}
			return e.keep(r)
		}); err != nil {
			return err
		}
		return e.close(ctx)
	}
}

// newStacks starts a new stack for each cycle, and waits for it.
func newStacks(text func() string) side {
	return func(ctx context.Context, j job, m *meter) error {
		e, err := newEngine(ctx, j, m, text())
		if err != nil {
			return err
		}
		count := 0
		if err := m.fill(j, func(n int) error {
			m.NodeRuns = 0
			for range n {
				count++
				s, err := e.rt.Start(ctx, e.g, runtime.StartOptions{ID: fmt.Sprint("s", count), StopAfter: runtime.StopAfter{Cycles: 1}})
				if err != nil {
					return err
				}
				r, err := s.Wait(ctx)
				if err != nil {
					return err
				}
				if err := e.keep(r); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		return e.close(ctx)
	}
}

// starters is how many goroutines start the stacks of a fleet: a start waits until it is
// durable.
const starters = 100

// fleet starts many stacks. Each runs the same number of cycles.
func fleet(slots int) side {
	return func(ctx context.Context, j job, m *meter) error {
		e, err := newEngine(ctx, j, m, orchestratorText(slots))
		if err != nil {
			return err
		}
		m.watch()
		m.begin()
		if err := e.runFleet(ctx, j); err != nil {
			return err
		}
		m.end()
		m.Cycles = j.Stacks * j.Cycles
		return e.close(ctx)
	}
}

func (e *engine) runFleet(ctx context.Context, j job) error {
	var all sync.WaitGroup
	stacks, errs := make([]*runtime.Stack, j.Stacks), make([]error, starters)
	for first := range min(starters, j.Stacks) {
		all.Go(func() {
			for i := first; i < j.Stacks && errs[first] == nil; i += starters {
				stacks[i], errs[first] = e.rt.Start(ctx, e.g, runtime.StartOptions{ID: fmt.Sprint("s", i), StopAfter: runtime.StopAfter{Cycles: j.Cycles}})
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	for _, s := range stacks {
		r, err := s.Wait(ctx)
		if err != nil {
			return err
		}
		if int(r.Cycles) != j.Cycles || r.Failures > 0 {
			return fmt.Errorf("%d cycles, %d failures: want %d cycles", r.Cycles, r.Failures, j.Cycles)
		}
		if err := e.keep(r); err != nil {
			return err
		}
	}
	return nil
}

// paced drives one stack with a large state, a cycle every 10 ms.
func paced(ctx context.Context, j job, m *meter) error {
	// The state that the stack began with is a part of no step, and may reach the database
	// a second later.
	warm := 150
	if j.Cycles > 0 {
		warm = 1
	}
	e, err := newEngine(ctx, j, m, largeText(j.Size, "10ms"))
	if err != nil {
		return err
	}
	s, err := e.rt.Start(ctx, e.g, runtime.StartOptions{StopAfter: runtime.StopAfter{Cycles: warm}})
	if err != nil {
		return err
	}
	if _, err := s.Wait(ctx); err != nil {
		return err
	}
	n := j.Cycles
	if n == 0 {
		n = int(j.For / (10 * time.Millisecond))
	}
	m.begin()
	if s, err = e.rt.Resume(ctx, e.g.Name, runtime.ResumeOptions{StopAfter: runtime.StopAfter{Cycles: n}}); err != nil {
		return err
	}
	r, err := s.Wait(ctx)
	if err != nil {
		return err
	}
	m.end()
	m.Cycles, m.NodeRuns = n, int(r.NodeRuns)
	m.State = fmt.Sprintf(`{"n":%v}`, r.State["n"])
	return e.close(ctx)
}
