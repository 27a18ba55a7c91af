package graph

import (
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

func (c *compiler) compileNodes() {
	c.checkRetryKinds(c.def.Defaults.Retry.Errors)
	c.retryWhen = c.condition(c.def.Defaults.Retry.When, c.scopes.failed)
	for i := range c.g.Nodes {
		if n := &c.g.Nodes[i]; !c.survey.skips(n) {
			c.compileNode(n)
		}
	}
}

func (c *compiler) compileNode(n *Node) {
	d := n.Def
	inner := c.compileForEach(n)
	s := &site{kind: &n.Kind, with: d.With, withAt: d.WithAt, at: d.At, runs: d.Graph,
		scope: c.errorScope(n).With(c.secretsName(&n.Kind)...).With(inner...)}
	s.with = c.textsOf(s)
	d.With = s.with
	c.compileSite(s)
	n.With, n.Output, n.Inner, n.Calls, n.Where = s.template, s.output, s.inner, s.calls, s.where
	for _, call := range n.Calls {
		if call.Of == OwnTool {
			n.Tools = append(n.Tools, call.Index)
		}
	}
	c.compileWrites(n, s.output, inner)
	n.Retry = c.retry(n)
	n.Timeout, n.Deadline = d.Timeout, d.Deadline
	if n.Timeout == 0 && !n.Kind.NoDefaults {
		n.Timeout = c.def.Defaults.Timeout
	}
	n.Priority = c.compilePriority(d, c.scopesOf(n).base.With(inner...))
	n.Pool = c.pool(n)
	n.Lock = c.compileLock(n, c.scopes.base.With(inner...))
	n.Latch, n.Cancel = d.Latch, d.Cancel
	if n.Cancel && d.Join.Text.Value != "first" {
		c.diags.Add(diag.BadConfig, placed(d.CancelAt, d.At), "add `join: first`", "%q has %q without %q: it has no other sources to cancel", n.ID, "cancel", "join: first")
	}
	if d.Cache != nil {
		if n.Kind.Waits {
			c.diags.Add(diag.BadConfig, placed(d.Cache.Key.Span, d.At), "an answer, an event and a time are no results to use again",
				"node %q waits, it can have no cache", n.ID)
		}
		n.Cache = &Cache{Key: c.expr(d.Cache.Key, c.scopesOf(n).base.With(inner...), cond.Want{}), TTL: d.Cache.TTL}
	}
}

// compileForEach returns the names that are in scope for the node's elements.
func (c *compiler) compileForEach(n *Node) []cond.Name {
	d := n.Def.ForEach
	if d == nil {
		return nil
	}
	base := c.scopesOf(n).base
	f := &ForEach{As: d.As.Value}
	if f.As == "" {
		f.As = "item"
	}
	f.OnFailure = [...]OnFailure{Collect, Fast, Skip, Keep}[c.word("on_failure", d.OnFailure, "collect", "fast", "skip", "keep")]
	elem := schema.AnyType
	if f.In = c.expr(d.In, base, cond.Want{}); f.In != nil {
		switch t := f.In.Type(); {
		case t.Kind == schema.List:
			elem = t.Elem
			if t.Nullable {
				c.mustBe(d.In, t, "a list", "for a list that may be null write `?? []`")
			}
		case t.Kind != schema.Any:
			c.mustBe(d.In, t, "a list", "")
		}
	}
	names := elementNames(f.As, elem)
	if d.Key.Value != "" {
		if f.Key = c.expr(d.Key, base.With(names...), cond.Want{}); f.Key != nil &&
			!oneKind(f.Key.Type(), schema.String, schema.Integer, schema.Any) {
			c.mustBe(d.Key, f.Key.Type(), "a string or an integer", "")
		}
	}
	if d.Max.Value != "" {
		if f.Max = c.expr(d.Max, base, cond.Want{}); f.Max != nil &&
			!oneKind(f.Max.Type(), schema.Integer, schema.Any) {
			c.mustBe(d.Max, f.Max.Type(), "an integer", "")
		}
	}
	n.ForEach = f
	return names
}

// mustBe reports a value of the wrong type, at its expression.
func (c *compiler) mustBe(text diag.Text, got *schema.Type, want, help string) {
	c.diags.Add(diag.ExprType, text.Span, help, "must be %s, this is %s", want, got)
}

func oneKind(t *schema.Type, kinds ...schema.Kind) bool {
	for _, k := range kinds {
		if t.Kind == k && (!t.Nullable || k == schema.Any) {
			return true
		}
	}
	return false
}

// compileWrites compiles the values that a node writes, in the scope of its output.
func (c *compiler) compileWrites(n *Node, output *schema.Type, inner []cond.Name) {
	var elements []cond.Name
	talk := talkNames(n)
	if n.ForEach != nil {
		one := output
		output = c.compileElements(n, inner, one)
		elements = append(elementOutside(n.ForEach.As), c.resultsName(n, one)...)
	}
	if len(n.Def.Writes) == 0 {
		return
	}
	scope := c.scopesOf(n).base.With(elements...).With(outputName(output)).With(talk...)
	seen := map[int]bool{}
	for i := range n.Def.Writes {
		w := &n.Def.Writes[i]
		c.mentionWrite(w)
		k, ok := c.g.index.keys[w.Key.Value]
		if !ok {
			c.unknown(diag.UnknownState, "state key", w.Key, c.g.KeyNames())
		} else if seen[k] {
			c.diags.Add(diag.DuplicateKey, w.Key.Span, "", "%q writes %q twice", n.ID, w.Key.Value)
			continue
		}
		in, want, text := scope, cond.Want{}, w.Expr
		if ok {
			seen[k] = true
			want.Type = c.g.Keys[k].Writes
		}
		if w.Short {
			text = shortWrite(w.Key)
			in = scope.With(outputName(lacking(output, w.Key.Value)))
		}
		if p := c.expr(text, in, want); ok {
			n.Writes = append(n.Writes, Write{Key: k, Expr: p})
		}
	}
}

// shortWrite returns the expression of an entry of the list form. All of it has the
// place of the key.
func shortWrite(key diag.Text) diag.Text { return diag.Whole("output."+key.Value, key.Span) }

// lacking returns an output type in which the property can be read: as null if the
// output does not have it.
func lacking(t *schema.Type, name string) *schema.Type {
	if t.Kind != schema.Object || t.Rest != nil {
		return t
	}
	if _, ok := t.Prop(name); ok {
		return t
	}
	wider := schema.ObjectOf(append(t.Props[:len(t.Props):len(t.Props)], required(name, schema.NullType))...)
	if t.Nullable {
		return wider.OrNull()
	}
	return wider
}

func (c *compiler) pool(n *Node) int {
	t := n.Def.Pool
	p := 0
	if t.Value != "" {
		c.mention(NameOfPool, t)
		var ok bool
		if p, ok = c.g.index.pools[t.Value]; !ok {
			c.unknown(diag.UnknownPool, "pool", t, names(c.g.Pools, func(p *Pool) string { return p.Name }))
		}
	}
	if n.Kind.Inline || n.Kind.Waits || n.Kind.Runs {
		return -1
	}
	return p
}

func (c *compiler) compilePriority(d *NodeDef, scope *cond.Scope) *Template {
	p := d.Priority
	if p == nil || p.Kind == tree.Null {
		return nil
	}
	t := c.template(p, scope)
	if _, fixed := t.Const(); fixed && p.Kind != tree.Int || !fixed && !oneKind(t.Type(), schema.Integer, schema.Any) {
		c.diags.Add(diag.WrongType, p.Span, "higher runs first; 0 is the default",
			"%q must be an integer or a template that gives one", "priority")
	}
	return t
}

// retry merges a node's retry with the defaults, field by field.
func (c *compiler) retry(n *Node) Retry {
	r := newRetry()
	if !n.Kind.NoDefaults {
		r.take(&c.def.Defaults.Retry)
		r.When = c.retryWhen
	}
	if n.Def.Retry != nil {
		c.checkRetryKinds(n.Def.Retry.Errors)
		r.take(n.Def.Retry)
		if when := c.condition(n.Def.Retry.When, c.scopesOf(n).failed); when != nil {
			r.When = when
		}
	}
	return r
}

func newRetry() Retry {
	return Retry{Attempts: 1, Backoff: time.Second, Factor: 2, MaxBackoff: time.Minute}
}

func (r *Retry) take(d *RetryDef) {
	set(&r.Attempts, d.Attempts)
	set(&r.Backoff, d.Backoff)
	set(&r.Factor, d.Factor)
	set(&r.MaxBackoff, d.MaxBackoff)
	set(&r.Jitter, d.Jitter)
	if d.Errors != nil {
		r.Errors = make([]string, len(d.Errors))
		for i, e := range d.Errors {
			r.Errors[i] = e.Value
		}
	}
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// ErrorKinds lists the kinds of failures.
func ErrorKinds() []string { return append([]string(nil), errorKinds...) }

// errorKinds are the kinds of failures.
var errorKinds = []string{"exit", "timeout", "cancelled", "panic", "schema", "output", "config", "expression", "http",
	"model", "limit", "error"}

func (c *compiler) checkRetryKinds(list []diag.Text) {
	for _, t := range list {
		c.word("errors", t, errorKinds...)
	}
}
