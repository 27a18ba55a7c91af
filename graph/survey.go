package graph

import (
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
)

// What a name of a graph names.
const (
	NameOfNode     = "node"
	NameOfKey      = "state key"
	NameOfParam    = "param"
	NameOfDefine   = "define"
	NameOfType     = "type"
	NameOfEvent    = "event"
	NameOfPool     = "pool"
	NameOfSecret   = "secret"
	NameOfProvider = "provider"
	NameOfServer   = "server"
	NameOfTool     = "tool"
	NameOfMemory   = "memory"
	NameOfKind     = "kind"
)

// Survey is what compiling a definition shows of its text: what an editor asks about places
// of it. A definition with problems has one too.
type Survey struct {
	Expressions []Expression
	Mentions    []Mention // outside expressions; of each name where it is declared comes first

	sought string       // only what has this text is of interest; "" for all
	within string       // the only node that is of interest beside it
	parsed *cond.Parsed // the expressions, for the next survey
}

// Expression is one expression of a definition, with what it may use.
type Expression struct {
	Text  diag.Text
	Scope *cond.Scope
	Want  cond.Want
}

// Mention is a place at which a name stands.
type Mention struct {
	What     string // NameOfNode, …
	Name     string
	At       diag.Span
	Declared bool         // the name is declared there
	Type     *schema.Type // of what is declared there; nil where it has none
	Doc      string       // of what is declared there, in the words of the graph
	Short    bool         // it is a key in the list form of `writes`, where it also names a property of the output
}

// Examine finds the problems that Compile finds, and says what the definition's text holds.
// former is a survey of an earlier version of the definition, whose work is used again; it
// may be nil.
func Examine(def Def, kinds Kinds, former *Survey) (*Survey, diag.List) {
	s := former.next("")
	_, problems := compile(def, kinds, s)
	return s, problems
}

// Seek is Examine for one place alone, at which a text stands that is nowhere else; node is
// the id of the node that has it, "" for none. Seek leaves out what no answer about that
// place depends on: other conditions and nodes, and all checks of the graph as a whole.
func Seek(def Def, kinds Kinds, sought, node string, former *Survey) *Survey {
	s := former.next(sought)
	s.within = node
	_, _ = compile(def, kinds, s)
	return s
}

// next begins the survey of a changed definition.
func (s *Survey) next(sought string) *Survey {
	out := &Survey{sought: sought, parsed: cond.NewParsed(nil)}
	if s != nil {
		out.parsed = cond.NewParsed(s.parsed)
	}
	return out
}

// ignores reports whether a condition is of no interest.
func (s *Survey) ignores(text diag.Text) bool {
	return s != nil && s.sought != "" && !strings.Contains(text.Value, s.sought)
}

// skips reports whether a node is of no interest. Conditions may read the results of one with
// `for_each`.
func (s *Survey) skips(n *Node) bool {
	return s != nil && s.sought != "" && n.ID != s.within && n.Def.ForEach == nil
}

// Choices lists the names that may stand where one of a kind of name is mentioned, in
// declaration order.
func (s *Survey) Choices(what string) (all []Mention) {
	for _, m := range s.Mentions {
		if m.Declared && m.What == what {
			all = append(all, m)
		}
	}
	if what != NameOfTool {
		return all
	}
	for _, m := range s.Mentions {
		switch {
		case !m.Declared:
		case m.What == NameOfServer:
			all = append(all, Mention{What: what, Name: m.Name + "/*", Doc: "All tools of the server that it lists."})
		case m.What == NameOfMemory:
			all = append(all, Mention{What: what, Name: "memory/" + m.Name, Doc: "Searches the memory."},
				Mention{What: what, Name: "memory/" + m.Name + "/write", Doc: "Writes into the memory."})
		}
	}
	return all
}

// Declaration finds where a name is declared.
func (s *Survey) Declaration(what, name string) (Mention, bool) {
	i := slices.IndexFunc(s.Mentions, func(m Mention) bool { return m.Declared && m.What == what && m.Name == name })
	if i < 0 {
		return Mention{}, false
	}
	return s.Mentions[i], true
}

