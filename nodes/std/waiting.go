package std

import (
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
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
		Doc: "Waits for an event, a time or files. Exactly one of `event`, `for`, `until` and `files` is required. " +
			"The node is `waiting` until then: it holds no slot, no wave and no cycle. Its output is the payload of the event, `{event, payload}` where `event` is a list, null after a time, and the list of files `{path, size, modified}`. " +
			"An event settles the wait when it is applied, whenever it was sent; of two events of one commit the first does. Each wait takes one payload of a queued event.",
		Fields: []graph.Field{
			{Name: "event", Type: "any", Literal: true, Event: true, Doc: "The name of an event of this graph; its payload is the output. A list of names waits for whichever comes first; the output is `{event, payload}` then."},
			{Name: "for", Type: "duration", Doc: "How long to wait, as `90s` or `24h`."},
			{Name: "until", Type: "string", Doc: "The moment to wait for, as RFC 3339 text."},
			{Name: "files", Type: "string", Doc: "A pattern of paths relative to the folder of the graph file, with `*`, `?`, `[…]` and `**`. The wait is over when files match that this node has not had, or that have changed since. Folders do not count."},
			{Name: "settle", Type: "duration", Doc: "How long a file must be quiet before it counts, with `files`. Default: `1s`."},
		},
		Check:      checkWait,
		Output:     waitOutput,
		NoDefaults: true,
		Waits:      true,
	}}
}

// filesType is the type of the output of a wait for files.
var filesType = schema.ListOf(schema.ObjectOf(
	schema.Prop{Name: "path", Type: schema.StringType, Required: true},
	schema.Prop{Name: "size", Type: schema.IntegerType, Required: true},
	schema.Prop{Name: "modified", Type: schema.StringType, Required: true},
))

func waitOutput(c graph.Config) *schema.Type {
	at := c.Tree.Get("event")
	switch {
	case c.Tree.Get("files") != nil:
		return filesType
	case at == nil || c.Payload == nil:
	case at.Kind == tree.String:
		t, _ := c.Payload(at.Text.Value)
		return t
	case at.Kind == tree.List && len(at.Items) > 0:
		var payload *schema.Type
		names := make([]any, len(at.Items))
		for i, it := range at.Items {
			names[i] = it.Text.Value
			t, _ := c.Payload(it.Text.Value)
			if payload == nil {
				payload = t
			} else {
				payload = schema.Join(payload, t)
			}
		}
		return schema.ObjectOf(
			schema.Prop{Name: "event", Type: schema.EnumOf(schema.String, names...), Required: true},
			schema.Prop{Name: "payload", Type: payload, Required: true},
		)
	}
	return schema.AnyType
}

func checkWait(c graph.Config, report func(diag.Code, diag.Span, string, string, ...any)) {
	oneOf("wait", "event", "for", "until", "files")(c, report)
	checkEvents(c.Tree.Get("event"), report)
	if u, ok := fixedText(c.Tree.Get("until")); ok {
		if _, err := time.Parse(time.RFC3339, u.Value); err != nil {
			report(diag.BadConfig, u.Span, `until: "2026-01-31T15:04:05Z"`, "%q is no moment", u.Value)
		}
	}
	if f, ok := fixedText(c.Tree.Get("files")); ok {
		if _, err := graph.ParsePathPattern(f.Value); err != nil {
			report(diag.BadConfig, f.Span, `files: "inbox/*.json"`, "%v", err)
		}
	}
	if at := c.Tree.Get("settle"); at != nil && c.Tree.Get("files") == nil {
		report(diag.BadConfig, at.Span, "", "%q goes with %q", "settle", "files")
	}
}

// checkEvents reports what is neither the name of an event nor a list of names.
func checkEvents(at *tree.Node, report func(diag.Code, diag.Span, string, string, ...any)) {
	const help = "the name of an event, or a list of names"
	switch {
	case at == nil || at.Kind == tree.String:
	case at.Kind != tree.List:
		report(diag.WrongType, at.Span, help, "%q must be a name or a list of names, not a %s", "event", at.Kind)
	case len(at.Items) == 0:
		report(diag.BadConfig, at.Span, help, "%q names no event", "event")
	default:
		seen := map[string]bool{}
		for _, it := range at.Items {
			switch {
			case it.Kind != tree.String:
				report(diag.WrongType, it.Span, help, "%q must hold names, not a %s", "event", it.Kind)
			case seen[it.Text.Value]:
				report(diag.BadConfig, it.Span, "", "%q names %q twice", "event", it.Text.Value)
			}
			seen[it.Text.Value] = true
		}
	}
}
