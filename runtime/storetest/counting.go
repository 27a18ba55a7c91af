package storetest

import (
	"context"
	"sync/atomic"

	"github.com/graphrun/graphrun/runtime"
)

// Counting is a store that counts the commits that it takes: for benchmarks and tests that
// say how many commits something costs. All that the store under it can do besides, it
// passes on. Safe for concurrent use.
type Counting struct {
	runtime.Store
	commits atomic.Int64
}

var _ interface {
	runtime.BusyStore
	runtime.JoiningStore
	runtime.StoppingStore
} = (*Counting)(nil)

// Count counts the commits of a store.
func Count(s runtime.Store) *Counting { return &Counting{Store: s} }

// Commits is how many commits were made, whether they succeeded or not.
func (c *Counting) Commits() int { return int(c.commits.Load()) }

// Commit passes a commit on.
func (c *Counting) Commit(ctx context.Context, commit runtime.Commit) error {
	c.commits.Add(1)
	return c.Store.Commit(ctx, commit)
}

// Busy is that of the store, which else is never busy.
func (c *Counting) Busy(free func()) bool {
	s, ok := c.Store.(runtime.BusyStore)
	return ok && s.Busy(free)
}

// Joins is that of the store, which else joins nothing.
func (c *Counting) Joins(stack string) bool {
	s, ok := c.Store.(runtime.JoiningStore)
	return ok && s.Joins(stack)
}

// OnStop is that of the store, which else does not stop by itself.
func (c *Counting) OnStop(tell func(error)) {
	if s, ok := c.Store.(runtime.StoppingStore); ok {
		s.OnStop(tell)
	}
}
