package web

import (
	"context"
	"sync"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
)

// keptGraphs bounds the compiled graphs that a Handler keeps.
const keptGraphs = 200

// compiled keeps graphs that were compiled. A page asks for the same one several times,
// and compiling a large one takes longer than all the rest of the page.
type compiled struct {
	compile func(journal.StoredGraph) (*graph.Graph, error)

	mu    sync.Mutex
	known map[string]*graph.Graph // by hash
}

func (c *compiled) get(hash string) *graph.Graph {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[hash]
}

// of compiles a stored graph, unless it is kept.
func (c *compiled) of(kept journal.StoredGraph) (*graph.Graph, error) {
	if g := c.get(kept.Hash); g != nil {
		return g, nil
	}
	g, err := c.compile(kept)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= keptGraphs {
		c.known = map[string]*graph.Graph{}
	}
	c.known[kept.Hash] = g
	return g, nil
}

// within is a Reader whose definitions are kept here.
func (c *compiled) within(store inspect.Reader) inspect.Reader {
	return inspect.WithDefinitions(store, func(ctx context.Context, hash string) (*graph.Graph, error) {
		if g := c.get(hash); g != nil {
			return g, nil
		}
		kept, err := store.Graph(ctx, hash)
		if err != nil {
			return nil, err
		}
		return c.of(kept)
	})
}
