package graph

import (
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
)

// scopeNames are the names that are in scope of some expression, and the words of
// the expression language. `define` and `as` cannot use them.
var scopeNames = []string{
	"state", "params", "nodes", "stack", "cycle", "now", "error", "output", "secrets", "index", "old", "new",
	"messages", "usage", "args", "results",
	"true", "false", "nil", "null", "let", "if", "else", "in", "not", "and", "or",
	"matches", "contains", "startsWith", "endsWith",
}

// checkNames reports names with characters that are not allowed, reserved names,
// and names that are declared twice.
func (c *compiler) checkNames() {
	d := c.def
	if v := d.Version; v != 0 && v != 1 {
		c.diags.Add(diag.BadVersion, diag.Span{File: d.File}, "write graphrun: 1",
			"version %d of the language is not known", v)
	}
	if !isGraphName(d.Name.Value) {
		c.diags.Add(diag.BadName, d.Name.Span, "lower-case letters, digits, - and _, beginning with a letter",
			"%q cannot be the name of a graph", d.Name.Value)
	}
	c.nameList("param", false, texts(d.Params, func(p *ParamDef) diag.Text { return p.Name }))
	c.nameList("secret", false, d.Secrets)
	c.nameList("state key", false, texts(d.State, func(k *KeyDef) diag.Text { return k.Name }))
	c.nameList("define", false, texts(d.Define, func(x *DefineDef) diag.Text { return x.Name }))
	c.nameList("event", true, texts(d.Events, func(e *EventDef) diag.Text { return e.Name }))
	c.nameList("webhook", true, texts(d.Webhooks, func(w *WebhookDef) diag.Text { return w.Name }))
	c.nameList("pool", true, texts(d.Pools, func(p *PoolDef) diag.Text { return p.Name }))
	c.nameList("node", true, texts(d.Nodes, func(n *NodeDef) diag.Text { return n.ID }))
	c.agentNames()
	for i := range d.Define {
		c.notReserved("define", d.Define[i].Name)
	}
	for i := range d.Nodes {
		n := &d.Nodes[i]
		if n.ID.Value == "start" {
			c.diags.Add(diag.BadName, n.ID.Span, "edges use it for the start of the cycle",
				"%q cannot be the name of a node", "start")
		}
		if n.ForEach != nil && n.ForEach.As.Value != "" && c.goodName("element", false, n.ForEach.As) {
			c.elementName(n)
		}
	}
}

// agentNames checks the names of what agents use. Models see `__` in place of the `/`
// between a server and its tool.
func (c *compiler) agentNames() {
	d := c.def
	tools := texts(d.Tools, func(t *ToolDef) diag.Text { return t.Name })
	servers := texts(d.Servers, func(s *ServerDef) diag.Text { return s.Name })
	c.nameList("provider", true, texts(d.Providers, func(p *ProviderDef) diag.Text { return p.Name }))
	c.nameList("server", true, servers)
	c.nameList("tool", true, tools)
	c.nameList("memory", true, texts(d.Memories, func(m *MemoryDef) diag.Text { return m.Name }))
	for _, t := range tools {
		if strings.Contains(t.Value, "__") {
			c.diags.Add(diag.BadName, t.Span, "models see `__` between a server and its tool", "%q cannot be the name of a tool", t.Value)
		}
	}
	for _, s := range servers {
		switch {
		case strings.Contains(s.Value, "__"):
			c.diags.Add(diag.BadName, s.Span, "models see `__` between a server and its tool", "%q cannot be the name of a server", s.Value)
		case s.Value == "memory":
			c.diags.Add(diag.BadName, s.Span, "`memory/NAME` is a tool that searches a memory", "%q cannot be the name of a server", s.Value)
		}
	}
}

// elementName checks the name of the elements of a node's list. A name that hides
// a define would have two meanings.
func (c *compiler) elementName(n *NodeDef) {
	as := n.ForEach.As
	c.notReserved("as", as)
	hides := slices.ContainsFunc(c.def.Define, func(d DefineDef) bool { return d.Name.Value == as.Value })
	if hides && !slices.Contains(scopeNames, as.Value) {
		c.diags.Add(diag.BadName, placed(as.Span, n.At), "give the elements another name with `as`",
			"%q cannot be the name of an element: a define has it", as.Value)
	}
}

func texts[T any](all []T, text func(*T) diag.Text) []diag.Text {
	out := make([]diag.Text, len(all))
	for i := range all {
		out[i] = text(&all[i])
	}
	return out
}

func (c *compiler) nameList(what string, dash bool, list []diag.Text) {
	seen := make(map[string]bool, len(list))
	for _, t := range list {
		if !c.goodName(what, dash, t) {
			continue
		}
		if seen[t.Value] {
			c.diags.Add(diag.DuplicateKey, t.Span, "", "%s %q is declared twice", what, t.Value)
		}
		seen[t.Value] = true
	}
}

func (c *compiler) goodName(what string, dash bool, t diag.Text) bool {
	if isName(t.Value, dash) {
		return true
	}
	help := "letters, digits and _, not beginning with a digit"
	if dash {
		help = "letters, digits, _ and -, beginning with a letter or _"
	}
	article := "a"
	if strings.ContainsRune("aeiou", rune(what[0])) {
		article = "an"
	}
	c.diags.Add(diag.BadName, t.Span, help, "%q cannot be the name of %s %s", t.Value, article, what)
	return false
}

func (c *compiler) notReserved(what string, t diag.Text) {
	if slices.Contains(scopeNames, t.Value) {
		c.diags.Add(diag.BadName, t.Span, "expressions use it already; take another name",
			"%q cannot be a name in %q", t.Value, what)
	}
}
