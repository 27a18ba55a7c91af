package dsl

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
)

// Item is something that may be written at a place.
type Item struct {
	Label  string
	Insert string // what is written; a `$0` in it is where the cursor then stands
	What   string // "field", "value", "type", "function", "property", "variable", "name", or a graph.NameOf…
	Detail string // its type or signature, on one line
	Doc    string // what it is for, in Markdown
	First  bool   // it is required, or a value that fits: it belongs before the others
}

// Completion is what may be written at a place. The items take the place of At, a part of
// one line, which may be empty.
type Completion struct {
	At    diag.Span
	Items []Item
}

// probe is written where something is sought, so that the rest of the text is read around it.
const probe = "xxGRAPHRUNxPROBExx"

// Complete lists what may be written at a place of a text that is unfinished there, and may
// be broken elsewhere.
func Complete(file string, src []byte, at diag.Pos, kinds graph.Kinds, known Known) Completion {
	from := offsetOf(src, at)
	before, after := string(src[:from]), string(src[from:])
	s := newStudy(kinds, known)
	s.sought = probe
	text := s.finish(file, before, after)
	if text == "" {
		return Completion{}
	}
	s.examine(file, []byte(text))
	if s.doc == nil {
		return Completion{}
	}
	c := completer{Study: s, at: at, colon: strings.HasPrefix(strings.TrimLeft(after, wordLetters), ":")}
	c.complete()
	return c.out
}

// finish finds and reads a text with the probe, in which the lines around it can be read. It
// gives "" if there is none.
func (s *Study) finish(file, before, after string) string {
	for _, mend := range []bool{false, true} {
		for _, text := range finished(before, after) {
			r := reading{file: file, former: s.parts, keep: probe, mend: mend}
			if r.read([]byte(text)) {
				s.doc = r.d
				return text
			}
			if r.lost || mend {
				continue
			}
			if d := readYAML(file, []byte(text)); d.root != nil {
				s.doc = d
				return text
			}
		}
	}
	return ""
}

const wordLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// offsetOf is the byte at a place of a source.
func offsetOf(src []byte, p diag.Pos) int {
	c := cursor{src: src, pos: diag.Pos{Line: 1, Col: 1}}
	if strings.HasPrefix(string(src[:min(3, len(src))]), "\uFEFF") {
		c.off = 3
	}
	for !c.atEnd() && c.pos.Less(p) && (c.pos.Line < p.Line || !isBreak(c.peek())) {
		c.next()
	}
	return c.off
}

// finished gives texts with the probe in which the line of the place may be finished: as it
// is, as a key, and with what it leaves open.
func finished(before, after string) []string {
	rest := after
	if i := strings.IndexAny(after, "\r\n"); i >= 0 {
		rest = after[:i]
	}
	all := []string{before + probe + after}
	if strings.Trim(rest, " \t"+wordLetters) == "" {
		all = append(all, before+probe+rest+":"+after[len(rest):])
	}
	if closing := leftOpen(before); closing != "" {
		all = append(all, before+probe+closing+after, before+probe+rest+closing+after[len(rest):], before+probe+closing+after[len(rest):])
	}
	return all
}

// leftOpen gives what closes a template, a quote and the brackets that a text leaves open in
// its last part.
func leftOpen(text string) string {
	if parts, ok := partsOf(text); ok {
		text = parts[len(parts)-1].text
	}
	var open []byte
	begins := true // a value may begin here
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case b == ' ' || b == '\t' || b == '-' && begins:
		case b == '#' && (i == 0 || text[i-1] == ' ' || isBreak(rune(text[i-1]))):
			i += strings.IndexByte(text[i:]+"\n", '\n') - 1
		case b == '\n' && len(open) == 0, b == ',' && len(open) > 0, b == ':' && i+1 < len(text) && strings.IndexByte(" \t\n", text[i+1]) >= 0:
			begins = true
		case (b == '"' || b == '\'') && begins:
			end, closed := quotedEnd(text, i)
			if !closed {
				return unclosed(text[i:]) + string(b) + closers(open)
			}
			i, begins = end, false
		case (b == '{' || b == '[') && begins:
			open = append(open, b+2) // the closing bracket of both
		case (b == '}' || b == ']') && len(open) > 0:
			open, begins = open[:len(open)-1], false
		case b != '\n' && b != '\r':
			begins = false
		}
	}
	return closers(open)
}

