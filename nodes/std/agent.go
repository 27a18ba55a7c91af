package std

import (
	"slices"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// Agent describes the kind `agent`, whose work comes from package nodes/agent.
func Agent() graph.Kind {
	return graph.Kind{
		Name: "agent",
		Doc: "Lets a language model do the work: it gets instructions and an input, may call tools, and gives a text or an output of a declared type. " +
			"Every answer and every result of a tool is recorded before the next question: after a crash nothing is paid for twice, and no call is repeated that must not be. " +
			"Its tokens and its cost count towards `limits`. A failure of the model is kind `model`, a limit that is reached is `limit`, an output that does not fit is `schema`. " +
			"In `writes` there are also `messages`, what this run added to the conversation, and `usage`: {turns, calls, input_tokens, output_tokens, cost, estimated}.",
		Fields: []graph.Field{
			{Name: "model", Type: "any", Required: true, Names: graph.NamesModel, Doc: "The model, as `PROVIDER/MODEL`, or a list of them: the first that answers."},
			{Name: "instructions", Type: "string", Author: true, Doc: "What the model is to do, in the author's own words: templates may use `params`, `stack`, `cycle` and defines made of these."},
			{Name: "input", Type: "any", Doc: "What it is to do it with: text as it is, any other value as JSON. Either `input` or `messages` is required."},
			{Name: "messages", Type: "any", Talk: true, Doc: "What was said before: a list(AgentMessage), or {from: LIST, tokens: N}, which cuts the front of a long conversation."},
			{Name: "output", Type: "any", Literal: true, Doc: "The type of the output, a JSON Schema or its short spelling. Default: the text of the last answer."},
			{Name: "tools", Type: "list(string)", Literal: true, Names: graph.NamesTools, Doc: "The tools that it may call: `NAME`, `SERVER/TOOL`, `SERVER/*`, `memory/NAME` (search) and `memory/NAME/write`."},
			{Name: "max_turns", Type: "integer", Doc: "How often the model may be asked. Default: 20."},
			{Name: "max_calls", Type: "integer", Doc: "How many calls of tools there may be. When the calls of one answer would exceed it, none of them runs. Default: 50."},
			{Name: "max_tokens", Type: "integer", Doc: "How many tokens one answer may have. Default: the provider's."},
			{Name: "budget", Type: "map(number)", Doc: "What one task may use over all its attempts: {tokens, cost}. Default: 200,000 tokens."},
			{Name: "max_tool_output", Type: "integer", Doc: "How many bytes of a tool's result the model sees; more is cut in the middle. Default: 16384."},
			{Name: "max_answer", Type: "integer", Doc: "How many bytes one answer may have. Default: 4194304."},
			{Name: "question_timeout", Type: "duration", Doc: "How long a question may go without a byte of the answer. Default: 2m."},
			{Name: "temperature", Type: "number", Doc: "The temperature of the model. Default: the provider's."},
			{Name: "seed", Type: "integer", Doc: "The seed of the model, where the provider takes one."},
			{Name: "reasoning", Choices: reasoningChoices, Type: "string", Doc: "How long the model may think: `low`, `medium` or `high`. Default: the provider's."},
			{Name: "structured", Choices: structuredChoices, Type: "string", Doc: "How an output of a type is asked for: `auto`, `schema`, `json` or `prompt`. Default: auto."},
			{Name: "extra", Type: "map(any)", Doc: "More fields of the request, as the provider knows them."},
			{Name: "stream", Type: "boolean", Doc: "Whether answers come piece by piece. Default: true."},
		},
		Talks:  true,
		Output: func(c graph.Config) *schema.Type { return declared(c, "output", schema.StringType) },
		Check:  checkAgent,
	}
}

func checkAgent(c graph.Config, report func(diag.Code, diag.Span, string, string, ...any)) {
	checkDeclared("output")(c, report)
	input, messages := c.Tree.Get("input"), c.Tree.Get("messages")
	if input == nil && messages == nil {
		report(diag.BadConfig, diag.Span{}, "", `agent needs "input" or "messages"`)
	}
	if messages != nil {
		checkMessages(c, messages, report)
	}
	for name, choices := range map[string][]graph.Choice{"reasoning": reasoningChoices, "structured": structuredChoices} {
		if n := c.Tree.Get(name); n != nil && n.Kind == tree.String && !templated(n) { // problems are sorted by place
			checkWord(report, n, words(choices)...)
		}
	}
	for _, name := range []string{"max_turns", "max_tokens", "max_tool_output", "max_answer"} {
		atLeast(c.Tree.Get(name), name, 1, report)
	}
	atLeast(c.Tree.Get("max_calls"), "max_calls", 0, report)
	if b := c.Tree.Get("budget"); b != nil && b.Kind == tree.Map {
		onlyFields(b, "budget", report, "tokens", "cost")
		atLeast(b.Get("tokens"), "tokens", 1, report)
		if n := b.Get("tokens"); n != nil && n.Kind == tree.Float {
			report(diag.WrongType, n.Span, "", `"tokens" must be an integer`)
		}
		if n := b.Get("cost"); n != nil && (n.Kind == tree.Int && n.Int <= 0 || n.Kind == tree.Float && n.Float <= 0) {
			report(diag.BadConfig, n.Span, "without an entry there is no limit of money", `"cost" must be above 0`)
		}
	}
	if extra := c.Tree.Get("extra"); extra != nil {
		for _, f := range extra.Fields {
			if slices.Contains([]string{"model", "messages", "tools", "stream"}, f.Key.Value) {
				report(diag.BadConfig, f.Key.Span, "it is a field of the agent itself", `"extra" cannot hold %q`, f.Key.Value)
			}
		}
	}
}

// checkMessages checks a conversation: a list of messages, or {from, tokens}.
func checkMessages(c graph.Config, n *tree.Node, report reporter) {
	p := schema.Prop{Type: schema.AnyType}
	if c.Type != nil {
		p, _ = c.Type.Prop("messages")
	}
	at, typ := n, p.Type
	if n.Kind == tree.Map {
		onlyFields(n, "messages", report, "from", "tokens")
		atLeast(n.Get("tokens"), "tokens", 1, report)
		if at = n.Get("from"); at == nil {
			report(diag.BadConfig, n.Span, "", `"messages" needs "from"`)
			return
		}
		from, _ := p.Type.Prop("from")
		typ = from.Type
	}
	if typ != nil && schema.Assign(schema.ListOf(schema.MessageType).OrNull(), typ) != nil {
		report(diag.WrongType, at.Span, "as {type: list(AgentMessage), reduce: append, keep: 40} in `state`", `"messages" must be list(AgentMessage), not %s`, typ)
	}
}

// onlyFields reports entries that a mapping does not know.
func onlyFields(n *tree.Node, what string, report reporter, known ...string) {
	for _, f := range n.Fields {
		if !slices.Contains(known, f.Key.Value) {
			help := diag.Suggest(f.Key.Value, known)
			if help == "" {
				help = "known: " + quotedList(known)
			}
			report(diag.UnknownField, f.Key.Span, help, "%q has no entry %q", what, f.Key.Value)
		}
	}
}

// atLeast reports a number that is written and too small.
func atLeast(n *tree.Node, name string, least int64, report reporter) {
	if n != nil && n.Kind == tree.Int && n.Int < least {
		report(diag.BadConfig, n.Span, "", "%q must be at least %d", name, least)
	}
}

// templated reports whether a text holds a template.
func templated(n *tree.Node) bool { return strings.Contains(n.Text.Value, "${{") }

func quotedList(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strconv.Quote(w)
	}
	return strings.Join(out, ", ")
}
