package std

import (
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
)

// Kinds that wait have no work: the machine settles them by what comes from
// outside, or by the clock.

func approval() nodes.Spec {
	return nodes.Spec{Kind: graph.Kind{
		Name: "approval",
		Doc: "Waits for a person's yes or no (`graphrun approve`, `graphrun reject`). " +
			"The node is `waiting` until then: it holds no slot, no wave and no cycle. Each question has an id, which `status` shows; `approve STACK NODE --for ID` answers that question and no other. Without `--for`, an answer is refused while the question is younger than 2 s and an earlier question of the node was answered, because the answer may be a repetition of that one. A `timeout` runs from when it began to wait, and fails it, " +
			"unless there is a `default`.",
		Fields: []graph.Field{
			{Name: "prompt", Type: "string", Required: true, Doc: "What is to be decided, in words for the person who decides."},
			{Name: "default", Type: "boolean", Doc: "The answer when nobody has given one by the end of the `timeout`: true approves, false rejects; `by` is null then. Default: the node fails with kind `timeout`."},
			{Name: "answer", Type: "any", Literal: true, Doc: "The type of a value that may come with the answer, as a JSON Schema or its short spelling: `output.value` (`graphrun approve --value JSON`). It is null when none was given; one that does not fit is refused. Default: no value."},
		},
		Output:     approvalOutput,
		Check:      checkDeclared("answer"),
		NoDefaults: true,
		Waits:      true,
	}}
}

func approvalOutput(c graph.Config) *schema.Type {
	props := []schema.Prop{
		{Name: "approved", Type: schema.BooleanType, Required: true},
		{Name: "comment", Type: schema.StringType.OrNull(), Required: true},
		{Name: "by", Type: schema.StringType.OrNull(), Required: true},
	}
	if t := declared(c, "answer", nil); t != nil {
		props = append(props, schema.Prop{Name: "value", Type: t.OrNull(), Required: true})
	}
	return schema.ObjectOf(props...)
}

func wait() nodes.Spec {
	return nodes.Spec{Kind: graph.Kind{
		Name: "wait",
		Doc: "Waits for an event or a time. Exactly one of `event`, `for` and `until` is required. " +
			"The node is `waiting` until then: it holds no slot, no wave and no cycle. Its output is the payload of the event, and null after a time.",
		Fields: []graph.Field{
			{Name: "event", Type: "string", Literal: true, Event: true, Doc: "The name of an event of this graph; its payload is the output."},
			{Name: "for", Type: "duration", Doc: "How long to wait, as `90s` or `24h`."},
			{Name: "until", Type: "string", Doc: "The moment to wait for, as RFC 3339 text."},
		},
		Check:      checkWait,
		Output:     output(schema.AnyType),
		NoDefaults: true,
		Waits:      true,
	}}
}

func checkWait(c graph.Config, report func(diag.Code, diag.Span, string, string, ...any)) {
	oneOf("wait", "event", "for", "until")(c, report)
	if u, ok := fixedText(c.Tree.Get("until")); ok {
		if _, err := time.Parse(time.RFC3339, u.Value); err != nil {
			report(diag.BadConfig, u.Span, `until: "2026-01-31T15:04:05Z"`, "%q is no moment", u.Value)
		}
	}
}
