package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime/internal/fleet"
)

// RecoverOptions say how Recover continues the stacks of a store.
type RecoverOptions struct {
	// Graphs returns the present definition of a graph and its text, as for AddGraph. It
	// is called once for each name. When it returns false, or is nil, the stacks
	// continue with the definitions in the store.
	Graphs func(name string) (g *graph.Graph, source []byte, ok bool)
}

// Recover takes over all stacks of the store that have not ended and that this runtime
// does not drive yet, and returns how many. A stack with an open cycle continues at
// once. A stack that waits is loaded when it is due or somebody addresses it. A paused
// stack stays paused. A stack that cannot be read is skipped and logged; Status says
// why. Errors: *StoreError, ErrClosed, or that of ctx.
func (rt *Runtime) Recover(ctx context.Context, o RecoverOptions) (n int, err error) {
	rt.reap()
	asked := map[string]bool{}
	hashes := map[string]bool{}
	rt.fleets.Halt()
	defer rt.fleets.Release()
	rt.pools.Halt() // until what a crash has left running holds its slots
	defer rt.pools.Release()
	var left []string // stacks that have ended, with messages to deliver
	var inner []Summary
	// Visitors wait meanwhile. Recover cannot take over a stack during a visit, and a visit may
	// change when a stack is due after its summary was read.
	if err := rt.stepAside(ctx); err != nil {
		return 0, err
	}
	err = rt.cfg.Store.Stacks(ctx, func(sum Summary) error {
		if rt.index != nil {
			rt.index.Fill(&sum)
		}
		switch {
		case sum.Err != nil:
			rt.log.Error("stack cannot be read", "stack", sum.Identity.Stack, "error", sum.Err)
			return nil
		case sum.Identity.Parent != "": // its parent takes it up
			inner = append(inner, sum)
			return nil
		case sum.Cursor.Status.Ended():
			if sum.Cursor.Outbox > 0 {
				left = append(left, sum.Identity.Stack)
			}
			return nil
		}
		if name := sum.Identity.Graph; o.Graphs != nil && !asked[name] {
			asked[name] = true
			rt.ask(name, o)
		}
		taken, err := rt.takeOver(&sum)
		if taken {
			hashes[sum.Cursor.Hash] = true
			n++
		}
		return err
	})
	rt.comeBack()
	if err == nil && rt.index != nil {
		rt.index.Filled()
	}
	if err == nil {
		err = rt.assemble(ctx, hashes)
	}
	if err == nil {
		rt.discardAll(rt.orphans(inner))
	}
	for i := 0; err == nil && i < len(left); i++ {
		if err = rt.emptyOutbox(ctx, left[i]); errors.Is(err, errUndelivered) {
			rt.deliverLater(left[i])
			err = nil
		}
	}
	return n, err
}

// ask looks up the present definition of a graph.
func (rt *Runtime) ask(name string, o RecoverOptions) {
	g, source, ok := o.Graphs(name)
	if !ok {
		return
	}
	err := rt.AddGraph(g, source)
	if err == nil && g.Name != name {
		err = fmt.Errorf("the definition is of graph %q", g.Name)
	}
	if err != nil {
		rt.log.Error("stacks continue under their stored definition", "graph", name, "error", err)
	}
}

// takeOver drives a stack without loading it.
func (rt *Runtime) takeOver(sum *Summary) (bool, error) {
	d := rt.newDrive(sum.Identity.Stack, sum.Identity.Graph)
	d.asleep = true
	d.halting = wasCutOff(&sum.Cursor)
	rt.mu.Lock()
	if err := rt.unusable(); err != nil {
		rt.mu.Unlock()
		return false, err
	}
	if _, claimed := rt.drives[d.name]; claimed {
		rt.mu.Unlock()
		return false, nil
	}
	d.keepHeld(&sum.Cursor)
	rt.drives[d.name] = d
	delete(rt.trouble, d.name)
	rt.ail(d.name, false)
	rt.mu.Unlock()
	if d.halting {
		rt.pools.Halt()
	}
	switch due, ok := dueAt(&sum.Cursor); {
	case !ok:
	case due.After(time.Now()):
		d.wake = rt.timers.At(due, func() { d.post(d.woke) })
	default:
		d.post(d.woke)
	}
	d.mu.Lock()
	d.looping = len(d.inbox) > 0
	mail := d.looping
	d.mu.Unlock()
	if mail {
		rt.loads.add(d)
	}
	return true, nil
}

// assemble loads the taken-over stacks of lockstep graphs, so that all members of a
// fleet begin together: they wait for each other until each has reported where it
// stands. hashes are those of the definitions that they ran under.
func (rt *Runtime) assemble(ctx context.Context, hashes map[string]bool) error {
	led := map[string]bool{}
	for hash := range hashes {
		kept, err := rt.cfg.Store.Graph(ctx, hash)
		if err != nil {
			rt.log.Error("definition cannot be read", "hash", hash, "error", err) // nor can its stacks
			continue
		}
		if inLockstep(kept) {
			led[kept.Name] = true
		}
	}
	for _, d := range rt.all() {
		def := rt.defs.present(d.graph)
		if !d.child && (led[d.graph] || def != nil && def.g.Fleet == graph.Lockstep) {
			rt.fleets.Report(member{d}, fleet.Standing{Stage: fleet.Working})
			d.post(func() { d.marching = true })
		}
	}
	return ctx.Err()
}

// inLockstep reads no more of a definition than this one field: there may be many.
func inLockstep(s StoredGraph) bool {
	var d struct {
		Fleet string `json:"fleet"`
	}
	return json.Unmarshal(s.Def, &d) == nil && d.Fleet == "lockstep"
}
