package dsl

import (
	"cmp"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// merge joins what the compiler found to what the reader found. Where parts of
// the file could not be read, the compiler saw a graph without them; what it
// says because of that is dropped: the problem has a name already.
func (d *document) merge(compiled diag.List) diag.List {
	type spot struct {
		code diag.Code
		at   diag.Pos
	}
	out := slices.Clone(d.diags)
	seen := map[spot]bool{}
	for _, p := range d.diags {
		seen[spot{p.Code, p.Span.Start}] = true
	}
	lost, ruins := d.damage(), d.ruins()
	for _, p := range compiled {
		if !seen[spot{p.Code, p.Span.Start}] && !follows(p, lost) && !within(p.Span.Start, ruins) {
			out = append(out, p)
		}
	}
	out.Sort()
	return out
}

// ruins are the places of the broken values, of which nobody is to speak again,
// in the order of the file. A value of which nothing is written has no place of
// its own.
func (d *document) ruins() []diag.Span {
	var all []diag.Span
	for n := range d.broken {
		if n.Kind != tree.Null || n.Text.Value != "" {
			all = append(all, n.Span)
		}
	}
	slices.SortFunc(all, func(a, b diag.Span) int {
		return cmp.Or(cmp.Compare(a.Start.Line, b.Start.Line), cmp.Compare(a.Start.Col, b.Start.Col))
	})
	out := all[:0]
	for _, s := range all {
		if n := len(out); n == 0 || !s.Start.Less(out[n-1].End) { // else it is in a broken one
			out = append(out, s)
		}
	}
	return out
}

// within reports whether a place lies in one of the spans, which are sorted.
func within(at diag.Pos, spans []diag.Span) bool {
	i, _ := slices.BinarySearchFunc(spans, at, func(s diag.Span, p diag.Pos) int {
		if p.Less(s.Start) {
			return 1
		}
		return -1
	})
	return i > 0 && at.Less(spans[i-1].End)
}

// damage is a part of the file that could not be read whole: an entry of a
// section, or all of it when entry is "".
type damage struct {
	section, entry string
	start, end     diag.Pos
}

// damage finds the parts in which errors were reported.
func (d *document) damage() []damage {
	var lost []damage
	for _, p := range d.diags {
		if p.Severity == diag.Error {
			lost = append(lost, locateDamage(d.root, p.Span.Start))
		}
	}
	return lost
}

func locateDamage(root *tree.Node, at diag.Pos) damage {
	section, end := enclosing(root, at, diag.Pos{Line: 1 << 30})
	if section == nil {
		return damage{start: at, end: at}
	}
	out := damage{section: section.Key.Value, start: section.Key.Span.Start, end: end}
	if entry, end := enclosing(section.Value, at, end); entry != nil {
		out.entry, out.start, out.end = entry.Key.Value, entry.Key.Span.Start, end
	}
	if section.Value.Kind == tree.List {
		for _, it := range section.Value.Items {
			if !at.Less(it.Span.Start) && at.Less(it.Span.End) {
				out.start, out.end = it.Span.Start, it.Span.End
			}
		}
	}
	return out
}

// enclosing is the field of a mapping in which a place lies, and where the
// next one begins.
func enclosing(n *tree.Node, at, end diag.Pos) (*tree.Field, diag.Pos) {
	i, found := slices.BinarySearchFunc(n.Fields, at, func(f tree.Field, p diag.Pos) int {
		if f.Key.Span.Start.Less(p) {
			return -1
		} else if f.Key.Span.Start == p {
			return 0
		}
		return 1
	})
	if !found {
		i--
	}
	if i < 0 {
		return nil, end
	}
	if i+1 < len(n.Fields) {
		end = n.Fields[i+1].Key.Span.Start
	}
	return &n.Fields[i], end
}

// follows reports whether the compiler may see a problem only because of what
// is lost.
func follows(p diag.Diagnostic, lost []damage) bool {
	if len(lost) == 0 {
		return false
	}
	if p.Span.IsZero() {
		return true
	}
	for _, l := range lost {
		if l.causes(p) {
			return true
		}
	}
	return false
}

func (l damage) causes(p diag.Diagnostic) bool {
	unknown := l.section != "" && graphObject.field(l.section) == nil // it may be any section, misspelt
	switch p.Code {
	case diag.Unused, diag.NeverRead:
		return true // what was lost may use it
	case diag.NoStop:
		return unknown || l.section == "stop" || l.section == "limits"
	case diag.Unreachable, diag.JoinUnsatisfiable:
		return unknown || l.section == "edges"
	case diag.Untyped:
		return unknown || l.declares() && l.section != "nodes"
	case diag.UnknownProperty, diag.UnknownName, diag.UnknownState, diag.UnknownType, diag.UnknownPool,
		diag.UnknownNode, diag.ExprType, diag.NotBoolean:
		return unknown || l.declares() && (l.entry == "" || strings.Contains(p.Message, quote(l.entry)))
	case diag.BadDefault, diag.BadReducer:
		return unknown || l.section == "types" || l.covers(p.Span.Start)
	case diag.BadConfig, diag.Unbounded:
		return l.covers(p.Span.Start)
	}
	return false
}

func (l damage) covers(p diag.Pos) bool { return !p.Less(l.start) && p.Less(l.end) }

// declares reports whether the section gives names to others.
func (l damage) declares() bool {
	return slices.Contains([]string{"params", "secrets", "types", "state", "define", "events", "pools", "nodes"}, l.section)
}
