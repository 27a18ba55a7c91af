package dsl

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// Study is a graph's text with the answers to what an editor asks about places of it. Texts
// with problems have answers too: what cannot be read is left out.
type Study struct {
	*Source            // without a Graph
	Problems diag.List // as Compile gives them

	kinds  graph.Kinds
	survey *graph.Survey
	sought string    // a text at the only place that is asked about; "" for all places
	doc    *document // nil when nothing of the YAML can be read
	whole  bool      // doc has all that the text has
	parts  pieces    // what was read of the text, for the next study
	open   map[string]string
}

// Known is what an editor knows beside a text. The zero Known is nothing.
type Known struct {
	// Former is a study of an earlier version of the text. Its work is used again where
	// nothing has changed.
	Former *Study
	// Open are the texts of other files that are being edited, by absolute path. They count
	// in place of what the files hold.
	Open map[string]string
}

// Examine is Compile for an editor, which needs no Graph. A Study does not change and may be
// used by several goroutines.
func Examine(file string, src []byte, kinds graph.Kinds, known Known) *Study {
	return newStudy(kinds, known).examine(file, src)
}

func newStudy(kinds graph.Kinds, known Known) *Study {
	s := &Study{kinds: kinds, survey: &graph.Survey{}, open: known.Open}
	if known.Former != nil {
		s.parts, s.survey = known.Former.parts, known.Former.survey
	}
	return s
}

func (s *Study) examine(file string, src []byte) *Study {
	l := loader{kinds: s.kinds, files: map[string][]byte{}, root: filepath.Dir(file), study: s, texts: s.open}
	s.Source, s.Problems = l.compile(file, src)
	s.Files = l.files
	s.Problems.Sort()
	return s
}

// read reads the text of the study. problems are those of a text whose YAML cannot be read;
// then the document is what is left without the parts that are broken.
func (s *Study) read(file string, src []byte) (def graph.Def, d *document, problems diag.List) {
	if s.doc == nil {
		r := reading{file: file, former: s.parts}
		some := r.read(src)
		if r.now != nil {
			s.parts = r.now
		}
		s.doc, s.whole = r.d, some && r.sound
		if !s.whole {
			all := readYAML(file, src)
			if s.whole = all.root != nil; s.whole || !some {
				s.doc = all
			} else {
				problems = all.diags
				problems.Sort()
			}
		}
	}
	s.doc.unfinished = s.sought != ""
	def = s.doc.def(file)
	if d = s.doc; d.root == nil || d.root.Kind != tree.Map {
		s.doc = nil
	}
	return def, d, problems
}

// soughtNode is the id of the node in which the sought text stands.
func (s *Study) soughtNode() string {
	var has func(n *tree.Node) bool
	has = func(n *tree.Node) bool {
		return strings.Contains(n.Text.Value, s.sought) || slices.ContainsFunc(n.Items, has) ||
			slices.ContainsFunc(n.Fields, func(f tree.Field) bool { return strings.Contains(f.Key.Value, s.sought) || has(f.Value) })
	}
	for _, f := range s.doc.root.Get("nodes").Entries() {
		if has(f.Value) {
			return f.Key.Value
		}
	}
	return ""
}

// Readable reports whether the YAML of the whole text could be read.
func (s *Study) Readable() bool { return s.doc != nil && s.whole }

// Info is what stands at a place of a graph.
type Info struct {
	At   diag.Span
	What string // what it is: "node", "state key", "property", "function", "field of a node", …
	Name string
	Type *schema.Type // nil where it has none
	Doc  string       // what it is for, in Markdown; "" when nobody says so
	Code string       // of a define its expression, of a function its signature

	// Declared is where it is declared; zero for what the graph does not declare.
	Declared diag.Span
	// Named says that the graph names it (graph.NameOfNode, …), so that it may be renamed.
	Named bool
}

