package graph

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
)

// scopes holds the names that expressions may use, by the place of the expression.
type scopes struct {
	base     *cond.Scope // every condition, `in`, `max`, `stop`, `pause`
	reducer  *cond.Scope // expression reducers
	schedule *cond.Scope // `cron` of the schedule
	failed   *cond.Scope // base and an error that is there
	settled  *cond.Scope // base and an error that may be null
	author   *cond.Scope // instructions to models: params, stack, cycle, and defines made of these
	items    *cond.Scope // conditions over the items of a memory, without `data`
}

// The types of the names about the stack, which every expression may use.
var (
	statusType = schema.EnumOf(schema.String, "pending", "succeeded", "failed", "skipped", "waiting")
	nodeType   = schema.ObjectOf(required("status", statusType), required("attempts", schema.IntegerType),
		required("reason", schema.StringType.OrNull()), required("error", errorType.OrNull()))
	stackType = schema.ObjectOf(required("id", schema.StringType), required("graph", schema.StringType),
		required("created_at", schema.TimeType))
	cycleType = schema.ObjectOf(required("number", schema.IntegerType), required("started_at", schema.TimeType),
		required("due", schema.TimeType.OrNull()))
	errorType = schema.ObjectOf(required("node", schema.StringType),
		required("kind", schema.StringType), required("message", schema.StringType), required("code", schema.IntegerType.OrNull()),
		required("item", schema.StringType.OrNull()), required("path", schema.StringType), required("output", schema.StringType.OrNull()))
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
	noCron   = "a schedule sees `params` only: it is worked out when the stack starts"
	noPass   = "the params and the state of a graph are stored; name the secret in `secrets` of the inner graph"
)

const (
	noTalk    = "`messages` and `usage` are in scope in the `writes` of an agent"
	noArgs    = "`args` is in scope in the `with` and `approve` of the graph's tools, and in the `approve` of servers' tools"
	noItem    = "a condition over items sees `data`, `params` and `state`"
	noAuthor  = "instructions are the author's own words: give it to the model as `input`; templates here may use params, stack, cycle and defines made of these"
	noModel   = "a model would read it; put secrets into `providers`, `servers` and the `with` of tools"
	noResults = "on edges from a node with `for_each`, and in its `writes` and `until`, it is the list of what became of the elements"
	noOthers  = "`providers` and `servers` see `secrets` only: they are the same for all stacks"
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
	outside = append(outside, forbidden(noTalk, diag.UnknownName, "messages", "usage")...)
	outside = append(outside, forbidden(noArgs, diag.UnknownName, "args")...)
	paramsName := cond.Name{Name: "params", Type: schema.ObjectOf(params...), Slot: SlotParams}
	stateName := cond.Name{Name: "state", Type: schema.ObjectOf(keys...), Slot: SlotState, Record: true}
	c.scopes.items = cond.NewScope(outside...).With(forbidden(noItem, diag.UnknownName, "nodes", "stack", "cycle", "now")...).With(stateName, paramsName)
	c.scopes.base = cond.NewScope(outside...).With(
		stateName, paramsName,
		cond.Name{Name: "nodes", Type: schema.ObjectOf(nodes...), Slot: SlotNodes, Record: true},
		cond.Name{Name: "stack", Type: stackType, Slot: SlotStack},
		cond.Name{Name: "cycle", Type: cycleType, Slot: SlotCycle},
		cond.Name{Name: "now", Type: schema.TimeType, Slot: SlotNow},
	)
	c.scopes.reducer = cond.NewScope(outside...).With(
		forbidden(noState, diag.UnknownName, "state", "nodes", "stack", "cycle", "now")...).With(paramsName)
	c.scopes.schedule = cond.NewScope(outside...).With(
		forbidden(noCron, diag.UnknownName, "state", "nodes", "stack", "cycle", "now")...).With(paramsName)
}

// finishScopes adds the scopes that build on the one with all defines.
func (c *compiler) finishScopes() {
	c.scopes.failed = c.scopes.base.With(cond.Name{Name: "error", Type: errorType, Slot: SlotError})
	c.scopes.author = c.authorScope()
	c.scopes.settled = c.scopes.base.With(cond.Name{Name: "error", Type: errorType.OrNull(), Slot: SlotError})
	c.final = c.finalScopes()
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
		any = any || e.Outcome.TakesFailure()
		only = only && (e.Outcome == Failure || !e.Counts())
	}
	in := c.scopesOf(n)
	switch {
	case any && only:
		return in.failed
	case any:
		return in.settled
	}
	return in.base
}

// authorScope returns the scope of the fields that are the author's own words.
func (c *compiler) authorScope() *cond.Scope {
	const own = 1<<SlotParams | 1<<SlotStack | 1<<SlotCycle
	out := c.scopes.base.With(forbidden(noModel, diag.SecretLeak, "secrets")...).With(forbidden(noAuthor, diag.BadConfig, "state", "nodes", "now", "error", "output", "index", "args", "messages", "usage")...)
	for i := range c.def.Define {
		name, ok := c.scopes.base.Lookup(c.def.Define[i].Name.Value)
		if ok && name.Define != nil && name.Define.Reads().Slots&^own != 0 {
			out = out.With(forbidden(noAuthor, diag.BadConfig, name.Name)...)
		}
	}
	return out
}

// secretsName returns the declared secrets as a name in scope of the `with` of a kind.
// What runs a graph cannot use them, because the params and the state of a stack are
// stored, and what asks a model would tell them.
func (c *compiler) secretsName(k *Kind) []cond.Name {
	switch {
	case k.Runs:
		return forbidden(noPass, diag.SecretLeak, "secrets")
	case k.Talks:
		return forbidden(noModel, diag.SecretLeak, "secrets")
	}
	return c.declaredSecrets()
}

// declaredSecrets returns the secrets of the graph as a name.
func (c *compiler) declaredSecrets() []cond.Name {
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

// UsageType is the type of what an agent used: the whole task, over its attempts.
var UsageType = schema.ObjectOf(required("turns", schema.IntegerType), required("calls", schema.IntegerType),
	required("input_tokens", schema.IntegerType), required("output_tokens", schema.IntegerType),
	required("cost", schema.NumberType), required("estimated", schema.BooleanType))

// talkNames returns what is in scope of `writes` of a node that asks models: what it
// added to the conversation, and what it used. Under for_each they are lists of them.
func talkNames(n *Node) []cond.Name {
	if !n.Kind.Talks {
		return nil
	}
	messages, usage := schema.ListOf(schema.MessageType), UsageType
	if n.ForEach != nil {
		messages, usage = schema.ListOf(messages), schema.ListOf(usage)
	}
	return []cond.Name{{Name: "messages", Type: messages, Slot: SlotMessages}, {Name: "usage", Type: usage, Slot: SlotUsage}}
}

// authorOf is the scope of the author's own words within another: names that only the
// other has come from outside.
func (c *compiler) authorOf(scope *cond.Scope) *cond.Scope {
	out := c.scopes.author
	if stack, ok := scope.Lookup("stack"); ok && stack.Type == finalStackType {
		out = out.With(stack)
	}
	for _, name := range scope.Names() {
		if _, known := out.Lookup(name); !known {
			out = out.With(forbidden(noAuthor, diag.BadConfig, name)...)
		}
	}
	return out
}