// nameOfRoot says what the properties of a name of the scope name.
var nameOfRoot = map[string]string{"state": NameOfKey, "params": NameOfParam, "nodes": NameOfNode, "secrets": NameOfSecret}

// Marked says what of the graph a name in an expression names; "" for nothing that the graph
// declares.
func Marked(m cond.Mark) (what string) {
	switch {
	case m.Kind == cond.MarkName && m.Define != nil:
		return NameOfDefine
	case m.Kind == cond.MarkProperty && m.Of != "":
		return nameOfRoot[m.Of]
	}
	return ""
}

// mention notes that a name stands at its place.
func (c *compiler) mention(what string, t diag.Text) { c.mentionPart(what, t, 0, len(t.Value)) }

// mentionPart is mention for a part of a text.
func (c *compiler) mentionPart(what string, t diag.Text, from, to int) {
	if c.survey != nil && from < to {
		c.survey.Mentions = append(c.survey.Mentions, Mention{What: what, Name: t.Value[from:to], At: t.Sub(from, to)})
	}
}

// mentionWrite is mention for a key that a node writes.
func (c *compiler) mentionWrite(w *WriteDef) {
	if c.mention(NameOfKey, w.Key); c.survey != nil && w.Short && w.Key.Value != "" {
		c.survey.Mentions[len(c.survey.Mentions)-1].Short = true
	}
}

// surveyed notes an expression.
func (c *compiler) surveyed(text diag.Text, scope *cond.Scope, want cond.Want) {
	if c.survey != nil {
		c.survey.Expressions = append(c.survey.Expressions, Expression{text, scope, want})
	}
}

// declare notes where the names of the definition are declared.
func (c *compiler) declare() {
	if c.survey == nil {
		return
	}
	var all []Mention
	add := func(what string, t diag.Text, typ *schema.Type, doc string) {
		all = append(all, Mention{What: what, Name: t.Value, At: t.Sub(0, len(t.Value)), Declared: true, Type: typ, Doc: doc})
	}
	d := c.def
	for i := range d.Params {
		add(NameOfParam, d.Params[i].Name, c.g.Params[i].Type, "")
	}
	for i := range d.Secrets {
		add(NameOfSecret, d.Secrets[i], schema.StringType, "")
	}
	for i := range d.State {
		add(NameOfKey, d.State[i].Name, c.g.Keys[i].Type, reducerDoc(&d.State[i]))
	}
	for i := range d.Types {
		t, _ := c.types.Type(d.Types[i].Name.Value)
		add(NameOfType, d.Types[i].Name, t, "")
	}
	for i := range d.Define {
		name, ok := c.scopes.base.Lookup(d.Define[i].Name.Value)
		if !ok || name.Define == nil {
			name.Type = nil
		}
		add(NameOfDefine, d.Define[i].Name, name.Type, d.Define[i].Expr.Value)
	}
	for i := range d.Events {
		add(NameOfEvent, d.Events[i].Name, c.g.Events[i].Type, "")
	}
	for i := range d.Nodes {
		add(NameOfNode, d.Nodes[i].ID, c.g.Nodes[i].Output, d.Nodes[i].Description)
	}
	for i := range d.Pools {
		add(NameOfPool, d.Pools[i].Name, nil, "")
	}
	for i := range d.Providers {
		add(NameOfProvider, d.Providers[i].Name, nil, "")
	}
	for i := range d.Servers {
		add(NameOfServer, d.Servers[i].Name, nil, "")
	}
	for i := range d.Tools {
		add(NameOfTool, d.Tools[i].Name, nil, d.Tools[i].Description)
	}
	for i := range d.Memories {
		add(NameOfMemory, d.Memories[i].Name, nil, "")
	}
	c.survey.Mentions = append(all, c.survey.Mentions...)
}

func reducerDoc(k *KeyDef) string {
	switch {
	case k.Reduce.Name.Value != "":
		return "reduce: " + k.Reduce.Name.Value
	case k.Reduce.Expr.Value != "":
		return "reduce: {expr: " + k.Reduce.Expr.Value + "}"
	}
	return ""
}
