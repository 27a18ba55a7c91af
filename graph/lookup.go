package graph

import "maps"

// index finds things by name.
type index struct {
	nodes, keys, params, pools, events map[string]int
	tools, servers, memories           map[string]int
}

func newIndex(def *Def) index {
	ix := index{
		nodes: make(map[string]int, len(def.Nodes)), keys: make(map[string]int, len(def.State)),
		params: make(map[string]int, len(def.Params)), pools: map[string]int{}, events: map[string]int{},
	}
	for i := range def.Nodes {
		first(ix.nodes, def.Nodes[i].ID.Value, i)
	}
	for i := range def.State {
		first(ix.keys, def.State[i].Name.Value, i)
	}
	for i := range def.Params {
		first(ix.params, def.Params[i].Name.Value, i)
	}
	ix.tools, ix.servers, ix.memories = make(map[string]int, len(def.Tools)), map[string]int{}, map[string]int{}
	for i := range def.Tools {
		first(ix.tools, def.Tools[i].Name.Value, i)
	}
	for i := range def.Servers {
		first(ix.servers, def.Servers[i].Name.Value, i)
	}
	for i := range def.Memories {
		first(ix.memories, def.Memories[i].Name.Value, i)
	}
	return ix
}

// first keeps the first of several entries of one name.
func first(m map[string]int, name string, i int) {
	if _, ok := m[name]; !ok {
		m[name] = i
	}
}

// NodeByID is the index of a node.
func (g *Graph) NodeByID(id string) (int, bool) { i, ok := g.index.nodes[id]; return i, ok }

// KeyByName is the index of a key of the state.
func (g *Graph) KeyByName(name string) (int, bool) { i, ok := g.index.keys[name]; return i, ok }

// PoolByName is the index of a pool.
func (g *Graph) PoolByName(name string) (int, bool) { i, ok := g.index.pools[name]; return i, ok }

// EventByName is the index of an event.
func (g *Graph) EventByName(name string) (int, bool) { i, ok := g.index.events[name]; return i, ok }

// NodeIDs lists the nodes in declaration order.
func (g *Graph) NodeIDs() []string { return names(g.Nodes, func(n *Node) string { return n.ID }) }

// KeyNames lists the keys of the state in declaration order.
func (g *Graph) KeyNames() []string { return names(g.Keys, func(k *Key) string { return k.Name }) }

// ParamNames lists the params in declaration order.
func (g *Graph) ParamNames() []string {
	return names(g.Params, func(p *Param) string { return p.Name })
}

// CheckPayload makes the payload of an event canonical by its type.
func (g *Graph) CheckPayload(event int, path string, v any) (any, error) {
	e := &g.Events[event]
	if e.Key < 0 {
		return e.Type.Check(path, v)
	}
	return g.Keys[e.Key].CheckPayload(path, v)
}

// EventNames lists the events in declaration order.
func (g *Graph) EventNames() []string {
	return names(g.Events, func(e *Event) string { return e.Name })
}

func names[T any](all []T, name func(*T) string) []string {
	out := make([]string, len(all))
	for i := range all {
		out[i] = name(&all[i])
	}
	return out
}

// Inner lists the graphs that nodes and tools run, in declaration order.
func (g *Graph) Inner() (all []*Graph) {
	for i := range g.Nodes {
		if inner := g.Nodes[i].Inner; inner != nil {
			all = append(all, inner)
		}
	}
	for i := range g.Tools {
		if inner := g.Tools[i].Inner; inner != nil {
			all = append(all, inner)
		}
	}
	return all
}

// Completed returns params with the defaults of those that are not given. given is not
// changed.
func (g *Graph) Completed(given map[string]any) map[string]any {
	out := maps.Clone(given)
	if out == nil {
		out = map[string]any{}
	}
	for _, p := range g.Params {
		if _, there := out[p.Name]; !there && p.HasDefault {
			out[p.Name] = p.Default
		}
	}
	return out
}
