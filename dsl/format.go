package dsl

import (
	"bytes"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// Format returns a graph's text in the canonical layout: two spaces of
// indentation, lists indented below their key, no blanks at the ends of lines,
// at most one empty line in a row. Comments, the order of fields and the text
// within a line stay as they are. The meaning stays the same, and a second
// Format changes nothing. If the text is not YAML, the list has the errors; file
// is its name in them.
func Format(file string, src []byte) ([]byte, diag.List) {
	d := readYAML(file, src)
	if d.diags.HasErrors() {
		d.diags.Sort()
		return nil, d.diags
	}
	out := layOut(d)
	for range 3 {
		again := readYAML("", out)
		if again.diags.HasErrors() || !same(d.root, again.root) {
			break
		}
		next := layOut(again)
		if bytes.Equal(next, out) {
			return out, nil
		}
		out = next
	}
	return src, nil // Format does not know this layout: leave it as it is
}

// same compares two documents, with the order of their fields.
func same(a, b *tree.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Kind == b.Kind && a.Text.Value == b.Text.Value &&
		slices.EqualFunc(a.Items, b.Items, same) &&
		slices.EqualFunc(a.Fields, b.Fields, func(f, g tree.Field) bool {
			return f.Key.Value == g.Key.Value && same(f.Value, g.Value)
		})
}

// level is one open block list or mapping while lines are laid out.
type level struct {
	list     bool
	old, new int // columns, from zero
}

// layout walks over the lines of a document.
type layout struct {
	lines  []string
	inner  []*tree.Node // by line: the scalar or { } that continues over it
	levels []level
	out    []string
	shift  int // of the last structural line
}

func layOut(d *document) []byte {
	l := layout{lines: splitLines(d.src)}
	l.inner = make([]*tree.Node, len(l.lines)+1)
	seen := map[*tree.Node]bool{}
	l.claim(d.root, seen)
	for _, n := range d.merged {
		l.claim(n, seen)
	}
	for i := 0; i < len(l.lines); i++ {
		line := strings.TrimRight(l.lines[i], " \t")
		text := strings.TrimLeft(line, " ")
		switch {
		case l.inner[i] != nil:
			i = l.body(i)
		case text == "":
			if len(l.out) > 0 && l.out[len(l.out)-1] != "" {
				l.out = append(l.out, "")
			}
		case strings.HasPrefix(text, "#"):
			l.comment(i, len(line)-len(text), text)
		case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "..."), strings.HasPrefix(line, "%"):
			l.out = append(l.out, line)
		default:
			l.structure(line, text)
		}
	}
	return []byte(strings.TrimRight(strings.Join(l.out, "\n"), "\n") + "\n")
}

