package paritytest

import (
	"context"
	"errors"
	"time"

	"github.com/graphrun/graphrun/nodes"
)

// Registry has the kinds of a case, with the work that it scripts. With sleeps an attempt takes
// its time in its own goroutine; without, the driver lets it pass before it does the work.
func (c *Case) Registry(sleeps bool) (*nodes.Registry, error) {
	out := nodes.NewRegistry()
	var all error
	for _, name := range c.Kinds.Names() {
		spec, _ := c.Kinds.Spec(name)
		if !spec.Inline && !spec.Waits && !spec.Sends && !spec.Runs {
			spec.Missing = false
			spec.Node = player{c, spec.Node, sleeps}
		}
		all = errors.Join(all, out.Register(spec))
	}
	return out, all
}

// player plays what the case says.
type player struct {
	c      *Case
	real   nodes.Node
	sleeps bool
}

func (p player) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	var r Reply
	ok := false
	if p.c.Work != nil {
		r, ok = p.c.Work(Attempt{t.Stack, t.Cycle, t.Wave, t.Node, t.Item, t.Attempt})
	}
	switch {
	case !ok && p.real != nil:
		return p.real.Run(ctx, t)
	case !ok:
		return nodes.Result{}, nodes.Permanent(nodes.Errorf("error", "nobody says what this attempt comes to"))
	}
	if p.sleeps && r.Takes > 0 {
		select {
		case <-time.After(r.Takes):
		case <-ctx.Done():
			return nodes.Result{}, ctx.Err()
		}
	}
	switch {
	case r.Does != nil:
		return r.Does(t)
	case r.Fails != nil:
		return nodes.Result{}, r.Fails
	}
	return r.Result, nil
}

// CleanUp is that of the real work.
func (p player) CleanUp(ctx context.Context, t nodes.Task) error {
	return nodes.CleanUp(ctx, nodes.Spec{Node: p.real}, t)
}
