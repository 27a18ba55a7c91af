package graph

import (
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// template compiles a value whose strings may contain ${{ }}. It returns nil for a
// nil node. It adds problems to the compiler's list; a part with problems has an
// unknown type.
func (c *compiler) template(n *tree.Node, scope *cond.Scope) *Template {
	if n == nil {
		return nil
	}
	t := &Template{}
	t.root, t.typ = c.part(n, scope, t)
	if slices.ContainsFunc(t.programs, readsSecrets) {
		t.secrets = c.g.Secrets
	}
	return t
}

// templateIn is template for a mapping whose entries have scopes of their own.
func (c *compiler) templateIn(n *tree.Node, scope func(entry string) *cond.Scope) *Template {
	t := &Template{}
	t.root, t.typ = c.entries(n, scope, t)
	if slices.ContainsFunc(t.programs, readsSecrets) {
		t.secrets = c.g.Secrets
	}
	return t
}

func (c *compiler) part(n *tree.Node, scope *cond.Scope, t *Template) (part, *schema.Type) {
	switch n.Kind {
	case tree.String:
		return c.stringPart(n.Text, scope, t)
	case tree.List:
		return c.listPart(n, scope, t)
	case tree.Map:
		return c.objectPart(n, scope, t)
	}
	return constant{n.Value()}, scalarTypes[n.Kind]
}

var scalarTypes = map[tree.Kind]*schema.Type{
	tree.Null: schema.NullType, tree.Bool: schema.BooleanType,
	tree.Int: schema.IntegerType, tree.Float: schema.NumberType,
}

func (c *compiler) listPart(n *tree.Node, scope *cond.Scope, t *Template) (part, *schema.Type) {
	parts := make(list, len(n.Items))
	values := make([]any, len(n.Items))
	fixed := true
	elem := schema.NothingType
	for i, it := range n.Items {
		p, typ := c.part(it, scope, t)
		parts[i], elem = p, schema.Join(elem, typ)
		k, ok := p.(constant)
		values[i], fixed = k.value, fixed && ok
	}
	if fixed {
		return constant{values}, schema.ListOf(elem)
	}
	return parts, schema.ListOf(elem)
}

func (c *compiler) objectPart(n *tree.Node, scope *cond.Scope, t *Template) (part, *schema.Type) {
	return c.entries(n, func(string) *cond.Scope { return scope }, t)
}

func (c *compiler) entries(n *tree.Node, scope func(string) *cond.Scope, t *Template) (part, *schema.Type) {
	o := object{keys: make([]string, len(n.Fields)), parts: make([]part, len(n.Fields))}
	values := make(map[string]any, len(n.Fields))
	props := make([]schema.Prop, len(n.Fields))
	fixed := true
	for i, f := range n.Fields {
		p, typ := c.part(f.Value, scope(f.Key.Value), t)
		o.keys[i], o.parts[i] = f.Key.Value, p
		props[i] = schema.Prop{Name: f.Key.Value, Type: typ, Required: true}
		k, ok := p.(constant)
		values[f.Key.Value], fixed = k.value, fixed && ok
	}
	if fixed {
		return constant{values}, schema.ObjectOf(props...)
	}
	return o, schema.ObjectOf(props...)
}

// stringPart compiles one string.
func (c *compiler) stringPart(text diag.Text, scope *cond.Scope, t *Template) (part, *schema.Type) {
	pieces, bad := splitTemplate(text.Value)
	if bad >= 0 {
		c.surveyed(text.Cut(bad+3, len(text.Value)), scope, cond.Want{})
		c.diags.Add(diag.ExprSyntax, text.Sub(bad, bad+3), "write $${{ for a literal ${{",
			"\"${{\" without its \"}}\"")
		c.broken = true
		return broken{}, schema.AnyType
	}
	if len(pieces) == 0 {
		return constant{""}, schema.StringType
	}
	if len(pieces) == 1 && !pieces[0].expr {
		return constant{pieces[0].literal}, schema.StringType
	}
	var at []diag.Range
	for _, p := range pieces {
		if p.expr {
			at = append(at, p.at)
		}
	}
	exprs := text.Cuts(at...)
	w, sound := make(written, len(pieces)), true
	for i, p := range pieces {
		if !p.expr {
			w[i].literal = p.literal
			continue
		}
		prog := c.expr(exprs[0], scope, cond.Want{})
		exprs = exprs[1:]
		if prog == nil {
			sound = false
			continue
		}
		w[i].program = prog
		t.programs = append(t.programs, prog)
	}
	if !sound {
		return broken{}, schema.AnyType
	}
	if len(w) == 1 {
		return whole{w[0].program}, asText(w[0].program.Type())
	}
	return w, schema.StringType
}

// asText is the type that a value has once it left its expression.
func asText(t *schema.Type) *schema.Type {
	if t.Kind != schema.Time && t.Kind != schema.Duration {
		return t
	}
	if t.Nullable {
		return schema.StringType.OrNull()
	}
	return schema.StringType
}

// stretch is one part of a template's text: a literal, or an expression with
// its place in the text.
type stretch struct {
	literal string
	expr    bool
	at      diag.Range
}

// hasTemplate reports whether a text holds ${{ }}, also an unterminated one.
func hasTemplate(s string) bool {
	pieces, bad := splitTemplate(s)
	for _, p := range pieces {
		if p.expr {
			return true
		}
	}
	return bad >= 0
}

// splitTemplate cuts a text at its ${{ }}; bad is the offset of the first that
// does not end, or -1.
func splitTemplate(s string) (out []stretch, bad int) {
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			out = append(out, stretch{literal: literal.String()})
			literal.Reset()
		}
	}
	for i := 0; i < len(s); {
		at := strings.Index(s[i:], "${{")
		if at < 0 {
			literal.WriteString(s[i:])
			break
		}
		at += i
		if at > i && s[at-1] == '$' {
			literal.WriteString(s[i : at-1])
			literal.WriteString("${{")
			i = at + 3
			continue
		}
		literal.WriteString(s[i:at])
		end := templateEnd(s, at+3)
		if end < 0 {
			return out, at
		}
		flush()
		from, to := at+3, end
		for from < to && isSpace(s[from]) {
			from++
		}
		for to > from && isSpace(s[to-1]) {
			to--
		}
		out = append(out, stretch{expr: true, at: diag.Range{From: from, To: to}})
		i = end + 2
	}
	flush()
	return out, -1
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// templateEnd returns the offset of the first }} from i on that is outside strings
// and balanced braces, -1 if there is none.
func templateEnd(s string, i int) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '"', '\'', '`':
			end := stringEnd(s, i)
			if end < 0 {
				return -1
			}
			i = end
		case '{':
			depth++
		case '}':
			if depth > 0 {
				depth--
			} else if strings.HasPrefix(s[i:], "}}") {
				return i
			}
		}
	}
	return -1
}

// stringEnd is the offset of the quote that closes the one at i, or -1.
func stringEnd(s string, i int) int {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quote != '`':
			i++
		case s[i] == quote:
			return i
		}
	}
	return -1
}
