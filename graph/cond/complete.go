package cond

import (
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// CandidateKind says what a Candidate is.
type CandidateKind uint8

const (
	CandidateName CandidateKind = iota // a name of the scope
	CandidateVariable
	CandidateProperty
	CandidateFunction
	CandidateMethod
	CandidateValue // of an enum
	CandidateWord  // of the language: true, not, …
)

// Candidate is something that may stand at a place of an expression.
type Candidate struct {
	Text  string // a value without its quotes
	Kind  CandidateKind
	Type  *schema.Type // nil for functions and words
	Doc   string       // of a function: its signature
	Quote bool         // a text that needs quotes there
}

// gap is what a checker knows of the place of the hole.
type gap struct {
	vars   []variable
	frame  *frame // of the predicate around it
	of     *schema.Type
	member bool // it is a property of of
	text   bool // it is a string
	enum   *schema.Type
}

// hole stands in an expression where something is sought.
const hole = "__hole__"

// Complete lists what may stand at byte at of an expression, which may be unfinished.
// from and to are the bytes that a candidate takes the place of: the word around the
// place. The list is sorted by kind and text; values come first.
func Complete(text string, at int, scope *Scope, want Want) (from, to int, all []Candidate) {
	from, to, quoted := wordAround(text, at)
	before, after := text[:from], text[to:]
	g := fill(before, hole, after, quoted, scope, want)
	switch {
	case g == nil || quoted != 0 && g.text && g.enum == nil:
		return from, to, nil
	case g.member:
		return from, to, propertiesOf(g.of)
	case g.text:
		return from, to, valuesOf(g.enum, false)
	}
	// Where a value of an enum fits, its values are texts: the place is tried with one.
	if v := fill(before, `"`+hole+`"`, after, 0, scope, want); v != nil && v.enum != nil {
		all = valuesOf(v.enum, true)
	}
	return from, to, append(all, namesIn(scope, g)...)
}

// wordAround finds the word at a place, or the inside of the string there with its quote.
func wordAround(text string, at int) (from, to int, quote byte) {
	for i := 0; i < at; i++ {
		if q := text[i]; q == '"' || q == '\'' || q == '`' {
			end := skipString(text, i)
			if end >= at {
				return i + 1, min(end, len(text)), q
			}
			i = end
		}
	}
	from, to = at, at
	for from > 0 && isWord(text[from-1]) {
		from--
	}
	for to < len(text) && isWord(text[to]) {
		to++
	}
	if from > 0 && text[from-1] == '#' {
		from--
	}
	return from, to, 0
}

// endings are what an unfinished expression may lack behind the place.
var endings = []string{"", ", true)", " : nil", "; nil"}

// fill checks the text with a hole in it. When the text does not parse, what is behind the
// hole counts as not written yet.
func fill(before, in, after string, quote byte, scope *Scope, want Want) *gap {
	closing := ""
	if quote != 0 {
		closing = string(quote)
		if !strings.HasPrefix(after, closing) {
			after = closing + after
		}
	}
	tries := []string{after}
	for _, e := range endings {
		tries = append(tries, closing+e+after, closing+e+closers(before, e))
	}
	for _, rest := range tries {
		if o := seek(hole, diag.Plain(before+in+rest), scope, want); o != nil && o.gap != nil {
			return o.gap
		}
	}
	return nil
}

// closers are the brackets that a text leaves open, without those that ending closes.
func closers(text, ending string) string {
	var open []byte
	scan(text, 0, len(text), func(i int) {
		switch text[i] {
		case '(':
			open = append(open, ')')
		case '[':
			open = append(open, ']')
		case '{':
			open = append(open, '}')
		case ')', ']', '}':
			open = open[:max(len(open)-1, 0)]
		}
	})
	if strings.HasSuffix(ending, ")") {
		open = open[:max(len(open)-1, 0)]
	}
	slices.Reverse(open)
	return string(open)
}

func propertiesOf(t *schema.Type) (all []Candidate) {
	if t == nil {
		return nil
	}
	if t.Kind == schema.Object {
		for _, p := range t.Props {
			typ := p.Type
			if !p.Required || t.Nullable {
				typ = typ.OrNull()
			}
			all = append(all, Candidate{Text: p.Name, Kind: CandidateProperty, Type: typ})
		}
	}
	for _, name := range methodNames(t.Kind) {
		all = append(all, Candidate{Text: name + "()", Kind: CandidateMethod, Type: lookMethod(t.Kind, name).result})
	}
	return all
}

func valuesOf(enum *schema.Type, quote bool) (all []Candidate) {
	for _, v := range enum.Enum {
		if s, ok := v.(string); ok {
			all = append(all, Candidate{Text: s, Kind: CandidateValue, Type: enum, Quote: quote})
		}
	}
	return all
}

// namesIn lists what an operand may begin with.
func namesIn(scope *Scope, g *gap) (all []Candidate) {
	if g.frame != nil {
		all = append(all, Candidate{Text: "#", Kind: CandidateVariable, Type: g.frame.elem},
			Candidate{Text: "#index", Kind: CandidateVariable, Type: schema.IntegerType})
		if g.frame.accType != nil {
			all = append(all, Candidate{Text: "#acc", Kind: CandidateVariable, Type: g.frame.accType})
		}
		for _, p := range propertiesOf(g.frame.elem) {
			p.Text = "." + p.Text
			all = append(all, p)
		}
	}
	for i := len(g.vars) - 1; i >= 0; i-- {
		all = append(all, Candidate{Text: g.vars[i].name, Kind: CandidateVariable, Type: g.vars[i].value.typ})
	}
	for _, name := range scope.usable() {
		n, _ := scope.Lookup(name)
		all = append(all, Candidate{Text: name, Kind: CandidateName, Type: n.Type})
	}
	for _, name := range functionNames() {
		all = append(all, Candidate{Text: name, Kind: CandidateFunction, Doc: lookFunction(name).doc})
	}
	for _, word := range []string{"true", "false", "nil", "not", "let"} {
		all = append(all, Candidate{Text: word, Kind: CandidateWord})
	}
	return all
}