// At says what stands at a place.
func (s *Study) At(p diag.Pos) (Info, bool) {
	if s.doc == nil {
		return Info{}, false
	}
	if e, off, ok := s.expressionAt(p); ok {
		for _, m := range cond.Marks(e.Text, e.Scope, e.Want) {
			if m.From <= off && off <= m.To {
				return s.marked(e.Text, m), true
			}
		}
	}
	if m, ok := s.mentionAt(p); ok {
		return s.mentioned(m), true
	}
	return s.fieldAt(p)
}

// expressionAt finds the expression at a place, and the byte of it there.
func (s *Study) expressionAt(p diag.Pos) (graph.Expression, int, bool) {
	for _, e := range s.survey.Expressions {
		if e.Text.Span.File == s.File {
			if off, ok := e.Text.Offset(p); ok {
				return e, off, true
			}
		}
	}
	return graph.Expression{}, 0, false
}

// mentionAt finds the narrowest mention of a name at a place.
func (s *Study) mentionAt(p diag.Pos) (found graph.Mention, ok bool) {
	for _, m := range s.survey.Mentions {
		if s.holds(m.At, p) && (!ok || len(m.Name) < len(found.Name)) {
			found, ok = m, true
		}
	}
	return found, ok
}

// holds reports whether a place is in a part of this file, or at its end.
func (s *Study) holds(at diag.Span, p diag.Pos) bool {
	return at.File == s.File && !at.IsZero() && !p.Less(at.Start) && !at.End.Less(p)
}

// marked says what a name in an expression is.
func (s *Study) marked(text diag.Text, m cond.Mark) Info {
	info := Info{At: text.Sub(m.From, m.To), What: "name", Name: m.Name, Type: m.Type, Code: m.Doc}
	switch m.Kind {
	case cond.MarkVariable:
		info.What = "variable"
	case cond.MarkFunction:
		info.What, info.Type = "function", nil
	case cond.MarkProperty:
		info.What = "property"
	}
	if what := graph.Marked(m); what != "" {
		info.What = what
		s.declared(&info)
		info.Type = m.Type // null checks count
	}
	return info
}

// mentioned says what a name outside expressions is.
func (s *Study) mentioned(m graph.Mention) Info {
	info := Info{At: m.At, What: m.What, Name: m.Name}
	if m.What == graph.NameOfKind {
		if k, ok := s.kinds.Kind(m.Name); ok {
			info.Doc = k.Doc
		}
		return info
	}
	s.declared(&info)
	return info
}

// declared adds what the declaration of a name says.
func (s *Study) declared(info *Info) {
	d, ok := s.survey.Declaration(info.What, info.Name)
	if !ok {
		return
	}
	info.Declared, info.Named, info.Type, info.Doc = d.At, true, d.Type, d.Doc
	switch info.What {
	case graph.NameOfDefine:
		info.Code, info.Doc = d.Doc, ""
	case graph.NameOfNode:
		if uses := s.doc.root.Get("nodes").Get(info.Name).Get("uses"); uses != nil {
			info.Code = "uses: " + uses.Text.Value
		}
	}
}

// fieldAt says what a key of the language is, and where the file is that a value names.
func (s *Study) fieldAt(p diag.Pos) (Info, bool) {
	at, ok := s.find(func(t diag.Text) bool { return s.holds(t.Span, p) })
	switch {
	case !ok:
		return Info{}, false
	case at.isKey && at.field != nil:
		return Info{At: at.text.Span, What: "field of " + at.object.at, Name: at.text.Value, Doc: at.field.words()}, true
	case at.isKey && at.with != nil:
		return Info{At: at.text.Span, What: "field of the kind " + at.kind.Name, Name: at.text.Value, Doc: kindFieldWords(at.with)}, true
	case !at.isKey && at.with != nil && at.kind.Runs && at.with.Name == "file":
		return Info{At: at.text.Span, What: "graph file", Name: at.text.Value, Declared: s.fileNamed(at.text.Value)}, true
	}
	return Info{}, false
}

