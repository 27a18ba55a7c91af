package std

import (
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
)

// send has no work here: an engine checks the message while the task runs, and
// delivers it with the commit of the wave.
func send() nodes.Spec {
	return nodes.Spec{Kind: graph.Kind{
		Name: "send",
		Doc: "Sends an event to another stack, in the same transaction as the commit of its wave: it arrives exactly once, or the wave was not committed. " +
			"Events of one wave leave in the order in which its nodes are declared, those of a `for_each` in that of its elements. One to the stack itself is there when its next cycle begins. " +
			"A stack or an event that is not there is kind `config`, a payload that does not fit is `schema`. The output is what is sent.",
		Fields: []graph.Field{
			{Name: "to", Type: "string", Required: true, Doc: "The id of the stack that gets the event."},
			{Name: "event", Type: "string", Required: true, Doc: "The name of an event of its graph."},
			{Name: "payload", Type: "any", Doc: "The payload, of the type of the key that the event goes to."},
		},
		Output: output(schema.ObjectOf(
			schema.Prop{Name: "to", Type: schema.StringType, Required: true},
			schema.Prop{Name: "event", Type: schema.StringType, Required: true},
			schema.Prop{Name: "payload", Type: schema.AnyType, Required: true},
		)),
		Sends: true,
	}}
}
