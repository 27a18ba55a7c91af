package dsl

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/tree"
)

// Edit replaces a part of a text.
type Edit struct {
	At   diag.Span
	Text string
}

// ErrNoName says that nothing that could be renamed stands at a place.
var ErrNoName = errors.New("nothing that the graph names stands here")

// Uses lists all places of this file at which the name stands that stands at p, the one
// of its declaration too, in the order of the file. There are none for what the graph does
// not declare.
func (s *Study) Uses(p diag.Pos) []diag.Span {
	info, ok := s.At(p)
	if !ok || !info.Named {
		return nil
	}
	var all []diag.Span
	for _, u := range s.uses(info) {
		all = append(all, u.At)
	}
	return all
}

// uses lists the places of a name. Name holds the text there, with quotes around it in an
// expression that has them.
func (s *Study) uses(info Info) (all []graph.Mention) {
	for _, m := range s.survey.Mentions {
		if m.What == info.What && m.Name == info.Name && m.At.File == s.File {
			all = append(all, m)
		}
	}
	for _, e := range s.survey.Expressions {
		if e.Text.Span.File != s.File || !strings.Contains(e.Text.Value, info.Name) {
			continue
		}
		for _, m := range cond.Marks(e.Text, e.Scope, e.Want) {
			if graph.Marked(m) == info.What && m.Name == info.Name {
				all = append(all, graph.Mention{What: info.What, Name: e.Text.Value[m.From:m.To], At: e.Text.Sub(m.From, m.To)})
			}
		}
	}
	slices.SortFunc(all, func(a, b graph.Mention) int {
		return cmp.Or(cmp.Compare(a.At.Start.Line, b.At.Start.Line), cmp.Compare(a.At.Start.Col, b.At.Start.Col))
	})
	return slices.CompactFunc(all, func(a, b graph.Mention) bool { return a.At == b.At })
}

// Rename gives the edits that rename what stands at a place. It refuses a name with which
// the graph would have an error that it does not have now.
func (s *Study) Rename(p diag.Pos, name string) ([]Edit, error) {
	info, ok := s.At(p)
	if !ok || !info.Named {
		return nil, ErrNoName
	}
	if !s.whole {
		return nil, errors.New("a part of the file cannot be read, and may have the name too")
	}
	if _, taken := s.survey.Declaration(info.What, name); taken && name != info.Name {
		return nil, fmt.Errorf("there is a %s %q already", info.What, name)
	}
	var edits []Edit
	for _, u := range s.uses(info) {
		switch {
		case u.Short:
			edits = append(edits, s.longWrites(u.At, info.Name, name))
		case u.Name != info.Name: // in quotes
			edits = append(edits, Edit{u.At, u.Name[:1] + name + u.Name[:1]})
		default:
			edits = append(edits, Edit{u.At, name})
		}
	}
	after := Examine(s.File, apply(s.Text, edits), s.kinds, Known{s, s.open})
	if more := newError(s.Problems, after.Problems); more != nil {
		return nil, fmt.Errorf("%q cannot be the name: line %d: %s", name, more.Span.Start.Line, more.Message)
	}
	return edits, nil
}

// newError is the first error whose code a text has more often than it had.
func newError(before, after diag.List) *diag.Diagnostic {
	had := map[string]int{}
	for _, d := range before {
		had[string(d.Code)]++
	}
	for i := range after {
		d := &after[i]
		if had[string(d.Code)]--; d.Severity == diag.Error && had[string(d.Code)] < 0 {
			return d
		}
	}
	return nil
}

// longWrites replaces the list form of the `writes` around a key by the long one: a renamed
// key still gets the property of the output that it got.
func (s *Study) longWrites(at diag.Span, old, name string) Edit {
	for _, f := range s.doc.root.Get("nodes").Entries() {
		n := f.Value.Get("writes")
		if n == nil || n.Kind != tree.List || !s.holds(n.Span, at.Start) {
			continue
		}
		entries := make([]string, len(n.Items))
		for i, it := range n.Items {
			key := it.Text.Value
			if key == old {
				key = name
			}
			entries[i] = key + ": output." + it.Text.Value
		}
		return Edit{n.Span, "{" + strings.Join(entries, ", ") + "}"}
	}
	return Edit{at, name}
}

// apply makes edits, which do not overlap.
func apply(src []byte, edits []Edit) []byte {
	edits = slices.Clone(edits)
	slices.SortFunc(edits, func(a, b Edit) int {
		return cmp.Or(cmp.Compare(a.At.Start.Line, b.At.Start.Line), cmp.Compare(a.At.Start.Col, b.At.Start.Col))
	})
	var out bytes.Buffer
	c := cursor{src: src, pos: diag.Pos{Line: 1, Col: 1}}
	c.off = offsetOf(src, c.pos)
	done := 0
	for _, e := range edits {
		for !c.atEnd() && c.pos.Less(e.At.Start) {
			c.next()
		}
		out.Write(src[done:c.off])
		out.WriteString(e.Text)
		for !c.atEnd() && c.pos.Less(e.At.End) {
			c.next()
		}
		done = c.off
	}
	out.Write(src[done:])
	return out.Bytes()
}
