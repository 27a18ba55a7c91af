package temporaldriver

import (
	"context"
	"errors"
	"fmt"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// Stack is who a stack is and where it stands.
func (c *Client) Stack(ctx context.Context, stack string) (journal.Summary, error) {
	r, err := c.ask(ctx, stack, readRequest{What: readStack})
	if err != nil {
		return journal.Summary{}, err
	}
	if r.Identity == nil || r.Cursor == nil || r.Cursor.Seq == 0 { // it could not begin
		return journal.Summary{}, journal.ErrNotFound
	}
	c.runsUnder(stack, r.Cursor)
	return journal.Summary{Identity: *r.Identity, Cursor: *r.Cursor}, nil
}

// State is a stack without its records.
func (c *Client) State(ctx context.Context, stack string) (journal.Snapshot, error) {
	return c.snapshot(ctx, stack, readRequest{What: readState})
}

// Load is a whole stack.
func (c *Client) Load(ctx context.Context, stack string) (journal.Snapshot, error) {
	return c.snapshot(ctx, stack, readRequest{What: readSnapshot})
}

// Base is a stack at the end of a cycle, as inspect.Reader says.
func (c *Client) Base(ctx context.Context, stack string, at journal.Point) (journal.Snapshot, error) {
	return c.snapshot(ctx, stack, readRequest{What: readBase, At: &at})
}

func (c *Client) snapshot(ctx context.Context, stack string, q readRequest) (journal.Snapshot, error) {
	r, err := c.ask(ctx, stack, q)
	if err != nil {
		return journal.Snapshot{}, err
	}
	if r.Snapshot == nil {
		return journal.Snapshot{}, strange(stack)
	}
	c.runsUnder(stack, &r.Snapshot.Cursor)
	return *r.Snapshot, nil
}

// Records calls fn for records of a stack in their order, until it returns an error. A stack that
// has many is asked several times; those that it deletes meanwhile are missing.
func (c *Client) Records(ctx context.Context, stack string, want journal.Want, fn func(journal.Record) error) error {
	for {
		r, err := c.ask(ctx, stack, readRequest{What: readRecords, Want: &want})
		if err != nil {
			return err
		}
		for _, line := range r.Records {
			rec, err := journal.ParseRecord(line)
			if err != nil {
				return &runtime.StoreError{Err: fmt.Errorf("stack %q: a record cannot be read: %w", stack, err)}
			}
			want.From = rec.Seq + 1
			if err := fn(rec); err != nil {
				return err
			}
		}
		if !r.More || len(r.Records) == 0 {
			return nil
		}
		want.To, want.Last = r.Seq, 0 // those that were there, and whose first was found
	}
}

// Memory calls item for the items of a memory that were written after seq, oldest first, and returns
// where the memory stands. One that was never written to has the zero state.
func (c *Client) Memory(ctx context.Context, ref journal.MemoryRef, after uint64, item func(journal.MemoryItem) error) (journal.MemoryState, error) {
	of := ref.Stack
	if of == "" {
		of = memoryID(ref)
	}
	return memoryPages(func(q readRequest) (readReply, error) {
		r, err := c.ask(ctx, of, q)
		if ref.Stack == "" && errors.Is(err, journal.ErrNotFound) {
			err = nil
		}
		return r, err
	}, ref.Name, after, item)
}

// ask is query with an error for what the stack does not have.
func (c *Client) ask(ctx context.Context, stack string, q readRequest) (readReply, error) {
	r, err := c.query(ctx, stack, q)
	if err == nil && r.Missing {
		err = journal.ErrNotFound
	}
	return r, err
}

func strange(stack string) error {
	return &runtime.StoreError{Err: fmt.Errorf("stack %q: its worker does not answer what it was asked: it is of another version", stack)}
}

// keptHomes bounds how many graphs a client knows a stack of.
const keptHomes = 1024

// runsUnder keeps which stack has a graph, for Graph.
func (c *Client) runsUnder(stack string, at *journal.Cursor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.homes) >= keptHomes {
		clear(c.homes)
	}
	c.homes[at.Hash] = stack
	if c.read = append(c.read, stack); len(c.read) > atATime {
		c.read = c.read[1:]
	}
}

// Graph is a stored definition by its hash. Definitions are with the stacks that run under them or
// did so, so those are asked that this client has read lately, and then those that began with it.
func (c *Client) Graph(ctx context.Context, hash string) (journal.StoredGraph, error) {
	c.mu.Lock()
	kept, known := c.graphs[hash]
	stacks := []string{c.homes[hash]}
	for i := len(c.read) - 1; i >= 0; i-- {
		stacks = append(stacks, c.read[i])
	}
	c.mu.Unlock()
	if known {
		return kept, nil
	}
	asked := map[string]bool{"": true}
	try := func(stacks []string) (g journal.StoredGraph, ok bool, err error) {
		for _, stack := range stacks {
			if asked[stack] {
				continue
			}
			asked[stack] = true
			r, err := c.query(ctx, stack, readRequest{What: readGraph, Hash: hash})
			if err != nil {
				return g, false, err
			}
			if r.Graph != nil && r.Graph.Hash == hash {
				return *r.Graph, true, nil
			}
		}
		return g, false, nil
	}
	g, ok, err := try(stacks)
	if !ok {
		all, broken := c.list(ctx)
		if broken != nil {
			return g, broken
		}
		stacks = nil
		for i := range all {
			if all[i].hash == hash && len(stacks) < atATime {
				stacks = append(stacks, all[i].stack)
			}
		}
		g, ok, err = try(stacks)
	}
	if !ok {
		if err == nil {
			err = journal.ErrNotFound
		}
		return g, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.graphs) >= keptDefinitions {
		clear(c.graphs)
	}
	c.graphs[hash] = g
	return g, nil
}

// definition is the compiled graph of a hash.
func (c *Client) definition(ctx context.Context, hash string) (*definition, error) {
	if def := c.defs.known(hash); def != nil {
		return def, nil
	}
	kept, err := c.Graph(ctx, hash)
	if err != nil {
		return nil, err
	}
	return c.defs.compile(kept)
}
