package dsl

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// An editor asks about a text after each keystroke. So a study reads a text in parts, the
// entries of its sections, and takes what an earlier study has read of the same lines. A
// part that is broken, as the line is that somebody types, leaves the others readable.

// part is some lines of a text.
type part struct {
	text   string
	before int  // lines of the file before it
	head   bool // it is the first line of a section whose entries follow
	entry  bool // it is an entry of a section; if not, a section
	dash   bool // it is an entry of a list
}

// kind is what a part holds when it can be read.
func (p part) kind() tree.Kind {
	if p.dash {
		return tree.List
	}
	return tree.Map
}

// partsOf cuts a text into its parts, in order. It reports false for a text that has to be
// read as a whole.
func partsOf(text string) (parts []part, ok bool) {
	entries := -1 // the indentation of the entries of a section that began with a head
	dashes := false
	for line := 0; text != ""; line++ {
		end := strings.IndexByte(text, '\n') + 1
		if end == 0 {
			end = len(text)
		}
		now := text[:end]
		text = text[end:]
		body := strings.TrimRight(now, "\r\n")
		if strings.IndexByte(body, '\r') >= 0 {
			return nil, false // it ends a line too
		}
		indent := len(body) - len(strings.TrimLeft(body, " "))
		body = body[indent:]
		dash := body == "-" || strings.HasPrefix(body, "- ")
		last := len(parts) - 1
		switch {
		case strings.Trim(body, " \t") == "" || body[0] == '#':
			if last >= 0 {
				parts[last].text += now
			}
			continue
		case body[0] == '\t':
			if last < 0 {
				return nil, false
			}
			parts[last].text += now
			continue
		case indent == 0 && !dash:
			if strings.HasPrefix(body, "---") || strings.HasPrefix(body, "...") || strings.ContainsRune("%?&*!|>{[", rune(body[0])) {
				return nil, false
			}
			parts = append(parts, part{text: now, before: line, head: isHead(body)})
			entries = -1
			continue
		case last < 0:
			return nil, false
		}
		if entries < 0 && parts[last].head {
			entries, dashes = indent, dash
		}
		if indent == entries && dash == dashes {
			parts = append(parts, part{text: now, before: line, entry: true, dash: dash})
		} else {
			parts[last].text += now
		}
	}
	return parts, len(parts) > 0
}

// isHead reports whether a line is a plain key alone, whose value begins on the next one.
func isHead(line string) bool {
	key, rest, ok := strings.Cut(line, ":")
	if !ok || strings.Trim(key, wordLetters) != "" {
		return false
	}
	rest = strings.TrimLeft(rest, " \t")
	return rest == "" || rest[0] == '#'
}

// piece is what a part holds.
type piece struct {
	before int
	root   *tree.Node // nil when it cannot be read
	sound  bool       // without problems
	mended bool       // only a part of it can be read
	bound  bool       // it does not stand for itself: it has an anchor, an alias or a tag

	broken   map[*tree.Node]bool
	comments map[*tree.Node]comment

	nodes, runs int // that it took
}

// pieces are what was read of a text, by the lines of each part.
type pieces map[string]*piece

// read gives what a part holds, from what was read before if it is there.
func (p part) read(file string, former pieces) *piece {
	if was := former[p.text]; was != nil {
		if was.before == p.before {
			return was
		}
		if len(was.broken) == 0 {
			return was.down(p.before - was.before)
		}
	}
	return p.fresh(file)
}

// down is a piece without broken values some lines further down.
func (p *piece) down(by int) *piece {
	out := *p
	out.before += by
	out.comments = make(map[*tree.Node]comment, len(p.comments))
	out.root = p.moved(p.root, by, out.comments)
	return &out
}

func (p *piece) moved(n *tree.Node, by int, comments map[*tree.Node]comment) *tree.Node {
	if n == nil {
		return nil
	}
	out := *n
	out.Text, out.Span = n.Text.Down(by), n.Span.Down(by)
	out.Items = slices.Clone(n.Items)
	for i, it := range n.Items {
		out.Items[i] = p.moved(it, by, comments)
	}
	out.Fields = slices.Clone(n.Fields)
	for i, f := range n.Fields {
		out.Fields[i] = tree.Field{Key: f.Key.Down(by), Value: p.moved(f.Value, by, comments)}
	}
	if len(p.comments) > 0 {
		if c, ok := p.comments[n]; ok {
			c.at = c.at.Down(by)
			comments[&out] = c
		}
	}
	return &out
}

// What mend spends on a part at most, and how many bytes it reads.
const (
	maxMends  = 60
	maxMended = 100_000
)

