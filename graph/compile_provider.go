package graph

import (
	"net/url"
	"strconv"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// named says which providers, servers, tools and memories are used.
type named struct {
	providers, servers, tools, memories []bool
}

// apis are the APIs that every program knows.
var apis = []string{"openai", "anthropic", "script"}

// badWord is word for a field of the agents' sections, where a wrong word is a wrong
// configuration.
func (c *compiler) badWord(t diag.Text, words ...string) int {
	if t.Value == "" {
		return -1
	}
	for i, w := range words {
		if w == t.Value {
			return i
		}
	}
	help := diag.Suggest(t.Value, words)
	if help == "" {
		help = listed("word", words)
	}
	c.diags.Add(diag.BadConfig, t.Span, help, "%q is not known here", t.Value)
	return -1
}

func (c *compiler) compileProviders() {
	declared := c.def.Providers
	if len(declared) == 0 {
		c.impliedProviders()
	}
	for i := range declared {
		d := &declared[i]
		p := Provider{Name: d.Name.Value, API: d.API.Value, Parallel: d.Parallel, Rate: d.Rate, RatePer: perMinute(d.RatePer),
			Tokens: d.Tokens, TokensPer: perMinute(d.TokensPer)}
		known := apis
		if k, ok := c.kinds.Kind("agent"); ok {
			known = append(known[:len(known):len(known)], k.APIs...)
		}
		if d.API.Value == "" {
			c.diags.Add(diag.MissingField, d.At, "", "provider %q has no %q", p.Name, "api")
		}
		c.badWord(d.API, known...)
		d.BaseURL, d.Key, d.File = AsText(d.BaseURL, schema.StringType), AsText(d.Key, schema.StringType), AsText(d.File, schema.StringType)
		p.Config = c.settings([]entryOfDef{
			{"base_url", d.BaseURL, "string", false}, {"key", d.Key, "string", false}, {"file", d.File, "string", false}})
		c.checkProvider(d)
		for _, x := range d.Prices {
			if p.Prices == nil {
				p.Prices = make(map[string]Price, len(d.Prices))
			}
			price := Price{Input: x.Input, Output: x.Output, Cached: x.Input, CacheWrite: x.Input}
			set(&price.Cached, x.Cached)
			set(&price.CacheWrite, x.CacheWrite)
			p.Prices[x.Model.Value] = price
		}
		c.g.Providers = append(c.g.Providers, p)
	}
	c.named.providers = make([]bool, len(c.g.Providers))
}

// impliedProviders adds the providers of a graph that declares none. A secret is used
// by them only when a model is.
func (c *compiler) impliedProviders() {
	for _, d := range wellKnownDefs(c.g.Secrets) {
		before := len(c.programs)
		p := Provider{Name: d.Name.Value, API: d.API.Value}
		p.Config = c.settings([]entryOfDef{{"base_url", d.BaseURL, "string", false}, {"key", d.Key, "string", false}})
		c.programs = c.programs[:before]
		c.g.Providers = append(c.g.Providers, p)
	}
}

func perMinute(d time.Duration) time.Duration {
	if d <= 0 {
		return time.Minute
	}
	return d
}

// checkProvider checks which settings go together.
func (c *compiler) checkProvider(d *ProviderDef) {
	script := d.API.Value == "script"
	switch {
	case script && d.File == nil:
		c.diags.Add(diag.MissingField, d.At, "a file with the replies", "provider %q has no %q", d.Name.Value, "file")
	case script && d.BaseURL != nil:
		c.diags.Add(diag.BadConfig, d.BaseURL.Span, "", "%q answers from a file, and takes no %q", "script", "base_url")
	case script && d.Key != nil:
		c.diags.Add(diag.BadConfig, d.Key.Span, "", "%q answers from a file, and takes no %q", "script", "key")
	case d.File != nil && (d.API.Value == "openai" || d.API.Value == "anthropic"):
		c.diags.Add(diag.BadConfig, d.File.Span, "", "%q takes no %q: only %q does", d.API.Value, "file", "script")
	}
	c.checkURL("base_url", d.BaseURL)
}

// checkURL reports an address that is none. One with templates is known later.
func (c *compiler) checkURL(field string, n *tree.Node) {
	if n == nil || n.Kind != tree.String || hasTemplate(n.Text.Value) {
		return
	}
	if u, err := url.Parse(n.Text.Value); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		c.diags.Add(diag.BadConfig, n.Span, "an http or https address", "%q is no address for %q", n.Text.Value, field)
	}
}

// entryOfDef is one setting of a provider or a server.
type entryOfDef struct {
	name string
	node *tree.Node // nil if it is not written
	typ  string
	text bool // numbers and booleans in it are texts
}

