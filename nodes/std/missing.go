package std

import (
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
)

// missing is a kind that graphs may use and that this version cannot run.
func missing(k graph.Kind) nodes.Spec {
	k.Missing = true
	return nodes.Spec{Kind: k}
}

func output(t *schema.Type) func(graph.Config) *schema.Type {
	return func(graph.Config) *schema.Type { return t }
}

func agent() nodes.Spec {
	return missing(graph.Kind{
		Name: "agent",
		Doc: "Lets a language model do the work: it gets instructions and an input, may call tools, and gives an output of a declared type. " +
			"Its tokens and cost count towards `limits`. A failure of the model is kind `model`, an output that does not fit is `schema`.",
		Fields: []graph.Field{
			{Name: "model", Type: "string", Required: true, Doc: "The model, as the provider names it; `provider/model` where there are several providers."},
			{Name: "instructions", Type: "string", Required: true, Doc: "What the model is to do."},
			{Name: "input", Type: "any", Doc: "What it is to do it with: text as it is, any other value as JSON. It is data to the model, marked off from the instructions."},
			{Name: "output", Type: "any", Literal: true, Doc: "The type of the output: a JSON Schema or its short spelling. Default: any JSON value."},
			{Name: "tools", Type: "list(any)", Doc: "The tools that it may call: names of MCP servers' tools as `server/tool`."},
			{Name: "max_turns", Type: "integer", Doc: "How often the model may be asked in one attempt; one more is kind `limit`. Default: 20."},
			{Name: "max_tokens", Type: "integer", Doc: "How many tokens one answer may have. Default: the provider's."},
			{Name: "temperature", Type: "number", Doc: "The temperature of the model. Default: the provider's."},
		},
		Output: func(c graph.Config) *schema.Type { return declared(c, "output", schema.AnyType) },
		Check:  checkDeclared("output"),
	})
}

func mcp() nodes.Spec {
	return missing(graph.Kind{
		Name: "mcp",
		Doc:  "Calls one tool of an MCP server. The server is a program (`command`) or an address (`url`): exactly one of them is required.",
		Fields: []graph.Field{
			{Name: "command", Type: "list(any)", Text: true, Doc: "The server to start, as the `command` of `exec`; it speaks MCP over its standard streams."},
			{Name: "env", Type: "map(any)", Text: true, Doc: "More environment variables of the server, as the `env` of `exec`."},
			{Name: "url", Type: "string", Doc: "The address of a server that speaks MCP over HTTP."},
			{Name: "headers", Type: "map(any)", Text: true, Doc: "Headers for `url`, as those of `http`."},
			{Name: "tool", Type: "string", Required: true, Doc: "The tool to call."},
			{Name: "arguments", Type: "map(any)", Doc: "The arguments of the tool."},
		},
		Check:  oneOf("mcp", "command", "url"),
		Output: output(schema.AnyType),
	})
}

func memory() nodes.Spec {
	return missing(graph.Kind{
		Name: "memory",
		Doc: "Writes texts to a vector store, or searches it by meaning. Exactly one of `write` and `search` is required. " +
			"The output of a search is the list of {id, text, score, metadata} that were found, the best first; that of a write is the list of the ids.",
		Fields: []graph.Field{
			{Name: "collection", Type: "string", Required: true, Doc: "The collection of texts; it is made when first written to."},
			{Name: "write", Type: "list(any)", Doc: "The texts to write: strings, or objects {id, text, metadata}. One with an id that is there already replaces it."},
			{Name: "search", Type: "string", Doc: "The text to search for."},
			{Name: "top", Type: "integer", Doc: "How many texts a search gives at most. Default: 5."},
			{Name: "min_score", Type: "number", Doc: "How near a text must be, from 0 to 1. Default: 0."},
		},
		Check:  oneOf("memory", "write", "search"),
		Output: memoryOutput,
	})
}

func memoryOutput(c graph.Config) *schema.Type {
	switch {
	case c.Tree.Get("write") != nil:
		return schema.ListOf(schema.StringType)
	case c.Tree.Get("search") != nil:
		return schema.ListOf(schema.ObjectOf(
			schema.Prop{Name: "id", Type: schema.StringType, Required: true},
			schema.Prop{Name: "text", Type: schema.StringType, Required: true},
			schema.Prop{Name: "score", Type: schema.NumberType, Required: true},
			schema.Prop{Name: "metadata", Type: schema.AnyType},
		))
	}
	return schema.AnyType
}
