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
	named := make([]schema.Named, len(c.def.Types))
	for i, t := range c.def.Types {
		named[i] = schema.Named{Name: t.Name, Schema: t.Schema}
	}
	var problems diag.List
	c.types, problems = schema.NewSet(named)
	c.diags = append(c.diags, problems...)
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
		k.Reduce, k.Writes = compileReducer(&c.def.State[i], k.Type, scope, &c.diags)
		if k.Reduce.Expr != nil {
			c.programs = append(c.programs, k.Reduce.Expr)
		}
	}
}

func (c *compiler) compileEvents() {
	for i, d := range c.def.Events {
		k, ok := c.g.index.keys[d.To.Value]
		if !ok {
			c.unknown(diag.UnknownState, "state key", d.To, c.g.KeyNames())
		}
		c.g.Events = append(c.g.Events, Event{Name: d.Name.Value, Key: k})
		first(c.g.index.events, d.Name.Value, i)
	}
}

// compilePools puts "default" first, declared or not.
func (c *compiler) compilePools() {
	pools := []Pool{{Name: "default", Parallel: defaultParallel, RatePer: time.Minute}}
	for _, d := range c.def.Pools {
		p := Pool{Name: d.Name.Value, Parallel: d.Parallel, Rate: d.Rate, RatePer: d.RatePer}
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
