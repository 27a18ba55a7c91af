package openai

import (
	"strings"

	"github.com/graphrun/graphrun/nodes/agent/internal/wire"
)

// extras are fields beyond the common ones, put together from their pieces: reasoning in
// all its forms, signatures, and what nobody knew. The zero extras has none.
type extras struct {
	fields object
	texts  map[string]*strings.Builder
}

// add adds a piece and returns its weight. A text that grows is joined to the one before,
// the elements of a list to those with the same index, and anything else replaces it.
func (e *extras) add(k string, v any) int {
	n := wire.Weight(v)
	switch v := v.(type) {
	case string:
		if v == "" {
			return 0
		}
		if !grows(k) {
			e.set(k, v)
			break
		}
		if e.texts == nil {
			e.texts = map[string]*strings.Builder{}
		}
		if e.texts[k] == nil {
			e.texts[k] = &strings.Builder{}
			e.set(k, "")
		}
		e.texts[k].WriteString(v)
	case []any:
		if len(v) == 0 {
			return 0
		}
		list := wire.List(e.fields[k])
		for _, x := range v {
			list = element(list, x)
		}
		e.set(k, list)
	case map[string]any:
		if len(v) == 0 {
			return 0
		}
		have := wire.Object(e.fields[k])
		if have == nil {
			e.set(k, v)
			break
		}
		join(have, v)
	default:
		e.set(k, v)
	}
	return n
}

// element adds an element to a list. One with the index and the type of an element that
// is there is a piece of it.
func element(list []any, x any) []any {
	o := wire.Object(x)
	if o["index"] == nil || len(list) == 0 {
		return append(list, x)
	}
	last := wire.Object(list[len(list)-1])
	if last == nil || last["index"] != o["index"] || last["type"] != o["type"] || last["id"] != nil && o["id"] != nil && last["id"] != o["id"] {
		return append(list, x)
	}
	join(last, o)
	return list
}

// join adds a piece of an object to it: what grows in a stream is texts and lists.
func join(to, piece object) {
	for k, v := range piece {
		switch have := to[k].(type) {
		case string:
			s, ok := v.(string)
			if ok && grows(k) {
				to[k] = have + s
			} else if v != nil {
				to[k] = v
			}
		case []any:
			for _, x := range wire.List(v) {
				if n := len(have); n > 0 {
					last, part := wire.Object(have[n-1]), wire.Object(x)
					if last != nil && part["type"] == "text" && last["type"] == "text" {
						join(last, part)
						continue
					}
				}
				have = append(have, x)
			}
			to[k] = have
		case map[string]any:
			if o := wire.Object(v); o != nil {
				join(have, o)
			} else if v != nil {
				to[k] = v
			}
		default:
			if v != nil || have == nil {
				to[k] = v
			}
		}
	}
}

// grows reports whether the text of a field comes in pieces. Other texts are repeated.
func grows(k string) bool {
	switch k {
	case "text", "summary", "data", "signature", "content", "refusal", "thought_signature":
		return true
	}
	return strings.HasPrefix(k, "reasoning") || strings.HasPrefix(k, "thinking")
}

func (e *extras) set(k string, v any) {
	if e.fields == nil {
		e.fields = object{}
	}
	e.fields[k] = v
}

// done gives out the fields.
func (e *extras) done() object {
	for k, b := range e.texts {
		e.fields[k] = b.String()
	}
	if e.fields == nil {
		return object{}
	}
	return e.fields
}
