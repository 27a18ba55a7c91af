package graph

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// compileWith compiles a node's configuration, checks it against the table of its
// kind, and returns the type of its output.
func (c *compiler) compileWith(n *Node, elements []cond.Name) *schema.Type {
	with := n.Def.With
	if with != nil && with.Kind == tree.Null {
		with = nil
	}
	config := Config{Tree: with, Type: schema.ObjectOf(), Types: c.types}
	if with != nil {
		if with.Kind != tree.Map {
			c.diags.Add(diag.WrongType, with.Span, "", "%q must be a mapping, not a %s", "with", with.Kind)
			return schema.AnyType
		}
		n.With = c.template(with, c.errorScope(n).With(c.secretsName(n)...).With(elements...))
		config.Type = n.With.Type()
	}
	before := len(c.diags)
	c.checkFields(n, with)
	if k := &n.Kind; k.Check != nil {
		k.Check(config, func(code diag.Code, at diag.Span, help, format string, args ...any) {
			at = placed(at, placed(n.Def.WithAt, n.Def.At))
			if whole := at.Start == n.Def.WithAt.Start; whole || !c.reported(before, at) {
				c.diags.Add(code, at, help, format, args...)
			}
		})
	}
	if n.Kind.Runs {
		return c.compileInner(n)
	}
	if n.Kind.Output == nil {
		return schema.AnyType
	}
	return n.Kind.Output(config)
}

// reported says whether a problem after the first n has this place.
func (c *compiler) reported(n int, at diag.Span) bool {
	for _, d := range c.diags[n:] {
		if !at.IsZero() && d.Span.Start == at.Start {
			return true
		}
	}
	return false
}

// checkFields checks a configuration against the fields of the kind.
func (c *compiler) checkFields(n *Node, with *tree.Node) {
	k := &n.Kind
	for i := range k.Fields {
		if f := &k.Fields[i]; f.Required && with.Get(f.Name) == nil {
			c.diags.Add(diag.BadConfig, placed(n.Def.WithAt, n.Def.At), f.Doc, "%s needs %q in its `with`", k.Name, f.Name)
		}
	}
	if with == nil {
		return
	}
	byName := make(map[string]*Field, len(k.Fields))
	for i := range k.Fields {
		byName[k.Fields[i].Name] = &k.Fields[i]
	}
	root, _ := n.With.root.(object)
	whole, _ := n.With.Const()
	fixed, _ := whole.(map[string]any)
	for i, e := range with.Fields {
		f, ok := byName[e.Key.Value]
		if !ok {
			if !k.Open {
				c.unknownEntry(k, e.Key)
			}
			continue
		}
		var p part
		if fixed != nil {
			p = constant{fixed[e.Key.Value]}
		} else {
			p = root.parts[i]
		}
		c.checkField(f, e, p)
	}
}

func (c *compiler) unknownEntry(k *Kind, key diag.Text) {
	known := names(k.Fields, func(f *Field) string { return f.Name })
	help := diag.Suggest(key.Value, known)
	if help == "" {
		help = listed("entry", known)
	}
	c.diags.Add(diag.UnknownField, key.Span, help, "%s has no entry %q", k.Name, key.Value)
}

func (c *compiler) checkField(f *Field, e tree.Field, p part) {
	if f.Literal {
		if at := templateInside(e.Value); at != nil {
			c.diags.Add(diag.BadConfig, at.Span, "write the value itself", "%q takes no ${{ }}", f.Name)
			return
		}
	}
	if k, fixed := p.(constant); fixed && f.Type == "duration" {
		c.checkDuration(f.Name, e.Value, k.value)
		return
	}
	c.fits(strconv.Quote(f.Name), e.Value, p, c.fieldType(f.Type))
}

func (c *compiler) checkDuration(name string, n *tree.Node, v any) {
	switch v := v.(type) {
	case string:
		if _, err := ParseDuration(v); err != nil {
			c.diags.Add(diag.BadDuration, n.Span, "", "%s", err)
		}
	case int64, float64:
		c.diags.Add(diag.BadDuration, n.Span, "add a unit, as in 5s", "%s is no duration", n.Text.Value)
	default:
		c.diags.Add(diag.WrongType, n.Span, "", "%q must be a duration, not a %s", name, n.Kind)
	}
}

// templateInside is the first string with ${{ }} at any depth, or nil.
func templateInside(n *tree.Node) *tree.Node {
	switch n.Kind {
	case tree.String:
		if hasTemplate(n.Text.Value) {
			return n
		}
	case tree.List:
		for _, it := range n.Items {
			if at := templateInside(it); at != nil {
				return at
			}
		}
	case tree.Map:
		for _, f := range n.Fields {
			if at := templateInside(f.Value); at != nil {
				return at
			}
		}
	}
	return nil
}

// fieldType returns the type that a field of a kind declares, nil for any.
func (c *compiler) fieldType(short string) *schema.Type {
	if t, ok := c.fieldTypes[short]; ok {
		return t
	}
	var t *schema.Type
	switch {
	case short == "any":
	case short == "duration":
		t = schema.StringType
	case strings.Contains(short, "|"):
		words := make([]any, 0, 4)
		for w := range strings.SplitSeq(short, "|") {
			words = append(words, strings.TrimSpace(w))
		}
		t = schema.EnumOf(schema.String, words...)
	default:
		none, _ := schema.NewSet(nil)
		t, _ = none.Compile(tree.Of(short))
	}
	c.fieldTypes[short] = t
	return t
}

// fits checks a value with templates against a type, part by part, so that a
// problem has the place of its part. what names the value. A template that may be
// null passes: its value is checked when it is there.
func (c *compiler) fits(what string, n *tree.Node, p part, want *schema.Type) {
	if want == nil || want.Kind == schema.Any {
		return
	}
	wrong := func(got string) {
		c.diags.Add(diag.WrongType, n.Span, "", "%s must be %s, not %s", what, want, got)
	}
	switch p := p.(type) {
	case constant:
		if _, err := want.Check("", p.value); err != nil {
			at, path := mismatchAt(n, err)
			c.diags.Add(diag.WrongType, at, "", "%s%s %s", what, path, mismatchText(err))
		}
	case whole:
		if got := asText(p.program.Type()); schema.Assign(want.OrNull(), got) != nil {
			wrong(got.String())
		}
	case written:
		if want.Kind != schema.String {
			wrong("text")
		}
	case list:
		if want.Kind != schema.List {
			wrong("a list")
			return
		}
		for i, it := range p {
			c.fits(fmt.Sprintf("%s[%d]", what, i), n.Items[i], it, want.Elem)
		}
	case object:
		if want.Kind != schema.Object {
			wrong("a mapping")
			return
		}
		for i, it := range p.parts {
			c.fits(what+"."+p.keys[i], n.Fields[i].Value, it, propType(want, p.keys[i]))
		}
	}
}

// propType returns the type of a property, nil if it is not declared.
func propType(t *schema.Type, name string) *schema.Type {
	if p, ok := t.Prop(name); ok {
		return p.Type
	}
	return t.Rest
}

// checkEventFields reports names of events that the graph does not declare:
// nobody could ever send them.
func (c *compiler) checkEventFields(n *Node) {
	for _, f := range n.Kind.Fields {
		if at := n.Def.With.Get(f.Name); f.Event && at != nil && at.Kind == tree.String {
			if _, ok := c.g.index.events[at.Text.Value]; !ok {
				c.unknown(diag.UnknownName, "event", at.Text, c.g.EventNames())
			}
		}
	}
}
