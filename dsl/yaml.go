package dsl

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// document is a YAML file as values that know their places.
type document struct {
	file  string
	src   []byte // without a byte order mark
	holds content
	root  *tree.Node
	diags diag.List

	// broken holds the values with a reported problem. Nothing more is reported
	// about them.
	broken map[*tree.Node]bool
	// comments holds what stands behind a scalar without quotes on its last line.
	comments map[*tree.Node]comment
	// merged holds the values of merge keys: they are no values of the tree.
	merged []*tree.Node
	// stand holds the stand-ins of masked characters, and unmask undoes them;
	// nil when the source has none of these characters.
	stand  map[rune]rune
	unmask *strings.Replacer
	// covered holds where src was changed by cover.
	covered []int
	// unfinished says that the text is being written, so that its edges may lack their ends.
	unfinished bool
}

// content is what a file holds, in words: what it is, and the field that it begins with.
type content struct{ what, version string }

var (
	aGraph    = content{"graph", "graphrun"}
	aTestFile = content{"test file", "graphrun-test"}
)

// readYAML turns the text of a graph into a document. Problems of the YAML itself are in
// its diags; root is nil if the meaning of the file is not known.
func readYAML(file string, src []byte) *document { return readText(file, src, aGraph) }

// readText is readYAML for a file that holds something else.
func readText(file string, src []byte, holds content) *document {
	d := &document{file: file, src: src, holds: holds, broken: map[*tree.Node]bool{}, comments: map[*tree.Node]comment{}}
	if !admit(file, src, &d.diags) {
		return d
	}
	d.src = bytes.TrimPrefix(src, []byte("\uFEFF"))
	if !d.checkVersion() || !d.chooseMask() {
		return d
	}
	dec, first, err := d.parse()
	switch {
	case errors.Is(err, io.EOF):
		at := d.char(diag.Pos{Line: 1, Col: 1})
		d.emptyFile(at)
		return d
	case err != nil:
		d.syntaxError(err)
		return d
	}
	r := newReader(d, 0)
	if len(first.Content) > 0 {
		d.root = r.node(first.Content[0], 1, d.char(diag.Pos{Line: 1, Col: 1})).node
	}
	if r.tooLarge {
		d.root = nil
	}
	second, err := decode(dec)
	if err == nil {
		at := d.char(diag.Pos{Line: second.Line, Col: second.Column})
		d.diags.Add(diag.MultipleDocuments, at, "one file is one "+d.holds.what+": move it to a file of its own", "a second document begins here")
	} else if !errors.Is(err, io.EOF) {
		d.syntaxError(err)
	}
	return d
}

// fresh reads a part that was not read before.
func (p part) fresh(file string) *piece {
	d := &document{file: file, src: []byte(p.text), broken: map[*tree.Node]bool{}, comments: map[*tree.Node]comment{}}
	out := &piece{before: p.before}
	if !admit(file, d.src, &d.diags) || !d.chooseMask() {
		return out
	}
	dec := yaml.NewDecoder(bytes.NewReader(d.maskedSource()))
	first, err := decode(dec)
	if err != nil {
		out.bound = strings.Contains(err.Error(), "unknown anchor")
		return out
	}
	r, depth := newReader(d, p.before), 1
	if p.entry {
		depth = 2
	}
	root := r.node(first.Content[0], depth, r.char(r.at.pos)).node
	if _, err := decode(dec); r.tooLarge || !errors.Is(err, io.EOF) {
		return out
	}
	out.root, out.bound = root, len(r.anchors) > 0 || strings.Contains(p.text, "!!")
	out.sound, out.broken, out.comments = len(d.diags) == 0, d.broken, d.comments
	out.nodes, out.runs = r.nodes, maxRuns-r.runs
	return out
}

// emptyFile reports that nothing is in the file.
func (d *document) emptyFile(at diag.Span) {
	d.diags.Add(diag.MissingField, at, fmt.Sprintf(`begin with "%s: 1"`, d.holds.version), "the file is empty, expected a %s", d.holds.what)
}

// maxCovered is how many misread expressions of one file are reported.
const maxCovered = 20

