package runtime

import (
	"context"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// Resume continues a stack of the store in this runtime. A paused stack is unpaused,
// and parked tasks run at once. For a stack that has ended, Wait reports at once how it
// ended. Errors: ErrNotFound, ErrActive (this runtime drives the stack already),
// *GraphError, *AdoptError (its state does not fit the changed graph), *MissingError,
// *SecretError, *StoreError, ErrClosed. While a cycle is open, an *AdoptError comes
// from Wait, after that cycle.
func (rt *Runtime) Resume(ctx context.Context, id string, o ResumeOptions) (*Stack, error) {
	if err := rt.reserve(ctx, id, ErrActive); err != nil {
		return nil, err
	}
	rt.reap()
	d := rt.newDrive(id, "")
	d.after = o.StopAfter
	if err := d.fill(ctx, &o); err != nil {
		rt.free(id)
		return nil, err
	}
	if d.closed {
		rt.free(id)
		d.looping = false // nobody else has it yet
		return &d.handle, nil
	}
	counts := d.cursor.Counts
	d.base = &counts
	if c := d.m.Cursor(); !d.child && (c.Status == journal.Paused || len(c.Parked) > 0) { // a child follows its parent
		d.command(ctx, journal.ActionResume)
		d.step(machine.Resume{At: d.now()})
	}
	d.warnOfParked()
	return rt.beginLoaded(d)
}

// beginLoaded has a stack driven that was loaded. Children that crashes have left are removed
// beside its loop.
func (rt *Runtime) beginLoaded(d *drive) (*Stack, error) {
	admit := func() error { return rt.admit(d) }
	if d.clearing = d.mayHaveLeft(); !d.clearing {
		return d.begin(admit)
	}
	if _, err := d.begin(admit); err != nil {
		return nil, err
	}
	go rt.sweep(d)
	return &d.handle, nil
}

// mayHaveLeft says whether crashes may have left children of earlier cycles.
func (d *drive) mayHaveLeft() bool {
	return !d.cursor.Clean && slices.ContainsFunc(d.g.Nodes, func(n graph.Node) bool { return n.Kind.Runs || callsGraphs(d.g, n.Calls) })
}
