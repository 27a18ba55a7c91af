package dsl

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
)

// agents reads the sections that agents use.
func (b *builder) agents(n *tree.Node, def *graph.Def) {
	for _, f := range b.entries(n, "providers") {
		def.Providers = append(def.Providers, b.provider(f))
	}
	for _, f := range b.entries(n, "servers") {
		def.Servers = append(def.Servers, b.server(f))
	}
	for _, f := range b.entries(n, "tools") {
		def.Tools = append(def.Tools, b.tool(f))
	}
	for _, f := range b.entries(n, "memories") {
		def.Memories = append(def.Memories, b.memory(f))
	}
}

// head is where a problem of a whole entry is shown.
func head(f tree.Field) diag.Span {
	if f.Value.Kind == tree.Map {
		return f.Value.Head()
	}
	return f.Key.Span
}

func (b *builder) provider(f tree.Field) graph.ProviderDef {
	n := b.sound(f.Value)
	p := graph.ProviderDef{Name: f.Key, API: b.text(n, "api"), BaseURL: b.get(n, "base_url"), Key: b.get(n, "key"), File: b.get(n, "file"),
		Parallel: b.integer(n, "parallel"), At: head(f)}
	p.Rate, p.RatePer, _ = parseRate(b.text(n, "rate").Value)
	p.Tokens, p.TokensPer, _ = parseRate(b.text(n, "tokens").Value)
	for _, e := range b.entries(n, "prices") {
		if price := b.sound(e.Value); price != nil {
			d := graph.PriceDef{Model: e.Key, Input: b.number(price, "input"), Output: b.number(price, "output")}
			if b.get(price, "cached") != nil {
				d.Cached = new(b.number(price, "cached"))
			}
			if b.get(price, "cache_write") != nil {
				d.CacheWrite = new(b.number(price, "cache_write"))
			}
			p.Prices = append(p.Prices, d)
		}
	}
	return p
}

func (b *builder) server(f tree.Field) graph.ServerDef {
	n := b.sound(f.Value)
	s := graph.ServerDef{Name: f.Key, Command: b.get(n, "command"), Env: b.get(n, "env"), URL: b.get(n, "url"), Headers: b.get(n, "headers"),
		Effects: b.text(n, "effects"), Approve: b.text(n, "approve"), At: head(f)}
	tools := b.get(n, "tools")
	if tools == nil {
		return s
	}
	for _, it := range tools.Items {
		switch it = b.sound(it); {
		case it == nil:
		case it.Kind == tree.String:
			s.Tools = append(s.Tools, graph.ServerToolDef{Name: it.Text})
		default:
			s.Tools = append(s.Tools, graph.ServerToolDef{Name: b.text(it, "name"), Effects: b.text(it, "effects"), Approve: b.text(it, "approve")})
		}
	}
	return s
}

func (b *builder) tool(f tree.Field) graph.ToolDef {
	n := b.sound(f.Value)
	t := graph.ToolDef{Name: f.Key, At: f.Key.Span, Description: b.text(n, "description").Value, Args: b.get(n, "args"), Uses: b.text(n, "uses"),
		With: b.get(n, "with"), Effects: b.text(n, "effects"), Approve: b.text(n, "approve"), Parallel: b.integer(n, "parallel"),
		Timeout: b.duration(n, "timeout"), Retry: b.retry(b.get(n, "retry")), Output: b.get(n, "output")}
	switch {
	case t.With != nil:
		t.WithAt = t.With.Head()
	case n != nil:
		t.WithAt = n.Head()
	}
	return t
}

func (b *builder) memory(f tree.Field) graph.MemoryDef {
	n := b.sound(f.Value)
	var keep diag.Span
	if k := b.get(n, "keep"); k != nil {
		keep = k.Span
	}
	return graph.MemoryDef{Name: f.Key, At: f.Key.Span, KeepAt: keep, Scope: b.text(n, "scope"), Keep: b.integer(n, "keep"), Embed: b.text(n, "embed"), Data: b.get(n, "data")}
}