// parse reads the first document. If an expression that YAML misread makes the
// text invalid, parse reports the expression, covers it, and reads the text again.
func (d *document) parse() (*yaml.Decoder, *yaml.Node, error) {
	for {
		dec := yaml.NewDecoder(bytes.NewReader(d.maskedSource()))
		first, err := decode(dec)
		if err == nil || errors.Is(err, io.EOF) || len(d.covered) == maxCovered {
			return dec, first, err
		}
		from, to, found := d.gotcha(d.problem(err))
		if !found {
			return dec, first, err
		}
		d.cover(from, to)
	}
}

// decode reads one document. yaml.v3 gives up on some inputs with a panic.
func decode(dec *yaml.Decoder) (n *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	n = new(yaml.Node)
	return n, dec.Decode(n)
}

// comment is a comment with its place.
type comment struct {
	text string
	at   diag.Span
}

// char is the span of the one character at p.
func (d *document) char(p diag.Pos) diag.Span {
	return diag.Span{File: d.file, Start: p, End: diag.Pos{Line: p.Line, Col: p.Col + 1}}
}

// anchored is a converted value: shared by all aliases of it, with its size,
// length and height when it is written out.
type anchored struct {
	node   *tree.Node
	size   int // values
	bytes  int // of its scalars
	height int
	open   bool // still being converted: an alias to it contains itself
	plain  bool // a scalar that was written without quotes
}

// reader converts the nodes of yaml.v3.
type reader struct {
	*document
	before   int    // lines of the file before the source
	at       cursor // behind the value that was converted last
	anchors  map[*yaml.Node]*anchored
	added    int // values that aliases added
	repeated int // bytes that aliases added
	runs     int // how many more runs its texts may have
	nodes    int
	tooLarge bool
}

// newReader reads a document whose source has some lines of the file before it.
func newReader(d *document, before int) *reader {
	r := &reader{document: d, before: before, anchors: map[*yaml.Node]*anchored{}, runs: maxRuns}
	r.at = r.begin()
	return r
}

func (r *reader) begin() cursor {
	return cursor{src: r.src, pos: diag.Pos{Line: r.before + 1, Col: 1}}
}

// place is where a node of yaml.v3 begins in the file.
func (r *reader) place(n *yaml.Node) diag.Pos {
	return diag.Pos{Line: r.before + n.Line, Col: n.Column}
}

// seek moves the cursor to a place at or behind it; places come in the order
// of the file, so that a long line is walked once.
func (r *reader) seek(p diag.Pos) {
	c := &r.at
	if p.Less(c.pos) {
		*c = r.begin()
	}
	for c.off < len(c.src) && c.pos.Line < p.Line {
		c.next()
	}
	for c.off < len(c.src) && c.pos.Line == p.Line && c.pos.Col < p.Col {
		c.next()
	}
}

func (r *reader) refuse(at diag.Span, format string, args ...any) {
	if !r.tooLarge {
		r.diags.Add(diag.TooLarge, at, "", format, args...)
	}
	r.tooLarge = true
}

// node converts n at a depth. near is the place to report for a value without
// text.
func (r *reader) node(n *yaml.Node, depth int, near diag.Span) anchored {
	out := &tree.Node{Kind: tree.Null, Span: near}
	here := r.char(r.place(n))
	if r.nodes++; r.nodes > maxNodes {
		r.refuse(here, "the document has more than %d values", maxNodes)
	}
	if depth > maxDepth {
		r.refuse(here, "the document is nested deeper than %d levels", maxDepth)
	}
	if r.tooLarge {
		return anchored{node: out, size: 1, height: 1}
	}
	if n.Kind == yaml.AliasNode {
		return r.alias(n, depth, here)
	}
	a := &anchored{node: out, size: 1, height: 1, open: true}
	if n.Anchor != "" {
		r.anchors[n] = a
	}
	r.seek(r.place(n))
	if !beginsWithKey(n) && r.properties(n.Anchor) || r.tag(n, here) {
		r.broken[out] = true
	}
	switch n.Kind {
	case yaml.ScalarNode:
		a.plain = r.scalar(n, out)
		a.bytes = len(n.Value)
	case yaml.SequenceNode:
		r.list(n, a, depth)
	case yaml.MappingNode:
		r.mapping(n, a, depth)
	}
	a.open = false
	n.Content = nil // the nodes of yaml.v3 are garbage as soon as they are converted
	return *a
}

// beginsWithKey reports whether a mapping begins where its first key does: an
// anchor or a tag there is the key's.
func beginsWithKey(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode && len(n.Content) > 0 && n.Content[0].Line == n.Line && n.Content[0].Column == n.Column
}