// quotedEnd is where the quoted text ends that begins at i.
func quotedEnd(text string, i int) (end int, closed bool) {
	for j := i + 1; j < len(text); j++ {
		switch {
		case text[j] == '\\' && text[i] == '"':
			j++
		case text[j] == text[i] && text[i] == '\'' && j+1 < len(text) && text[j+1] == '\'':
			j++
		case text[j] == text[i]:
			return j, true
		}
	}
	return len(text), false
}

// unclosed ends the template that a text leaves open.
func unclosed(text string) string {
	if at := strings.LastIndex(text, "${{"); at >= 0 && !strings.Contains(text[at:], "}}") {
		return " }}"
	}
	return ""
}

// closers are brackets in the order in which they close.
func closers(open []byte) string {
	open = slices.Clone(open)
	slices.Reverse(open)
	return string(open)
}

// completer finds the items for the place of the probe.
type completer struct {
	*Study
	at    diag.Pos // in the text without the probe
	colon bool     // a key has its colon already
	out   Completion
}

func (c *completer) complete() {
	for _, e := range c.survey.Expressions {
		i := strings.Index(e.Text.Value, probe)
		if i < 0 {
			continue
		}
		if _, written := e.Text.Offset(e.Text.At(i)); written { // and not what a short form stands for
			c.expression(e, i)
			return
		}
	}
	where, ok := c.find(func(t diag.Text) bool { return strings.Contains(t.Value, probe) })
	var named graph.Mention
	for _, m := range c.survey.Mentions {
		if !m.Declared && len(m.Name) > len(named.Name) && strings.Contains(m.Name, probe) {
			named = m
		}
	}
	if ok && where.isKey && where.of != nil && where.of.name == "writes" {
		named = graph.Mention{What: graph.NameOfKey, Name: where.text.Value}
	}
	switch {
	case named.Name != "":
		c.replaces(named.Name)
		c.names(named, where)
	case !ok:
	case where.isKey:
		c.replaces(where.text.Value)
		c.keys(where)
	default:
		c.replaces(where.text.Value)
		c.values(where)
	}
}

// replaces notes which part of the line the items take the place of: the word around the
// probe.
func (c *completer) replaces(word string) {
	before, after, _ := strings.Cut(word, probe)
	c.part(before, after)
}

// part notes the texts before and behind the place that the items take the place of.
func (c *completer) part(before, after string) {
	c.out.At = diag.Span{File: c.File,
		Start: diag.Pos{Line: c.at.Line, Col: max(c.at.Col-utf8.RuneCountInString(before), 1)},
		End:   diag.Pos{Line: c.at.Line, Col: c.at.Col + utf8.RuneCountInString(after)}}
}

func (c *completer) add(items ...Item) { c.out.Items = append(c.out.Items, items...) }

