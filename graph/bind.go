package graph

import (
	"slices"

	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/value"
)

// Bound is what the work of a task may evaluate while it runs. It holds what its
// expressions read as it was when the task began. It is immutable and safe for
// concurrent use.
type Bound struct {
	Tools   []BoundTool       // the graph's own tools that the task may call
	Servers []BoundServerTool // servers' tools whose calls may need a person's word
	Where   *BoundCondition   // of the node's `where`; nil means none
}

// IsZero reports whether there is nothing to evaluate.
func (b Bound) IsZero() bool { return b.Tools == nil && b.Servers == nil && b.Where == nil }

// Bind keeps what the tools of a node, and its `where`, read of env as it is now.
func (g *Graph) Bind(n *Node, env *cond.Env) Bound { return g.bind(n.Calls, n.Where, env) }

func (g *Graph) bind(calls []ToolName, where *cond.Program, env *cond.Env) (b Bound) {
	for _, c := range calls {
		switch c.Of {
		case OwnTool:
			b.Tools = append(b.Tools, g.bindTool(c.Index, env))
		case ServersTool:
			s := &g.Servers[c.Index]
			if t := &s.Tools[c.Tool]; t.Approve != nil {
				b.Servers = append(b.Servers, BoundServerTool{Server: s.Name, Tool: t.Name,
					word: t.Approve.bind(env)})
			}
		}
	}
	if where != nil {
		b.Where = &BoundCondition{where, SlotData, kept(env, SlotData, where)}
	}
	return b
}

// bindTool binds a tool with what it may call itself. No tool can call itself.
func (g *Graph) bindTool(i int, env *cond.Env) BoundTool {
	t := &g.Tools[i]
	b := t.Bind(env)
	b.Own = g.bind(t.Calls, t.Where, env)
	return b
}

// BoundTool is a tool of the graph's own as one task may call it. It is immutable and
// safe for concurrent use.
type BoundTool struct {
	*Tool
	Own   Bound // what the tool may evaluate itself: an agent, or a search with `where`
	slots []any // what With reads, but for the arguments and the secrets
	word  *BoundCondition
	when  *BoundCondition // Retry.When; nil always holds
}

// Bind keeps what the `with` and the `approve` of a tool read of env as it is now.
// Graph.Bind also binds what the tool may call itself.
func (t *Tool) Bind(env *cond.Env) BoundTool {
	b := BoundTool{Tool: t, word: t.Approve.bind(env)}
	if when := t.Retry.When; when != nil {
		b.when = &BoundCondition{when, SlotError, kept(env, SlotError, when)}
	}
	if t.With != nil {
		b.slots = kept(env, SlotArgs, t.With.programs...)
	}
	return b
}

// Configure returns the tool's `with` for the arguments of a call, nil without one.
// References stand for secrets (value.Secret). Errors are *cond.Error.
func (b BoundTool) Configure(args any) (any, error) {
	if b.With == nil {
		return nil, nil
	}
	env := &cond.Env{Slots: slices.Clone(b.slots)}
	env.Slots[SlotArgs] = args
	return b.With.Defer(env)
}

// NeedsWord reports whether a person has to agree to a call with these arguments.
// Errors are *cond.Error.
func (b BoundTool) NeedsWord(args any) (bool, error) {
	if b.Approve == nil {
		return false, nil
	}
	return b.word.Holds(args)
}

// Retries reports whether another attempt may follow a failed one, by Retry.When. failure
// is the error as expressions read it. Errors are *cond.Error.
func (b BoundTool) Retries(failure map[string]any) (bool, error) {
	if b.when == nil {
		return true, nil
	}
	return b.when.Holds(failure)
}

// BoundServerTool says which calls of a server's tool need a person's word. It is
// immutable and safe for concurrent use.
type BoundServerTool struct {
	Server, Tool string
	word         *BoundCondition
}

// NeedsWord reports whether a person has to agree to a call with these arguments.
// Errors are *cond.Error.
func (b BoundServerTool) NeedsWord(args any) (bool, error) { return b.word.Holds(args) }

// BoundCondition is a condition that lacks one value only. It is immutable and safe for
// concurrent use.
type BoundCondition struct {
	program *cond.Program // nil always holds
	slot    int           // of the value that is not known yet
	slots   []any
}

// Holds evaluates the condition with the value. Null counts as false. Errors are
// *cond.Error.
func (b *BoundCondition) Holds(v any) (bool, error) {
	if b.program == nil {
		return true, nil
	}
	env := &cond.Env{Slots: slices.Clone(b.slots)}
	env.Slots[b.slot] = v
	return b.program.Holds(env)
}

// bind keeps what the condition reads; nil for nil.
func (a *Approve) bind(env *cond.Env) *BoundCondition {
	switch {
	case a == nil:
		return nil
	case a.When == nil:
		return &BoundCondition{}
	}
	return &BoundCondition{a.When, SlotArgs, kept(env, SlotArgs, a.When)}
}

// kept returns what programs read of an environment, as it is now, but for one slot
// and the secrets.
func kept(env *cond.Env, but int, programs ...*cond.Program) []any {
	slots := make([]any, len(env.Slots))
	for _, p := range programs {
		for i, v := range inputsOf(p, env) {
			old, both := slots[i].(fields)
			switch {
			case v == nil:
			case both:
				for k, x := range v.(fields) {
					if x != nil {
						old[k] = x
					}
				}
			default:
				slots[i] = v
			}
		}
	}
	slots[but] = nil
	return slots
}

// Fill evaluates a template that reads nothing but secrets.
func (t *Template) Fill(secrets value.Lookup) (any, error) {
	if t == nil {
		return nil, nil
	}
	v, err := t.Defer(&cond.Env{Slots: make([]any, NumSlots)})
	if err != nil {
		return nil, err
	}
	return value.Fill(v, secrets)
}
