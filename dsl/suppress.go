package dsl

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// suppress joins the problems of the compiler to those of the reader. Where the
// reader could not read a part of the file, the compiler saw a graph without
// that part: suppress drops the problems that follow from it, because their
// cause is already reported.
func (d *document) suppress(compiled diag.List) diag.List {
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
		if !seen[spot{p.Code, p.Span.Start}] && !lost.causes(p) && !within(p.Span.Start, ruins) {
			out = append(out, p)
		}
	}
	out.Sort()
	return out
}

// ruins are the places of the broken values, about which nothing more is reported.
// A value without text has no place of its own.
func (d *document) ruins() []diag.Span {
	var all []diag.Span
	for n := range d.broken {
		if n.Kind != tree.Null || n.Text.Value != "" {
			all = append(all, n.Span)
		}
	}
	return outermost(all)
}

// outermost sorts spans by their place, and leaves out those within others.
func outermost(all []diag.Span) []diag.Span {
	slices.SortFunc(all, func(a, b diag.Span) int {
		return cmp.Or(cmp.Compare(a.Start.Line, b.Start.Line), cmp.Compare(a.Start.Col, b.Start.Col),
			cmp.Compare(b.End.Line, a.End.Line), cmp.Compare(b.End.Col, a.End.Col))
	})
	out := all[:0]
	for _, s := range all {
		if n := len(out); n == 0 || !s.Start.Less(out[n-1].End) {
			out = append(out, s)
		}
	}
	return out
}

// within reports whether a place lies in one of the outermost spans.
func within(at diag.Pos, spans []diag.Span) bool {
	i, _ := slices.BinarySearchFunc(spans, at, func(s diag.Span, p diag.Pos) int {
		if p.Less(s.Start) {
			return 1
		}
		return -1
	})
	return i > 0 && at.Less(spans[i-1].End)
}

// damage describes the parts of a file that could not be read completely.
type damage struct {
	sections map[string]bool // sections in which an entry is lost
	unknown  bool            // one of them is unknown: it may be any section, misspelt
	all      bool            // all names of a section are lost
	names    names           // the lost entries of sections whose names others use
	types    bool            // one of them may have been a type
	spans    []diag.Span     // the entries, or sections
}

// damage returns the parts in which errors were reported.
func (d *document) damage() damage {
	lost := damage{sections: map[string]bool{}, names: names{}}
	for _, p := range d.diags {
		if p.Severity == diag.Error {
			lost.add(d.root, p.Span.Start)
		}
	}
	lost.spans = outermost(lost.spans)
	return lost
}

// declaring lists the sections whose names others use.
var declaring = []string{"params", "secrets", "types", "state", "define", "events", "pools", "providers", "servers", "tools", "memories", "nodes"}

// add notes an error at a place.
func (l *damage) add(root *tree.Node, at diag.Pos) {
	section, end := enclosing(root, at, diag.Pos{Line: 1 << 30})
	if section == nil {
		l.sections[""] = true
		return
	}
	name, span := section.Key.Value, diag.Span{Start: section.Key.Span.Start, End: end}
	l.sections[name] = true
	l.unknown = l.unknown || graphObject.field(name) == nil
	declares := slices.Contains(declaring, name)
	l.types = l.types || declares && name != "nodes"
	if entry, end := enclosing(section.Value, at, end); entry != nil {
		span = diag.Span{Start: entry.Key.Span.Start, End: end}
		if declares {
			l.names[entry.Key.Value] = true
		}
	} else if declares {
		l.all = true
	}
	if items := section.Value.Items; len(items) > 0 {
		i, _ := slices.BinarySearchFunc(items, at, func(it *tree.Node, p diag.Pos) int {
			if p.Less(it.Span.Start) {
				return 1
			}
			return -1
		})
		if i > 0 && at.Less(items[i-1].Span.End) {
			span = items[i-1].Span
		}
	}
	l.spans = append(l.spans, span)
}

// enclosing returns the field of a mapping that contains a place, and where the
// next field begins.
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

// causes reports whether the compiler may report a problem only because parts are
// lost.
func (l *damage) causes(p diag.Diagnostic) bool {
	if len(l.sections) == 0 {
		return false
	}
	if p.Span.IsZero() {
		return true
	}
	switch p.Code {
	case diag.Unused, diag.NeverRead:
		return true // a lost part may use it
	case diag.NoStop:
		return l.unknown || l.sections["stop"] || l.sections["limits"]
	case diag.Unreachable, diag.JoinUnsatisfiable:
		return l.unknown || l.sections["edges"]
	case diag.Untyped:
		return l.unknown || l.types
	case diag.UnknownProperty, diag.UnknownName, diag.UnknownState, diag.UnknownType, diag.UnknownPool,
		diag.UnknownNode, diag.ExprType, diag.NotBoolean:
		return l.unknown || l.all || l.names.in(p.Message)
	case diag.UnknownProvider, diag.UnknownTool, diag.UnknownServer:
		return l.unknown || l.all || l.sections["providers"] || l.sections["servers"] || l.sections["tools"] || l.sections["memories"]
	case diag.BadDefault, diag.BadReducer:
		return l.unknown || l.sections["types"] || within(p.Span.Start, l.spans)
	case diag.BadConfig, diag.Unbounded:
		return within(p.Span.Start, l.spans)
	}
	return false
}

// names is a set of names.
type names map[string]bool

// in reports whether a message contains one of the names in quotes.
func (n names) in(message string) bool {
	for {
		i := strings.IndexByte(message, '"')
		if i < 0 {
			return false
		}
		quoted, err := strconv.QuotedPrefix(message[i:])
		if err != nil {
			message = message[i+1:]
			continue
		}
		if name, err := strconv.Unquote(quoted); err == nil && n[name] {
			return true
		}
		message = message[i+len(quoted):]
	}
}
