package graph

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
)

// scopes holds the names that expressions may use, by the place of the expression.
type scopes struct {
	base    *cond.Scope // every condition, `in`, `max`, `stop`, `pause`
	reducer *cond.Scope // expression reducers
	failed  *cond.Scope // base and an error that is there
	settled *cond.Scope // base and an error that may be null
}

// The types of the names about the stack, which every expression may use.
var (
	statusType = schema.EnumOf(schema.String, "pending", "succeeded", "failed", "skipped", "waiting")
	nodeType   = schema.ObjectOf(required("status", statusType), required("attempts", schema.IntegerType))
	stackType  = schema.ObjectOf(required("id", schema.StringType), required("graph", schema.StringType),
		required("created_at", schema.TimeType))
	cycleType = schema.ObjectOf(required("number", schema.IntegerType), required("started_at", schema.TimeType))
	errorType = schema.ObjectOf(required("node", schema.StringType),
		required("kind", schema.StringType), required("message", schema.StringType))
)

func required(name string, t *schema.Type) schema.Prop {
	return schema.Prop{Name: name, Type: t, Required: true}
}

const (
	noOutput = "outputs are in scope in `writes` only; write what others should see into the state"
	noError  = "an error is in scope on edges with `outcome: failure` or `always`, and in the `with` of the nodes behind them"
	noSecret = "secrets are in scope in `with` only, so that none ends up in the state"
	noIndex  = "`index` is in scope in the `with`, `priority`, `key` and `cache` of a node with `for_each`"
	noOldNew = "`old` and `new` are in scope in an expression reducer only"
	noState  = "an expression reducer sees `old`, `new` and `params`; everything else may change before it runs"
	noPass   = "the params and the state of a graph are stored; name the secret in `secrets` of the inner graph"
)

func forbidden(help string, code diag.Code, names ...string) []cond.Name {
	out := make([]cond.Name, len(names))
	for i, n := range names {
		out[i] = cond.Name{Name: n, Type: schema.AnyType, Forbidden: help, Code: code}
	}
	return out
}

// buildScopes needs types, params, the state and the nodes' names.
func (c *compiler) buildScopes() {
	keys := make([]schema.Prop, len(c.g.Keys))
	for i, k := range c.g.Keys {
		keys[i] = required(k.Name, k.Type)
	}
	nodes := make([]schema.Prop, len(c.g.Nodes))
	for i := range c.g.Nodes {
		nodes[i] = required(c.g.Nodes[i].ID, nodeType)
	}
	params := make([]schema.Prop, len(c.g.Params))
	for i, p := range c.g.Params {
		params[i] = required(p.Name, p.Type)
	}
	outside := forbidden(noOutput, diag.UnknownName, "output")
	outside = append(outside, forbidden(noError, diag.UnknownName, "error")...)
	outside = append(outside, forbidden(noSecret, diag.SecretLeak, "secrets")...)
	outside = append(outside, forbidden(noIndex, diag.UnknownName, "index")...)
	outside = append(outside, forbidden(noOldNew, diag.UnknownName, "old", "new")...)
	paramsName := cond.Name{Name: "params", Type: schema.ObjectOf(params...), Slot: SlotParams}
	c.scopes.base = cond.NewScope(outside...).With(
		cond.Name{Name: "state", Type: schema.ObjectOf(keys...), Slot: SlotState, Record: true},
		paramsName,
		cond.Name{Name: "nodes", Type: schema.ObjectOf(nodes...), Slot: SlotNodes, Record: true},
		cond.Name{Name: "stack", Type: stackType, Slot: SlotStack},
		cond.Name{Name: "cycle", Type: cycleType, Slot: SlotCycle},
		cond.Name{Name: "now", Type: schema.TimeType, Slot: SlotNow},
	)
	c.scopes.reducer = cond.NewScope(outside...).With(
		forbidden(noState, diag.UnknownName, "state", "nodes", "stack", "cycle", "now")...).With(paramsName)
}

// finishScopes adds the scopes that build on the one with all defines.
func (c *compiler) finishScopes() {
	c.scopes.failed = c.scopes.base.With(cond.Name{Name: "error", Type: errorType, Slot: SlotError})
	c.scopes.settled = c.scopes.base.With(cond.Name{Name: "error", Type: errorType.OrNull(), Slot: SlotError})
}

// edge returns the scope of the condition of an edge. It has an error if the source
// may have failed.
func (s *scopes) edge(o Outcome) *cond.Scope {
	switch o {
	case Failure:
		return s.failed
	case Always:
		return s.settled
	}
	return s.base
}

// errorScope returns the scope of a node's `with`, without secrets and elements.
// The error may be null if the node can run without a failure.
func (c *compiler) errorScope(n *Node) *cond.Scope {
	any, only := false, n.Join != JoinNone
	for _, i := range n.In {
		e := &c.g.Edges[i]
		any = any || e.Outcome != Success
		only = only && (e.Outcome == Failure || !e.Counts())
	}
	switch {
	case any && only:
		return c.scopes.failed
	case any:
		return c.scopes.settled
	}
	return c.scopes.base
}

// secretsName returns the declared secrets as a name in scope of a node's `with`.
// A node that runs a graph cannot use them, because the params and the state of a
// stack are stored.
func (c *compiler) secretsName(n *Node) []cond.Name {
	if n.Kind.Runs {
		return forbidden(noPass, diag.SecretLeak, "secrets")
	}
	props := make([]schema.Prop, len(c.g.Secrets))
	for i, s := range c.g.Secrets {
		props[i] = required(s, schema.StringType)
	}
	return []cond.Name{{Name: "secrets", Type: schema.ObjectOf(props...), Slot: SlotSecrets}}
}

// outputName returns a node's output as a name in scope of `writes`.
func outputName(t *schema.Type) cond.Name {
	return cond.Name{Name: "output", Type: t, Slot: SlotOutput}
}

// elementNames returns the names in scope of `with`, `priority`, `key` and `cache`
// under for_each.
func elementNames(as string, elem *schema.Type) []cond.Name {
	return []cond.Name{
		{Name: as, Type: elem, Slot: SlotItem},
		{Name: "index", Type: schema.IntegerType, Slot: SlotIndex},
	}
}

// elementOutside says why an element's name cannot be used in `writes`.
func elementOutside(as string) []cond.Name {
	return forbidden("`writes` is evaluated once for all elements: `output` is the list of their outputs, as in map(output, .field)",
		diag.UnknownName, as, "index")
}
