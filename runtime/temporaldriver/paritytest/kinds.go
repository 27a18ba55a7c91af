package paritytest

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
)

// Wait lets time pass for an attempt. Its error is that of ctx, when ctx ends before.
type Wait func(ctx context.Context, d time.Duration) error

// Sleep is Wait in a bubble of fake time, and in real time.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Registry has the kinds of a case, with the work that it scripts. Attempts take their time with
// wait.
func (c *Case) Registry(wait Wait) (*nodes.Registry, error) {
	out := nodes.NewRegistry()
	var all error
	for _, name := range c.Kinds.Names() {
		spec, _ := c.Kinds.Spec(name)
		if !spec.Inline && !spec.Waits && !spec.Sends && !spec.Runs {
			if spec.Missing {
				spec.Missing, spec.Node = false, scripted{}
			}
			spec.Node = player{c, spec.Node, wait}
		}
		all = errors.Join(all, out.Register(spec))
	}
	return out, all
}

// Stored is a graph as a store has it: without the places in its file, which errors of conditions
// name as long as nobody has read it from a store.
func Stored(g *graph.Graph, kinds *nodes.Registry) (*graph.Graph, error) {
	text, err := json.Marshal(g.Def)
	if err != nil {
		return nil, err
	}
	return inspect.Compile(journal.StoredGraph{Hash: g.Hash, Name: g.Name, File: g.Def.File, Def: text}, kinds)
}

// player plays what the case says.
type player struct {
	c    *Case
	real nodes.Node
	wait Wait
}

func (p player) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	var r Reply
	ok := false
	if p.c.Work != nil {
		r, ok = p.c.Work(Attempt{t.Stack, t.Cycle, t.Wave, t.Node, t.Item, t.Attempt})
	}
	if !ok {
		return p.real.Run(ctx, t)
	}
	if r.Takes > 0 {
		if err := p.wait(ctx, r.Takes); err != nil {
			return nodes.Result{}, err
		}
	}
	switch {
	case r.Does != nil:
		return r.Does(ctx, t, p.wait)
	case r.Fails != nil:
		return nodes.Result{}, r.Fails
	}
	return r.Result, nil
}

// CleanUp is that of the real work.
func (p player) CleanUp(ctx context.Context, t nodes.Task) error {
	return nodes.CleanUp(ctx, nodes.Spec{Node: p.real}, t)
}
