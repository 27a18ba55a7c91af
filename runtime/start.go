package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
)

// StartOptions are a new stack's own.
type StartOptions struct {
	// ID is the stack's name: letters, digits, `_`, `-` and `.`, at most 128.
	// Defaults to the graph's name.
	ID string
	// Params by name; those that are not given take their defaults. Any value
	// that encoding/json can write.
	Params map[string]any
	// State replaces initial values of keys.
	State map[string]any
	// Source is the graph's text, to be kept with the stack for people to read.
	Source []byte
	// StopAfter says when to stop driving it. Defaults to its end.
	StopAfter StopAfter
	// Rest only puts the stack into the store: nothing of it begins until
	// somebody goes on with it.
	Rest bool

	parent string // idempotency key of the task that runs it
}

var stackID = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

// Start begins a new stack. When it returns, the stack is in the store, and it
// goes on there whatever happens to this process. Errors: ErrExists,
// *MissingError, *SecretError, *InitError (a param or a state key that does not
// fit), *StoreError, ErrClosed; then there is no new stack.
func (rt *Runtime) Start(ctx context.Context, g *graph.Graph, o StartOptions) (*Stack, error) {
	if o.ID == "" {
		o.ID = g.Name
	}
	if !stackID.MatchString(o.ID) {
		return nil, &InitError{o.ID, fmt.Errorf("bad stack id %q, want %s", o.ID, stackID)}
	}
	if len(g.Missing) > 0 {
		return nil, &MissingError{g.Name, g.Missing}
	}
	params, err := canonical(o.Params)
	if err != nil {
		return nil, &InitError{o.ID, fmt.Errorf("params: %w", err)}
	}
	state, err := canonical(o.State)
	if err != nil {
		return nil, &InitError{o.ID, fmt.Errorf("state: %w", err)}
	}
	secrets, err := rt.secretsOf(g)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := rt.reserve(ctx, o.ID, ErrExists); err != nil {
		return nil, err
	}
	def := rt.limit(&definition{g, o.Source})
	now := time.Now().UTC()
	m, err := machine.New(def.g, secrets.options(), journal.Identity{Stack: o.ID, Graph: g.Name,
		Nonce: rt.cfg.Nonce(), Params: params, CreatedAt: now, Parent: o.parent}, state, now)
	if err != nil {
		rt.free(o.ID)
		return nil, &InitError{o.ID, err}
	}
	s := rt.newStack(o.ID, g.Name)
	s.child = o.parent != ""
	s.live, s.after = s.liven(m, def, secrets), o.StopAfter
	s.stopping = o.Rest
	return s.begin()
}

// newStack is a stack that is not loaded and that nothing drives yet. Whoever
// made it has the loop's part.
func (rt *Runtime) newStack(id, graph string) *Stack {
	return &Stack{rt: rt, name: id, graph: graph, done: make(chan struct{}), looping: true}
}

// liven makes the loaded part of a stack.
func (s *Stack) liven(m *machine.Machine, def *definition, sec *secrets) *live {
	return &live{
		id: m.Identity(), m: m, def: def, g: def.g, secrets: sec,
		pools:    s.rt.pools.Of(def.g),
		log:      sec.masker.Logger(s.rt.log).With("stack", s.name),
		attempts: map[journal.TaskKey]*attempt{},
	}
}

// begin makes the first commit and then leaves the stack to its loop.
func (s *Stack) begin() (*Stack, error) {
	if err := s.rt.admit(s); err != nil {
		return nil, err
	}
	s.log.Debug("driven from here on", "graph", s.graph, "hash", s.g.Hash, "cycle", s.cursor.Cycle, "wave", s.cursor.Wave)
	var err error
	stall, first := s.nextStall(), make(chan struct{})
	go func() {
		if s.settle(); s.closed {
			err = s.err
		}
		close(first)
		s.loop()
	}()
	select {
	case <-first:
	case <-stall.begun: // not for what was asked: the stack is in the store, or a child
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// storedGraph is the stack's definition as the store keeps it.
func (s *Stack) storedGraph() (*StoredGraph, error) {
	def, err := json.Marshal(s.g.Def)
	if err != nil {
		return nil, fmt.Errorf("graph %q: %w", s.g.Name, err)
	}
	return &StoredGraph{Hash: s.g.Hash, Name: s.g.Name, File: s.g.Def.File, Def: def, Source: s.def.source}, nil
}

// canonical turns a program's values into the state's.
func canonical(in map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(in))
	for k, v := range in {
		c, err := value.CopyOf(v)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", k, err)
		}
		out[k] = c
	}
	return out, nil
}
