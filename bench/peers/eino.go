package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/cloudwego/eino/compose"
	"github.com/cloudwego/eino/schema"
)

// This file and eino_graphs.go are the same work in github.com/cloudwego/eino. Its nodes
// are Go functions, its conditions too. Its state is a struct that each cycle hands to the
// next one. It makes checkpoints at interrupts only, so what is to be durable after each
// wave is interrupted before the next one and resumed at once.

// einoState is what the states of all graphs need.
type einoState struct {
	Sum      int        `json:"sum,omitempty"`
	Todos    []einoTodo `json:"todos,omitempty"`
	Messages []string   `json:"messages,omitempty"`
	Cost     float64    `json:"cost,omitempty"`
	Turn     int        `json:"turn,omitempty"`
	N        int        `json:"n,omitempty"`
	Beat     int        `json:"beat,omitempty"`
}

type einoTodo struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

func init() {
	schema.RegisterName[*einoState]("bench_state")
	schema.RegisterName[einoTodo]("bench_todo")
	compose.RegisterValuesMergeFunc(func(list []int) (int, error) { return list[0], nil })
}

// einoRun is one stack: what a cycle hands to the next one.
type einoRun struct {
	state *einoState
	runs  int // of nodes
}

type einoKey struct{}

// einoGraph is a graph under construction. The first error stays.
type einoGraph struct {
	*compose.Graph[int, int]
	initial func(*einoState) // nil means that all is zero
	before  []string         // the nodes before which a run is interrupted, so that each wave has a checkpoint
	err     error
}

func newEinoGraph() *einoGraph {
	return &einoGraph{Graph: compose.NewGraph[int, int](compose.WithGenLocalState(func(ctx context.Context) *einoState {
		return ctx.Value(einoKey{}).(*einoRun).state
	}))}
}

// node adds a node that returns what it gets, and then changes the state.
func (g *einoGraph) node(id string, change func(*einoState, int)) {
	fn := compose.InvokableLambda(func(_ context.Context, in int) (int, error) { return in, nil })
	g.note(g.AddLambdaNode(id, fn, compose.WithStatePostHandler(func(ctx context.Context, out int, s *einoState) (int, error) {
		run := ctx.Value(einoKey{}).(*einoRun)
		run.state = s // after a checkpoint it is another one
		run.runs++
		change(s, out)
		return out, nil
	})))
}

func (g *einoGraph) edge(from, to string) { g.note(g.AddEdge(from, to)) }

// branch lets cond choose among nodes by the state.
func (g *einoGraph) branch(from string, to []string, cond func(*einoState) map[string]bool) {
	ends := make(map[string]bool, len(to))
	for _, id := range to {
		ends[id] = true
	}
	g.note(g.AddBranch(from, compose.NewGraphMultiBranch(func(ctx context.Context, _ int) (map[string]bool, error) {
		var chosen map[string]bool
		err := compose.ProcessState(ctx, func(_ context.Context, s *einoState) error {
			chosen = cond(s)
			return nil
		})
		return chosen, err
	}, ends)))
}

func (g *einoGraph) note(err error) {
	if g.err == nil {
		g.err = err
	}
}

// einoStore keeps the newest checkpoint of each stack in memory, and appends each to a
// file of the stack: the cheapest that survives what the class says.
type einoStore struct {
	class, dir string
	m          *meter
	mu         sync.Mutex
	stacks     map[string]*einoFile
}

type einoFile struct {
	file   *os.File
	latest []byte
}

func (s *einoStore) of(id string) (*einoFile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.stacks[id]; f != nil {
		return f, nil
	}
	file, err := os.OpenFile(filepath.Join(s.dir, id+".checkpoints"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	s.stacks[id] = &einoFile{file: file}
	return s.stacks[id], nil
}

// Get gives the newest checkpoint of a stack.
func (s *einoStore) Get(_ context.Context, id string) ([]byte, bool, error) {
	f, err := s.of(id)
	return f.latest, err == nil && f.latest != nil, err
}

// Set keeps a checkpoint.
func (s *einoStore) Set(_ context.Context, id string, data []byte) error {
	f, err := s.of(id)
	if err != nil {
		return err
	}
	s.m.commits.Add(1)
	f.latest = data
	if _, err := f.file.Write(data); err != nil || s.class != powerSafe {
		return err
	}
	return dataSync(f.file)
}

func (s *einoStore) close() {
	for _, f := range s.stacks {
		_ = f.file.Close()
	}
}

// einoCycle does one cycle of a stack, and all that makes it durable.
func einoCycle(ctx context.Context, r compose.Runnable[int, int], s *einoStore, id string) error {
	if s == nil {
		_, err := r.Invoke(ctx, 1)
		return err
	}
	_, err := r.Invoke(ctx, 1, compose.WithCheckPointID(id), compose.WithForceNewRun())
	for err != nil {
		if _, interrupted := compose.ExtractInterruptInfo(err); !interrupted {
			return err
		}
		_, err = r.Invoke(ctx, 1, compose.WithCheckPointID(id))
	}
	// The end of a run makes no checkpoint: what the last wave wrote is stored like this.
	data, err := json.Marshal(ctx.Value(einoKey{}).(*einoRun).state)
	if err != nil {
		return err
	}
	return s.Set(ctx, id, data)
}

// einoStacks runs cycles of as many stacks as the job says, each on a goroutine of its own.
func einoStacks(build func() *einoGraph, mode compose.NodeTriggerMode) side {
	return func(ctx context.Context, j job, m *meter) error {
		g := build()
		if g.err != nil {
			return g.err
		}
		opts := []compose.GraphCompileOption{compose.WithNodeTriggerMode(mode)}
		if mode == compose.AnyPredecessor {
			opts = append(opts, compose.WithMaxRunSteps(1000))
		}
		var s *einoStore
		if j.Class != memory {
			s = &einoStore{class: j.Class, dir: j.Dir, m: m, stacks: map[string]*einoFile{}}
			defer s.close()
			opts = append(opts, compose.WithCheckPointStore(s), compose.WithInterruptBeforeNodes(g.before))
		}
		r, err := g.Compile(ctx, opts...)
		if err != nil {
			return err
		}
		runs := make([]*einoRun, max(1, j.Stacks))
		for i := range runs {
			runs[i] = &einoRun{state: &einoState{}}
			if g.initial != nil {
				g.initial(runs[i].state)
			}
		}
		drive := func(i, n int) error {
			run := runs[i]
			run.runs = 0
			for range n {
				if err := einoCycle(context.WithValue(ctx, einoKey{}, run), r, s, fmt.Sprint("s", i)); err != nil {
					return err
				}
			}
			return nil
		}
		if j.Stacks > 0 {
			m.watch()
		}
		if err := m.fill(j, func(n int) error { return together(len(runs), func(i int) error { return drive(i, n) }) }); err != nil {
			return err
		}
		m.Cycles *= len(runs)
		for _, run := range runs {
			m.NodeRuns += run.runs
		}
		state, err := json.Marshal(runs[0].state)
		m.State = string(state)
		m.closed()
		return err
	}
}

// together calls fn n times at once. It gives the first error.
func together(n int, fn func(i int) error) error {
	if n == 1 {
		return fn(0)
	}
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = fn(i) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
