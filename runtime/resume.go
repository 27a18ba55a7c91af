package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/machine"
)

// ResumeOptions say how a stack goes on.
type ResumeOptions struct {
	// Graph is the definition to go on with. One that has changed is taken up
	// when the open cycle, which finishes under the old one, is over. Defaults
	// to the stored one.
	Graph *graph.Graph
	// Source is Graph's text.
	Source []byte
	// StopAfter says when to stop driving it. Defaults to its end.
	StopAfter StopAfter
}

// changed is a definition that waits for the end of a cycle.
type changed struct {
	g      *graph.Graph
	source []byte
}

// Resume goes on with a stack of the store; a paused one is resumed. Of a
// stack that has ended, Wait tells at once how. Errors: ErrNotFound, ErrActive
// (this runtime drives it), *GraphError (a stack of another graph),
// *AdoptError (its state does not fit the changed graph), *MissingError,
// *SecretError, *StoreError, ErrClosed. When a cycle is open, an *AdoptError
// comes from Wait, after that cycle.
func (rt *Runtime) Resume(ctx context.Context, id string, o ResumeOptions) (*Stack, error) {
	if err := rt.reserve(id, ErrActive); err != nil {
		return nil, err
	}
	s, err := rt.load(ctx, id, o)
	if err != nil {
		rt.leave(id)
		return nil, err
	}
	if s.closed {
		rt.leave(id)
		return s, nil
	}
	if s.cursor.Status == machine.Paused {
		s.step(machine.Resume{At: s.now()})
	}
	return s.begin()
}

// load puts a stack together from the store.
func (rt *Runtime) load(ctx context.Context, id string, o ResumeOptions) (*Stack, error) {
	snap, err := rt.cfg.Store.Load(ctx, id)
	if err != nil {
		return nil, err
	}
	if o.Graph != nil && o.Graph.Name != snap.Identity.Graph {
		return nil, &GraphError{id, snap.Identity.Graph, o.Graph.Name}
	}
	if snap.Cursor.Status.Ended() {
		return ended(rt, snap), nil
	}
	g, source := o.Graph, o.Source
	if g == nil || g.Hash != snap.Cursor.Hash {
		if g, source, err = rt.stored(ctx, snap.Cursor.Hash); err != nil {
			return nil, fmt.Errorf("stack %q: %w", id, err)
		}
	}
	for _, x := range []*graph.Graph{g, o.Graph} {
		if x != nil && len(x.Missing) > 0 {
			return nil, &MissingError{x.Name, x.Missing}
		}
	}
	secrets, err := rt.secretsOf(g, o.Graph)
	if err != nil {
		return nil, err
	}
	snap.Identity.Params = completed(snap.Identity.Params, g)
	g = rt.limit(g)
	m, err := machine.Restore(g, secrets.options(), snap, time.Now().UTC())
	if err != nil {
		return nil, fmt.Errorf("stack %q: %w", id, err)
	}
	s := rt.newStack(m, g, source, secrets)
	s.cursor, s.stored, s.base, s.after = snap.Cursor, snap.Cursor.Hash, snap.Cursor.Counts, o.StopAfter
	if o.Graph != nil && o.Graph.Hash != g.Hash {
		s.next = &changed{rt.limit(o.Graph), o.Source}
		if !snap.Cursor.Open {
			return s, s.adopt()
		}
	}
	return s, nil
}

// adopt takes up the changed graph.
func (s *Stack) adopt() error {
	next := s.next
	s.next = nil
	if err := s.m.Adopt(next.g); err != nil {
		return &AdoptError{s.id.Stack, err}
	}
	s.g, s.source, s.pools = next.g, next.source, s.rt.pools.of(next.g)
	return nil
}

// stored compiles a definition that the store keeps.
func (rt *Runtime) stored(ctx context.Context, hash string) (*graph.Graph, []byte, error) {
	kept, err := rt.cfg.Store.Graph(ctx, hash)
	if err != nil {
		return nil, nil, err
	}
	var def graph.Def
	if err := json.Unmarshal(kept.Def, &def); err != nil {
		return nil, nil, fmt.Errorf("stored graph %q: %w", kept.Name, err)
	}
	g, problems := graph.Compile(def, rt.cfg.Kinds)
	if err := problems.Err(); err != nil {
		return nil, nil, fmt.Errorf("stored graph %q: %w", kept.Name, err)
	}
	same := *g
	same.Hash = hash // what the store knows this definition by
	return &same, kept.Source, nil
}

// completed adds the defaults of params that came with a later definition than
// the one the stack was created with.
func completed(params map[string]any, g *graph.Graph) map[string]any {
	out := maps.Clone(params)
	if out == nil {
		out = map[string]any{}
	}
	for _, p := range g.Params {
		if _, given := out[p.Name]; !given && p.HasDefault {
			out[p.Name] = p.Default
		}
	}
	return out
}

// ended is a stack of which nothing runs any more.
func ended(rt *Runtime, snap machine.Snapshot) *Stack {
	s := &Stack{rt: rt, id: snap.Identity, done: make(chan struct{}), closed: true, over: true, log: rt.log}
	s.result = Result{
		Stack: snap.Identity.Stack, Graph: snap.Identity.Graph,
		Status: snap.Cursor.Status, Reason: snap.Cursor.Reason,
		State: snap.State, Cursor: snap.Cursor,
	}
	close(s.done)
	return s
}
