package diag

import (
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

	// places holds the position of each character of Value, and one more for
	// its end. nil means that Value stands on one line as it is, from first.
	places []Pos
	first  Pos
}

// Plain is a text without a place, for graphs that a program builds.
func Plain(s string) Text { return Text{Value: s} }

// Placed is a text whose characters stand one after another on one line from
// first on, inside span.
func Placed(s string, span Span, first Pos) Text {
	return Text{Value: s, Span: span, first: first}
}

// Mapped is a text of which character i stands at places[i]; places holds one
// more entry than value has characters, for its end.
func Mapped(s string, span Span, places []Pos) Text {
	return Text{Value: s, Span: span, places: places}
}

// IsZero reports whether there is no text: what JSON leaves out, with or
// without a place.
func (t Text) IsZero() bool { return t.Value == "" }

// At is the position of the byte offset off of Value.
func (t Text) At(off int) Pos {
	if t.Span.IsZero() {
		return Pos{}
	}
	off = min(max(off, 0), len(t.Value))
	n := utf8.RuneCountInString(t.Value[:off])
	if t.places != nil {
		return t.places[min(n, len(t.places)-1)]
	}
	return Pos{Line: t.first.Line, Col: t.first.Col + n}
}

// Sub is the span of the bytes from..to of Value in the file. An empty range
// spans one character, so that a caret has something to stand under.
func (t Text) Sub(from, to int) Span {
	if t.Span.IsZero() {
		return t.Span
	}
	s := Span{File: t.Span.File, Start: t.At(from), End: t.At(to)}
	if !s.Start.Less(s.End) {
		s.End = Pos{Line: s.Start.Line, Col: s.Start.Col + 1}
	}
	return s
}

// Cut is the part from..to of t as a Text of its own, with its places.
func (t Text) Cut(from, to int) Text {
	c := Text{Value: t.Value[from:to], Span: t.Sub(from, to), first: t.At(from)}
	if t.places != nil {
		n := utf8.RuneCountInString(t.Value[:from])
		m := utf8.RuneCountInString(t.Value[:to])
		c.places = t.places[n : m+1]
	}
	return c
}

// MarshalText writes the value alone: places do not outlive the file.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.Value), nil }

// UnmarshalText reads the value alone.
func (t *Text) UnmarshalText(b []byte) error {
	*t = Text{Value: string(b)}
	return nil
}
