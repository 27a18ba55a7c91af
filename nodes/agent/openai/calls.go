package openai

import (
	"encoding/json"
	"strings"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/internal/wire"
)

// calls puts the calls of an answer together from their pieces.
type calls struct {
	all []*call
}

type call struct {
	index int64
	id    string
	name  string
	args  strings.Builder
	extra extras
}

// add adds the pieces of one chunk. A piece belongs to the call of its index; without an
// index, to the call of its id or to the last one. Some servers give all calls of an
// answer the same index: a piece with another id, or with a name after whole arguments,
// begins a call.
// whole says that every element is a call.
func (c *calls) add(list []any, whole bool) {
	whole = whole || len(list) > 1 && !indexed(list)
	for _, x := range list {
		piece := wire.Object(x)
		if piece == nil {
			continue
		}
		f := wire.Object(piece["function"])
		if f == nil {
			f = wire.Object(piece["custom"])
		}
		id, name := wire.Text(piece["id"]), wire.Text(f["name"])
		at := c.find(piece, id, name, whole)
		if at.id == "" {
			at.id = id
		}
		if name != at.name {
			at.name += name
		}
		at.args.WriteString(text(f["arguments"]))
		if piece["type"] == "custom" {
			at.args.WriteString(wire.Text(f["input"]))
		}
		for k, v := range piece {
			switch k {
			case "index", "id", "type", "function", "custom":
			default:
				if v != nil {
					at.extra.add(k, v)
				}
			}
		}
	}
}

func indexed(list []any) bool {
	for _, x := range list {
		if wire.Object(x)["index"] != nil {
			return true
		}
	}
	return false
}

func (c *calls) find(piece object, id, name string, whole bool) *call {
	last := len(c.all) - 1
	index, ok := piece["index"].(int64)
	ok = ok && !whole
	if !ok && last >= 0 && !whole && (name == "" || id != "" && c.all[last].id == id) {
		return c.all[last]
	}
	for i := last; ok && i >= 0; i-- {
		at := c.all[i]
		if at.index != index {
			continue
		}
		another := id != "" && at.id != "" && id != at.id ||
			id == "" && name != "" && at.args.Len() > 0 && json.Valid([]byte(at.args.String()))
		if !another {
			return at
		}
		break
	}
	if !ok {
		index = -1
	}
	at := &call{index: index}
	c.all = append(c.all, at)
	return at
}

// legacy adds the one call of the form that came before tool_calls.
func (c *calls) legacy(f object) {
	if len(c.all) == 0 && (wire.Text(f["name"]) == "" || f == nil) {
		return
	}
	c.add([]any{object{"function": f, "index": int64(0)}}, false)
}

// text is the arguments of a call, which are a text, or JSON with servers that got it
// wrong.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return value.String(v)
}

// list gives out the calls, and the fields of each beyond the common ones: nil if no call
// has any. A call without a name is none.
func (c *calls) list(names wire.Names) ([]agent.Call, []any) {
	out := []agent.Call{}
	var extra []any
	any := false
	for _, at := range c.all {
		if at.name == "" {
			continue
		}
		args, kept := wire.Arguments(at.args.String())
		out = append(out, agent.Call{ID: at.id, Name: names.Graph(at.name), Args: args, Text: kept})
		extra = append(extra, at.extra.done())
		any = any || at.extra.fields != nil
	}
	if !any {
		extra = nil
	}
	return out, extra
}