// expression completes within an expression.
func (c *completer) expression(e graph.Expression, at int) {
	text := strings.Replace(e.Text.Value, probe, "", 1)
	from, to, all := cond.Complete(text, at, e.Scope, e.Want)
	c.part(text[from:at], text[at:to])
	quote := `"`
	if begin := offsetOf(c.doc.src, e.Text.Span.Start); begin < len(c.doc.src) && c.doc.src[begin] == '"' {
		quote = "'" // within the double quotes of YAML
	}
	for _, x := range all {
		it := Item{Label: x.Text, Insert: x.Text, Doc: "", Detail: x.Doc}
		if x.Type != nil {
			it.Detail = x.Type.String()
		}
		switch x.Kind {
		case cond.CandidateName:
			it.What = c.rootWhat(x, e.Scope, &it)
		case cond.CandidateVariable:
			it.What = "variable"
		case cond.CandidateProperty:
			it.What = "property"
			if !behindDot(x.Text) { // it can only stand in brackets; behind a dot it is left out
				continue
			}
		case cond.CandidateFunction:
			it.What, it.Insert = "function", x.Text+"($0)"
		case cond.CandidateMethod:
			it.What = "function"
		case cond.CandidateValue:
			it.What, it.First = "value", true
			if x.Quote {
				it.Insert = quote + x.Text + quote
			}
		case cond.CandidateWord:
			it.What = "word"
		}
		c.add(it)
	}
}

// rootWhat says what a name of the scope is, and what a define stands for.
func (c *completer) rootWhat(x cond.Candidate, scope *cond.Scope, it *Item) string {
	name, _ := scope.Lookup(x.Text)
	if name.Define == nil {
		return "name"
	}
	it.Doc = "`" + oneLine(name.Define.Text().Value, 200) + "`"
	return graph.NameOfDefine
}

// behindDot reports whether a name may stand behind a dot.
func behindDot(s string) bool {
	return s != "" && strings.Trim(s, strings.TrimSuffix(wordLetters, "-")+".#") == ""
}

// names completes a name that the graph, or the program, declares.
func (c *completer) names(m graph.Mention, where setting) {
	if m.What == graph.NameOfKind {
		for _, name := range c.kinds.Names() {
			k, _ := c.kinds.Kind(name)
			c.add(Item{Label: name, Insert: name, What: m.What, Doc: k.Doc})
		}
		return
	}
	if m.What == graph.NameOfType {
		c.typeNames()
		return
	}
	if m.What == graph.NameOfNode && where.key.Value == "from" {
		c.add(Item{Label: "start", Insert: "start", What: "word", Doc: "The start of the cycle."})
	}
	var has []string
	if where.isKey && where.in != nil { // a mapping of `writes`
		has = keysOf(where.in)
	}
	for _, n := range c.survey.Choices(m.What) {
		if strings.Contains(n.Name, probe) || slices.Contains(has, n.Name) {
			continue
		}
		it := Item{Label: n.Name, Insert: n.Name, What: m.What, Doc: n.Doc}
		switch {
		case m.What == graph.NameOfNode:
			it.Detail = "uses " + c.doc.root.Get("nodes").Get(n.Name).Get("uses").GetText()
		case n.Type != nil:
			it.Detail = n.Type.String()
		}
		switch {
		case m.What == graph.NameOfProvider:
			it.Insert += "/"
		case where.isKey && !c.colon:
			it.Insert += ": "
		}
		c.add(it)
	}
}

func keysOf(n *tree.Node) []string {
	out := make([]string, len(n.Fields))
	for i, f := range n.Fields {
		out[i] = f.Key.Value
	}
	return out
}

// keys completes a key of a mapping.
func (c *completer) keys(where setting) {
	has := keysOf(where.in)
	add := func(name, detail, doc string, required bool) {
		if slices.Contains(has, name) {
			return
		}
		it := Item{Label: name, Insert: name, What: "field", Detail: detail, Doc: doc, First: required}
		if !c.colon {
			it.Insert += ": "
		}
		c.add(it)
	}
	switch {
	case where.object != nil:
		for i := range where.object.fields {
			f := &where.object.fields[i]
			add(f.name, f.shape.String(), f.words(), f.required)
		}
		if where.object.open {
			for _, w := range schema.Keywords() {
				if where.object.field(w) == nil {
					add(w, "JSON Schema", "", false)
				}
			}
		}
	case where.inWith && !where.deep && !where.schema:
		for i := range where.kind.Fields {
			f := &where.kind.Fields[i]
			add(f.Name, f.Type, f.Doc, f.Required)
		}
	case where.schema:
		for _, w := range schema.Keywords() {
			add(w, "JSON Schema", "", false)
		}
	}
}

