package dsl

// The sections that agents use. Words in them that are not known are reported when the
// graph is compiled: a program may know more.

const (
	effectsForm = `^(none|once)$`
	scopeForm   = `^(stack|graph)$`
	maxItems    = 100_000
)

var (
	anEffect = effectName
	aRate    = &shape{kind: rate}
)

var providerObject = &object{
	name: "provider", at: "an entry of `providers`", doc: "Who answers for models. Only `secrets` are in scope in its templates.",
	fields: []field{
		{name: "api", shape: apiName, required: true, doc: "How it is asked: `openai` (chat completions), `anthropic` (messages), `script` (a file answers), or what a program registered."},
		{name: "base_url", shape: aText, dflt: "that of the API", doc: "Address of the API: with `/v1` for `openai`, without for `anthropic`. It may be on this machine or in a private network."},
		{name: "key", shape: secretText, dflt: "no key is sent", doc: "Key of the API, as `${{ secrets.NAME }}`."},
		{name: "file", shape: aText, doc: "File with the replies of `script`, relative to the graph file."},
		{name: "parallel", shape: atLeast(1), dflt: "no limit", doc: "How many questions are put at once, over all stacks of the process."},
		{name: "rate", shape: aRate, dflt: "no limit", doc: "How many questions are put in a time: `60/m`."},
		{name: "tokens", shape: aRate, dflt: "no limit", doc: "How many tokens are used in a time: `90000/m`."},
		{name: "prices", shape: &shape{kind: mapping, elem: an(priceObject)}, doc: "What models cost, by the names that the provider gives them."},
	},
}

var priceObject = &object{
	name: "price", at: "an entry of `prices`", doc: "What a million tokens cost.",
	fields: []field{
		{name: "input", shape: aNumber, required: true, doc: "Of what the model reads."},
		{name: "output", shape: aNumber, required: true, doc: "Of what the model writes."},
		{name: "cached", shape: aNumber, dflt: "`input`", doc: "Of what the model reads and the provider had kept."},
		{name: "cache_write", shape: aNumber, dflt: "`input`", doc: "Of what the model reads and the provider keeps."},
	},
}

var serverObject = &object{
	name: "server", at: "an entry of `servers`", doc: "An MCP server: a program (`command`) or an address (`url`). It is started when it is first needed, once for the whole process. Only `secrets` are in scope in its templates.",
	fields: []field{
		{name: "command", shape: &shape{kind: list, elem: aValue, least: 1}, doc: "The program and its arguments, which speaks MCP over its standard streams. It runs in the graph file's folder, with PATH, HOME, LANG, TMPDIR and `env`."},
		{name: "env", shape: &shape{kind: anyMap}, doc: "More environment variables of the program."},
		{name: "url", shape: aText, doc: "Address of a server that speaks MCP over HTTP."},
		{name: "headers", shape: &shape{kind: anyMap}, doc: "Headers of the requests to `url`."},
		{name: "tools", shape: &shape{kind: list, elem: oneOf(aName, an(serverToolObject)), least: 1}, required: true, doc: "The tools that may be named and called, whatever the server offers."},
		{name: "effects", shape: anEffect, dflt: "a call that was cut off has failed", doc: "`none`: its tools only read."},
		{name: "approve", shape: anExpr, dflt: "none", doc: "Which calls need a person's word: `always`, or a condition over `args` and the state."},
	},
}

var serverToolObject = &object{
	name: "server_tool", at: "an entry of `tools` of a server", doc: "A tool with words of its own.",
	fields: []field{
		{name: "name", shape: aName, required: true, doc: "Its name on the server."},
		{name: "effects", shape: anEffect, dflt: "the server's", doc: "`none`: it only reads."},
		{name: "approve", shape: anExpr, dflt: "the server's", doc: "Which calls need a person's word: `always`, `false`, or a condition over `args` and the state."},
	},
}

var toolObject = &object{
	name: "tool", at: "an entry of `tools`", doc: "A kind that runs when a model asks for it. A failure is a result that the model reads.",
	fields: []field{
		{name: "description", shape: aText, doc: "Describes the tool to the model."},
		{name: "args", shape: aType, dflt: "no arguments", doc: "Type of the arguments, an object. A call that does not fit is not run: the model gets the reason as its result."},
		{name: "uses", shape: aName, required: true, doc: "Kind of the tool. Kinds that wait, and `send`, cannot be tools."},
		{name: "with", shape: &shape{kind: anyMap}, doc: "Configuration of the kind; `args`, `secrets` and all names of conditions are in scope. `parse` of `exec` is `text` here unless it is written."},
		{name: "effects", shape: anEffect, dflt: "a call that was cut off is repeated under the same key", doc: "`none`: a call may be repeated freely. `once`: it is never repeated after a crash."},
		{name: "approve", shape: anExpr, dflt: "none", doc: "Which calls need a person's word: `always`, or a condition over `args` and the state."},
		{name: "parallel", shape: atLeast(1), dflt: "no limit", doc: "How many calls run at once, over all stacks of the process."},
		{name: "timeout", shape: aDuration, dflt: "`1m`", doc: "Time for one attempt of a call."},
		{name: "retry", shape: an(retryObject), doc: "What happens after a failed attempt of a call. `defaults` do not apply."},
		{name: "output", shape: aType, dflt: "that of the kind", doc: "Type of the result."},
	},
}

var memoryObject = &object{
	name: "memory", at: "an entry of `memories`", doc: "Texts with data, which are found by words, and by meaning with `embed`.",
	fields: []field{
		{name: "scope", shape: scopeName, dflt: "`stack`", doc: "`graph`: all stacks of the graph share it. `stack`: each stack has its own."},
		{name: "keep", shape: &shape{kind: integer, least: 1, most: maxItems}, dflt: "100,000", doc: "How many items it holds; the oldest are dropped."},
		{name: "embed", shape: aName, dflt: "words only", doc: "Model that makes vectors, `PROVIDER/MODEL`."},
		{name: "data", shape: aType, dflt: "`map(any)`", doc: "Type of the data of an item."},
	},
}
