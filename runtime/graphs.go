package runtime

import (
	"maps"
	"slices"

	"github.com/graphrun/graphrun/graph"
)

// AddGraph makes g the present definition of its name. A server calls it when it has
// read a graph's file, and again when the file has changed. Stacks of the graph adopt
// it with their next cycle. A stack whose state does not fit continues with its old
// definition; Status and the log say so. The limits of the graph's pools take effect at
// once. source is the text, which is kept with the stacks for people to read. Errors:
// *MissingError, *SecretError.
func (rt *Runtime) AddGraph(g *graph.Graph, source []byte) error {
	if len(g.Missing) > 0 {
		return &MissingError{g.Name, g.Missing}
	}
	if _, err := secretsOf(rt.cfg.Secret, nil, g); err != nil {
		return err
	}
	def := rt.defs.of(g, source)
	rt.defs.define(def)
	differ := rt.pools.Define(def.g)
	for _, name := range slices.Sorted(maps.Keys(differ)) {
		rt.log.Warn("a shared pool has other limits in another graph: those of the graph that was loaded last hold",
			"pool", name, "graph", g.Name, "other", differ[name])
	}
	for _, d := range rt.all() {
		if d.graph == g.Name && !d.child && (d.loaded() || d.hasRefused() || g.Fleet == graph.Lockstep) {
			d.post(func() { d.offer(def) })
		}
	}
	return nil
}
