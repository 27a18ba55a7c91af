package graph

import (
	"slices"

	"github.com/graphrun/graphrun/graph/cond"
)

// SecretsNeeded lists the secrets without which a stack with these params, complete
// ones, cannot do its work, of the graph alone. A secret that only providers read is
// needed if the `model` of an agent, or the `embed` of a memory, names one of them: a
// graph may declare hosted models beside a script, and a param chooses. Without params
// (nil), a model that depends on them names none. A secret that nothing reads is needed.
func (g *Graph) SecretsNeeded(params map[string]any) []string {
	readers := g.secretReaders(func(p *Provider) bool { return g.reaches(p, params) })
	idle := g.secretReaders(func(*Provider) bool { return true })
	return slices.DeleteFunc(slices.Clone(g.Secrets), func(name string) bool {
		return !readers.field("secrets", name) && idle.field("secrets", name)
	})
}

// SecretsOutside lists the secrets without which a stack cannot do its work when nobody
// talks to its providers and servers, as while a recording is replayed.
func (g *Graph) SecretsOutside() []string {
	own := uses{}
	own.addAll(g.workPrograms())
	talked := g.secretReaders(func(*Provider) bool { return true })
	return slices.DeleteFunc(slices.Clone(g.Secrets), func(name string) bool {
		return !own.field("secrets", name) && talked.field("secrets", name)
	})
}

// secretReaders are the names that nodes, tools, servers and some providers use.
func (g *Graph) secretReaders(such func(*Provider) bool) uses {
	u := uses{}
	u.addAll(g.workPrograms())
	for i := range g.Servers {
		u.addAll(g.Servers[i].Config.Programs())
	}
	for i := range g.Providers {
		if p := &g.Providers[i]; such(p) {
			u.addAll(p.Config.Programs())
		}
	}
	return u
}

// workPrograms are the expressions in the `with` of nodes and tools.
func (g *Graph) workPrograms() (all []*cond.Program) {
	for i := range g.Nodes {
		all = append(all, g.Nodes[i].With.Programs()...)
	}
	for i := range g.Tools {
		all = append(all, g.Tools[i].With.Programs()...)
	}
	return all
}

// reaches reports whether a node, a tool or a memory may talk to a provider.
func (g *Graph) reaches(p *Provider, params map[string]any) bool {
	for i := range g.Nodes {
		if n := &g.Nodes[i]; g.mayAsk(&n.Kind, n.With, p, params) {
			return true
		}
	}
	for i := range g.Tools {
		if t := &g.Tools[i]; g.mayAsk(&t.Kind, t.With, p, params) {
			return true
		}
	}
	return slices.ContainsFunc(g.Memories, func(m Memory) bool { return m.Embed != "" && g.isOf(p, m.Embed) })
}

// mayAsk reports whether a configuration names, or may name, a model of a provider.
func (g *Graph) mayAsk(k *Kind, with *Template, p *Provider, params map[string]any) bool {
	if with == nil {
		return false
	}
	for i := range k.Fields {
		if f := &k.Fields[i]; f.Names == NamesModel {
			if entry := entryOf(with.root, f.Name); entry != nil && g.mayName(entry, p, params) {
				return true
			}
		}
	}
	return false
}

func (g *Graph) mayName(name part, p *Provider, params map[string]any) bool {
	switch name := name.(type) {
	case constant:
		return g.names(name.value, p)
	case list:
		return slices.ContainsFunc(name, func(it part) bool { return g.mayName(it, p, params) })
	}
	for _, program := range programsOf(name) {
		if program.Reads().Slots&^(1<<SlotParams) != 0 {
			return true // it depends on what only a cycle knows
		}
	}
	if params == nil {
		return false
	}
	env := &cond.Env{Slots: make([]any, NumSlots)}
	env.Slots[SlotParams] = params
	v, err := name.eval(env)
	return err == nil && g.names(v, p)
}

// names reports whether a value of `model` names a model of a provider.
func (g *Graph) names(v any, p *Provider) bool {
	switch v := v.(type) {
	case string:
		return g.isOf(p, v)
	case []any:
		return slices.ContainsFunc(v, func(it any) bool { return g.names(it, p) })
	}
	return false
}

func (g *Graph) isOf(p *Provider, model string) bool {
	i, _, err := g.model(model)
	return err == nil && &g.Providers[i] == p
}
