package api

import (
	"encoding/json"
	"errors"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/internal/late"
	"github.com/graphrun/graphrun/runtime"
)

// State is a stack's state at a point of its history.
type State struct {
	Stack string `json:"stack"`
	Cycle uint64 `json:"cycle"`
	Wave  uint64 `json:"wave"`
	State Values `json:"state"`
}

func (c *call) stackState() (State, error) {
	at, err := c.point("at")
	if err != nil {
		return State{}, err
	}
	then, err := inspect.At(c.ctx, c.o.Store, c.o.Kinds, c.stack(), at)
	if err != nil {
		return State{}, err
	}
	return State{c.stack(), then.Point.Cycle, then.Point.Wave, then.State}, nil
}

// snapshot is a whole stack, or with ?records=false one without its records, or
// with ?state=false only its identity and its position.
func (c *call) snapshot() (journal.Snapshot, error) {
	switch {
	case c.query["state"] == "false":
		sum, err := c.o.Store.Stack(c.ctx, c.stack())
		return journal.Snapshot{Identity: sum.Identity, Cursor: sum.Cursor}, err
	case c.query["records"] == "false":
		return c.o.Store.State(c.ctx, c.stack())
	}
	return c.o.Store.Load(c.ctx, c.stack())
}

// base is a stack as it was at the nearest checkpoint before ?at=CYCLE[.WAVE].
func (c *call) base() (journal.Snapshot, error) {
	at, err := c.point("at")
	if err != nil {
		return journal.Snapshot{}, err
	}
	return c.o.Store.Base(c.ctx, c.stack(), at)
}

// storedGraphBody is a stored definition on the wire.
type storedGraphBody struct {
	Hash   string          `json:"hash"`
	Name   string          `json:"name"`
	File   string          `json:"file"`
	Def    json.RawMessage `json:"def"`
	Source string          `json:"source"`
}

const hashPattern = `^[0-9a-f]{64}$` // of the SHA-256 of a definition

var hashForm = late.Regexp(hashPattern)

func (c *call) storedGraph() (storedGraphBody, error) {
	hash := c.ids["hash"]
	if !hashForm().MatchString(hash) {
		return storedGraphBody{}, errorf(CodeUsage, "hash %q: expected 64 hex digits", hash)
	}
	g, err := c.o.Store.Graph(c.ctx, hash)
	if c.who.Graph != "" && (errors.Is(err, runtime.ErrNotFound) || err == nil && !c.seesDefinition(&g)) {
		return storedGraphBody{}, errorf(CodeNotFound, "unknown definition %q", hash)
	}
	return storedGraphBody{g.Hash, g.Name, g.File, g.Def, string(g.Source)}, err
}
