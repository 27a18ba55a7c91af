package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// maxText bounds a value, and a piece of a condition, in text: in characters.
const maxText = 80

// Condition writes a condition that was taken apart: a line for each piece with a mark, the
// values that it looks at, and who wrote them. Each line begins with the indent.
func Condition(w io.Writer, p *inspect.Part, indent string) error {
	var b strings.Builder
	condition(&b, p, indent)
	_, err := io.WriteString(w, b.String())
	return err
}

func condition(b *strings.Builder, p *inspect.Part, indent string) {
	var rows rows
	if p.Op == "&&" {
		said := "false"
		switch {
		case !p.Evaluated:
			said = "not evaluated"
		case p.Error != nil:
			said = "error"
		case p.Value.V == true:
			said = "true"
		}
		rows.add(indent + markOf(p) + " " + said)
		for i := range p.Parts {
			rows.part(&p.Parts[i], indent+"  ")
		}
	} else {
		rows.part(p, indent)
	}
	rows.write(b)
}

func markOf(p *inspect.Part) string {
	switch {
	case !p.Evaluated:
		return open
	case p.Error == nil && p.Value.V == true:
		return yes
	}
	return no
}

// part adds a piece and what is in it.
func (r *rows) part(p *inspect.Part, indent string) {
	head := indent + markOf(p) + " "
	deeper := indent + "  "
	switch {
	case p.Op == "&&" || p.Op == "||":
		r.add(head + map[string]string{"&&": "all of", "||": "any of"}[p.Op])
		for i := range p.Parts {
			r.part(&p.Parts[i], deeper)
		}
	case p.Op == "not" && len(p.Parts) == 1 && isDeep(&p.Parts[0]):
		r.add(head + "not")
		r.part(&p.Parts[0], deeper)
	case p.Op == "?:" && len(p.Parts) == 3:
		r.add(head + "if")
		r.part(&p.Parts[0], deeper)
		r.add(indent + "  then")
		r.part(&p.Parts[1], deeper+"  ")
		r.add(indent + "  else")
		r.part(&p.Parts[2], deeper+"  ")
	case p.Op == "let" && len(p.Parts) == 2:
		r.leaf(head, p)
		r.part(&p.Parts[1], deeper)
	case p.Op == "define" && len(p.Parts) == 1:
		r.add(head+piece(p.Text)+" is", outcome(p))
		r.part(&p.Parts[0], deeper)
	default:
		r.leaf(head, p)
	}
}

// isDeep reports whether a piece has pieces of its own that take lines.
func isDeep(p *inspect.Part) bool {
	return slices.Contains([]string{"&&", "||", "?:", "let"}, p.Op) || p.Op == "define" && len(p.Parts) > 0
}

// leaf adds a piece in one line, with its values and their writers. What the defines in it
// stand for follows.
func (r *rows) leaf(head string, p *inspect.Part) {
	switch {
	case !p.Evaluated:
		r.add(head+piece(p.Text), "not evaluated")
		return
	case p.Error != nil:
		r.add(head+piece(p.Text), "error: "+oneLine(*p.Error))
		return
	}
	r.add(head+piece(p.Text), strings.Join(values(p), ", "), writers(p))
	for _, d := range defines(p) {
		within := strings.Repeat(" ", utf8.RuneCountInString(head)-len("x ")) + "  "
		r.add(within + open + " " + piece(d.Text) + " is " + piece(d.Parts[0].Text))
	}
}

