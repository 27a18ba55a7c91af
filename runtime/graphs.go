package runtime

import (
	"github.com/graphrun/graphrun/graph"
)

// AddGraph makes g the present definition of its name, as a file that was read
// (again) by a server. Stacks of the graph take it up with their next cycle;
// one whose state does not fit goes on under the definition it has, which
// Status and the log tell. The limits of its pools hold from now on. source is
// the text, kept with the stacks for people to read. Errors: *MissingError,
// *SecretError.
func (rt *Runtime) AddGraph(g *graph.Graph, source []byte) error {
	if len(g.Missing) > 0 {
		return &MissingError{g.Name, g.Missing}
	}
	if _, err := secretsOf(rt.cfg.Secret, g); err != nil {
		return err
	}
	def := rt.defs.limited(&definition{g, source})
	rt.defs.define(def)
	rt.pools.Define(def.g)
	for _, d := range rt.all() {
		if d.graph == g.Name && !d.child && (d.loaded() || d.hasRefused() || g.Fleet == graph.Lockstep) {
			d.post(func() { d.offer(def) })
		}
	}
	return nil
}
