package runtime

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/machine"
)

// definition is a graph with its text, within the limits of this runtime.
type definition struct {
	g      *graph.Graph
	source []byte
}

// keptDefinitions bounds how many compiled definitions are kept for stacks
// that are loaded later.
const keptDefinitions = 64

// definitions are the graphs that a runtime knows: the present one of each
// name, and those that stacks still run under, compiled once for all of them.
type definitions struct {
	mu      sync.Mutex
	present map[string]*definition // by name
	byHash  map[string]*definition
}

// AddGraph makes g the present definition of its name, as a file that was read
// (again) by a server. Stacks of the graph take it up with their next cycle;
// one whose state does not fit goes on under the definition it has, which
// Status and the log tell. The limits of its pools hold from now on. source is
// the text, kept with the stacks for people to read. Errors: *MissingError,
// *SecretError.
func (rt *Runtime) AddGraph(g *graph.Graph, source []byte) error {
	if len(g.Missing) > 0 {
		return &MissingError{g.Name, g.Missing}
	}
	if _, err := rt.secretsOf(g); err != nil {
		return err
	}
	def := rt.limit(&definition{g, source})
	rt.defs.mu.Lock()
	rt.defs.present[g.Name] = def
	rt.defs.mu.Unlock()
	rt.pools.Define(def.g)
	for _, s := range rt.Stacks() {
		if s.graph == g.Name && !s.child && (s.loaded() || s.hasRefused() || g.Fleet == graph.Lockstep) {
			s.post(func() { s.offer(def) })
		}
	}
	return nil
}

// presentDefinition is what AddGraph said last of a name; nil: nothing.
func (rt *Runtime) presentDefinition(name string) *definition {
	rt.defs.mu.Lock()
	defer rt.defs.mu.Unlock()
	return rt.defs.present[name]
}

// offer gives a stack a changed definition to take up.
func (s *Stack) offer(def *definition) {
	if s.over || s.stopping {
		return
	}
	if def.g.Hash == s.g.Hash { // it was changed back
		s.next = nil
		s.refuse(nil)
		_ = s.m.Adopt(s.g) // the one it has
		return
	}
	s.next, s.strict = def, false
	if !s.m.Cursor().Open {
		_ = s.adopt() // one that does not fit is refused, and the stack goes on
	}
}

// adopt takes up the changed definition, between two cycles. An error is of a
// stack that is not to go on without it.
func (s *Stack) adopt() error {
	next := s.next
	if next == nil {
		return nil
	}
	s.next = nil
	var refused *AdoptError
	sec, err := s.rt.secretsOf(s.g, next.g)
	switch {
	case err != nil && s.strict:
		return err
	case err == nil:
		err = s.m.Adopt(next.g)
	}
	if errors.Is(err, machine.ErrStillRunning) {
		s.next, s.adopting = next, true
		return nil
	}
	if err != nil {
		refused = &AdoptError{Stack: s.name, Hash: next.g.Hash, Err: err}
		if s.strict {
			return refused
		}
	}
	if known := s.refuse(refused); refused != nil {
		if !known {
			s.log.Warn("goes on under its old definition", "error", refused)
		}
		return nil
	}
	s.secrets.take(sec)
	s.log = s.secrets.masker.Logger(s.rt.log).With("stack", s.name)
	s.def, s.g, s.pools = next, next.g, s.rt.pools.Of(next.g)
	return nil
}

// adoptWhenGone goes on with the adoption of a changed definition that tasks of
// the old one were in the way of.
func (s *Stack) adoptWhenGone() error {
	if !s.adopting || s.m.Cursor().Open {
		return nil
	}
	s.adopting = false
	return s.adopt()
}

// refuse notes why the changed definition is not taken up; nil: there is none
// that is not. known: that was said before.
func (s *Stack) refuse(why *AdoptError) (known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known = why != nil && s.refused != nil && s.refused.Hash == why.Hash
	s.refused = why
	return known
}

func (s *Stack) hasRefused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused != nil
}

// definitionOf is the definition of a hash: a present one, one that another
// stack runs under, or what the store keeps.
func (rt *Runtime) definitionOf(ctx context.Context, hash string) (*definition, error) {
	if def := rt.knownDefinition(hash); def != nil {
		return def, nil
	}
	def, err := rt.storedDefinition(ctx, hash)
	if err != nil {
		return nil, err
	}
	def = rt.limit(def)
	d := &rt.defs
	d.mu.Lock()
	defer d.mu.Unlock()
	if other := d.byHash[hash]; other != nil {
		return other, nil // compiled by two at the same time
	}
	for old := range d.byHash {
		if len(d.byHash) < keptDefinitions {
			break
		}
		delete(d.byHash, old)
	}
	d.byHash[hash] = def
	return def, nil
}

func (rt *Runtime) knownDefinition(hash string) *definition {
	rt.defs.mu.Lock()
	defer rt.defs.mu.Unlock()
	for _, def := range rt.defs.present {
		if def.g.Hash == hash {
			return def
		}
	}
	return rt.defs.byHash[hash]
}

// storedDefinition compiles what the store keeps.
func (rt *Runtime) storedDefinition(ctx context.Context, hash string) (*definition, error) {
	kept, err := rt.cfg.Store.Graph(ctx, hash)
	if err != nil {
		return nil, err
	}
	g, err := compileStored(kept, rt.cfg.Kinds)
	if err != nil {
		return nil, err
	}
	same := *g
	same.Hash = hash // what the store knows this definition by
	return &definition{&same, kept.Source}, nil
}

// limit is the definition with the pools that this runtime allows it.
func (rt *Runtime) limit(def *definition) *definition {
	n := rt.cfg.Parallel
	if n == 0 {
		return def
	}
	limited := *def.g
	limited.Pools = slices.Clone(def.g.Pools)
	for i := range limited.Pools {
		switch p := &limited.Pools[i]; {
		case p.Parallel == 0: // on hold
		case i == 0:
			p.Parallel = n
		default:
			p.Parallel = min(p.Parallel, n)
		}
	}
	return &definition{&limited, def.source}
}
