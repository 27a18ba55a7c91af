package graph

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/tree"
)

// checkUse warns of names that are declared and not used. It says nothing if an
// expression has errors, because nobody knows which names it would use.
func (c *compiler) checkUse() {
	if c.broken || c.diags.HasErrors() {
		return
	}
	c.checkReads()
	warn := func(what string, name diag.Text) {
		c.diags.Add(diag.Unused, name.Span, "", "%s %q is not used", what, name.Value)
	}
	used := c.uses()
	for _, p := range c.def.Params {
		if !used.field("params", p.Name.Value) {
			warn("param", p.Name)
		}
	}
	for _, d := range c.def.Define {
		if used[d.Name.Value] == nil {
			warn("define", d.Name)
		}
	}
	if !c.secretKinds() {
		for _, s := range c.def.Secrets {
			if !c.signsWith(s.Value) && !used.field("secrets", s.Value) {
				warn("secret", s)
			}
		}
	}
	typeWords := c.typeWords()
	for _, t := range c.def.Types {
		if !typeWords[t.Name.Value] {
			warn("type", t.Name)
		}
	}
	unused := func(what string, used []bool, name func(i int) diag.Text) {
		for i, u := range used {
			if !u {
				warn(what, name(i))
			}
		}
	}
	if len(c.def.Providers) > 0 {
		unused("provider", c.named.providers, func(i int) diag.Text { return c.def.Providers[i].Name })
	}
	unused("server", c.named.servers, func(i int) diag.Text { return c.def.Servers[i].Name })
	unused("tool", c.named.tools, func(i int) diag.Text { return c.def.Tools[i].Name })
	unused("memory", c.named.memories, func(i int) diag.Text { return c.def.Memories[i].Name })
	pools := make([]bool, len(c.g.Pools))
	for i := range c.g.Nodes {
		if p := c.g.Nodes[i].Pool; p >= 0 {
			pools[p] = true
		}
	}
	for _, d := range c.def.Pools {
		if p := c.g.index.pools[d.Name.Value]; p > 0 && !pools[p] {
			warn("pool", d.Name)
		}
	}
}

// uses are the names in all expressions, with the fields of them that are asked
// for.
type uses map[string]map[string]bool

// field reports whether a field is used: by its name, or because the whole is.
func (u uses) field(of, name string) bool { return u[of][name] || u[of][""] }

func (c *compiler) uses() uses {
	u := uses{}
	for _, p := range c.programs {
		list, known := c.usesOf[p]
		if !known {
			list = cond.Uses(p.Text())
		}
		u.add(list)
	}
	return u
}

func (u uses) addAll(programs []*cond.Program) {
	for _, p := range programs {
		u.add(cond.Uses(p.Text()))
	}
}

func (u uses) add(list []cond.Use) {
	for _, use := range list {
		if u[use.Name] == nil {
			u[use.Name] = map[string]bool{}
		}
		u[use.Name][use.Field] = true
	}
}

// checkReads warns of keys that no expression reads.
func (c *compiler) checkReads() {
	read := make([]bool, len(c.g.Keys))
	for _, p := range c.programs {
		r := p.Reads()
		if r.Whole&(1<<SlotState) != 0 {
			return
		}
		for _, k := range r.Fields[SlotState] {
			read[k] = true
		}
	}
	for k, d := range c.def.State {
		if !read[k] {
			c.diags.Add(diag.NeverRead, d.Name.Span, "", "no expression reads state.%s", d.Name.Value)
		}
	}
}

// secretKinds reports whether a node may use secrets that no expression names.
func (c *compiler) secretKinds() bool {
	for i := range c.g.Nodes {
		if k := &c.g.Nodes[i].Kind; k.Secrets || k.Missing {
			return true
		}
	}
	return false
}

// typeWords are the words of all schemas, and of the configurations that may
// hold one. A type counts as used by another that uses it.
func (c *compiler) typeWords() words {
	w := words{}
	for _, d := range c.def.State {
		w.tree(d.Type)
	}
	for _, d := range c.def.Params {
		w.tree(d.Type)
	}
	for _, d := range c.def.Types {
		w.tree(d.Schema)
	}
	for _, d := range c.def.Events {
		w.tree(d.Type)
	}
	for i := range c.def.Nodes {
		w.tree(c.def.Nodes[i].With)
	}
	for i := range c.def.Tools {
		w.tree(c.def.Tools[i].Args)
		w.tree(c.def.Tools[i].Output)
		w.tree(c.def.Tools[i].With)
	}
	for i := range c.def.Memories {
		w.tree(c.def.Memories[i].Data)
	}
	return w
}

// words is a set of words.
type words map[string]bool

// tree adds the words of all strings of a value.
func (w words) tree(n *tree.Node) {
	if n == nil {
		return
	}
	if n.Kind == tree.String {
		w.text(n.Text.Value)
	}
	for _, it := range n.Items {
		w.tree(it)
	}
	for _, f := range n.Fields {
		w.tree(f.Value)
	}
}

func (w words) text(s string) {
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && isName("_"+s[j:j+1], true) && s[j] != '-' {
			j++
		}
		if j > i {
			w[s[i:j]] = true
		}
		i = max(j, i+1)
	}
}
