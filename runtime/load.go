package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

// ResumeOptions say how Resume continues a stack.
type ResumeOptions struct {
	// Graph is the definition to continue with. An open cycle finishes under the old
	// definition first. Defaults to the definition in the store.
	Graph *graph.Graph
	// Source is the text of Graph.
	Source []byte
	// StopAfter says when to stop driving the stack. Defaults to its end.
	StopAfter StopAfter

	reopen *machine.Reopen // the stack has ended, and is retried
}

// fill loads a stack from the store. o is nil for a stack that this runtime drives
// already; then a changed definition that does not fit is no error. A visited stack
// needs no secrets, no kinds and no other definition.
func (d *drive) fill(ctx context.Context, o *ResumeOptions) error {
	eng := d.eng
	snap, err := eng.cfg.Store.Load(ctx, d.name)
	if err != nil {
		return err
	}
	if d.graph == "" { // else others may read it
		d.graph, d.child = snap.Identity.Graph, snap.Identity.Parent != ""
	}
	next := eng.defs.present(d.graph)
	if d.child || d.visited {
		next = nil // the graph of a child is a part of its parent's
	}
	strict := o != nil && o.Graph != nil
	if strict {
		if o.Graph.Name != d.graph {
			return &GraphError{d.name, d.graph, o.Graph.Name}
		}
		next = eng.defs.of(o.Graph, o.Source)
	}
	reopens := o != nil && o.reopen != nil
	switch ended := snap.Cursor.Status.Ended(); {
	case reopens && !ended:
		return fmt.Errorf("%w: %q", ErrNotEnded, d.name)
	case reopens && d.child:
		return &ChildError{d.name}
	case ended && !reopens:
		d.hasEnded(snap)
		return nil
	}
	def := next
	if next == nil || next.g.Hash != snap.Cursor.Hash {
		if def, err = eng.defs.ofHash(ctx, snap.Cursor.Hash); err != nil {
			return fmt.Errorf("stack %q: %w", d.name, err)
		}
	}
	for _, x := range []*definition{def, next} {
		if x != nil && len(x.g.Missing) > 0 && !d.visited {
			return &MissingError{x.g.Name, x.g.Missing}
		}
	}
	secrets, err := secretsOf(eng.cfg.Secret, def.g.Completed(snap.Identity.Params), def.g)
	if err != nil && !d.visited {
		return err
	}
	snap.Identity.Params = def.g.Completed(snap.Identity.Params)
	options := eng.defs.options(secrets)
	options.Rest, options.Around = d.visited, eng.around(&snap.Identity)
	m, err := machine.Restore(def.g, options, snap, time.Now().UTC())
	if err != nil {
		return fmt.Errorf("stack %q: %w", d.name, err)
	}
	if reopens {
		if err := m.Step(*o.reopen); err != nil {
			return fmt.Errorf("stack %q: %w", d.name, err)
		}
	}
	l := d.liven(m, def, secrets)
	l.cursor, l.stored = snap.Cursor, snap.Cursor.Hash
	l.tasks.Take(snap.Records)
	over, open := leftOver(d.name, snap.Records)
	l.orphans = open
	if !snap.Cursor.Clean && !d.visited {
		l.unneeded = over
	}
	d.mu.Lock()
	d.live, d.asleep = l, false
	d.mu.Unlock()
	if next != nil && next != def {
		d.next, d.strict = next, strict
		if !snap.Cursor.Open {
			return d.adopt()
		}
	}
	return nil
}

// liven makes the loaded part of a stack.
func (d *drive) liven(m *machine.Machine, def *definition, sec *work.Secrets) *live {
	id, log := m.Identity(), sec.Masker().Logger(d.eng.log).With("stack", d.name)
	return &live{
		id: id, m: m, def: def, g: def.g, secrets: sec,
		ground:   newGround(id, def.g, sec, log),
		pools:    d.eng.pools.Of(def.g),
		log:      log,
		workload: workload{attempts: map[journal.TaskKey]*attempt{}},
	}
}

// hasEnded makes the drive one of a stack that has ended.
func (d *drive) hasEnded(snap journal.Snapshot) {
	d.closed, d.over = true, true
	d.result = &Result{
		Stack: d.name, Graph: d.graph,
		Status: snap.Cursor.Status, Reason: snap.Cursor.Reason,
		State: journal.Visible(snap.State), Cursor: snap.Cursor,
	}
	d.mu.Lock()
	d.live, d.asleep, d.announced = &live{log: d.eng.log}, false, true
	d.mu.Unlock()
	close(d.done)
}

// cannotGoOn stops driving a stack that is not loaded. It answers all mail with why.
func (d *drive) cannotGoOn(why error) {
	d.mu.Lock()
	d.live, d.asleep = &live{log: d.eng.log}, false
	d.mu.Unlock()
	d.eng.timers.Stop(d.wake)
	d.err, d.over, d.closed = why, true, true
	d.result = &Result{Stack: d.name, Graph: d.graph}
	d.home.leave(d)
	d.releasePools()
	d.announceEnd()
	close(d.done)
	go d.loop()
}

// putAway stops driving a stack that is not loaded. It returns false for a loaded one.
func (d *drive) putAway(why error) bool {
	d.mu.Lock()
	if !d.asleep || d.looping {
		d.mu.Unlock()
		return false
	}
	d.looping = true // for good
	d.mu.Unlock()
	d.cannotGoOn(why)
	return true
}

// unload frees the memory of a stack, unless it has something to do.
func (d *drive) unload() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rests && !d.looping {
		d.live, d.asleep, d.rests = nil, true, false
	}
}
