package schema

import (
	"strings"

	"github.com/graphrun/graphrun/diag"
)

// basicNames are the words of the short spelling that stand for a whole type.
var basicNames = []string{"string", "integer", "number", "boolean", "object", "any", "null", "array"}

// short compiles the short spelling of a type.
func (c *compiler) short(text diag.Text, p place) *Type {
	s := shortParser{c: c, text: text, p: p}
	t := s.typ(p)
	if t == nil {
		return AnyType
	}
	if s.space(); s.i < len(text.Value) {
		s.wrong("the end")
		return AnyType
	}
	return t
}

type shortParser struct {
	c    *compiler
	text diag.Text
	p    place
	i    int
}

func (s *shortParser) space() {
	for s.i < len(s.text.Value) && strings.IndexByte(" \t\n", s.text.Value[s.i]) >= 0 {
		s.i++
	}
}

func (s *shortParser) take(ch byte) bool {
	if s.space(); s.i < len(s.text.Value) && s.text.Value[s.i] == ch {
		s.i++
		return true
	}
	return false
}

// wrong reports a malformed spelling and gives nil.
func (s *shortParser) wrong(want string) *Type {
	s.c.problems.Add(diag.WrongType, s.text.Sub(s.i, s.i+1),
		"a type is string, integer, number, boolean, object, any, a name from \"types\", list(T), map(T) or T?",
		"%.60q is not a type: expected %s", s.text.Value, want)
	return nil
}

// typ reads one type. It returns nil for a malformed type, after reporting it.
func (s *shortParser) typ(p place) *Type {
	if p.depth > maxSchemaDepth {
		s.c.problems.Add(diag.TooLarge, s.text.Sub(s.i, s.i+1), "", "type is nested more than %d levels deep", maxSchemaDepth)
		return nil
	}
	s.space()
	from := s.i
	for s.i < len(s.text.Value) && isWord(s.text.Value[s.i]) {
		s.i++
	}
	word := s.text.Value[from:s.i]
	if word == "" {
		return s.wrong("a type")
	}
	var t *Type
	if s.take('(') {
		if word != "list" && word != "map" {
			s.i = from
			return s.wrong("list(T) or map(T)")
		}
		elem := s.typ(p.inside())
		if elem == nil {
			return nil
		}
		if !s.take(')') {
			return s.wrong(`")"`)
		}
		if t = ListOf(elem); word == "map" {
			t = MapOf(elem)
		}
	} else {
		t = s.c.name(word, s.text.Sub(from, from+len(word)), p)
	}
	nullable := false
	for s.take('?') {
		nullable = true
	}
	if nullable {
		t = s.c.orNull(t)
	}
	return t
}

func isWord(ch byte) bool {
	return ch == '_' || ch == '-' || ch >= '0' && ch <= '9' || ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z' || ch >= 0x80
}

// name is the type that a single word stands for.
func (c *compiler) name(word string, at diag.Span, p place) *Type {
	if t := basic(word); t != nil {
		return t
	}
	c.saw(word, at)
	if e := c.set.named[word]; e != nil {
		return c.refer(e, p, at)
	}
	var help string
	switch near := typeSlips[strings.ToLower(word)]; {
	case word == "list" || word == "map":
		help = "the element type is missing: " + word + "(string)"
	case near != "":
		help = "did you mean \"" + near + "\"?"
	default:
		help = diag.Suggest(word, append(append([]string{}, basicNames...), c.set.order...))
	}
	c.problems.Add(diag.UnknownType, at, help, "unknown type %q", word)
	return AnyType
}

// saw tells the watcher of a name.
func (c *compiler) saw(name string, at diag.Span) {
	if c.set.seen != nil {
		c.set.seen(name, at)
	}
}

// typeSlips maps types of other languages to the types of this one.
var typeSlips = map[string]string{
	"int": "integer", "long": "integer", "int64": "integer", "float": "number", "double": "number", "float64": "number",
	"str": "string", "text": "string", "bool": "boolean", "dict": "object", "struct": "object", "string": "string",
	"integer": "integer", "number": "number", "boolean": "boolean", "object": "object", "any": "any",
}

// basic is the type of a built-in word, nil for any other word.
func basic(word string) *Type {
	switch word {
	case "string":
		return StringType
	case "integer":
		return IntegerType
	case "number":
		return NumberType
	case "boolean":
		return BooleanType
	case "object":
		return objectType
	case "any":
		return AnyType
	case "null":
		return NullType
	case "array":
		return ListOf(AnyType)
	}
	return nil
}

// orNull returns t or null, even if t is not complete yet.
func (c *compiler) orNull(t *Type) *Type {
	if !c.open[t] {
		return t.OrNull()
	}
	n := &Type{}
	c.fill(n, []*Type{t}, func() {
		*n = *t
		n.Nullable = true
	})
	return n
}