// values completes a scalar.
func (c *completer) values(where setting) {
	switch {
	case where.with != nil:
		c.kindValues(where.with)
	case where.shape != nil:
		c.shapeValues(where, where.shape)
	}
}

// kindValues completes the value of a field of a kind, whose type may be a few words.
func (c *completer) kindValues(f *graph.Field) {
	for _, choice := range f.Choices {
		c.add(Item{Label: choice.Value, Insert: choice.Value, What: "value", Doc: choice.Doc})
	}
	kind := strings.TrimSuffix(f.Type, "?")
	switch {
	case kind == "boolean":
		c.words("true", "false")
	case strings.Contains(kind, "|"):
		c.words(strings.Split(kind, "|")...)
	}
}

func (c *completer) words(all ...string) {
	for _, w := range all {
		c.add(Item{Label: w, Insert: w, What: "value"})
	}
}

// shapeValues completes a value by its shape.
func (c *completer) shapeValues(where setting, s *shape) {
	switch s.kind {
	case union:
		for _, alt := range s.alts {
			c.shapeValues(where, alt)
		}
	case word, duration:
		c.words(s.words...)
	case boolean:
		c.words("true", "false")
	case typ:
		c.typeNames()
	case name:
		if where.key.Value == "reduce" {
			c.words(graph.Reducers()...)
			return
		}
		c.words(formWords(s.form)...)
	case obj:
		c.begins(where, s.obj.fields)
	case integer:
		if s.most > 0 && s.least == s.most {
			c.add(Item{Label: "1", Insert: "1", What: "value"})
		}
	case anyMap:
		if where.key.Value == "with" {
			for i := range where.kind.Fields {
				f := &where.kind.Fields[i]
				c.begin(where, f.Name, f.Type, f.Doc, f.Required)
			}
		}
	}
}

// formWords are the words of a form that lists some: `^(a|b)$`.
func formWords(form string) (all []string) {
	inner, ok := strings.CutPrefix(form, "^(")
	if !ok {
		return nil
	}
	for _, w := range strings.Split(strings.TrimSuffix(inner, ")$"), "|") {
		w, arg, _ := strings.Cut(w, `\(`)
		if arg != "" {
			w += "(2)"
		}
		all = append(all, w)
	}
	return all
}

// begins completes a mapping that has nothing yet.
func (c *completer) begins(where setting, fields []field) {
	for i := range fields {
		f := &fields[i]
		c.begin(where, f.name, f.shape.String(), f.words(), f.required)
	}
}

// begin is the first key of a mapping. On the line of the key before it the mapping needs
// braces.
func (c *completer) begin(where setting, name, detail, doc string, required bool) {
	it := Item{Label: name, Insert: name + ": ", What: "field", Detail: detail, Doc: doc, First: required}
	if where.key.Value != "" && where.key.Span.Start.Line == where.text.Span.Start.Line {
		it.Insert = "{" + name + ": $0}"
	}
	c.add(it)
}

// typeNames are what a type may be.
func (c *completer) typeNames() {
	for _, n := range c.survey.Choices(graph.NameOfType) {
		if strings.Contains(n.Name, probe) {
			continue
		}
		it := Item{Label: n.Name, Insert: n.Name, What: "type", First: true}
		if n.Type != nil {
			it.Doc = "`" + oneLine(nodes.SpellType(n.Type), 300) + "`"
		}
		c.add(it)
	}
	for _, w := range []string{"string", "integer", "number", "boolean", "object", "any"} {
		c.add(Item{Label: w, Insert: w, What: "type"})
	}
	for _, w := range []string{"list", "map"} {
		c.add(Item{Label: w + "(T)", Insert: w + "($0)", What: "type"})
	}
}
