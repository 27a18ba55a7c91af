package diag

import (
	"sort"
	"strconv"
	"unicode/utf8"
)

// Pos is a place in a file. Line and Col are 1-based, Col counts characters
// (Unicode code points). The zero Pos means that the place is not
// known: a graph that a Go program builds has no places.
type Pos struct {
	Line, Col int
}

// Less reports whether p comes before q.
func (p Pos) Less(q Pos) bool {
	if p.Line != q.Line {
		return p.Line < q.Line
	}
	return p.Col < q.Col
}

// Span is a part of one file. End is exclusive.
type Span struct {
	File       string
	Start, End Pos
}

// IsZero reports whether the span names no place.
func (s Span) IsZero() bool { return s.Start == Pos{} }

// String returns FILE:LINE:COL, without the parts that are not known.
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
	Span  Span // of the scalar as it is written, with its quotes

	runs []Run // in order; where each character of Value stands, and its end
	skip int   // how many characters of the runs stand before Value
}

// Run is a sequence of characters that are adjacent on one line.
type Run struct {
	N  int // the index of its first character in the text
	At Pos // the place of that character
}

// Plain returns a text without a place, for graphs that a program builds.
func Plain(s string) Text { return Text{Value: s} }

// Placed returns a text whose characters are adjacent on one line, beginning at
// first, inside span.
func Placed(s string, span Span, first Pos) Text {
	return Mapped(s, span, []Run{{0, first}})
}

// Mapped returns a text whose characters have the places that the runs give. The
// first run begins with character 0; the last character of the last run is the end
// of the text.
func Mapped(s string, span Span, runs []Run) Text {
	return Text{Value: s, Span: span, runs: runs}
}

// Whole is a text whose parts have no places of their own: each part has the place
// of the whole.
func Whole(s string, span Span) Text { return Text{Value: s, Span: span} }

// IsZero reports whether the text is empty, with or without a place. JSON leaves
// an empty text out.
func (t Text) IsZero() bool { return t.Value == "" }

// At returns the position of the byte offset off in Value.
func (t Text) At(off int) Pos {
	if t.Span.IsZero() {
		return Pos{}
	}
	off = min(max(off, 0), len(t.Value))
	return t.place(utf8.RuneCountInString(t.Value[:off]))
}

// place returns the position of character n of Value.
func (t Text) place(n int) Pos {
	n += t.skip
	i := sort.Search(len(t.runs), func(i int) bool { return t.runs[i].N > n }) - 1
	if i < 0 {
		return t.Span.Start
	}
	r := t.runs[i]
	return Pos{Line: r.At.Line, Col: r.At.Col + n - r.N}
}

// Offset returns the byte of Value that stands at p in the file. Of places between its
// characters only those beside one count, and the end of the text is one of them: ok is
// false for all others, and for a text whose characters have no places of their own.
func (t Text) Offset(p Pos) (off int, ok bool) {
	last := t.skip + utf8.RuneCountInString(t.Value)
	for i, r := range t.runs {
		from, to := max(r.N, t.skip), last
		if i+1 < len(t.runs) {
			to = min(to, t.runs[i+1].N)
		}
		n := r.N + p.Col - r.At.Col
		if p.Line != r.At.Line || n < from || n > to || from > to {
			continue
		}
		off := 0
		for range n - t.skip {
			_, size := utf8.DecodeRuneInString(t.Value[off:])
			off += size
		}
		return off, true
	}
	return 0, false
}

// Sub returns the place of the bytes from..to of Value in the file. For an empty
// range it is one character, so that a caret is visible.
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

// Down returns the span some lines further down; by may be negative. A span without a place
// stays as it is.
func (s Span) Down(by int) Span {
	if !s.IsZero() {
		s.Start.Line += by
		s.End.Line += by
	}
	return s
}

// Down returns the text some lines further down, as Span.Down.
func (t Text) Down(by int) Text {
	t.Span = t.Span.Down(by)
	if len(t.runs) > 0 {
		runs := make([]Run, len(t.runs))
		for i, r := range t.runs {
			r.At.Line += by
			runs[i] = r
		}
		t.runs = runs
	}
	return t
}

// Range is a part of a Text in bytes. To is exclusive.
type Range struct{ From, To int }

// Cut returns the part from..to of t as a Text with its own places.
func (t Text) Cut(from, to int) Text { return t.Cuts(Range{from, to})[0] }

// Cuts is Cut for several parts, which must be in order and must not overlap. It
// walks t once for all of them.
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

// MarshalText writes the value only: places are not kept without the file.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.Value), nil }

// UnmarshalText reads the value only.
func (t *Text) UnmarshalText(b []byte) error {
	*t = Text{Value: string(b)}
	return nil
}