// values are what a piece looks at.
func values(p *inspect.Part) (all []string) {
	add := func(text string, v inspect.Value) {
		if s := oneLine(text) + " = " + shortValue(v.V); !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	switch {
	case p.Matched != nil:
		s := fmt.Sprintf("%d of %d", *p.Matched, *p.Of)
		if f := p.First; f != nil {
			s += fmt.Sprintf(", the first %s[%d] = %s", map[bool]string{true: "", false: "that does not is "}[f.Holds], f.Index, shortValue(f.Value.V))
		}
		return append(all, s)
	case p.Op == "value" && len(p.Reads) == 0, p.Op == "let":
	case p.Op == "value" && len(p.Reads) == 1 && p.Reads[0].Path == p.Text:
		add(p.Text, p.Value)
	case p.Op == "value":
		if p.Value.V != true && p.Value.V != false {
			add(p.Text, p.Value)
		}
		for _, r := range p.Reads {
			add(r.Path, r.Value)
		}
	case p.Op == "call" || p.Op == "??" || p.Op == "define":
		if p.Value.V != true && p.Value.V != false {
			add(p.Text, p.Value)
			break
		}
		fallthrough
	default:
		for i := range p.Parts {
			all = append(all, values(&p.Parts[i])...)
		}
	}
	return all
}

// outcome is the value of a piece that is no truth.
func outcome(p *inspect.Part) string {
	switch {
	case !p.Evaluated:
		return "not evaluated"
	case p.Value.V == true || p.Value.V == false:
		return ""
	}
	return shortValue(p.Value.V)
}

// defines are the names in a piece that are opened up here.
func defines(p *inspect.Part) (all []*inspect.Part) {
	for i := range p.Parts {
		if q := &p.Parts[i]; q.Op == "define" && len(q.Parts) == 1 {
			all = append(all, q)
		} else {
			all = append(all, defines(q)...)
		}
	}
	return all
}

// writers says who wrote the keys that a piece reads. With several it names the keys.
func writers(p *inspect.Part) string {
	var reads []inspect.Read
	collect(p, &reads)
	var all []string
	for _, r := range reads {
		if r.By == nil {
			continue
		}
		s := writer(&r)
		if len(reads) > 1 {
			s = r.Key + " " + s
		}
		all = append(all, s)
	}
	return strings.Join(all, "; ")
}

// collect gathers what a piece reads of the state, each key once.
func collect(p *inspect.Part, to *[]inspect.Read) {
	for _, r := range p.Reads {
		if r.Key != "" && !slices.ContainsFunc(*to, func(o inspect.Read) bool { return o.Key == r.Key }) {
			*to = append(*to, r)
		}
	}
	for i := range p.Parts {
		collect(&p.Parts[i], to)
	}
}

func writer(r *inspect.Read) string {
	return Writer(r.By, r.Path == "state."+r.Key && !HasParts(r.Value.V))
}

// HasParts reports whether a value is a list or an object. Who wrote it last may have changed
// a part alone.
func HasParts(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

// Writer says in words who last wrote a key of the state, and in which cycle: "set by NODE,
// cycle 3" where the whole is meant, else "last changed by NODE, cycle 3". It is "not known"
// for nil.
func Writer(by *journal.By, whole bool) string {
	if by == nil {
		return "not known"
	}
	verb := "last changed by"
	if whole {
		verb = "set by"
	}
	in := fmt.Sprintf(", cycle %d", by.Cycle)
	switch {
	case by.Initial:
		return "never changed"
	case by.Fork:
		return "set with the fork" + in
	case by.Event != "":
		return verb + " the event " + by.Event + in
	case by.Answer && by.As != "":
		return verb + " the answer of " + oneLine(by.As) + " to " + by.Node + in
	case by.Answer:
		return verb + " the answer to " + by.Node + in
	}
	return verb + " " + by.Node + in
}

// piece is the text of a piece in a line.
func piece(s string) string { return shorten(oneLine(s), maxText) }

func shortValue(v any) string { return shorten(oneLine(value.String(v)), maxText) }

// shorten cuts a text to so many characters.
func shorten(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// rows are lines of cells that stand in columns.
type rows struct{ lines [][]string }

func (r *rows) add(cells ...string) { r.lines = append(r.lines, cells) }

// columnGap is what stands between two columns, and widest is how wide a cell counts at
// most: the cells behind a wider one are out of line.
const (
	columnGap = 4
	widest    = 60
)

func (r *rows) write(b *strings.Builder) {
	var width []int
	for _, l := range r.lines {
		for c := range l {
			if c == len(width) {
				width = append(width, 0)
			}
			if n := utf8.RuneCountInString(l[c]); n <= widest && slices.ContainsFunc(l[c+1:], func(s string) bool { return s != "" }) {
				width[c] = max(width[c], n)
			}
		}
	}
	for _, l := range r.lines {
		line := ""
		for c, cell := range l {
			line += cell
			if c+1 < len(l) {
				line += strings.Repeat(" ", max(0, width[c]-utf8.RuneCountInString(cell))+columnGap)
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}
