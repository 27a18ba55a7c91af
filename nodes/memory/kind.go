package memory

import (
	"context"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
)

// Spec is the kind `memory`. A search asks `where` through nodes.Task.Where.
func (m *Memories) Spec() nodes.Spec {
	kind := std.Memory()
	kind.Missing = false
	kind.Secrets = true // the provider's key
	return nodes.Spec{Kind: kind, Node: node{m}}
}

type node struct{ m *Memories }

// config is the `with` of the kind.
type config struct {
	Memory string `json:"memory"`
	Op     string `json:"op"`
	ID     string `json:"id"`
	Text   string `json:"text"`
	Query  string `json:"query"`
	Limit  *int   `json:"limit"`
}

func (n node) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	with, _ := t.With.(map[string]any)
	var c config
	rest := map[string]any{}
	for name, v := range with {
		if name != "data" && name != "where" { // data keeps its integers, and where is bound
			rest[name] = v
		}
	}
	if err := nodes.Decode(rest, &c); err != nil {
		return nodes.Result{}, bad("%v", err)
	}
	switch c.Op {
	case "search":
		limit := DefaultLimit
		if c.Limit != nil {
			if limit = *c.Limit; limit < 1 {
				return nodes.Result{}, bad("the limit of a search is %d, expected 1 to %d", limit, MaxLimit)
			}
		}
		if with["where"] != nil && t.Where == nil {
			return nodes.Result{}, bad("the driver evaluates no `where`")
		}
		out, err := n.m.search(ctx, t, c.Memory, c.Query, limit, t.Where)
		return nodes.Result{Output: out}, err
	case "write":
		out, w, err := n.m.Write(ctx, t, c.Memory, c.ID, t.Key, c.Text, with["data"])
		if err != nil {
			return nodes.Result{}, err
		}
		return nodes.Result{Output: out, Memory: []journal.MemoryWrite{w}}, nil
	case "delete":
		if c.ID == "" || len(c.ID) > MaxID {
			return nodes.Result{}, bad("a delete needs an id of 1 to %d bytes", MaxID)
		}
		there, w, err := n.m.remove(ctx, t, c.Memory, c.ID)
		if err != nil {
			return nodes.Result{}, err
		}
		return nodes.Result{Output: map[string]any{"deleted": there}, Memory: []journal.MemoryWrite{w}}, nil
	}
	return nodes.Result{}, bad("op is %q, expected write, search or delete", c.Op)
}
