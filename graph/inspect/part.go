package inspect

import (
	"strings"

	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
)

// maxValue bounds a value in an explanation, in bytes of JSON.
const maxValue = 4 << 10

// Value is a value of the language. As JSON it is exact: integers are whole, keys sorted.
type Value struct{ V any }

// MarshalJSON writes the value.
func (v Value) MarshalJSON() ([]byte, error) { return value.Append(nil, v.V), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(b []byte) (err error) {
	v.V, err = value.Decode(b)
	return err
}

// PartOf is a condition that was taken apart, as it is shown.
func PartOf(c *machine.Condition) *Part {
	if c == nil {
		return nil
	}
	p := partOf(&c.Part, c.By)
	return &p
}

// UnevaluatedPart is a condition that nobody evaluated.
func UnevaluatedPart(p *cond.Program) *Part {
	c := p.Unevaluated()
	out := partOf(&c, nil)
	return &out
}

func partOf(p *cond.Part, by map[string]journal.By) Part {
	out := Part{Op: p.Op, Text: p.Text, Line: p.Span.Start.Line, Column: p.Span.Start.Col, Evaluated: p.Evaluated, Parts: []Part{}, Reads: []Read{}}
	out.Value, out.Cut = cut(p.Value)
	if p.Err != nil {
		text := p.Err.Message
		out.Error = &text
	}
	for i := range p.Parts {
		out.Parts = append(out.Parts, partOf(&p.Parts[i], by))
	}
	for _, r := range p.Reads {
		read := Read{Path: r.Path}
		read.Value, read.Cut = cut(r.Value)
		if r.Name == "state" {
			read.Key = r.Field
			if w, known := by[r.Field]; known {
				read.By = &w
			}
		}
		out.Reads = append(out.Reads, read)
	}
	if l := p.List; l != nil {
		out.Matched, out.Of = &l.Matched, &l.Of
		if l.First != nil {
			out.First = &Match{Index: l.First.Index, Holds: l.First.Holds}
			out.First.Value, out.First.Cut = cut(l.First.Value)
		}
	}
	return out
}

// cut is a value within maxValue: a text is cut behind its beginning, and any other value
// is the beginning of its JSON text.
func cut(v any) (Value, bool) {
	if value.Size(v) <= maxValue {
		return Value{v}, false
	}
	text, ok := v.(string)
	if !ok {
		text = value.String(v)
	}
	for most := maxValue - 16; ; most -= 256 { // a byte may need more as JSON
		if s := strings.ToValidUTF8(text[:min(most, len(text))], "") + "…"; value.Size(s) <= maxValue {
			return Value{s}, true
		}
	}
}
