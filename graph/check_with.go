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

// site is one use of a kind: by a node, or by a tool of the graph.
type site struct {
	kind       *Kind
	with       *tree.Node
	withAt, at diag.Span   // of the `with`, and of what uses the kind
	scope      *cond.Scope // of the templates
	runs       *Def        // the graph that it runs; nil means none

	// What compiling it gives.
	template *Template
	output   *schema.Type
	inner    *Graph
	calls    []ToolName
	where    *cond.Program
}

// place is where a problem of the whole `with` is shown.
func (s *site) place() diag.Span { return placed(s.withAt, s.at) }

// compileSite compiles a configuration and checks it against the table of its kind.
func (c *compiler) compileSite(s *site) {
	s.output = schema.AnyType
	with := s.with
	if with != nil && with.Kind == tree.Null {
		with = nil
	}
	s.with = with
	config := Config{Tree: with, Type: schema.ObjectOf(), Types: c.types, Payload: c.payloadOf}
	if with != nil {
		if with.Kind != tree.Map {
			c.diags.Add(diag.WrongType, with.Span, "", "%q must be a mapping, not a %s", "with", with.Kind)
			return
		}
		s.template = c.withTemplate(s)
		config.Type = s.template.Type()
	}
	if m := c.memoryOf(s); m != nil {
		config.Data = m.Data
	}
	before := len(c.diags)
	c.checkFields(s)
	if k := s.kind; k.Check != nil {
		k.Check(config, func(code diag.Code, at diag.Span, help, format string, args ...any) {
			at = placed(at, s.place())
			if whole := at.Start == s.withAt.Start; whole || !c.reported(before, at) {
				c.diags.Add(code, at, help, format, args...)
			}
		})
	}
	c.checkEventFields(s)
	c.checkNaming(s)
	switch {
	case s.kind.Runs:
		s.output = c.compileInner(s)
	case s.kind.Output != nil:
		s.output = s.kind.Output(config)
	}
}

// payloadOf is the type of an event's payload.
func (c *compiler) payloadOf(event string) (*schema.Type, bool) {
	i, ok := c.g.index.events[event]
	if !ok || c.g.Events[i].Type == nil {
		return schema.AnyType, false
	}
	return c.g.Events[i].Type, true
}

// withTemplate compiles the templates of a `with`. Some fields see less than others.
func (c *compiler) withTemplate(s *site) *Template {
	return c.templateIn(s.with, func(field string) *cond.Scope {
		for i := range s.kind.Fields {
			if f := &s.kind.Fields[i]; f.Author && f.Name == field {
				return c.authorOf(s.scope)
			}
		}
		return s.scope
	})
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
func (c *compiler) checkFields(s *site) {
	k, with := s.kind, s.with
	for i := range k.Fields {
		if f := &k.Fields[i]; f.Required && with.Get(f.Name) == nil {
			c.diags.Add(diag.BadConfig, s.place(), f.Doc, "%s needs %q in its `with`", k.Name, f.Name)
		}
	}
	if with == nil {
		return
	}
	byName := make(map[string]*Field, len(k.Fields))
	for i := range k.Fields {
		byName[k.Fields[i].Name] = &k.Fields[i]
	}
	root, _ := s.template.root.(object)
	whole, _ := s.template.Const()
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
func (c *compiler) checkEventFields(s *site) {
	for _, f := range s.kind.Fields {
		if !f.Event {
			continue
		}
		for _, at := range textsIn(s.with.Get(f.Name)) {
			c.mention(NameOfEvent, at)
			if _, ok := c.g.index.events[at.Value]; !ok {
				c.unknown(diag.UnknownName, "event", at, c.g.EventNames())
			}
		}
	}
}

// textsIn lists a text, or those of a list.
func textsIn(n *tree.Node) (out []diag.Text) {
	switch {
	case n == nil:
	case n.Kind == tree.String:
		out = append(out, n.Text)
	case n.Kind == tree.List:
		for _, it := range n.Items {
			out = append(out, textsIn(it)...)
		}
	}
	return out
}
