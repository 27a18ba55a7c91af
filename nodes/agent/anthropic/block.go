package anthropic

import (
	"strings"

	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/internal/wire"
)

// block is a block of an answer, while it grows.
type block struct {
	index  int64 // in the stream
	fields object
	texts  map[string]*strings.Builder
	input  strings.Builder // JSON in pieces
}

// begun is a block whose first delta is all that is known of it: nil if that is too little.
func begun(d object) object {
	switch d["type"] {
	case "thinking_delta", "signature_delta":
		return object{"type": "thinking", "thinking": "", "signature": ""}
	case "text_delta":
		return object{"type": "text", "text": ""}
	}
	return nil
}

// add adds a delta. Its fields, whatever they are, belong to the fields of the same name:
// texts grow, lists get longer, and anything else is replaced. Two have another name.
func (b *block) add(d object) {
	for k, v := range d {
		switch {
		case k == "type" || v == nil:
		case k == "partial_json":
			b.input.WriteString(wire.Text(v))
		case k == "citation":
			b.fields["citations"] = append(wire.List(b.fields["citations"]), v)
		default:
			b.field(k, v)
		}
	}
}

func (b *block) field(k string, v any) {
	switch v := v.(type) {
	case string:
		t := b.texts[k]
		if t == nil {
			if b.texts == nil {
				b.texts = map[string]*strings.Builder{}
			}
			t = &strings.Builder{}
			t.WriteString(wire.Text(b.fields[k]))
			b.texts[k] = t
		}
		t.WriteString(v)
	case []any:
		b.fields[k] = append(wire.List(b.fields[k]), v...)
	default:
		b.fields[k] = v
	}
}

// done gives out the block. broken is its input if that is no JSON object.
func (b *block) done() (fields object, broken string) {
	for k, t := range b.texts {
		b.fields[k] = t.String()
	}
	if b.input.Len() > 0 {
		args, kept := wire.Arguments(b.input.String())
		if kept != "" {
			b.fields["input"] = object{}
			return b.fields, kept
		}
		b.fields["input"] = args
	}
	return b.fields, ""
}

// usage is what an answer used. A stream says it twice, the second time with all of it,
// or with the output alone.
type usage struct{ input, read, written, output int64 }

func (u *usage) add(o object) {
	u.input = max(u.input, wire.Number(o["input_tokens"]))
	u.read = max(u.read, wire.Number(o["cache_read_input_tokens"]))
	u.written = max(u.written, wire.Number(o["cache_creation_input_tokens"]))
	u.output = max(u.output, wire.Number(o["output_tokens"]))
}

func (u *usage) total() agent.Usage {
	in := u.input + u.read + u.written
	return agent.Usage{Input: in, Cached: u.read, CacheWrite: u.written, Output: u.output, Reported: in > 0 || u.output > 0}
}
