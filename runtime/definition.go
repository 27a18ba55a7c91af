package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

// definition is a graph with its text, within the limits of this runtime.
type definition struct {
	g      *graph.Graph
	source []byte

	plan  func() *machine.Plan
	shape func() *journal.Shape // what a store may let records refer to
}

func newDefinition(g *graph.Graph, source []byte) *definition {
	def := &definition{g: g, source: source}
	def.plan = sync.OnceValue(func() *machine.Plan { return machine.NewPlan(g) })
	def.shape = sync.OnceValue(func() *journal.Shape { return machine.Shape(def.plan()) })
	return def
}

// stored is the definition in the form in which a store keeps it.
func (def *definition) stored() (*StoredGraph, error) {
	g := def.g
	text, err := json.Marshal(g.Def)
	if err != nil {
		return nil, fmt.Errorf("graph %q: %w", g.Name, err)
	}
	return &StoredGraph{Hash: g.Hash, Name: g.Name, File: g.Def.File, Def: text, Source: def.source}, nil
}

// keptDefinitions bounds how many compiled definitions are kept for stacks
// that are loaded later.
const keptDefinitions = 64

// definitions are the graphs that a runtime knows: the present one of each name, and
// those that stacks still run under. Each is compiled once for all stacks.
type definitions struct {
	store    Store
	kinds    graph.Kinds
	parallel int // as Config.Parallel
	notices  Notices

	mu     sync.Mutex
	named  map[string]*definition
	byHash map[string]*definition
	made   map[*graph.Graph]*definition // by the graph that it was made from, and by its own
	sent   map[string]bool              // hashes of those that this runtime has put into the store
}

// isStored reports that a definition was stored. The store may have deleted it
// since, with the last stack of it.
func (ds *definitions) isStored(hash string) bool {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return ds.sent[hash]
}

func (ds *definitions) noteStored(hash string) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.sent == nil {
		ds.sent = map[string]bool{}
	}
	ds.sent[hash] = true
}

// define makes def the present definition of its name.
func (ds *definitions) define(def *definition) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.named[def.g.Name] = def
}

// present returns the present definition of a name, or nil.
func (ds *definitions) present(name string) *definition {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return ds.named[name]
}

// ofHash returns the definition with a hash: the present one of its name, one that another
// stack runs under, or the one in the store.
func (ds *definitions) ofHash(ctx context.Context, hash string) (*definition, error) {
	if def := ds.known(hash); def != nil {
		return def, nil
	}
	kept, err := ds.store.Graph(ctx, hash)
	if err != nil {
		return nil, err
	}
	g, err := inspect.Compile(kept, ds.kinds)
	if err != nil {
		return nil, err
	}
	same := *g
	same.Hash = hash // what the store knows this definition by
	def := ds.of(&same, kept.Source)
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if other := ds.byHash[hash]; other != nil {
		return other, nil // compiled by two at the same time
	}
	for old := range ds.byHash {
		if len(ds.byHash) < keptDefinitions {
			break
		}
		delete(ds.byHash, old)
	}
	ds.byHash[hash] = def
	return def, nil
}

func (ds *definitions) known(hash string) *definition {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	for _, def := range ds.named {
		if def.g.Hash == hash {
			return def
		}
	}
	return ds.byHash[hash]
}

// of is the definition of a graph: the same for all stacks that are started with it.
func (ds *definitions) of(g *graph.Graph, source []byte) *definition {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if def := ds.made[g]; def != nil && bytes.Equal(def.source, source) {
		return def
	}
	for old := range ds.made {
		if len(ds.made) < 2*keptDefinitions {
			break
		}
		delete(ds.made, old)
	}
	def := newDefinition(ds.limited(g), source)
	if ds.made == nil {
		ds.made = map[*graph.Graph]*definition{}
	}
	ds.made[g], ds.made[def.g] = def, def
	return def
}

// options are those of a machine that has these secrets.
func (ds *definitions) options(s *work.Secrets) machine.Options {
	return machine.Options{Mask: s.Mask, Fleets: true, Plan: ds.plan, Notices: ds.notices.Post != nil, Hooks: ds.notices.Hooks}
}

// plan is what the machines of all stacks under a definition share.
func (ds *definitions) plan(g *graph.Graph) *machine.Plan {
	ds.mu.Lock()
	def := ds.made[g]
	ds.mu.Unlock()
	if def == nil {
		return machine.NewPlan(g)
	}
	return def.plan()
}

// limited is a graph with the pools that the runtime allows it.
func (ds *definitions) limited(g *graph.Graph) *graph.Graph {
	n := ds.parallel
	if n == 0 {
		return g
	}
	limited := *g
	limited.Pools = slices.Clone(g.Pools)
	for i := range limited.Pools {
		switch p := &limited.Pools[i]; {
		case p.Parallel == 0: // on hold
		case i == 0:
			p.Parallel = n
		default:
			p.Parallel = min(p.Parallel, n)
		}
	}
	return &limited
}
