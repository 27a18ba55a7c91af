package diag

import (
	"sort"
	"strconv"
	"unicode/utf8"
)

// Pos is a place in a file. Line and Col are 1-based, Col counts characters
// (Unicode code points). The zero Pos is "unknown": what a Go program built
// has no place in a file.
type Pos struct {
	Line, Col int
}

// Less reports whether p lies before q.
func (p Pos) Less(q Pos) bool {
	if p.Line != q.Line {
		return p.Line < q.Line
	}
	return p.Col < q.Col
}

// Span is a stretch of one file; End is exclusive.
type Span struct {
	File       string
	Start, End Pos
}

// IsZero reports whether the span names no place.
func (s Span) IsZero() bool { return s.Start == Pos{} }

// String is FILE:LINE:COL, without the parts that are unknown.
func (s Span) String() string {
	if s.IsZero() {
		return s.File
	}
	return s.File + ":" + strconv.Itoa(s.Start.Line) + ":" + strconv.Itoa(s.Start.Col)
}

// Text is a decoded scalar that knows where each of its characters stands in
// the file: an expression in a quoted or folded YAML scalar still reports the
// true column of its operator. The zero Text is an empty text with no place.
type Text struct {
	Value string
	Span  Span // of the scalar as written, with its quotes

	runs []Run // in order; where each character of Value stands, and its end
	skip int   // how many characters of the runs stand before Value
}

// Run is a stretch of characters that stand side by side on one line.
type Run struct {
	N  int // which character of the text begins it
	At Pos // where that one stands
}

// Plain is a text without a place, for graphs that a program builds.
func Plain(s string) Text { return Text{Value: s} }

// Placed is a text whose characters stand one after another on one line from
// first on, inside span.
func Placed(s string, span Span, first Pos) Text {
	return Mapped(s, span, []Run{{0, first}})
}

// Mapped is a text whose characters stand where the runs say. The first run
// begins with character 0, and the last one that is counted is the text's end.
func Mapped(s string, span Span, runs []Run) Text {
	return Text{Value: s, Span: span, runs: runs}
}

// Whole is a text whose parts have no places of their own: each part has the place
// of the whole.
func Whole(s string, span Span) Text { return Text{Value: s, Span: span} }

// IsZero reports whether there is no text: what JSON leaves out, with or
// without a place.
func (t Text) IsZero() bool { return t.Value == "" }

// At is the position of the byte offset off of Value.
func (t Text) At(off int) Pos {
	if t.Span.IsZero() {
		return Pos{}
	}
	off = min(max(off, 0), len(t.Value))
	return t.place(utf8.RuneCountInString(t.Value[:off]))
}

// place is the position of character n of Value.
func (t Text) place(n int) Pos {
	n += t.skip
	i := sort.Search(len(t.runs), func(i int) bool { return t.runs[i].N > n }) - 1
	if i < 0 {
		return t.Span.Start
	}
	r := t.runs[i]
	return Pos{Line: r.At.Line, Col: r.At.Col + n - r.N}
}

// Sub is the span of the bytes from..to of Value in the file. An empty range
// spans one character, so that a caret has something to stand under.
func (t Text) Sub(from, to int) Span {
	if t.Span.IsZero() {
		return t.Span
	}
	if len(t.runs) == 0 && to >= len(t.Value) {
		return t.Span
	}
	return t.span(t.At(from), t.At(to))
}

func (t Text) span(start, end Pos) Span {
	if !start.Less(end) {
		end = Pos{Line: start.Line, Col: start.Col + 1}
	}
	return Span{File: t.Span.File, Start: start, End: end}
}

// Range is a stretch of bytes of a Text; To is exclusive.
type Range struct{ From, To int }

// Cut is the part from..to of t as a Text of its own, with its places.
func (t Text) Cut(from, to int) Text { return t.Cuts(Range{from, to})[0] }

// Cuts is Cut for many parts, which come in order and do not overlap: t is
// walked once for all of them.
func (t Text) Cuts(parts ...Range) []Text {
	out := make([]Text, len(parts))
	off, n := 0, 0 // characters before off
	for i, p := range parts {
		out[i].Value = t.Value[p.From:p.To]
		if t.Span.IsZero() {
			continue
		}
		from := n + utf8.RuneCountInString(t.Value[off:p.From])
		off, n = p.To, from+utf8.RuneCountInString(out[i].Value)
		out[i].Span = t.span(t.place(from), t.place(n))
		out[i].runs, out[i].skip = t.runs, t.skip+from
	}
	return out
}

// MarshalText writes the value alone: places do not outlive the file.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.Value), nil }

// UnmarshalText reads the value alone.
func (t *Text) UnmarshalText(b []byte) error {
	*t = Text{Value: string(b)}
	return nil
}
