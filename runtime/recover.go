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

// RecoverOptions say how a store's stacks go on.
type RecoverOptions struct {
	// Graphs gives the present definition of a graph and its text, as AddGraph
	// takes them. It is asked once for each name; false: the stacks go on under
	// what the store keeps. Defaults to that.
	Graphs func(name string) (g *graph.Graph, source []byte, ok bool)
}

// Recover takes over all stacks of the store that have not ended and that this
// runtime does not drive yet, and says how many. Stacks with an open cycle go
// on at once; one that waits is only noted, and loaded when it is due or
// addressed. Paused ones stay paused. A stack that cannot be read is left out
// and logged; Status says why. Errors: *StoreError, ErrClosed, ctx's.
func (rt *Runtime) Recover(ctx context.Context, o RecoverOptions) (n int, err error) {
	asked := map[string]bool{}
	hashes := map[string]bool{}
	rt.fleets.Halt()
	defer rt.fleets.Release()
	var left []string // stacks that have ended, with messages to deliver
	var inner []Summary
	err = rt.cfg.Store.Stacks(ctx, func(sum Summary) error {
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
	if err == nil {
		err = rt.assemble(ctx, hashes)
	}
	for i := range inner {
		if err == nil && rt.orphan(&inner[i]) {
			rt.discard(inner[i].Identity.Stack)
		}
	}
	for i := 0; err == nil && i < len(left); i++ {
		if err = rt.emptyOutbox(ctx, left[i]); errors.Is(err, errUndelivered) {
			rt.deliverLater(left[i])
			err = nil
		}
	}
	return n, err
}

// ask finds out the present definition of a graph.
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
		rt.log.Error("stacks go on under their stored definition", "graph", name, "error", err)
	}
}

// takeOver drives a stack that is not loaded.
func (rt *Runtime) takeOver(sum *Summary) (bool, error) {
	d := rt.newDrive(sum.Identity.Stack, sum.Identity.Graph)
	d.asleep = true
	rt.mu.Lock()
	if err := rt.unusable(); err != nil {
		rt.mu.Unlock()
		return false, err
	}
	if _, claimed := rt.drives[d.name]; claimed {
		rt.mu.Unlock()
		return false, nil
	}
	rt.drives[d.name] = d
	delete(rt.trouble, d.name)
	rt.mu.Unlock()
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

// assemble has the stacks of lockstep graphs that were taken over loaded, so that all
// of a fleet begin together: until each has reported where it stands, the others wait
// for it. hashes are of the definitions that they ran under.
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