// fileNamed is the beginning of a file that the graph names.
func (s *Study) fileNamed(path string) diag.Span {
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(s.File), path)
	}
	return diag.Span{File: path, Start: diag.Pos{Line: 1, Col: 1}, End: diag.Pos{Line: 1, Col: 1}}
}

// words describes a field, as the reference does.
func (f *field) words() string {
	doc := f.doc
	if f.required {
		doc += " Required."
	} else if f.dflt != "" {
		doc += " Default: " + f.dflt + "."
	}
	return doc
}

func kindFieldWords(f *graph.Field) string {
	doc := "`" + f.Type + "`: " + f.Doc
	if f.Required {
		doc += " Required."
	}
	return doc
}

// setting is where a key or a scalar stands in the language.
type setting struct {
	text   diag.Text
	isKey  bool
	node   *tree.Node   // a scalar; nil for a key
	in     *tree.Node   // the mapping around; nil at the top of a list
	object *object      // its table; nil where it has none
	field  *field       // of the table
	of     *field       // the field that the mapping around is the value of; nil where the table has none
	shape  *shape       // of a scalar; nil when the table does not say
	kind   graph.Kind   // within `with`: the kind that the fields are of
	with   *graph.Field // within `with`, directly: the field
	inWith bool
	deep   bool      // within a value of a field of `with`
	schema bool      // within a JSON Schema
	key    diag.Text // of a scalar: the key before it
}

// find walks the document along the table to a key or a scalar.
func (s *Study) find(hit func(diag.Text) bool) (setting, bool) {
	w := walker{kinds: s.kinds, hit: hit}
	return w.found, w.value(s.doc.root, an(graphObject), setting{})
}

type walker struct {
	kinds graph.Kinds
	hit   func(diag.Text) bool
	found setting
}

// value walks into a value of a shape; at is what is known of the place. It reports whether
// the place is in it.
func (w *walker) value(n *tree.Node, sh *shape, at setting) bool {
	if sh != nil && (n.Kind == tree.Map || n.Kind == tree.List) {
		sh = sh.pick(n)
	}
	at.shape, at.node = sh, n
	switch n.Kind {
	case tree.Map:
		return w.mapping(n, sh, at)
	case tree.List:
		var elem *shape
		if sh != nil && sh.kind == list {
			elem = sh.elem
		}
		for _, it := range n.Items {
			if w.value(it, elem, at) {
				return true
			}
		}
		return false
	}
	if !w.hit(n.Text) {
		return false
	}
	at.text = n.Text
	w.found = at
	return true
}

func (w *walker) mapping(n *tree.Node, sh *shape, at setting) bool {
	in := setting{in: n, of: at.field, inWith: at.inWith, deep: at.deep || at.with != nil, kind: at.kind, schema: at.schema}
	if sh != nil {
		in.schema = in.schema || sh.kind == typ
		if sh.kind == obj {
			in.object = sh.obj
		}
	}
	for _, f := range n.Fields {
		next := in
		var child *shape
		switch {
		case in.object != nil:
			if next.field = in.object.field(f.Key.Value); next.field != nil {
				child = next.field.shape
			}
			next.schema = in.object.open && next.field == nil
		case sh != nil && sh.kind == mapping:
			child = sh.elem
		case at.inWith && !in.deep: // the `with` itself
			for i := range in.kind.Fields {
				if in.kind.Fields[i].Name == f.Key.Value {
					next.with = &in.kind.Fields[i]
				}
			}
		}
		if w.hit(f.Key) {
			next.text, next.isKey = f.Key, true
			w.found = next
			return true
		}
		next.key = f.Key
		if child != nil && child.kind == anyMap && f.Key.Value == "with" {
			next.inWith, next.with = true, nil
			if uses := n.Get("uses"); uses != nil {
				next.kind, _ = w.kinds.Kind(uses.Text.Value)
			}
		}
		if w.value(f.Value, child, next) {
			return true
		}
	}
	return false
}

// oneLine is a text on one line, of some length at most.
func oneLine(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		s = string(r[:most-1]) + "…"
	}
	return s
}
