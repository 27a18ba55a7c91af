package temporaldriver

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// definition is a compiled graph with its text.
type definition struct {
	g      *graph.Graph
	stored journal.StoredGraph

	plan  func() *machine.Plan
	shape func() *journal.Shape
}

// keptDefinitions bounds how many compiled definitions a worker keeps.
const keptDefinitions = 256

// definitions are the graphs that a worker has compiled, each once for all stacks. They are
// safe for concurrent use.
type definitions struct {
	read func(journal.StoredGraph) (*graph.Graph, error)

	mu     sync.Mutex
	byHash map[string]*definition
}

// compile gives the definition of a stored graph.
func (ds *definitions) compile(kept journal.StoredGraph) (*definition, error) {
	if def := ds.known(kept.Hash); def != nil {
		return def, nil
	}
	g, err := ds.read(kept)
	if err != nil {
		return nil, err
	}
	if g.Hash != kept.Hash {
		same := *g
		same.Hash = kept.Hash // what stacks know it by
		g = &same
	}
	return ds.keep(g, kept), nil
}

// of gives the definition of a graph that is part of another one.
func (ds *definitions) of(g *graph.Graph) (*definition, error) {
	if def := ds.known(g.Hash); def != nil {
		return def, nil
	}
	kept, err := stored(g, nil)
	if err != nil {
		return nil, err
	}
	return ds.keep(g, kept), nil
}

// known is the definition with a hash; nil if this worker has not compiled it.
func (ds *definitions) known(hash string) *definition {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return ds.byHash[hash]
}

func (ds *definitions) keep(g *graph.Graph, kept journal.StoredGraph) *definition {
	def := &definition{g: g, stored: kept}
	def.plan = sync.OnceValue(func() *machine.Plan { return machine.NewPlan(g) })
	def.shape = sync.OnceValue(func() *journal.Shape { return machine.Shape(def.plan()) })
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if other := ds.byHash[g.Hash]; other != nil {
		return other
	}
	for old := range ds.byHash {
		if len(ds.byHash) < keptDefinitions {
			break
		}
		delete(ds.byHash, old)
	}
	ds.byHash[g.Hash] = def
	return def
}

// plan is what the machines of all stacks under a graph share.
func (w *Worker) plan(g *graph.Graph) *machine.Plan {
	if def := w.defs.known(g.Hash); def != nil && def.g == g {
		return def.plan()
	}
	return machine.NewPlan(g)
}

// stored is a graph in the form in which it travels.
func stored(g *graph.Graph, source []byte) (journal.StoredGraph, error) {
	text, err := json.Marshal(g.Def)
	if err != nil {
		return journal.StoredGraph{}, fmt.Errorf("graph %q: %w", g.Name, err)
	}
	return journal.StoredGraph{Hash: g.Hash, Name: g.Name, File: g.Def.File, Def: text, Source: source}, nil
}
