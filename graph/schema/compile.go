package schema

import (
	"regexp"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// checks holds the parts of a compiled schema that expressions do not see. A check
// follows them instead of Elem and Rest, which may come from a member of allOf that
// checks its own part.
type checks struct {
	loose bool // a value of another kind than Type.Kind passes the structure
	never bool // the schema `false`
	union bool // one of several schemas may add structure: what is not declared here is left as it is

	own      int      // how many of Props, the first ones, are of this schema itself
	required []string // names in `required` without a property of this schema itself
	patterns []patternType
	rest     *Type // of properties that neither own nor patterns declare; nil means any
	names    *Type // propertyNames
	depend   []dependent

	prefix   []*Type
	items    *Type // of elements after prefix; nil means any
	contains *Type
	minimum  int // of elements that fit contains
	maximum  int // negative means no bound

	all, any, one        []*Type
	not, cond, then, els *Type
	rules                []rule
}

type patternType struct {
	re *regexp.Regexp
	t  *Type
}

// dependent is one entry of dependentSchemas.
type dependent struct {
	name string
	t    *Type
}

var neverType = &Type{checks: &checks{never: true, maximum: -1}}

// schema compiles a schema in any of its spellings. It never gives nil.
func (c *compiler) schema(n *tree.Node, p place) *Type {
	if p.depth > maxSchemaDepth {
		c.problems.Add(diag.TooLarge, n.Span, "", "type is nested more than %d levels deep", maxSchemaDepth)
		return AnyType
	}
	switch n.Kind {
	case tree.String:
		return c.short(n.Text, p)
	case tree.Bool:
		if n.Bool {
			return AnyType
		}
		return neverType
	case tree.Map:
		return c.object(n, p)
	}
	help := ""
	if n.Kind == tree.Null {
		help = `for the type of null alone write "null", in quotes`
	}
	c.problems.Add(diag.WrongType, n.Span, help, "a type must be a string or a mapping, not %s", quoted(n))
	return AnyType
}

// draft is a schema whose keywords have been read, and whose members may not
// be complete yet.
type draft struct {
	node     *tree.Node
	place    place
	bases    []*Type // of `type`
	typed    bool    // `type` is there
	single   bool    // `type` is one word, not a list
	ref      *Type
	props    []Prop
	rest     *Type
	items    *Type
	required []string
	checks   checks
	only     []*tree.Node // enum or const; nil means none
	shaped   bool         // a keyword of structure is there: what is merged with others must be checked on its own
}

// object compiles a schema that is written as a mapping.
func (c *compiler) object(n *tree.Node, p place) *Type {
	d := &draft{node: n, place: p, checks: checks{minimum: 1, maximum: -1}}
	if local := n.Get("$defs"); local != nil && local.Kind == tree.Map {
		d.place.defs = c.local(local, p)
	}
	for _, f := range n.Fields {
		if c.known(f) {
			c.keyword(d, f)
		}
	}
	if len(d.checks.any)+len(d.checks.one)+len(d.checks.all)+len(d.checks.depend) > 0 || d.checks.cond != nil || p.part {
		d.checks.union = true
	}
	for _, name := range d.required {
		i := slices.IndexFunc(d.props, func(p Prop) bool { return p.Name == name })
		if i < 0 {
			d.checks.required = append(d.checks.required, name)
		} else {
			d.props[i].Required = true
		}
	}
	t := &Type{}
	c.fill(t, d.same(), func() {
		c.build(t, d)
		t.src = &source{node: n, set: c.set, defs: d.place.defs, nullable: t.Nullable}
	})
	return t
}

// same is the types that stand for the same value as the draft.
func (d *draft) same() []*Type {
	k := &d.checks
	on := slices.Concat(d.bases, k.all, k.any, k.one)
	for _, t := range []*Type{d.ref, k.not, k.cond, k.then, k.els} {
		if t != nil {
			on = append(on, t)
		}
	}
	return on
}

// local compiles the $defs of a schema.
func (c *compiler) local(n *tree.Node, p place) *defs {
	d := &defs{outer: p.defs, named: map[string]*entry{}}
	for _, f := range n.Fields {
		d.named[f.Key.Value] = &entry{name: f.Key.Value, node: f.Value, defs: d, typ: &Type{}}
	}
	inner := place{defs: d, depth: p.depth + 1}
	for _, f := range n.Fields {
		c.refer(d.named[f.Key.Value], inner, f.Key.Span)
	}
	return d
}

// keyword reads one keyword, whose shape is known to be right, into d.
func (c *compiler) keyword(d *draft, f tree.Field) {
	p, k, v := d.place, &d.checks, f.Value
	switch f.Key.Value {
	case "type":
		c.typeWords(d, f)
	case "$ref":
		d.ref = c.ref(v, p)
	case "enum":
		if d.only = v.Items; len(v.Items) == 0 {
			c.wrong(f, "a list with at least one value")
		}
	case "const":
		d.only = []*tree.Node{v}
	case "required":
		for _, w := range v.Items {
			d.required = append(d.required, w.Text.Value)
		}
		d.shaped = true
	case "properties", "patternProperties", "additionalProperties", "items", "prefixItems":
		c.structure(d, f)
		d.shaped = true
	case "propertyNames":
		k.names = c.schema(v, p.inside())
	case "dependentSchemas":
		for _, g := range v.Fields {
			k.depend = append(k.depend, dependent{g.Key.Value, c.schema(g.Value, p.beside())})
		}
	case "contains":
		k.contains = c.schema(v, p.inside())
	case "minContains":
		k.minimum = int(v.Int)
	case "maxContains":
		k.maximum = int(v.Int)
	case "allOf":
		k.all = append(k.all, c.members(v, p)...)
	case "anyOf":
		k.any = c.members(v, p)
	case "oneOf":
		k.one = c.members(v, p)
	case "not":
		k.not = c.schema(v, p.beside())
	case "if":
		k.cond = c.schema(v, p.beside())
	case "then":
		k.then = c.schema(v, p.beside())
	case "else":
		k.els = c.schema(v, p.beside())
	default:
		if keywords[f.Key.Value].rule {
			if r := c.rule(f); r != nil {
				k.rules = append(k.rules, *r)
			}
		}
	}
}

func (c *compiler) members(n *tree.Node, p place) []*Type {
	out := make([]*Type, len(n.Items))
	for i, m := range n.Items {
		out[i] = c.schema(m, p.beside())
	}
	return out
}

// structure reads the keywords that say what is inside a value.
func (c *compiler) structure(d *draft, f tree.Field) {
	p, v := d.place.inside(), f.Value
	switch f.Key.Value {
	case "properties":
		for _, g := range v.Fields {
			d.props = append(d.props, Prop{Name: g.Key.Value, Type: c.schema(g.Value, p)})
		}
	case "patternProperties":
		for _, g := range v.Fields {
			re, err := regexp.Compile(g.Key.Value)
			if err != nil {
				c.problems.Add(diag.WrongType, g.Key.Span, "", "%q is no regular expression of Go (RE2): %v", g.Key.Value, err)
				continue
			}
			d.checks.patterns = append(d.checks.patterns, patternType{re, c.schema(g.Value, p)})
		}
	case "additionalProperties":
		d.rest = c.schema(v, p)
	case "items":
		d.items = c.schema(v, p)
	case "prefixItems":
		for _, m := range v.Items {
			d.checks.prefix = append(d.checks.prefix, c.schema(m, p))
		}
	}
}

// typeWords reads `type`: one short spelling, or a list of them.
func (c *compiler) typeWords(d *draft, f tree.Field) {
	words := []*tree.Node{f.Value}
	if f.Value.Kind == tree.List && len(f.Value.Items) > 0 {
		words = f.Value.Items
	} else {
		d.single = true
	}
	for _, w := range words {
		switch {
		case w.Kind == tree.String:
			d.bases = append(d.bases, c.short(w.Text, d.place))
			d.typed = true
		case w.Kind == tree.Null:
			c.problems.Add(diag.WrongType, w.Span, `write "null", in quotes`, "\"type\" must hold names of types, not null")
		default:
			c.problems.Add(diag.WrongType, w.Span, "", "\"type\" must be a string or a list of strings, not %s", quoted(w))
		}
	}
}

// ref returns the type that a $ref names: a type of the graph, an entry of $defs, or a type of another file.
func (c *compiler) ref(n *tree.Node, p place) *Type {
	if name, ok := strings.CutPrefix(n.Text.Value, "#/types/"); ok {
		from := len(n.Text.Value) - len(name)
		c.saw(name, n.Text.Sub(from, len(n.Text.Value)))
		if e := c.set.named[name]; e != nil {
			return c.refer(e, p, n.Span)
		}
		c.problems.Add(diag.UnknownType, n.Text.Sub(from, len(n.Text.Value)), diag.Suggest(name, c.set.order), "unknown type %q", name)
		return AnyType
	}
	if name, ok := strings.CutPrefix(n.Text.Value, "#/$defs/"); ok {
		if e := p.defs.lookup(name); e != nil {
			return c.refer(e, p, n.Span)
		}
		from := len(n.Text.Value) - len(name)
		c.problems.Add(diag.UnknownType, n.Text.Sub(from, len(n.Text.Value)), "", "unknown type %q: no \"$defs\" around holds it", name)
		return AnyType
	}
	if file, name, ok := fileRef(n.Text.Value); ok {
		return c.refToFile(n, file, name)
	}
	c.problems.Add(diag.WrongType, n.Span, "", "\"$ref\" must be \"#/types/NAME\", \"#/$defs/NAME\" or \"FILE#/NAME\", not %s", quoted(n))
	return AnyType
}