// alias returns the value of the anchor, unless the aliases of the document exceed
// their bounds.
func (r *reader) alias(n *yaml.Node, depth int, here diag.Span) anchored {
	r.seek(r.place(n))
	r.at.next()
	for range utf8.RuneCountInString(n.Value) {
		r.at.next()
	}
	here.End = r.at.pos
	a := r.anchors[n.Alias]
	switch {
	case a == nil || a.open:
		r.refuse(here, "the alias %q contains itself", "*"+n.Value)
	case depth+a.height-1 > maxDepth:
		r.refuse(here, "the document is nested deeper than %d levels", maxDepth)
	default:
		if r.added += a.size; r.added > maxAliased {
			r.refuse(here, "aliases expand to more than %d values", maxAliased)
			break
		}
		if r.repeated += a.bytes; r.repeated > maxBytes {
			r.refuse(here, "aliases expand to more than %d bytes", maxBytes)
			break
		}
		return *a
	}
	return anchored{node: &tree.Node{Kind: tree.Null, Span: here}, size: 1, height: 1}
}

// tag reports a tag that is not in the core schema of YAML. Usually it is the
// beginning of an expression.
func (r *reader) tag(n *yaml.Node, here diag.Span) bool {
	if n.Style&yaml.TaggedStyle == 0 {
		return false
	}
	switch n.Tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		return false
	}
	c := r.at
	if c.peek() == '&' {
		c.skipProperties()
		c = r.at
	}
	here.Start = c.pos
	for p := c.peek(); c.off < len(c.src) && p != ' ' && !isBreak(p); p = c.peek() {
		c.next()
	}
	here.End = c.pos
	reportTag(&r.diags, here, string(r.src[r.at.off:c.off]))
	return true
}

// scalar converts a scalar, and reports whether it was written without quotes.
func (r *reader) scalar(n *yaml.Node, out *tree.Node) bool {
	st := plain
	if r.unmask != nil {
		n.Value = r.unmask.Replace(n.Value)
	}
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		st = double
	case n.Style&yaml.SingleQuotedStyle != 0:
		st = single
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		st = block
	}
	tagged := n.Style&yaml.TaggedStyle != 0 // else n.Tag is what yaml.v3 takes it for
	if st == plain && n.Value == "" {
		out.Text = diag.Placed("", out.Span, out.Span.Start)
		r.at.skipProperties()
		r.commented(out)
		if tagged && n.Tag == "!!str" {
			out.Kind = tree.String
		}
		r.misTagged(n, out)
		return true
	}
	r.at.skipProperties()
	from := r.at.off
	if st == block {
		r.glued(blockHeader(r.at), out)
	}
	out.Text = locate(&r.at, r.file, n.Value, st, &r.runs)
	for _, off := range r.covered {
		if from <= off && off < r.at.off {
			r.broken[out] = true
		}
	}
	out.Span = out.Text.Span
	out.Kind = tree.String
	if st == single || st == double {
		r.glued(r.at, out)
	}
	if st == plain && n.Value == "-" {
		r.diags.Add(diag.YAMLSyntax, out.Span, "put it in quotes if it is text", `expected a value, "-" begins an entry of a list`)
		r.broken[out] = true
	}
	if st == plain && !(tagged && n.Tag == "!!str") {
		resolve(n.Value, out)
	}
	if st == plain && notFinite(n.Value) && !(tagged && n.Tag == "!!str") {
		r.diags.Add(diag.WrongType, out.Span, "", "%s is not a number in JSON", n.Value)
		r.broken[out] = true
	}
	if out.Kind == tree.Float && math.IsInf(out.Float, 0) {
		r.diags.Add(diag.WrongType, out.Span, "", "%.40s is beyond the range of a number", n.Value)
		r.broken[out] = true
	}
	if st == plain {
		r.commented(out)
	}
	r.misTagged(n, out)
	return st == plain
}

// commented notes the comment behind a scalar without quotes.
func (r *reader) commented(n *tree.Node) {
	c := r.at
	if c.skipBlanks(); c.peek() != '#' {
		return
	}
	at, from := diag.Span{File: r.file, Start: c.pos}, c.off
	c.skipLine()
	at.End = c.pos
	r.comments[n] = comment{string(r.src[from:c.off]), at}
}

