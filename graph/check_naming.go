package graph

import (
	"slices"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// checkNaming checks the fields of a configuration that name models, tools, servers and
// memories, and compiles its condition over items.
func (c *compiler) checkNaming(s *site) {
	for i := range s.kind.Fields {
		f := &s.kind.Fields[i]
		n := s.with.Get(f.Name)
		if n == nil || n.Kind == tree.Null {
			continue
		}
		switch {
		case f.Talk:
			c.checkTalk(s, n, f.Name)
		case f.Condition:
			c.itemCondition(s, n)
		case f.Names == NamesModel:
			c.modelNames(s, n)
		case f.Names == NamesTools:
			c.toolNames(s, n)
		case f.Names == NamesServer && n.Kind == tree.String && !hasTemplate(n.Text.Value):
			c.serverName(s, n.Text)
		case f.Names == NamesMemory && n.Kind == tree.String && !hasTemplate(n.Text.Value):
			c.mention(NameOfMemory, n.Text)
			if i, ok := c.g.index.memories[n.Text.Value]; ok {
				c.named.memories[i] = true
			} else {
				c.unknown(diag.UnknownName, "memory", n.Text, names(c.g.Memories, func(m *Memory) string { return m.Name }))
			}
		case f.Names == NamesData:
			if m := c.memoryOf(s); m != nil {
				c.fits(strconv.Quote(f.Name), n, entryOf(s.template.root, f.Name), m.Data)
			}
		}
	}
}

// modelNames checks the names of models: one, or a list. A template is known when it is
// filled in, and may name any provider.
func (c *compiler) modelNames(s *site, n *tree.Node) {
	all := []*tree.Node{n}
	if n.Kind == tree.List {
		if all = n.Items; len(all) == 0 {
			c.diags.Add(diag.BadConfig, n.Span, "write PROVIDER/MODEL", "the list of models is empty")
		}
	}
	for _, it := range all {
		switch {
		case it.Kind != tree.String:
			c.diags.Add(diag.WrongType, it.Span, "write PROVIDER/MODEL", "the name of a model must be a text")
		case hasTemplate(it.Text.Value):
			for i := range c.named.providers {
				c.useProvider(i)
			}
		default:
			if i, model, ok := c.useModel(it.Text); ok {
				c.asked = append(c.asked, asked{it.Text, i, model, s.with.Get("budget").Get("cost") != nil})
			}
		}
	}
}

// useModel checks the name of one model.
func (c *compiler) useModel(name diag.Text) (at int, model string, ok bool) {
	provider, _, _ := strings.Cut(name.Value, "/")
	c.mentionPart(NameOfProvider, name, 0, len(provider))
	i, model, err := c.g.model(name.Value)
	if err != nil {
		c.diags.Add(err.Code, name.Span, err.Help, "%s", err.Message)
		return 0, "", false
	}
	c.useProvider(i)
	return i, model, true
}

// useProvider notes that a provider is used. Without `providers` its secret counts
// as used only then.
func (c *compiler) useProvider(i int) {
	if !c.named.providers[i] && len(c.def.Providers) == 0 && c.g.Providers[i].Config != nil {
		c.programs = append(c.programs, c.g.Providers[i].Config.programs...)
	}
	c.named.providers[i] = true
}

// toolNames resolves the names of the tools that an agent may call. One that is named
// twice counts once.
func (c *compiler) toolNames(s *site, n *tree.Node) {
	seen := map[string]bool{}
	for _, it := range n.Items {
		if it.Kind != tree.String {
			continue // reported with the type of the field
		}
		for _, t := range c.toolName(it.Text) {
			if !seen[t.Name] {
				seen[t.Name] = true
				t.at = it.Text.Span
				s.calls = append(s.calls, t)
			}
		}
	}
}

func (c *compiler) toolName(name diag.Text) []ToolName {
	c.mention(NameOfTool, name)
	first, rest, slash := strings.Cut(name.Value, "/")
	if !slash {
		if i, ok := c.g.index.tools[first]; ok {
			c.named.tools[i] = true
			return []ToolName{{Of: OwnTool, Index: i, Name: first}}
		}
		c.unknownTool(name)
		return nil
	}
	if first == "memory" {
		return c.memoryTool(name, rest)
	}
	c.mentionPart(NameOfServer, name, 0, len(first))
	at, ok := c.g.index.servers[first]
	if !ok {
		help := diag.Suggest(first, c.serverNames())
		if help == "" {
			help = listed("server", c.serverNames())
		}
		c.diags.Add(diag.UnknownServer, name.Span, help, "unknown server %q", first)
		return nil
	}
	c.named.servers[at] = true
	var out []ToolName
	for i, t := range c.g.Servers[at].Tools {
		if rest == "*" || rest == t.Name {
			out = append(out, ToolName{Of: ServersTool, Index: at, Tool: i, Name: first + "/" + t.Name, Listed: rest == "*"})
		}
	}
	if out == nil && rest != "*" {
		c.unknownTool(name)
	}
	return out
}

func (c *compiler) memoryTool(name diag.Text, rest string) []ToolName {
	memory, op, writes := strings.Cut(rest, "/")
	from := len(name.Value) - len(rest)
	c.mentionPart(NameOfMemory, name, from, from+len(memory))
	if i, ok := c.g.index.memories[memory]; ok && (!writes || op == "write") {
		c.named.memories[i] = true
		t := ToolName{Of: MemorySearch, Index: i, Name: name.Value}
		if writes {
			t.Of = MemoryWriting
		}
		return []ToolName{t}
	}
	c.unknownTool(name)
	return nil
}

// unknownTool reports a tool that nobody has, and suggests one.
func (c *compiler) unknownTool(name diag.Text) {
	if slices.Contains(c.serverNames(), name.Value) {
		c.diags.Add(diag.UnknownTool, name.Span, "write "+name.Value+"/* for all tools of the server that it lists", "unknown tool %q", name.Value)
		return
	}
	all := names(c.def.Tools, func(t *ToolDef) string { return t.Name.Value })
	for i := range c.g.Servers {
		for _, t := range c.g.Servers[i].Tools {
			all = append(all, c.g.Servers[i].Name+"/"+t.Name)
		}
	}
	for i := range c.g.Memories {
		m := c.g.Memories[i].Name
		all = append(all, "memory/"+m, "memory/"+m+"/write")
	}
	c.unknown(diag.UnknownTool, "tool", name, all)
}

func (c *compiler) serverNames() []string {
	return names(c.def.Servers, func(s *ServerDef) string { return s.Name.Value })
}

// serverName checks a server that is named alone, with its tool in another field.
func (c *compiler) serverName(s *site, name diag.Text) {
	c.mention(NameOfServer, name)
	at, ok := c.g.index.servers[name.Value]
	if !ok {
		c.unknown(diag.UnknownServer, "server", name, c.serverNames())
		return
	}
	c.named.servers[at] = true
	tool := s.with.Get("tool")
	if tool == nil || tool.Kind != tree.String || hasTemplate(tool.Text.Value) {
		return
	}
	listed := names(c.g.Servers[at].Tools, func(t *ServerTool) string { return t.Name })
	if !slices.Contains(listed, tool.Text.Value) {
		c.unknown(diag.UnknownTool, "tool", tool.Text, listed)
	}
}

// itemCondition compiles a condition over the items of the memory that the configuration
// names.
func (c *compiler) itemCondition(s *site, n *tree.Node) {
	if n.Kind != tree.String {
		return // reported with the type of the field
	}
	data := schema.AnyType
	if m := c.memoryOf(s); m != nil {
		data = m.Data
	}
	s.where = c.expr(n.Text, c.scopes.items.With(cond.Name{Name: "data", Type: data, Slot: SlotData}), cond.Want{Condition: true})
}

// memoryOf returns the memory that a configuration names, nil if it is not known.
func (c *compiler) memoryOf(s *site) *Memory {
	for i := range s.kind.Fields {
		if f := &s.kind.Fields[i]; f.Names == NamesMemory {
			if n := s.with.Get(f.Name); n != nil && n.Kind == tree.String {
				if i, ok := c.g.index.memories[n.Text.Value]; ok {
					return &c.g.Memories[i]
				}
			}
		}
	}
	return nil
}