// settings compiles what is written of some settings into one template. They see
// secrets and nothing else.
func (c *compiler) settings(entries []entryOfDef) *Template {
	scope := c.scopes.base
	for _, name := range scope.Names() {
		scope = scope.With(forbidden(noOthers, diag.UnknownName, name)...)
	}
	scope = scope.With(c.declaredSecrets()...)
	whole := &tree.Node{Kind: tree.Map}
	for _, e := range entries {
		if e.node != nil && e.node.Kind != tree.Null {
			whole.Fields = append(whole.Fields, tree.Field{Key: diag.Plain(e.name), Value: e.node})
		}
	}
	if len(whole.Fields) == 0 {
		return nil
	}
	t := c.template(whole, scope)
	for _, e := range entries {
		if e.node != nil && e.node.Kind != tree.Null {
			c.fits(strconv.Quote(e.name), e.node, entryOf(t.root, e.name), c.fieldType(e.typ))
		}
	}
	return t
}

func (c *compiler) compileServers() {
	c.named.servers = make([]bool, len(c.def.Servers))
	for i := range c.def.Servers {
		d := &c.def.Servers[i]
		for _, n := range []**tree.Node{&d.Command, &d.Env, &d.Headers} {
			if *n != nil {
				*n = asWritten(*n, true)
			}
		}
		d.URL = AsText(d.URL, schema.StringType)
		s := Server{Name: d.Name.Value}
		s.Config = c.settings([]entryOfDef{{"command", d.Command, "list(any)", true}, {"env", d.Env, "map(any)", true},
			{"url", d.URL, "string", false}, {"headers", d.Headers, "map(any)", true}})
		c.checkServer(d)
		s.Effects, _ = c.effects(d.Effects)
		s.Approve, _ = c.approve(d.Approve, schema.MapOf(nil))
		seen := map[string]bool{}
		for _, td := range d.Tools {
			t := ServerTool{Name: td.Name.Value, Effects: s.Effects, Approve: s.Approve}
			if seen[t.Name] {
				c.diags.Add(diag.DuplicateKey, td.Name.Span, "", "tool %q of server %q is listed twice", t.Name, s.Name)
			}
			seen[t.Name] = true
			if e, written := c.effects(td.Effects); written {
				t.Effects = e
			}
			if a, written := c.approve(td.Approve, schema.MapOf(nil)); written {
				t.Approve = a
			}
			s.Tools = append(s.Tools, t)
		}
		c.g.Servers = append(c.g.Servers, s)
	}
}

func (c *compiler) checkServer(d *ServerDef) {
	switch {
	case d.Command == nil && d.URL == nil:
		c.diags.Add(diag.BadConfig, d.At, "a program, or an address", "server %q needs one of %q, %q", d.Name.Value, "command", "url")
	case d.Command != nil && d.URL != nil:
		c.diags.Add(diag.BadConfig, d.URL.Span, "", "server %q takes only one of %q, %q", d.Name.Value, "command", "url")
	case d.Command == nil && d.Env != nil:
		c.diags.Add(diag.BadConfig, d.Env.Span, "", "%q is for servers with a %q", "env", "command")
	case d.URL == nil && d.Headers != nil:
		c.diags.Add(diag.BadConfig, d.Headers.Span, "", "%q is for servers with a %q", "headers", "url")
	}
	if d.Command != nil && d.Command.Kind == tree.List {
		if len(d.Command.Items) == 0 {
			c.diags.Add(diag.BadConfig, d.Command.Span, "", "the command of server %q is empty", d.Name.Value)
		}
		for _, it := range d.Command.Items {
			if it.Kind == tree.List || it.Kind == tree.Map || it.Kind == tree.Null {
				c.diags.Add(diag.WrongType, it.Span, "", "an argument must be text, not a %s", it.Kind)
			}
		}
	}
	if len(d.Tools) == 0 && d.At.IsZero() { // else who read it has said so
		c.diags.Add(diag.MissingField, d.At, "only what it lists can be called", "the server has no %q", "tools")
	}
	c.checkURL("url", d.URL)
}

// effects returns what a word says, and whether there is one.
func (c *compiler) effects(t diag.Text) (e Effects, written bool) {
	switch c.badWord(t, "none", "once") {
	case 0:
		return EffectsNone, true
	case 1:
		return EffectsOnce, true
	}
	return EffectsKeyed, false
}

// approve compiles which calls need a person's word, and returns whether anything is
// written. `false` is a word too: a server's tool may need none where others do.
func (c *compiler) approve(t diag.Text, args *schema.Type) (a *Approve, written bool) {
	switch t.Value {
	case "":
		return nil, false
	case "always", "true":
		return &Approve{}, true
	case "false":
		return nil, true
	}
	scope := c.scopes.base.With(argsName(args))
	return &Approve{When: c.expr(t, scope, cond.Want{Condition: true})}, true
}

// argsName returns the arguments of a call as a name.
func argsName(t *schema.Type) cond.Name { return cond.Name{Name: "args", Type: t, Slot: SlotArgs} }
