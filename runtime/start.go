package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

// StartOptions are the options of a new stack.
type StartOptions struct {
	// ID is the stack's id: at most 128 letters, digits, `_`, `-` and `.`. Defaults to
	// the graph's name.
	ID string
	// Params are the params by name, as any values that encoding/json can write. Those
	// that are missing take their defaults.
	Params map[string]any
	// State replaces the initial values of keys.
	State map[string]any
	// Source is the graph's text, which is kept with the stack for people to read.
	Source []byte
	// StopAfter says when to stop driving the stack. Defaults to its end.
	StopAfter StopAfter
	// Rest only puts the stack into the store: nothing of it runs until somebody resumes
	// it.
	Rest bool

	parent    string // idempotency key of the task that runs it
	maxCycles uint64 // of a child with `until`
}

// Start starts a new stack. When it returns, the stack is in the store, and a later
// process continues it whatever happens to this one. Errors: ErrExists, *MissingError,
// *SecretError, *InitError (a param or a state key does not fit), *StoreError,
// ErrClosed; after an error there is no new stack.
func (rt *Runtime) Start(ctx context.Context, g *graph.Graph, o StartOptions) (*Stack, error) {
	if g == nil {
		return nil, &InitError{o.ID, errors.New("there is no graph")}
	}
	if o.ID == "" {
		o.ID = g.Name
	}
	if err := work.CheckStackID(o.ID); err != nil {
		return nil, &InitError{o.ID, err}
	}
	if len(g.Missing) > 0 {
		return nil, &MissingError{g.Name, g.Missing}
	}
	params, err := work.Canonical(o.Params)
	if err != nil {
		return nil, &InitError{o.ID, fmt.Errorf("params: %w", err)}
	}
	state, err := work.Canonical(o.State)
	if err != nil {
		return nil, &InitError{o.ID, fmt.Errorf("state: %w", err)}
	}
	secrets, err := secretsOf(rt.cfg.Secret, g.Completed(params), g)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := rt.reserve(ctx, o.ID, ErrExists); err != nil {
		return nil, err
	}
	def := rt.defs.of(g, o.Source)
	now := time.Now().UTC()
	options := rt.defs.options(secrets)
	id := journal.Identity{Stack: o.ID, Graph: g.Name,
		Nonce: rt.cfg.Nonce(), Params: params, CreatedAt: now, Parent: o.parent, MaxCycles: o.maxCycles}
	options.By, options.Around = By(ctx), rt.around(&id)
	m, err := machine.New(def.g, options, id, state, now)
	if err != nil {
		rt.free(o.ID)
		return nil, &InitError{o.ID, err}
	}
	rt.reap()
	d := rt.newDrive(o.ID, g.Name)
	d.child = o.parent != ""
	d.live, d.after = d.liven(m, def, secrets), o.StopAfter
	d.stopping, d.visited = o.Rest, o.Rest
	return d.begin(func() error { return rt.admit(d) })
}
