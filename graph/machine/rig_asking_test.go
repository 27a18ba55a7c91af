package machine

import (
	"strings"

	"github.com/graphrun/graphrun/graph/journal"
)

// calls reads [{id, tool, args}].
func (r *rig) calls(text string) (calls []journal.Call) {
	list, _ := r.value(text).([]any)
	for _, e := range list {
		fields, _ := e.(map[string]any)
		c := journal.Call{Args: fields["args"]}
		c.ID, _ = fields["id"].(string)
		c.Tool, _ = fields["tool"].(string)
		calls = append(calls, c)
	}
	return calls
}

// word reads the answer of a line `word NODE[/ITEM] JSON [call ID] [for ID]`.
func (r *rig) word(name, text string) Answer {
	text, question, _ := strings.Cut(text, " for ")
	text, call, _ := strings.Cut(text, " call ")
	node, item, _ := strings.Cut(name, "/")
	fields := r.object(text)
	in := Answer{At: r.clock, Node: node, Item: item, Call: call, For: question, Args: fields["args"]}
	delete(fields, "args")
	in.Output = fields
	return in
}
