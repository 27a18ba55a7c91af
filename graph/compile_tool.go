package graph

import (
	"strings"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// toolTimeout is how long an attempt of a tool may take where the tool does not say.
const toolTimeout = time.Minute

func (c *compiler) compileTools() {
	c.named.tools = make([]bool, len(c.def.Tools))
	for i := range c.def.Tools {
		c.g.Tools = append(c.g.Tools, c.tool(i))
	}
	c.checkToolLoops()
}

func (c *compiler) tool(i int) Tool {
	d := &c.def.Tools[i]
	t := Tool{Index: i, Name: d.Name.Value, Description: d.Description, Parallel: d.Parallel, Timeout: d.Timeout, Def: d,
		Args: schema.ObjectOf(), Retry: newRetry()}
	if t.Timeout == 0 {
		t.Timeout = toolTimeout
	}
	if d.Retry != nil {
		c.checkRetryKinds(d.Retry.Errors)
		t.Retry.take(d.Retry)
		t.Retry.When = c.condition(d.Retry.When, c.scopes.failed)
	}
	if d.Args != nil {
		known := len(c.diags)
		if t.Args = c.schema(d.Args); len(c.diags) > known { // what it is to be is not known
			t.Args = schema.MapOf(nil)
		}
		if t.Args.Kind != schema.Object || t.Args.Nullable {
			c.diags.Add(diag.WrongType, d.Args.Span, "as {type: object, properties: {…}}", "the arguments of a tool must be an object, not %s", t.Args)
			t.Args = schema.MapOf(nil)
		}
	}
	t.Effects, _ = c.effects(d.Effects)
	t.Approve, _ = c.approve(d.Approve, t.Args)
	c.mention(NameOfKind, d.Uses)
	k, ok := c.kinds.Kind(d.Uses.Value)
	switch {
	case d.Uses.Value == "":
		if d.At.IsZero() { // else who read it has said so, at the place that lacks it
			c.diags.Add(diag.MissingField, d.Name.Span, "", "tool %q has no %q", t.Name, "uses")
		}
		k.Open = true
	case !ok:
		c.unknown(diag.UnknownKind, "kind", d.Uses, c.kinds.Names())
		k.Open = true
	case k.Waits:
		c.diags.Add(diag.BadConfig, d.Uses.Span, "a call may wait for a person's word: `approve: always`", "%q waits, so it cannot be a tool", k.Name)
	case k.Sends:
		c.diags.Add(diag.BadConfig, d.Uses.Span, "let a node send what the agent decided", "%q is done with the commit of a wave, so it cannot be a tool", k.Name)
	}
	t.Kind = k
	s := &site{kind: &t.Kind, with: toolDefaults(&k, d.With), withAt: d.WithAt, at: placed(d.At, d.Name.Span), runs: d.Graph,
		scope: c.scopes.base.With(c.secretsName(&k)...).With(argsName(t.Args))}
	s.with = c.textsOf(s)
	d.With = s.with
	c.compileSite(s)
	t.With, t.Output, t.Inner, t.Calls, t.Where = s.template, s.output, s.inner, s.calls, s.where
	if d.Output != nil {
		t.Output = c.schema(d.Output)
	}
	return t
}

// toolDefaults adds what a kind wants of a tool that does not say otherwise.
func toolDefaults(k *Kind, with *tree.Node) *tree.Node {
	if with != nil && with.Kind != tree.Map {
		return with
	}
	for _, f := range k.Fields {
		if f.Tool == "" || with.Get(f.Name) != nil {
			continue
		}
		more := &tree.Node{Kind: tree.Map}
		if with != nil {
			*more = *with
		}
		more.Fields = append(more.Fields[:len(more.Fields):len(more.Fields)], tree.Field{Key: diag.Plain(f.Name), Value: tree.Of(f.Tool)})
		with = more
	}
	return with
}

// checkToolLoops reports tools that call themselves: agents that are tools of agents.
func (c *compiler) checkToolLoops() {
	next := make([][]int, len(c.g.Tools))
	for i := range c.g.Tools {
		for _, call := range c.g.Tools[i].Calls {
			if call.Of == OwnTool {
				next[i] = append(next[i], call.Index)
			}
		}
	}
	for _, loop := range findLoops(next) {
		c.toolLoops = true
		path := loopPath(loop[0], loop, next)
		words := make([]string, len(path))
		for i, t := range path {
			words[i] = c.g.Tools[t].Name
		}
		c.diags.Add(diag.Recursion, c.def.Tools[loop[0]].Name.Span, "", "a tool cannot call itself: %s", strings.Join(words, " -> "))
	}
}

func (c *compiler) compileMemories() {
	c.named.memories = make([]bool, len(c.def.Memories))
	for i := range c.def.Memories {
		d := &c.def.Memories[i]
		m := Memory{Name: d.Name.Value, Keep: d.Keep, Embed: d.Embed.Value, Data: schema.MapOf(nil)}
		m.Graph = c.badWord(d.Scope, "stack", "graph") == 1
		if d.Data != nil {
			m.Data = c.schema(d.Data)
		}
		if d.Keep > MaxMemoryItems {
			c.diags.Add(diag.BadConfig, placed(d.KeepAt, d.Name.Span), "", "memory %q keeps %d items, and no memory holds more than %d", m.Name, d.Keep, MaxMemoryItems)
		}
		if m.Embed != "" {
			c.useModel(d.Embed)
		}
		c.g.Memories = append(c.g.Memories, m)
	}
}