// misTagged reports a scalar that is not of the type that its tag says.
func (r *reader) misTagged(n *yaml.Node, out *tree.Node) {
	if n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!str" && "!!"+coreTag(out.Kind) != n.Tag && !r.broken[out] {
		r.diags.Add(diag.WrongType, out.Span, "", "%q is not of the type that its tag %s says", n.Value, n.Tag)
		r.broken[out] = true
	}
}

// coreTag is the name of a kind in YAML's tags.
func coreTag(k tree.Kind) string {
	return [...]string{"null", "bool", "int", "float", "str", "seq", "map"}[k]
}

func (r *reader) list(n *yaml.Node, a *anchored, depth int) {
	out := a.node
	r.at.skipProperties()
	out.Kind, out.Span.File, out.Span.Start = tree.List, r.file, r.at.pos
	if n.Style&yaml.FlowStyle != 0 {
		r.at.next()
	}
	for _, c := range n.Content {
		near := r.char(r.place(c))
		it := r.node(c, depth+1, near)
		out.Items = append(out.Items, it.node)
		if n.Style&yaml.FlowStyle != 0 {
			r.gluedComma(out)
		}
		a.size += it.size
		a.bytes += it.bytes
		a.height = max(a.height, it.height+1)
	}
	r.close(n, out, ']')
}

func (r *reader) mapping(n *yaml.Node, a *anchored, depth int) {
	out := a.node
	r.at.skipProperties()
	out.Kind, out.Span.File, out.Span.Start = tree.Map, r.file, r.at.pos
	if n.Style&yaml.FlowStyle != 0 {
		r.at.next()
	}
	entries := make([]entry, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := r.node(n.Content[i], depth+1, r.char(r.place(n.Content[i])))
		it := r.node(n.Content[i+1], depth+1, key.node.Span)
		a.size += it.size + 1
		a.bytes += it.bytes + len(key.node.Text.Value)
		a.height = max(a.height, it.height+1)
		entries = append(entries, entry{key.node, it.node, key.plain, it.plain})
		if n.Style&yaml.FlowStyle != 0 {
			r.gluedComma(out)
		}
	}
	r.close(n, out, '}')
	if n.Style&yaml.FlowStyle != 0 {
		entries = r.rejoin(entries)
	}
	entries, own := r.distinct(entries)
	for _, e := range entries {
		if r.isMerge(e) {
			r.join(out, e.value, own)
		} else {
			out.Fields = append(out.Fields, tree.Field{Key: e.key.Text, Value: e.value})
		}
	}
}

// distinct drops the entries that have no key of their own, and says on which line each
// key is.
func (r *reader) distinct(entries []entry) (kept []entry, lines map[string]int) {
	kept, lines = entries[:0], make(map[string]int, len(entries))
	for _, e := range entries {
		key := e.key.Text
		if !r.isKey(e.key) {
			continue
		}
		if line, twice := lines[key.Value]; twice {
			r.diags.Add(diag.DuplicateKey, key.Span, "remove one of the two", "the key %q is already on line %d", key.Value, line)
			continue
		}
		lines[key.Value] = key.Span.Start.Line
		kept = append(kept, e)
	}
	return kept, lines
}

// entry is an entry of a mapping whose key was not checked yet.
type entry struct {
	key, value           *tree.Node
	plainKey, plainValue bool // written without quotes
}

// isKey reports whether a value can be a key: only a string can.
func (r *reader) isKey(k *tree.Node) bool {
	switch {
	case r.broken[k] || r.tooLarge:
		return false
	case k.Kind == tree.String:
		return true
	}
	help := ""
	if k.Kind != tree.List && k.Kind != tree.Map {
		help = "put it in quotes"
	}
	r.diags.Add(diag.WrongType, k.Span, help, "a key must be a string, not %s", kindName(k.Kind))
	return false
}

// close finds the end of a list or mapping.
func (r *reader) close(n *yaml.Node, out *tree.Node, bracket rune) {
	if n.Style&yaml.FlowStyle != 0 {
		for r.at.off < len(r.src) {
			r.at.skipSpace()
			if p := r.at.peek(); p != ',' && p != ':' && p != bracket {
				break
			}
			if r.at.next() == bracket {
				r.glued(r.at, out)
				break
			}
		}
	}
	out.Span.End = r.at.pos
	if !out.Span.Start.Less(out.Span.End) {
		out.Span.End = diag.Pos{Line: out.Span.Start.Line, Col: out.Span.Start.Col + 1}
	}
}
