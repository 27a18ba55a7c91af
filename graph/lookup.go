package graph

// index finds things by name.
type index struct {
	nodes, keys, params, pools, events map[string]int
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