// splitLines is the text without its line breaks.
func splitLines(src []byte) []string {
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(src))
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// claim marks the lines within a scalar or { } that is longer than one line.
func (l *layout) claim(n *tree.Node, seen map[*tree.Node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	if l.whole(n) {
		for i := n.Span.Start.Line; i < n.Span.End.Line && i < len(l.lines); i++ {
			if l.inner[i] == nil {
				l.inner[i] = n
			}
		}
		return
	}
	for _, it := range n.Items {
		l.claim(it, seen)
	}
	for _, f := range n.Fields {
		l.claim(f.Value, seen)
	}
}

// whole reports whether a value's lines move as one: all but block lists and
// block mappings do.
func (l *layout) whole(n *tree.Node) bool {
	if n.Kind != tree.List && n.Kind != tree.Map {
		return n.Span.Start.Line > 0
	}
	return n.Span.Start.Line > 0 && (l.first(n) == '[' || l.first(n) == '{')
}

// first is the character at which a value begins.
func (l *layout) first(n *tree.Node) rune {
	if n.Span.Start.Line > len(l.lines) {
		return 0
	}
	line := []rune(l.lines[n.Span.Start.Line-1])
	if n.Span.Start.Col > len(line) {
		return 0
	}
	return line[n.Span.Start.Col-1]
}

// structure lays out a line that begins with dashes, a key, or both.
func (l *layout) structure(line, text string) {
	col := len(line) - len(text)
	start := -1
	var dashes strings.Builder
	for text == "-" || strings.HasPrefix(text, "- ") {
		at := l.enter(true, col)
		if start < 0 {
			start = at
			l.shift = at - col
		}
		rest := strings.TrimLeft(text[1:], " ")
		col += len(text) - len(rest)
		text = rest
		dashes.WriteString("- ")
	}
	if text == "" {
		l.out = append(l.out, strings.Repeat(" ", start)+strings.TrimRight(dashes.String(), " "))
		return
	}
	if strings.HasPrefix(text, "#") || start >= 0 && !beginsEntry(text) {
		l.out = append(l.out, strings.Repeat(" ", start)+dashes.String()+text)
		return
	}
	at := l.enter(false, col)
	if start < 0 {
		start = at
		l.shift = at - col
	}
	l.out = append(l.out, strings.Repeat(" ", start)+dashes.String()+text)
}

// beginsEntry reports whether a text behind a dash is the first entry of a
// mapping. A wrong guess costs nothing: levels that no line returns to are
// dropped.
func beginsEntry(text string) bool {
	if strings.ContainsAny(text[:1], `[{|>&*!`) {
		return false
	}
	return strings.Contains(text, ": ") || strings.HasSuffix(text, ":")
}

// enter finds or opens the level of a line's first token, and gives its new
// column.
func (l *layout) enter(list bool, col int) int {
	for n := len(l.levels); n > 0; n-- {
		top := l.levels[n-1]
		if top.old < col || top.old == col && (top.list == list || !top.list) {
			break
		}
		l.levels = l.levels[:n-1]
	}
	at := 0
	if n := len(l.levels); n > 0 {
		top := l.levels[n-1]
		if top.old == col && top.list == list {
			return top.new
		}
		at = top.new + 2
	}
	l.levels = append(l.levels, level{list: list, old: col, new: at})
	return at
}

// comment lays out a line that is only a comment: with the line that follows,
// or, when it stands deeper, with the block that ends above it.
func (l *layout) comment(i, col int, text string) {
	for j := i + 1; j < len(l.lines); j++ {
		t := strings.TrimLeft(l.lines[j], " ")
		if t != "" && t[0] != '#' && l.inner[j] == nil {
			next := len(l.lines[j]) - len(t)
			if col <= next {
				saved := slices.Clone(l.levels)
				col = l.enter(t == "-" || strings.HasPrefix(t, "- "), next)
				l.levels = saved
				l.out = append(l.out, strings.Repeat(" ", col)+text)
				return
			}
			break
		}
	}
	at := 0
	for _, v := range l.levels {
		if v.old <= col {
			at = v.new
		}
	}
	l.out = append(l.out, strings.Repeat(" ", at)+text)
}

// body lays out the lines that belong to one scalar or { }, and gives the last
// of them.
func (l *layout) body(i int) int {
	n := l.inner[i]
	last := i
	for last+1 < len(l.lines) && l.inner[last+1] == n {
		last++
	}
	lines := l.lines[i : last+1]
	shift := l.shift
	isBlock := n.Kind == tree.String && (l.first(n) == '|' || l.first(n) == '>')
	if isBlock {
		shift = l.blockShift(n, lines)
	}
	for _, line := range lines {
		if !isBlock {
			line = strings.TrimRight(line, " \t")
		}
		text := strings.TrimLeft(line, " ")
		switch col := len(line) - len(text) + shift; {
		case text == "" && col <= 0, text == "" && !isBlock:
			l.out = append(l.out, "")
		default:
			l.out = append(l.out, strings.Repeat(" ", max(col, 0))+text)
		}
	}
	return last
}

// blockShift is how far the lines of a block scalar move: to two columns, or
// what its header says, within the level that holds it.
func (l *layout) blockShift(n *tree.Node, lines []string) int {
	header := []rune(l.lines[n.Span.Start.Line-1])[n.Span.Start.Col-1:]
	for _, r := range header[1:min(3, len(header))] {
		if r >= '1' && r <= '9' {
			return l.shift
		}
	}
	holder := 0
	if k := len(l.levels); k > 0 {
		holder = l.levels[k-1].new
	}
	for _, line := range lines {
		if text := strings.TrimLeft(line, " "); text != "" {
			return holder + 2 - (len(line) - len(text))
		}
	}
	return 0
}
