package runtime

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
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

// Resume goes on with a stack of the store; a paused one is resumed, and
// tasks that are parked run at once. Of a
// stack that has ended, Wait tells at once how. Errors: ErrNotFound, ErrActive
// (this runtime drives it), *GraphError (a stack of another graph),
// *AdoptError (its state does not fit the changed graph), *MissingError,
// *SecretError, *StoreError, ErrClosed. When a cycle is open, an *AdoptError
// comes from Wait, after that cycle.
func (rt *Runtime) Resume(ctx context.Context, id string, o ResumeOptions) (*Stack, error) {
	if err := rt.reserve(ctx, id, ErrActive); err != nil {
		return nil, err
	}
	s := rt.newStack(id, "")
	s.after = o.StopAfter
	if err := s.load(ctx, &o); err != nil {
		rt.free(id)
		return nil, err
	}
	if s.closed {
		rt.free(id)
		s.looping = false // nobody else has it yet
		return s, nil
	}
	counts := s.cursor.Counts
	s.base = &counts
	if c := s.m.Cursor(); c.Status == journal.Paused || len(c.Parked) > 0 && !s.child {
		s.step(machine.Resume{At: s.now()})
	}
	s.warnOfParked()
	if c := s.m.Cursor(); s.after.UntilIdle && !c.Open && c.WakeAt.IsZero() && len(c.Background) == 0 {
		s.reached = true // no cycle comes without an event, and the last one was idle
		s.drain()
	}
	if s.clearing = s.mayHaveLeft(); !s.clearing {
		return s.begin()
	}
	if _, err := s.begin(); err != nil {
		return nil, err
	}
	go s.sweep()
	return s, nil
}

// load fills a stack in from the store. o is nil for one that this runtime
// drives anyway: then a changed definition that does not fit is no error. One
// that is visited rests: it needs no secrets, no kinds and no other definition.
func (s *Stack) load(ctx context.Context, o *ResumeOptions) error {
	rt := s.rt
	snap, err := rt.cfg.Store.Load(ctx, s.name)
	if err != nil {
		return err
	}
	if s.graph == "" { // else others may read it
		s.graph, s.child = snap.Identity.Graph, snap.Identity.Parent != ""
	}
	next := rt.presentDefinition(s.graph)
	if s.child || s.visited {
		next = nil // the graph of a child is a part of its parent's
	}
	strict := o != nil && o.Graph != nil
	if strict {
		if o.Graph.Name != s.graph {
			return &GraphError{s.name, s.graph, o.Graph.Name}
		}
		next = rt.limit(&definition{o.Graph, o.Source})
	}
	if snap.Cursor.Status.Ended() {
		rt.discardChildren(s.name, snap.Records)
		s.hasEnded(snap)
		return nil
	}
	def := next
	if next == nil || next.g.Hash != snap.Cursor.Hash {
		if def, err = rt.definitionOf(ctx, snap.Cursor.Hash); err != nil {
			return fmt.Errorf("stack %q: %w", s.name, err)
		}
	}
	for _, d := range []*definition{def, next} {
		if d != nil && len(d.g.Missing) > 0 && !s.visited {
			return &MissingError{d.g.Name, d.g.Missing}
		}
	}
	secrets, err := rt.secretsOf(def.g)
	if err != nil && !s.visited {
		return err
	}
	snap.Identity.Params = completed(snap.Identity.Params, def.g)
	options := secrets.options()
	options.Rest = s.visited
	m, err := machine.Restore(def.g, options, snap, time.Now().UTC())
	if err != nil {
		return fmt.Errorf("stack %q: %w", s.name, err)
	}
	l := s.liven(m, def, secrets)
	l.cursor, l.stored = snap.Cursor, snap.Cursor.Hash
	l.progress.take(snap.Records)
	l.outbox.take(l.id, def.g, snap.Records)
	l.children.take(l.id, def.g, snap.Records)
	l.outbox.waiting, l.outbox.dirty = storedMessages(snap.State), false
	s.mu.Lock()
	s.live, s.asleep = l, false
	s.mu.Unlock()
	if next != nil && next != def {
		s.next, s.strict = next, strict
		if !snap.Cursor.Open {
			return s.adopt()
		}
	}
	return nil
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

// hasEnded makes it a stack of which nothing runs any more.
func (s *Stack) hasEnded(snap journal.Snapshot) {
	s.closed, s.over = true, true
	s.result = &Result{
		Stack: s.name, Graph: s.graph,
		Status: snap.Cursor.Status, Reason: snap.Cursor.Reason,
		State: journal.Visible(snap.State), Cursor: snap.Cursor,
	}
	s.mu.Lock()
	s.live, s.asleep = &live{log: s.rt.log}, false
	s.mu.Unlock()
	close(s.done)
}
