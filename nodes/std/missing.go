package std

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
)

// missing is a kind that graphs may use and that this version cannot run.
func missing(k graph.Kind) nodes.Spec {
	k.Missing = true
	return nodes.Spec{Kind: k}
}

// reporter reports a problem of a configuration.
type reporter = func(code diag.Code, at diag.Span, help, format string, args ...any)

func output(t *schema.Type) func(graph.Config) *schema.Type {
	return func(graph.Config) *schema.Type { return t }
}

// MCP describes the kind `mcp`, whose work comes from package nodes/mcp.
func MCP() graph.Kind {
	return graph.Kind{
		Name: "mcp",
		Doc: "Calls one tool of an MCP server, without a model. The output is the structured content of the result, and without one the texts of its parts, joined by line ends. " +
			"A result that says it is an error is kind `error`, and so is a server that cannot be reached; a server that cannot start, or that lacks the tool, is `config`. " +
			"No idempotency key goes to MCP servers: a call that was cut off has failed, and is repeated only by the node's `retry`.",
		Fields: []graph.Field{
			{Name: "server", Type: "string", Required: true, Literal: true, Names: graph.NamesServer, Doc: "The server, an entry of `servers`."},
			{Name: "tool", Type: "string", Required: true, Doc: "The tool to call, one that the server's `tools` list."},
			{Name: "arguments", Type: "map(any)", Doc: "The arguments of the tool."},
			outputField("the output"),
		},
		Output: func(c graph.Config) *schema.Type { return declared(c, "output", schema.AnyType) },
		Check:  checkDeclared("output"),
	}
}

// Memory describes the kind `memory`, whose work comes from package nodes/memory.
func Memory() graph.Kind {
	return graph.Kind{
		Name: "memory",
		Doc: "Writes a text into a memory of the graph, searches it, or deletes a text. A write takes effect with the commit of the node's wave. " +
			"A search finds words, and with `embed` meanings too; its output is the list of {id, text, data, score} that were found, the best first. That of a write is {id}, that of a delete {deleted}.",
		Fields: []graph.Field{
			{Name: "memory", Type: "string", Required: true, Literal: true, Names: graph.NamesMemory, Doc: "The memory, an entry of `memories`."},
			{Name: "op", Choices: memoryChoices, Type: "string", Required: true, Literal: true, Doc: "What to do: `write`, `search` or `delete`."},
			{Name: "id", Type: "string", Doc: "The id of the item to write or to delete. A write replaces an item of the same id. Default of a write: one that follows from the task's key."},
			{Name: "text", Type: "string", Doc: "The text to write."},
			{Name: "data", Type: "any", Names: graph.NamesData, Doc: "Data to keep with the text, of the memory's type."},
			{Name: "query", Type: "string", Doc: "The text to search for."},
			{Name: "limit", Type: "integer", Doc: "How many items a search gives at most. Default: 5."},
			{Name: "where", Type: "string", Literal: true, Condition: true, Doc: "A condition over `data`, `params` and `state`: a search finds only items for which it holds."},
		},
		Check:  checkMemory,
		Output: memoryOutput,
	}
}

// memoryFields are the fields of each operation: what it needs, and what it may have.
var memoryFields = map[string]struct{ needs, takes []string }{
	"write":  {needs: []string{"text"}, takes: []string{"id", "text", "data"}},
	"search": {needs: []string{"query"}, takes: []string{"query", "limit", "where"}},
	"delete": {needs: []string{"id"}, takes: []string{"id"}},
}

func checkMemory(c graph.Config, report func(diag.Code, diag.Span, string, string, ...any)) {
	op := c.Tree.Get("op")
	if op == nil || op.Kind != tree.String || !checkWord(report, op, "write", "search", "delete") {
		return
	}
	fields := memoryFields[op.Text.Value]
	for _, name := range fields.needs {
		if c.Tree.Get(name) == nil {
			report(diag.BadConfig, diag.Span{}, "", "memory needs %q to %s", name, op.Text.Value)
		}
	}
	for _, f := range c.Tree.Fields {
		known := false
		for _, name := range append([]string{"memory", "op"}, fields.takes...) {
			known = known || name == f.Key.Value
		}
		if !known && isField(f.Key.Value) {
			report(diag.BadConfig, f.Key.Span, "", "memory takes no %q to %s", f.Key.Value, op.Text.Value)
		}
	}
	if limit := c.Tree.Get("limit"); limit != nil && limit.Kind == tree.Int && limit.Int < 1 {
		report(diag.BadConfig, limit.Span, "", `"limit" must be at least 1`)
	}
}

// isField reports whether some operation of a memory has the field: others are reported
// as unknown.
func isField(name string) bool {
	for _, op := range []string{"write", "search", "delete"} {
		for _, f := range memoryFields[op].takes {
			if f == name {
				return true
			}
		}
	}
	return false
}

func memoryOutput(c graph.Config) *schema.Type {
	op := c.Tree.Get("op")
	if op == nil {
		return schema.AnyType
	}
	need := func(name string, t *schema.Type) schema.Prop { return schema.Prop{Name: name, Type: t, Required: true} }
	switch op.Text.Value {
	case "write":
		return schema.ObjectOf(need("id", schema.StringType))
	case "delete":
		return schema.ObjectOf(need("deleted", schema.BooleanType))
	case "search":
		data := c.Data
		if data == nil {
			data = schema.AnyType
		}
		return schema.ListOf(schema.ObjectOf(need("id", schema.StringType), need("text", schema.StringType),
			need("data", data), need("score", schema.NumberType)))
	}
	return schema.AnyType
}

// checkWord reports a word that is none of those that are known.
func checkWord(report reporter, n *tree.Node, words ...string) bool {
	for _, w := range words {
		if n.Text.Value == w {
			return true
		}
	}
	help := diag.Suggest(n.Text.Value, words)
	if help == "" {
		help = "known: " + quotedList(words)
	}
	report(diag.BadConfig, n.Span, help, "%q is not known here", n.Text.Value)
	return false
}
