package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/temporaldriver"
	"github.com/graphrun/graphrun/runtime/temporaldriver/e2e/cluster"
)

// The names of the sides.
const (
	embeddedSide = "embedded engine"
	driverSide   = "on Temporal"
	handSide     = "workflow by hand"
	poolSide     = "on Temporal, with a declared pool"
)

// side is one way to do the same work.
type side struct {
	name   string
	run    func(ctx context.Context, p place, stacks int, cycles *atomic.Int64) (stop func() error, err error)
	server bool
}

// place is where a side runs.
type place struct {
	dir     string
	address string // of the server, "" without one
}

const text = `
graphrun: 1
name: speed
state: {n: {type: integer, reduce: sum}}
POOLS
nodes:
  a: {uses: nothing}
  b: {uses: nothing}
  c: {uses: nothing}
  d: {uses: nothing}
  e: {uses: nothing, writes: {n: "1"}}
edges:
  - {to: [a, b]}
  - {from: a, to: [c, d]}
  - {from: [c, d], to: e}
pause: 0s
`

const last = "e" // the node that ends a cycle

// counting is work that does nothing, and counts the cycles that it ends.
type counting struct{ cycles *atomic.Int64 }

func (c counting) Run(_ context.Context, t nodes.Task) (nodes.Result, error) {
	if t.Node == last {
		c.cycles.Add(1)
	}
	return nodes.Result{}, nil
}

// work is the graph with its kinds.
func work(cycles *atomic.Int64, pools string) (*graph.Graph, *nodes.Registry, error) {
	k := std.Registry()
	if err := k.Register(nodes.Spec{Kind: graph.Kind{Name: "nothing"}, Node: counting{cycles}}); err != nil {
		return nil, nil, err
	}
	d, problems := dsl.Parse("speed.yaml", []byte(strings.Replace(text, "POOLS", pools, 1)))
	if problems.HasErrors() {
		return nil, nil, problems
	}
	g, problems := graph.Compile(d, k)
	return g, k, problems.Err()
}

func stackID(i int) string { return fmt.Sprintf("s%03d", i) }

// embedded is the engine in this process, with a file.
func embedded(ctx context.Context, p place, stacks int, cycles *atomic.Int64) (func() error, error) {
	g, k, err := work(cycles, "")
	if err != nil {
		return nil, err
	}
	store, err := boltstore.Open(filepath.Join(p.dir, "graphrun.db"), boltstore.Options{})
	if err != nil {
		return nil, err
	}
	rt, err := runtime.Open(ctx, runtime.Config{Store: store, Kinds: k, Parallel: 1000, Grace: -1})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	stop := func() error { return errors.Join(rt.Close(context.WithoutCancel(ctx)), store.Close()) }
	for i := range stacks {
		if _, err := rt.Start(ctx, g, runtime.StartOptions{ID: stackID(i)}); err != nil {
			return nil, errors.Join(err, stop())
		}
	}
	return stop, nil
}

// driver is package temporaldriver.
func driver(ctx context.Context, p place, stacks int, cycles *atomic.Int64) (func() error, error) {
	return onTemporal(ctx, p, stacks, cycles, "")
}

// pooled is the same with a pool that a limiter counts.
func pooled(ctx context.Context, p place, stacks int, cycles *atomic.Int64) (func() error, error) {
	return onTemporal(ctx, p, stacks, cycles, "pools: {default: {parallel: 1000}}")
}

func onTemporal(ctx context.Context, p place, stacks int, cycles *atomic.Int64, pools string) (func() error, error) {
	g, k, err := work(cycles, pools)
	if err != nil {
		return nil, err
	}
	c, err := cluster.Dial(ctx, p.address)
	if err != nil {
		return nil, err
	}
	o := temporaldriver.Options{Kinds: k, Parallel: parallel, Grace: time.Nanosecond}
	w, err := temporaldriver.NewWorker(c, o)
	if err == nil {
		err = w.Start()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	stop := func() error {
		defer c.Close()
		return w.Stop()
	}
	own, err := temporaldriver.NewClient(c, o)
	for i := range stacks {
		if err == nil {
			err = own.Start(ctx, g, runtime.StartOptions{ID: stackID(i)})
		}
	}
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	return stop, nil
}

// parallel bounds the tasks that run at the same time.
const parallel = 200
