package graph

import (
	"errors"
	"fmt"

	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/value"
)

// A task may be carried to another process, which has the same graph and not the state.
// Its templates and conditions are there too, so only values travel: the `with` without its
// secrets, and what the expressions read that are evaluated there. All of them saw the same
// moment, so what they read is carried once for all.
//
// Where a secret belongs, the template of the node says and never the value that was
// carried. So no data of a stack can be taken for a reference to a secret, whatever it
// looks like.

// A carried task is an object of some of these.
const (
	carriedWith   = "with"   // without secrets; absent for null
	carriedPublic = "public" // in place of it: the `with` without what reads secrets
	carriedReads  = "reads"  // what expressions read (carry_reads.go); absent if they read nothing
)

// Carry makes one canonical value of the `with` of a task of a node, as Template.Defer gave
// it, and of its Bound, for a process that has the same graph. It has no secret, and of the
// state only what is still to be read. Carried is the inverse. Carry fails if with or b
// was not made by this very graph, as that of a task that began before the graph changed.
func (g *Graph) Carry(node int, with any, b Bound) (any, error) {
	if node < 0 || node >= len(g.Nodes) {
		return nil, fmt.Errorf("there is no node %d", node)
	}
	n := &g.Nodes[node]
	out, err := g.carry(n, with, b)
	if err != nil {
		return nil, fmt.Errorf("node %q: %w", n.ID, err)
	}
	return out, nil
}

func (g *Graph) carry(n *Node, with any, b Bound) (map[string]any, error) {
	out := map[string]any{}
	var r reading
	switch {
	case n.With.hasSecrets() && !value.Canonical(with): // of those that are, none has a secret
		public, err := atSecrets(n.With.root, with, r.takeSecret)
		if err != nil {
			return nil, err
		}
		out[carriedPublic] = public
	case with != nil:
		out[carriedWith] = with
	}
	if err := r.takeBound(g, b, n.Calls, n.Where); err != nil {
		return nil, err
	}
	reads, err := g.carryReads(&r)
	if err != nil {
		return nil, err
	}
	if len(reads) > 0 {
		out[carriedReads] = reads
	}
	if !value.Canonical(out) {
		return nil, errors.New("what its work is given cannot be carried: there is something else in it than canonical values")
	}
	return out, nil
}

// Carried gives back what Carry was given: a `with` in which references stand for secrets
// (value.Secret), and a Bound. Both share what they can with v, which must be canonical and
// may be anything: a value that Carry of this graph and node did not make is an error, or
// has expressions that fail.
func (g *Graph) Carried(node int, v any) (with any, b Bound, err error) {
	if node < 0 || node >= len(g.Nodes) {
		return nil, Bound{}, fmt.Errorf("there is no node %d", node)
	}
	n := &g.Nodes[node]
	with, env, err := g.carried(n, v)
	if err != nil {
		return nil, Bound{}, fmt.Errorf("node %q: %w", n.ID, err)
	}
	return with, g.Bind(n, env), nil
}

func (g *Graph) carried(n *Node, v any) (any, *cond.Env, error) {
	in, ok := v.(map[string]any)
	if !ok {
		return nil, nil, errForeign
	}
	with, complete := in[carriedWith]
	public, parted := in[carriedPublic]
	reads, some := in[carriedReads]
	known := 0
	for _, there := range []bool{complete, parted, some} {
		if there {
			known++
		}
	}
	if known != len(in) || parted && (complete || !n.With.hasSecrets()) {
		return nil, nil, errForeign
	}
	env, err := g.carriedReads(reads)
	if err == nil && parted {
		with, err = atSecrets(n.With.root, public, putSecret{n.With, env}.at)
	}
	return with, env, err
}

var errForeign = errors.New("what its work is given was not made by this definition of the graph")

func (t *Template) hasSecrets() bool { return t != nil && t.secrets != nil }
