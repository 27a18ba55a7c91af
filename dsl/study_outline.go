package dsl

import (
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// Symbol is a part of a graph for an outline: a section, or an entry of one.
type Symbol struct {
	Name    string
	Detail  string // a type, a kind, a condition; "" for none
	Section string // the section that it is an entry of; "" for a section
	At      diag.Span
	NameAt  diag.Span // within At
	Parts   []Symbol
}

// Outline lists the sections of the graph that have entries, with these, in the order of the
// file.
func (s *Study) Outline() (all []Symbol) {
	if s.doc == nil {
		return nil
	}
	for _, f := range s.doc.root.Entries() {
		sh := graphObject.field(f.Key.Value)
		if sh == nil || f.Value.Kind != tree.Map && f.Value.Kind != tree.List {
			continue
		}
		section := Symbol{Name: f.Key.Value, At: around(f.Key.Span, f.Value.Span), NameAt: f.Key.Span}
		if sh.shape.kind == mapping {
			for _, e := range f.Value.Fields {
				section.Parts = append(section.Parts, Symbol{Name: e.Key.Value, Section: section.Name, Detail: entryDetail(e.Value),
					At: around(e.Key.Span, e.Value.Span), NameAt: e.Key.Span})
			}
		}
		if f.Key.Value == "edges" {
			for _, e := range f.Value.Items {
				section.Parts = append(section.Parts, Symbol{Name: edgeName(e), Section: section.Name, Detail: oneLine(e.Get("when").GetText(), 80),
					At: e.Span, NameAt: e.Span})
			}
		}
		all = append(all, section)
	}
	return all
}

// around is the part of the file from one place to the end of another. The value may stand
// elsewhere: an alias stands for what an anchor marks.
func around(a, b diag.Span) diag.Span {
	if b.File == a.File && a.End.Less(b.End) && a.Start.Less(b.Start) {
		a.End = b.End
	}
	return a
}

// entryDetail says in a few words what an entry is: its type, or the kind that it uses.
func entryDetail(n *tree.Node) string {
	for _, field := range []string{"uses", "type", "to", "api"} {
		if text := n.Get(field).GetText(); text != "" {
			return text
		}
	}
	return oneLine(n.GetText(), 80)
}

// edgeName is an edge in short: `a, b → c`.
func edgeName(e *tree.Node) string {
	from := e.Get("from")
	if from == nil {
		from = e.Get("after")
	}
	name := scalars(from)
	if name == "" {
		name = "start"
	}
	return name + " → " + scalars(e.Get("to"))
}

// scalars joins a scalar, or those of a list.
func scalars(n *tree.Node) string {
	if n == nil || n.Kind != tree.List {
		return n.GetText()
	}
	all := make([]string, len(n.Items))
	for i, it := range n.Items {
		all[i] = it.GetText()
	}
	return strings.Join(all, ", ")
}
