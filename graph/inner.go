package graph

import (
	"slices"
	"strconv"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// DefaultMaxCycles is how many cycles a node of kind graph may take with
// `until` when it does not say.
const DefaultMaxCycles = 100

// compileInner compiles the graph that a node or a tool runs, checks the values that it
// passes to it against its params and its state, and returns the type of its final
// state. Without a definition, because its file has errors, the type is any.
func (c *compiler) compileInner(s *site) *schema.Type {
	if s.runs == nil {
		return schema.MapOf(nil)
	}
	with := s.with
	def := innerDef(s.runs, with)
	g, problems := Compile(def, c.kinds)
	for _, d := range problems {
		// What has a place in the inner file is reported with that file.
		if d.Severity == diag.Error && (d.Span.IsZero() || d.Span.File != def.File) {
			if d.Span.IsZero() {
				d.Span = s.place()
			}
			c.diags = append(c.diags, d)
		}
	}
	if g == nil && with.Get("until") != nil {
		g, _ = Compile(innerDef(s.runs, nil), c.kinds) // the rest can be checked
	}
	if g == nil {
		return schema.MapOf(nil)
	}
	s.inner = g
	c.checkGiven(s, "params", "parameter", g.ParamNames(), func(name string) *schema.Type {
		return g.Params[slices.Index(g.ParamNames(), name)].Type
	})
	c.checkGiven(s, "state", "state key", g.KeyNames(), func(name string) *schema.Type {
		k, _ := g.KeyByName(name)
		return g.Keys[k].Type
	})
	props := make([]schema.Prop, len(g.Keys))
	for i := range g.Keys {
		props[i] = schema.Prop{Name: g.Keys[i].Name, Type: g.Keys[i].Type, Required: true}
	}
	return schema.ObjectOf(props...)
}

// innerDef is a definition as a node runs it. Without `until` it is one pass: what it
// says about the time after a cycle does not count. With `until` its cycles follow each
// other by its own pause or schedule, at once without one, until the condition holds.
func innerDef(own *Def, with *tree.Node) Def {
	def := *own
	until := with.Get("until")
	if until == nil {
		def.Once, def.Stop, def.Pause, def.Limits.Cycles = true, nil, PauseDef{None: true}, 0
		def.Schedule, def.Timezone = ScheduleDef{}, diag.Text{}
		return def
	}
	def.Once = false
	def.Stop = append([]StopDef{{When: until.Text, Reason: "until"}}, own.Stop...)
	def.Until = &UntilDef{MaxCycles: DefaultMaxCycles}
	switch most := with.Get("max_cycles"); {
	case most == nil:
	case most.Kind == tree.Int:
		def.Until.MaxCycles = int(most.Int)
	default:
		def.Until.MaxCycles = 0
	}
	if p := &own.Pause; !p.Set && !p.None && p.Template == nil && own.Schedule.Cron.Value == "" {
		def.Pause = PauseDef{None: true}
	}
	return def
}

// checkGiven checks the entries of one field of a node's `with` against the types
// of the inner graph. Missing params and constant values are checked when the files
// are read.
func (c *compiler) checkGiven(s *site, field, what string, known []string, typeOf func(string) *schema.Type) {
	given := s.with.Get(field)
	if given == nil || s.template == nil {
		return
	}
	p := entryOf(s.template.root, field)
	if given.Kind != tree.Map {
		if w, ok := p.(whole); ok {
			c.checkGivenWhole(given.Text.Span, w.program.Type(), what, known, typeOf)
		}
		return
	}
	for _, f := range given.Fields {
		name := f.Key.Value
		if !slices.Contains(known, name) {
			if field == "state" {
				c.unknown(diag.UnknownState, what, f.Key, known)
			}
			continue
		}
		entry := entryOf(p, name)
		if _, fixed := entry.(constant); fixed && field == "params" {
			continue
		}
		c.fits(what+" "+strconv.Quote(name), f.Value, entry, typeOf(name))
	}
}

// checkGivenWhole is checkGiven for a field that is one expression: what it has
// is known by its type.
func (c *compiler) checkGivenWhole(at diag.Span, got *schema.Type, what string, known []string, typeOf func(string) *schema.Type) {
	if got.Kind != schema.Object {
		return // reported with the configuration of the kind
	}
	for _, p := range got.Props {
		if !slices.Contains(known, p.Name) {
			c.diags.Add(diag.UnknownField, at, diag.Suggest(p.Name, known), "unknown %s %q", what, p.Name)
		} else if t := typeOf(p.Name); schema.Assign(t.OrNull(), p.Type) != nil {
			c.diags.Add(diag.WrongType, at, "", "%s %q must be %s, not %s", what, p.Name, t, p.Type)
		}
	}
}

// entryOf returns the part of a mapping under a key, broken if the key is absent.
func entryOf(p part, key string) part {
	switch p := p.(type) {
	case constant:
		if m, ok := p.value.(map[string]any); ok {
			return constant{m[key]}
		}
	case object:
		if i := slices.Index(p.keys, key); i >= 0 {
			return p.parts[i]
		}
	}
	return broken{}
}
