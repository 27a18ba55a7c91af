package dsl

import (
	"slices"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// foreign is how keys begin that belong to somebody else: they are welcome at the top
// of a file and in nodes, and mean nothing here.
const foreign = "x-"

// checker checks a document against the table. It marks values that do not fit as
// broken, so that nothing is built from them.
type checker struct {
	*document
}

// object checks the fields of a mapping. what names it in messages: `node
// "a"`.
func (c *checker) object(n *tree.Node, o *object, what string) {
	for _, f := range n.Fields {
		spec := o.field(f.Key.Value)
		switch {
		case o.welcomes && strings.HasPrefix(f.Key.Value, foreign):
		case spec != nil:
			c.value(f.Value, spec.shape, quote(f.Key.Value), f.Key.Span)
		case o.open:
			c.nearField(f, o, what)
		default:
			c.unknown(f, o, what)
		}
	}
	for _, f := range o.fields {
		if f.required && n.Get(f.name) == nil {
			c.diags.Add(diag.MissingField, n.Head(), "", "%s has no %q", what, f.name)
		}
	}
}

// nearField reports a misspelt field of a mapping that is also a JSON Schema. A
// name that is similar to none of the fields is left to the schema.
func (c *checker) nearField(f tree.Field, o *object, what string) {
	words := schema.Keywords()
	if slices.Contains(words, f.Key.Value) {
		return
	}
	help := diag.Suggest(f.Key.Value, append(o.names(), words...))
	if help == "" || diag.Suggest(f.Key.Value, words) == help {
		return
	}
	c.diags.Add(diag.UnknownField, f.Key.Span, help, "%s has no field %q", what, f.Key.Value)
	c.broken[f.Value] = true
}

func (c *checker) unknown(f tree.Field, o *object, what string) {
	help := diag.Suggest(f.Key.Value, o.names())
	switch {
	case f.Key.Value == "on" && o == edgeObject:
		help = `did you mean "outcome"?`
	case help == "":
		help = "known fields: " + strings.Join(o.names(), ", ")
	}
	c.diags.Add(diag.UnknownField, f.Key.Span, help, "%s has no field %q", what, f.Key.Value)
	c.broken[f.Value] = true
}

// value checks one value against its shape.
func (c *checker) value(n *tree.Node, s *shape, what string, key diag.Span) {
	if c.broken[n] || s.empty && n.Kind == tree.Null {
		return
	}
	if s.kind == expr || s.kind == union && s.pick(n).kind == expr {
		if at, cut := c.commentCut(n); cut {
			c.cut(n, at)
			return
		}
	}
	whole := s
	s = s.pick(n)
	if !s.takes(n.Kind) {
		c.wrongType(n, s, what, key)
		return
	}
	switch s.kind {
	case word:
		c.word(n, s, what)
	case name:
		if n.Text.Value == "" {
			c.fail(n, diag.BadName, "", "%s is \"\", expected a name", what)
		}
	case expr:
		if strings.TrimSpace(n.Text.Value) == "" {
			c.fail(n, diag.ExprSyntax, "", "the expression is empty")
		}
	case integer:
		if n.Int < int64(s.least) {
			c.fail(n, diag.WrongType, "", "%s is %d, expected %d or more", what, n.Int, s.least)
		}
	case number:
		if n.Int < 0 || n.Float < 0 {
			c.fail(n, diag.WrongType, "", "%s is %s, expected no negative number", what, n.Text.Value)
		}
	case duration:
		c.duration(n, s, what)
	case rate:
		if _, _, ok := parseRate(n.Text.Value); !ok {
			c.fail(n, diag.WrongType, "write it as 60/m: a number per s, m, h or d", "%s is %q, expected a rate", what, n.Text.Value)
		}
	case template:
		if !strings.Contains(n.Text.Value, "${{") {
			c.fail(n, diag.WrongType, "a template is written ${{ expression }}", "%s is %q, expected %s", what, n.Text.Value, whole)
		}
	case list:
		if len(n.Items) < s.least {
			c.fail(n, diag.WrongType, "", "%s is an empty list, expected %s", what, whole)
		}
		for _, it := range n.Items {
			c.value(it, s.elem, "an entry of "+what, it.Span)
		}
	case mapping:
		for _, f := range n.Fields {
			c.value(f.Value, s.elem, entryName(what)+" "+quote(f.Key.Value), f.Key.Span)
		}
	case obj:
		c.object(n, s.obj, objectName(what, s.obj))
	case anyMap, typ, value:
		c.inside(n)
	}
}

// inside looks for templates that a comment cut off, at any depth.
func (c *checker) inside(n *tree.Node) {
	if n.Kind == tree.String {
		open := strings.LastIndex(n.Text.Value, "${{")
		if open < 0 || strings.Contains(n.Text.Value[open:], "}}") {
			return
		}
		if comment, ok := c.comments[n]; ok {
			c.cut(n, comment.at)
		}
	}
	for _, it := range n.Items {
		c.inside(it)
	}
	for _, f := range n.Fields {
		c.inside(f.Value)
	}
}

// cut reports an expression that YAML cut off, because it read a part as a comment.
func (c *checker) cut(n *tree.Node, at diag.Span) {
	c.fail(n, diag.YAMLComment, "put the whole value in quotes", `" #" begins a comment and cuts the expression off`)
	c.diags[len(c.diags)-1].Span = at
}

func (c *checker) word(n *tree.Node, s *shape, what string) {
	for _, w := range s.words {
		if n.Text.Value == w {
			return
		}
	}
	c.fail(n, diag.WrongType, diag.Suggest(n.Text.Value, s.words), "%s is %q, expected %s", what, n.Text.Value, alternatives(s.words))
}

func (c *checker) duration(n *tree.Node, s *shape, what string) {
	if len(s.words) > 0 && n.Kind == tree.String && n.Text.Value == s.words[0] {
		return
	}
	if _, err := graph.ParseDuration(n.Text.Value); err != nil || n.Kind != tree.String {
		c.fail(n, diag.BadDuration, durationHelp(n.Text.Value), "%s is %q, expected a duration", what, n.Text.Value)
	}
}

func (c *checker) wrongType(n *tree.Node, s *shape, what string, key diag.Span) {
	at := n.Span
	if n.Kind == tree.Null && n.Text.Value == "" {
		at = key
		c.diags.Add(diag.WrongType, at, "", "%s has no value, expected %s", what, s)
	} else {
		got, help := kindName(n.Kind), ""
		switch n.Kind {
		case tree.Int, tree.Float, tree.Bool:
			got = n.Text.Value
		case tree.String:
			if len(n.Text.Value) <= 40 {
				got = quote(n.Text.Value)
			}
			if s.kind == boolean {
				help = "only true and false are booleans, without quotes"
			}
		case tree.Null:
			if s.kind == expr {
				help = `an expression writes it "nil"`
			}
		}
		c.diags.Add(diag.WrongType, at, help, "%s is %s, expected %s", what, got, s)
	}
	c.broken[n] = true
}

// fail reports a problem of n as a whole.
func (c *checker) fail(n *tree.Node, code diag.Code, help, format string, args ...any) {
	c.diags.Add(code, n.Span, help, format, args...)
	c.broken[n] = true
}

// pick returns the alternative of a union to check a value against: the one that
// takes values of its kind, or the union itself.
func (s *shape) pick(n *tree.Node) *shape {
	if s.kind != union {
		return s
	}
	if n.Kind == tree.String && strings.Contains(n.Text.Value, "${{") {
		for _, a := range s.alts {
			if a.kind == template {
				return a
			}
		}
	}
	for _, a := range s.alts {
		if a.takes(n.Kind) {
			return a
		}
	}
	return s
}

// takes reports whether a value of kind k can have the shape.
func (s *shape) takes(k tree.Kind) bool {
	switch s.kind {
	case text, name, word, rate, template:
		return k == tree.String
	case duration:
		return k == tree.String || k == tree.Int || k == tree.Float
	case expr:
		return k == tree.String || k == tree.Int || k == tree.Float || k == tree.Bool
	case integer:
		return k == tree.Int
	case number:
		return k == tree.Int || k == tree.Float
	case boolean:
		return k == tree.Bool
	case typ:
		return k == tree.String || k == tree.Map || k == tree.Bool
	case list:
		return k == tree.List
	case mapping, anyMap, obj:
		return k == tree.Map
	case union:
		for _, a := range s.alts {
			if a.takes(k) {
				return true
			}
		}
		return false
	}
	return true
}

// String names what is expected, as in "a duration, a mapping or a template".
func (s *shape) String() string {
	switch s.kind {
	case text:
		return "a string"
	case name:
		return "a name"
	case word:
		return alternatives(s.words)
	case expr:
		return "an expression"
	case template:
		return "a template"
	case integer:
		return "an integer"
	case number:
		return "a number"
	case boolean:
		return "true or false"
	case duration:
		return "a duration"
	case rate:
		return "a rate as 60/m"
	case typ:
		return "a type"
	case list:
		return "a list"
	case mapping, anyMap, obj:
		return "a mapping"
	case union:
		var parts []string
		for _, a := range s.alts {
			parts = append(parts, a.String())
		}
		return orList(parts)
	}
	return "a value"
}

func kindName(k tree.Kind) string {
	return [...]string{"null", "a boolean", "an integer", "a number", "a string", "a list", "a mapping"}[k]
}

func quote(s string) string { return strconv.Quote(s) }

func alternatives(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return orList(quoted)
}

func orList(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " or " + parts[len(parts)-1]
}

// entryName turns the name of a mapping into the name of one entry: "nodes" into
// node.
func entryName(what string) string {
	what = strings.Trim(what, `"`)
	switch what {
	case "state":
		return "state key"
	case "define", "writes":
		return what + " entry"
	}
	if one, ok := strings.CutSuffix(what, "ies"); ok {
		return one + "y"
	}
	return strings.TrimSuffix(what, "s")
}

// objectName names an object in messages.
func objectName(what string, o *object) string {
	if strings.HasPrefix(what, "an entry of ") {
		return "the " + strings.ReplaceAll(o.name, "_", " ")
	}
	return what
}
