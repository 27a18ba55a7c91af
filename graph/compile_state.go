package graph

import (
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// defaultParallel is how many tasks of a pool run at once.
const defaultParallel = 4

func (c *compiler) compileTypes() {
	var problems diag.List
	c.types, problems = typesOf(c.def, c.typeNames())
	c.diags = append(c.diags, problems...)
}

// typeNames gives what notes the names of types in a survey, nil without one.
func (c *compiler) typeNames() func(name string, at diag.Span) {
	if c.survey == nil {
		return nil
	}
	return func(name string, at diag.Span) {
		c.survey.Mentions = append(c.survey.Mentions, Mention{What: NameOfType, Name: name, At: at})
	}
}

// typesOf compiles the named types of a graph, and those of other files that it uses.
func typesOf(def *Def, seen func(name string, at diag.Span)) (*schema.Set, diag.List) {
	return schema.NewWatchedSet(seen, namedTypes(def.Types), typeFiles(def.TypeFiles)...)
}

func namedTypes(types []TypeDef) []schema.Named {
	named := make([]schema.Named, len(types))
	for i, t := range types {
		named[i] = schema.Named{Name: t.Name, Schema: t.Schema}
	}
	return named
}

func typeFiles(files []TypeFileDef) []schema.File {
	all := make([]schema.File, len(files))
	for i, f := range files {
		all[i] = schema.File{Name: f.Name, Types: namedTypes(f.Types), Files: typeFiles(f.Files), Problems: f.Problems}
	}
	return all
}

func (c *compiler) compileParams() {
	for i := range c.def.Params {
		d := &c.def.Params[i]
		p := Param{Name: d.Name.Value, Type: c.schema(d.Type)}
		switch {
		case d.Default != nil:
			d.Default = AsText(d.Default, p.Type)
			p.Default, p.HasDefault = c.defaultValue("param", d.Name, d.Default, p.Type), true
		case p.Type.Nullable:
			p.HasDefault = true
		}
		c.g.Params = append(c.g.Params, p)
	}
	for _, s := range c.def.Secrets {
		c.g.Secrets = append(c.g.Secrets, s.Value)
	}
}

// defaultValue checks a default against its type.
func (c *compiler) defaultValue(what string, name diag.Text, n *tree.Node, t *schema.Type) any {
	v, err := t.Check("", n.Value())
	if err != nil {
		at, path := mismatchAt(n, err)
		c.diags.Add(diag.BadDefault, at, "", "the default of %s %q does not fit: %s%s %s",
			what, name.Value, name.Value, path, mismatchText(err))
		return nil
	}
	return v
}

func (c *compiler) compileState() {
	for i := range c.def.State {
		d := &c.def.State[i]
		k := Key{Name: d.Name.Value, Type: c.schema(d.Type), Keep: d.Keep}
		if d.Default != nil {
			d.Default = AsText(d.Default, k.Type)
			k.Initial = c.defaultValue("state key", d.Name, d.Default, k.Type)
		} else if zero, ok := k.Type.Zero(); ok {
			k.Initial = zero
		} else {
			c.diags.Add(diag.BadDefault, d.Name.Span, "give it a `default`, or let it be null: \"T?\"",
				"state key %q needs a default: %s has no zero value", d.Name.Value, k.Type)
		}
		c.g.Keys = append(c.g.Keys, k)
	}
}

// compileReducers needs the scopes: a reducer may be an expression.
func (c *compiler) compileReducers() {
	for i := range c.g.Keys {
		k := &c.g.Keys[i]
		scope := func(old, new *schema.Type) *cond.Scope {
			return c.scopes.reducer.With(cond.Name{Name: "old", Type: old, Slot: SlotOld},
				cond.Name{Name: "new", Type: new, Slot: SlotNew})
		}
		if e := c.def.State[i].Reduce.Expr; e.Value != "" {
			c.surveyed(e, scope(k.Type, k.Type), cond.Want{Type: k.Type})
		}
		k.Reduce, k.Writes = compileReducer(&c.def.State[i], k.Type, scope, &c.diags)
		if k.Reduce.Expr != nil {
			c.programs = append(c.programs, k.Reduce.Expr)
		}
	}
}

func (c *compiler) compileEvents() {
	for i := range c.def.Events {
		d := &c.def.Events[i]
		e := Event{Name: d.Name.Value, Key: -1, Queue: d.Queue, Type: schema.AnyType}
		switch {
		case d.To.Value != "":
			c.compileTarget(d, &e)
		case d.Queue == 0 && d.QueueAt.IsZero():
			c.diags.Add(diag.MissingField, d.Name.Span, "`to: KEY` applies the payload to a key of the state, `queue: N` keeps it until a `wait` takes it",
				"event %q has neither %q nor %q", d.Name.Value, "to", "queue")
		case d.Type != nil:
			e.Type = c.schema(d.Type)
		}
		c.g.Events = append(c.g.Events, e)
		first(c.g.index.events, d.Name.Value, i)
	}
}

// compileTarget compiles an event that goes to a key of the state.
func (c *compiler) compileTarget(d *EventDef, e *Event) {
	if d.Queue > 0 {
		c.diags.Add(diag.BadConfig, placed(d.QueueAt, d.Name.Span), "keep one of them: `to` applies the payload to a key, `queue` keeps it until a `wait` takes it",
			"event %q has both %q and %q", d.Name.Value, "to", "queue")
	}
	if d.Type != nil {
		c.diags.Add(diag.BadConfig, d.Type.Span, "the payload has the type of its key; only a queued event has one of its own",
			"event %q has %q and goes to a key", d.Name.Value, "type")
	}
	c.mention(NameOfKey, d.To)
	k, ok := c.g.index.keys[d.To.Value]
	if !ok {
		c.unknown(diag.UnknownState, "state key", d.To, c.g.KeyNames())
		return
	}
	e.Key, e.Queue, e.Type = k, 0, c.g.Keys[k].Payload()
}

// compilePools puts "default" first, declared or not.
func (c *compiler) compilePools() {
	pools := []Pool{{Name: "default", Parallel: defaultParallel, RatePer: time.Minute}}
	for _, d := range c.def.Pools {
		p := Pool{Name: d.Name.Value, Parallel: d.Parallel, Rate: d.Rate, RatePer: d.RatePer, Shared: d.Shared}
		if p.Name == "default" {
			pools[0] = p
			continue
		}
		pools = append(pools, p)
	}
	for i, p := range pools {
		first(c.g.index.pools, p.Name, i)
	}
	c.g.Pools = pools
}