// mend reads what it can of a part that cannot be read: it leaves out one line, or the end,
// but not the line with keep. The piece has no root when nothing helps.
func (p part) mend(file, keep string) *piece {
	lines := strings.SplitAfter(p.text, "\n")
	left, bytes := maxMends, maxMended
	try := func(from, to int) *piece {
		cut := strings.Join(lines[from:to], "")
		if strings.TrimSpace(cut) == "" || keep != "" && strings.Contains(cut, keep) {
			return nil
		}
		if left, bytes = left-1, bytes-len(p.text); left < 0 || bytes < 0 {
			return nil
		}
		q := p
		q.text = strings.Join(lines[:from], "") + strings.Repeat("\n", to-from) + strings.Join(lines[to:], "")
		if out := q.fresh(file); out.root != nil && out.root.Kind == p.kind() {
			out.mended, out.sound = true, false
			return out
		}
		return nil
	}
	for i := len(lines) - 1; i > 0; i-- {
		if out := try(i, i+1); out != nil {
			return out
		}
	}
	for i := len(lines) - 1; i > 0; i-- {
		if out := try(i, len(lines)); out != nil {
			return out
		}
	}
	return &piece{before: p.before, mended: true}
}

// reading reads a text in parts.
type reading struct {
	file   string
	former pieces
	keep   string // text in a part that must be readable as it is; "" for none
	mend   bool   // that part may be mended too

	d     *document
	now   pieces
	sound bool // what was read is all that the text holds
	lost  bool // the part with keep cannot be read
	bound bool // a part does not stand for itself
	nodes int
	runs  int
}

// read reads a text as far as it can be read. It reports false when the text has to be read as
// a whole, and when no part of it can be read. If the reading is sound, its document is that
// of readYAML.
func (r *reading) read(src []byte) bool {
	src = bytes.TrimPrefix(src, []byte("\uFEFF"))
	parts, ok := partsOf(string(src))
	if !ok || len(src) > maxBytes {
		return false
	}
	r.d = &document{file: r.file, src: src, holds: aGraph, broken: map[*tree.Node]bool{}, comments: map[*tree.Node]comment{}}
	r.now, r.sound = make(pieces, len(parts)), true
	var sections []*tree.Node
	for len(parts) > 0 && !r.bound {
		n := 1
		for n < len(parts) && parts[n].entry {
			n++
		}
		sections = append(sections, r.section(parts[:n]))
		parts = parts[n:]
	}
	r.d.root = r.join(tree.Map, sections)
	return !r.bound && !r.lost && len(r.d.root.Fields) > 0 && r.nodes <= maxNodes/2 && r.runs <= maxRuns/2
}

// section reads a section: its first part, and its entries.
func (r *reading) section(parts []part) *tree.Node {
	if len(parts) == 1 {
		return r.part(parts[0])
	}
	if first := parts[1].read(r.file, r.former); first.root != nil && first.root.Kind != parts[1].kind() { // a text of several lines
		all := part{before: parts[0].before}
		for _, p := range parts {
			all.text += p.text
		}
		if all.read(r.file, r.former).root != nil {
			return r.part(all)
		}
	}
	entries := make([]*tree.Node, 0, len(parts)-1)
	for _, p := range parts[1:] {
		entries = append(entries, r.part(p))
	}
	head := r.part(parts[0])
	value := r.join(parts[1].kind(), entries)
	if head == nil || len(head.Fields) == 0 || len(value.Fields)+len(value.Items) == 0 {
		return head
	}
	out := *head
	out.Fields = []tree.Field{{Key: head.Fields[0].Key, Value: value}}
	out.Span.End = value.Span.End
	return &out
}

// part reads a part, mended if need be. It gives nil for one that cannot be read.
func (r *reading) part(p part) *tree.Node {
	got := p.read(r.file, r.former)
	if got.bound {
		r.bound = true
		return nil
	}
	if !got.mended && (got.root == nil || got.root.Kind != p.kind()) {
		if r.keep != "" && !r.mend && strings.Contains(p.text, r.keep) {
			r.lost = true
			return nil
		}
		got = p.mend(r.file, r.keep)
	}
	r.now[p.text] = got
	r.sound = r.sound && got.sound
	r.lost = r.lost || got.root == nil && r.keep != "" && strings.Contains(p.text, r.keep)
	maps.Copy(r.d.broken, got.broken)
	maps.Copy(r.d.comments, got.comments)
	r.nodes += got.nodes
	r.runs += got.runs
	return got.root
}

// join gives the mapping or the list that parts are together.
func (r *reading) join(kind tree.Kind, parts []*tree.Node) *tree.Node {
	out := &tree.Node{Kind: kind, Span: diag.Span{File: r.file}}
	seen := make(map[string]bool, len(parts))
	for _, p := range parts {
		if p == nil {
			continue
		}
		if out.Span.IsZero() {
			out.Span.Start = p.Span.Start
		}
		out.Span.End = p.Span.End
		out.Items = append(out.Items, p.Items...)
		for _, f := range p.Fields {
			if seen[f.Key.Value] {
				r.sound = false
				continue
			}
			seen[f.Key.Value] = true
			out.Fields = append(out.Fields, f)
		}
	}
	return out
}
