package dsl

// shape says what a value of the language may look like. Table order is the
// order of the docs.
type shape struct {
	kind  kind
	words []string // of a word: the only values; of a name: some that are known
	least int      // of an integer: the smallest; of a list: how many entries
	most  int      // of an integer: the largest; 0 is no bound
	form  string   // of a name, and of the names of a mapping: a pattern that editors check; graph.Compile says what is wrong
	elem  *shape   // of a list, and of the entries of a mapping
	obj   *object  // of an object
	empty bool     // it may be null: an expectation that is to be filled
	offer          // for editors alone
	alts  []*shape // of a union: the first that takes the value's kind; a template goes first where the value is one
}

type kind uint8

const (
	text     kind = iota // any string
	name                 // a string that names something
	word                 // one of words
	expr                 // a bare expression; numbers and booleans are read as their text
	template             // a string with ${{ }}
	integer
	number
	boolean
	duration
	rate
	typ     // a JSON Schema or its short spelling
	value   // any value
	list    // of elem
	mapping // names to elem
	anyMap  // a mapping with any values
	obj     // an object with known fields
	union
)

// field is one field of an object.
type field struct {
	name     string
	shape    *shape
	required bool
	dflt     string // in words of the docs; "" for none
	doc      string
}

// object is one kind of mapping of the language.
type object struct {
	name   string // heading in the reference, and the name in the JSON Schema
	at     string // where it stands, for the reference
	doc    string
	fields []field
	// open: what is not listed belongs to a JSON Schema, which is checked when
	// the graph is compiled.
	open bool
	// welcomes: keys that begin with x- may stand here, with any value.
	welcomes bool
}

func (o *object) field(name string) *field {
	for i := range o.fields {
		if o.fields[i].name == name {
			return &o.fields[i]
		}
	}
	return nil
}

func (o *object) names() []string {
	out := make([]string, len(o.fields))
	for i, f := range o.fields {
		out[i] = f.name
	}
	return out
}

func words(w ...string) *shape    { return &shape{kind: word, words: w} }
func orEmpty(s *shape) *shape     { e := *s; e.empty = true; return &e }
func listOf(e *shape) *shape      { return &shape{kind: list, elem: e} }
func mapOf(e *shape) *shape       { return &shape{kind: mapping, elem: e, form: wordForm} }
func dashedMap(e *shape) *shape   { return &shape{kind: mapping, elem: e, form: dashedForm} }
func an(o *object) *shape         { return &shape{kind: obj, obj: o} }
func oneOf(alts ...*shape) *shape { return &shape{kind: union, alts: alts} }
func atLeast(n int) *shape        { return &shape{kind: integer, least: n} }
func nameOrNames() *shape         { return oneOf(aName, &shape{kind: list, elem: aName, least: 1}) }

// The forms of names.
const (
	wordForm   = `^[A-Za-z_][A-Za-z0-9_]*$`
	dashedForm = `^[A-Za-z_][A-Za-z0-9_-]*$`
	graphForm  = `^[a-z][a-z0-9_-]*$`
	joinForm   = `^(any|all|none|first|at_least\(\s*[0-9]+\s*\))$`
)

var (
	aText     = &shape{kind: text}
	aName     = &shape{kind: name}
	aWord     = &shape{kind: name, form: wordForm}
	anExpr    = &shape{kind: expr}
	aTemplate = &shape{kind: template}
	aNumber   = &shape{kind: number}
	aBoolean  = &shape{kind: boolean}
	aDuration = &shape{kind: duration}
	aType     = &shape{kind: typ}
	aValue    = &shape{kind: value}
)

// graphObject is the whole language: everything else hangs on it.
var graphObject = &object{
	name: "graph", at: "the file", doc: "One file is one graph. Keys that begin with `x-` are welcome, and mean nothing.", welcomes: true,
	fields: []field{
		{name: "graphrun", shape: &shape{kind: integer, least: 1, most: 1}, required: true, doc: "Version of the language: 1."},
		{name: "name", shape: &shape{kind: name, form: graphForm}, required: true, doc: "Name of the graph: a small letter, then small letters, digits, `_` and `-`."},
		{name: "description", shape: aText, doc: "What the graph is for."},
		{name: "params", shape: mapOf(oneOf(an(paramObject), aType)), doc: "Values that are fixed when a stack is created: a type, or a mapping with a type and a default."},
		{name: "secrets", shape: listOf(aWord), doc: "Names of environment variables that may be used in `with`. They are never stored, logged or shown, and no condition sees them."},
		{name: "providers", shape: dashedMap(an(providerObject)), dflt: "`ollama`; `openai` and `anthropic` with their secrets", doc: "Who answers for models, which agents name as `PROVIDER/MODEL`."},
		{name: "servers", shape: dashedMap(an(serverObject)), doc: "MCP servers, whose tools agents and `mcp` nodes call as `SERVER/TOOL`."},
		{name: "tools", shape: dashedMap(an(toolObject)), doc: "Tools of the graph's own: kinds that run when a model asks for them."},
		{name: "memories", shape: dashedMap(an(memoryObject)), doc: "Texts that agents and `memory` nodes write and search."},
		{name: "types", shape: mapOf(aType), doc: "Named JSON Schemas, for use wherever a type is expected."},
		{name: "state", shape: mapOf(oneOf(an(keyObject), aType)), doc: "Keys of the state: the only thing that conditions are about. A type, or a mapping with a type, a reducer and more."},
		{name: "define", shape: mapOf(anExpr), doc: "Named expressions for use in every condition."},
		{name: "events", shape: dashedMap(an(eventObject)), doc: "What may be sent to a stack from outside."},
		{name: "webhooks", shape: dashedMap(an(webhookObject)), doc: "Requests of other services that become events: `POST /v1/hooks/GRAPH/NAME` of the server."},
		{name: "hooks", shape: listOf(an(hookObject)), doc: "Whom the server tells what happens to stacks: that one ended, a node waits for a person, a cycle failed, a budget is reached."},
		{name: "pools", shape: dashedMap(an(poolObject)), doc: "Limits on how many tasks run at once, across all stacks of the graph."},
		{name: "defaults", shape: an(defaultsObject), doc: "What holds for every node that does not say otherwise."},
		{name: "nodes", shape: dashedMap(an(nodeObject)), required: true, doc: "The nodes by name. Their order breaks ties."},
		{name: "edges", shape: listOf(an(edgeObject)), doc: "What runs after what, and under which condition."},
		{name: "pause", shape: oneOf(&shape{kind: duration, words: []string{"none"}}, aTemplate, an(pauseObject)), dflt: "`5s`", doc: "Time between two cycles: a duration, `none`, a mapping, or a template that gives a duration or `none`."},
		{name: "once", shape: aBoolean, dflt: "false", doc: "The graph is a pipeline: a stack ends with its first cycle in which nothing waits any more, as `completed`, or as `failed` when a failure was not taken."},
		{name: "finally", shape: listOf(aName), doc: "Nodes of one last wave, when a stack ends for whatever reason. They cannot change how it ended."},
		{name: "finally_timeout", shape: aDuration, dflt: "`1m`", doc: "Time for the nodes of `finally`."},
		{name: "waves", shape: waveWords, dflt: "`barrier`", doc: "`eager`: a node is decided as soon as its own sources have settled, and its writes are a commit of their own."},
		{name: "schedule", shape: oneOf(cronText, an(scheduleObject)), doc: "A cron expression in place of `pause`."},
		{name: "timezone", shape: zoneText, doc: "Time zone of `schedule`, as `Europe/Berlin`."},
		{name: "stop", shape: oneOf(anExpr, an(stopObject), listOf(oneOf(anExpr, an(stopObject)))), doc: "Condition that ends a stack at the end of a cycle, or a list of them: the first that holds decides."},
		{name: "limits", shape: an(limitsObject), doc: "A stack that reaches one of them ends as `failed`."},
		{name: "history", shape: an(historyObject), doc: "How much of a stack's journal is kept."},
		{name: "mode", shape: oneOf(modeWords, aTemplate), dflt: "`graph`", doc: "`round_robin` runs one node each cycle, in declaration order, whatever the edges say; a template may choose."},
		{name: "fleet", shape: fleetWords, dflt: "`independent`", doc: "`lockstep`: all running stacks of the graph go through their waves together."},
	},
}

var paramObject = &object{
	name: "param", at: "an entry of `params`", open: true,
	doc: "A JSON Schema (its keywords stand beside `default`), or its short spelling in `type`.",
	fields: []field{
		{name: "type", shape: oneOf(aType, listOf(aName)), doc: "Type of the parameter."},
		{name: "default", shape: aValue, doc: "Value of a stack that does not give one. Without it the parameter must be given."},
	},
}

var keyObject = &object{
	name: "key", at: "an entry of `state`", open: true,
	doc: "A JSON Schema (its keywords stand beside these fields), or its short spelling in `type`.",
	fields: []field{
		{name: "type", shape: oneOf(aType, listOf(aName)), doc: "Type of the key."},
		{name: "default", shape: aValue, dflt: "null, or the type's zero", doc: "Value at the start of a stack."},
		{name: "reduce", shape: oneOf(reduceName, an(reduceObject)), dflt: "`replace`", doc: "How written values are joined to the old one: `replace`, `last`, `append`, `merge`, `deep_merge`, `sum`, `min`, `max`, `union`, `upsert(KEY)`, `upsert(KEY, merge)`, or `{expr: …}`."},
		{name: "keep", shape: atLeast(1), dflt: "all", doc: "Keeps the last N elements of a list."},
	},
}

var reduceObject = &object{
	name: "reduce", at: "`reduce` of a key", doc: "A reducer of your own.",
	fields: []field{{name: "expr", shape: anExpr, required: true, doc: "Expression over `old` and `new`."}},
}

var eventObject = &object{
	name: "event", at: "an entry of `events`", doc: "The payload goes through the reducer of a key of the state (`to`) and wakes the stack, or is kept until a `wait` takes it (`queue`).",
	fields: []field{
		{name: "to", shape: aName, doc: "Key of the state."},
		{name: "queue", shape: atLeast(1), doc: "How many payloads are kept until waits take them, each wait one, in order. A full queue refuses the next one."},
		{name: "type", shape: aType, dflt: "`any`", doc: "Type of the payloads of a queued event."},
	},
}

var webhookObject = &object{
	name: "webhook", at: "an entry of `webhooks`", doc: "Expressions here see `body` (the decoded JSON), `headers` (by name in small letters) and `query`, and nothing else.",
	fields: []field{
		{name: "secret", shape: aWord, required: true, doc: "Secret of the graph that requests are signed with: `X-Hub-Signature-256: sha256=HEX`, the HMAC-SHA256 of the body."},
		{name: "to", shape: anExpr, required: true, doc: "Expression that gives the id of a stack of the graph."},
		{name: "event", shape: aName, required: true, doc: "Event that the stack gets."},
		{name: "payload", shape: anExpr, required: true, doc: "Expression that gives its payload."},
		{name: "id", shape: anExpr, dflt: "none", doc: "Expression that gives a text: a request that gives one again changes nothing. null means none."},
	},
}

var hookObject = &object{
	name: "hook", at: "an entry of `hooks`", doc: "An address that gets a signed POST, at least once.",
	fields: []field{
		{name: "url", shape: aText, required: true, doc: "Address, as `https://example.org/path`."},
		{name: "on", shape: listOf(hookWords), dflt: "all of them", doc: "Of what it hears."},
		{name: "secret", shape: aWord, required: true, doc: "Secret of the graph that the body is signed with: `Graphrun-Signature: sha256=HEX`, the HMAC-SHA256 of the body."},
	},
}

var poolObject = &object{
	name: "pool", at: "an entry of `pools`", doc: "A limit that nodes share.",
	fields: []field{
		{name: "parallel", shape: atLeast(0), dflt: "4", doc: "How many tasks run at once; 0 holds all of them."},
		{name: "rate", shape: &shape{kind: rate}, dflt: "no limit", doc: "How many tasks start in a time: `60/m`, per `s`, `m`, `h` or `d`."},
		{name: "shared", shape: aBoolean, dflt: "false", doc: "One pool of this name over all graphs of the process."},
	},
}

var defaultsObject = &object{
	name: "defaults", at: "`defaults`", doc: "They do not apply to `set`, `approval`, `wait` and `graph`.",
	fields: []field{
		{name: "timeout", shape: aDuration, dflt: "none", doc: "Time for one attempt."},
		{name: "retry", shape: an(retryObject), doc: "Merged with a node's own, field by field."},
	},
}

var retryObject = &object{
	name: "retry", at: "`retry` of a node or of `defaults`", doc: "What happens after a failed attempt.",
	fields: []field{
		{name: "attempts", shape: atLeast(1), dflt: "1", doc: "How many attempts there are in all."},
		{name: "backoff", shape: aDuration, dflt: "`1s`", doc: "Wait before the second attempt."},
		{name: "factor", shape: aNumber, dflt: "2", doc: "How the wait grows with each attempt."},
		{name: "max_backoff", shape: aDuration, dflt: "`1m`", doc: "Longest wait."},
		{name: "jitter", shape: aBoolean, dflt: "false", doc: "Wait anything up to that, so that many retries do not fall together."},
		{name: "errors", shape: listOf(errorChoice),
			dflt: "all but `schema`, `config`, `expression`, `cancelled`", doc: "Error kinds to try again."},
		{name: "when", shape: anExpr, dflt: "always", doc: "Condition over `error`: no attempt follows when it does not hold."},
	},
}

var nodeObject = &object{
	name: "node", at: "an entry of `nodes`", doc: "One agent. Keys that begin with `x-` are welcome, and mean nothing.", welcomes: true,
	fields: []field{
		{name: "uses", shape: aName, required: true, doc: "Kind of the node."},
		{name: "with", shape: &shape{kind: anyMap}, doc: "Configuration of the kind; strings may hold `${{ expression }}`."},
		{name: "writes", shape: oneOf(listOf(aWord), mapOf(anExpr)), doc: "Keys of the state that the node changes, with the expression of the new value. A list `[a]` is short for `{a: output.a}`."},
		{name: "join", shape: joinName, dflt: "`any`", doc: "Which of several incoming edges must be live: `any`, `all`, `none`, `at_least(N)`, or `first`."},
		{name: "retry", shape: an(retryObject), dflt: "that of `defaults`", doc: "What happens after a failed attempt."},
		{name: "timeout", shape: aDuration, dflt: "that of `defaults`", doc: "Time for one attempt."},
		{name: "deadline", shape: aDuration, dflt: "none", doc: "Time for all attempts together."},
		{name: "priority", shape: oneOf(&shape{kind: integer, least: -1 << 31}, aTemplate), dflt: "0", doc: "Higher goes first when a pool is full. Under `for_each` each element has its own."},
		{name: "pool", shape: aName, dflt: "`default`", doc: "Pool of the node's tasks."},
		{name: "for_each", shape: an(forEachObject), doc: "Runs the node once per element of a list."},
		{name: "background", shape: aBoolean, dflt: "false", doc: "Neither the wave nor the cycle waits for the node."},
		{name: "cache", shape: an(cacheObject), doc: "A result is used again within a stack."},
		{name: "latch", shape: aBoolean, dflt: "false", doc: "An edge to the node that was live stays live over cycles until the node has run, so that what ends in different cycles can meet."},
		{name: "lock", shape: oneOf(aText, aNumber, aBoolean), doc: "A text, which may hold templates: of tasks with an equal one only one runs at a time, over all graphs and stacks."},
		{name: "cancel", shape: aBoolean, dflt: "false", doc: "With `join: first`: the other sources are cancelled when the node is decided."},
		{name: "description", shape: aText, doc: "What the node is for."},
	},
}

var forEachObject = &object{
	name: "for_each", at: "`for_each` of a node", doc: "One task per element.",
	fields: []field{
		{name: "in", shape: lists, required: true, doc: "Expression that gives a list of at most 100,000 elements."},
		{name: "as", shape: aWord, dflt: "`item`", doc: "Name of the element in expressions."},
		{name: "key", shape: anExpr, dflt: "the index", doc: "Expression that gives each element a name of its own."},
		{name: "max", shape: anExpr, dflt: "the pool's limit", doc: "How many run at once."},
		{name: "on_failure", shape: elementWords, dflt: "`collect`", doc: "`collect` lets the others end before the node fails, `fast` cancels them, `skip` leaves the element out, `keep` has null in its place; with `skip` and `keep` the node succeeds."},
		{name: "yield", shape: anExpr, dflt: "`output`", doc: "Expression over the element, `index` and `output`: what the element adds to the list `output`."},
		{name: "until", shape: anExpr, doc: "Condition over `results`: when it holds, the node succeeds and what still runs is cancelled."},
	},
}

var cacheObject = &object{
	name: "cache", at: "`cache` of a node", doc: "Results that may be used again.",
	fields: []field{
		{name: "key", shape: anExpr, required: true, doc: "Expression: the same value, the same result."},
		{name: "ttl", shape: aDuration, dflt: "for ever", doc: "How long a result holds."},
	},
}

var edgeObject = &object{
	name: "edge", at: "an entry of `edges`", doc: "Without `from` and `after` it begins at the start of the cycle. A list stands for one edge each.",
	fields: []field{
		{name: "from", shape: nameOrNames(), dflt: "`start`", doc: "The source must have run."},
		{name: "after", shape: nameOrNames(), doc: "The source must have settled, whatever happened to it."},
		{name: "to", shape: nameOrNames(), required: true, doc: "The target."},
		{name: "when", shape: conditions, dflt: "always", doc: "Condition over the state."},
		{name: "else", shape: aBoolean, dflt: "false", doc: "Live when no other conditional edge of the same source and outcome is."},
		{name: "outcome", shape: outcomeWords, dflt: "`success`", doc: "What the source must have come to. `unless_failed`: it succeeded, or was skipped and not because of a failure."},
		{name: "next_cycle", shape: aBoolean, dflt: "false", doc: "Leads to the next cycle: the only way back."},
	},
}

var pauseObject = &object{
	name: "pause", at: "`pause`", doc: "A pause that grows while nothing happens.",
	fields: []field{
		{name: "active", shape: aDuration, dflt: "`5s`", doc: "After a cycle in which a node ran."},
		{name: "idle", shape: aDuration, dflt: "as `active`", doc: "Longest pause after idle cycles."},
		{name: "factor", shape: aNumber, dflt: "2", doc: "How the pause grows with each idle cycle."},
	},
}

var scheduleObject = &object{
	name: "schedule", at: "`schedule`", doc: "A cron expression with its time zone, and what happens to moments that were missed.",
	fields: []field{
		{name: "cron", shape: cronText, required: true, doc: "Five fields: minute, hour, day, month, weekday. `${{ }}` over `params` is evaluated when a stack starts."},
		{name: "timezone", shape: zoneText, dflt: "UTC", doc: "As `Europe/Berlin`."},
		{name: "catch_up", shape: catchWords, dflt: "`last`", doc: "Which of the moments that passed while no cycle could begin get one: the last, each of the last 1,000 in order, or none."},
		{name: "at_start", shape: aBoolean, dflt: "true", doc: "The first cycle begins when the stack is created; otherwise at the first moment that is due."},
	},
}

var stopObject = &object{
	name: "stop", at: "an entry of `stop`", doc: "One way to end.",
	fields: []field{
		{name: "when", shape: conditions, required: true, doc: "Condition over the state."},
		{name: "status", shape: endWords, dflt: "`completed`", doc: "How the stack ends."},
		{name: "reason", shape: aText, dflt: "the condition", doc: "Why, for people."},
	},
}

var limitsObject = &object{
	name: "limits", at: "`limits`", doc: "0 is no limit.",
	fields: []field{
		{name: "cycles", shape: atLeast(0), dflt: "no limit", doc: "Cycles of the stack."},
		{name: "duration", shape: aDuration, dflt: "no limit", doc: "Time since the stack was created, or last retried."},
		{name: "failures", shape: atLeast(0), dflt: "10", doc: "Failed cycles in a row."},
		{name: "failed_pause", shape: aDuration, dflt: "`1s`", doc: "The least pause after a failed cycle; it doubles with each in a row, up to 5 min. `0s` switches it off."},
		{name: "node_runs", shape: atLeast(0), dflt: "no limit", doc: "Nodes that ran."},
		{name: "tokens", shape: atLeast(0), dflt: "no limit", doc: "Tokens of models."},
		{name: "cost", shape: aNumber, dflt: "no limit", doc: "Cost, in the unit in which nodes report it."},
	},
}

var historyObject = &object{
	name: "history", at: "`history`", doc: "What is older than either bound is deleted, at the ends of cycles and little by little: up to a quarter more may be there. Without `history` the last 1,000 cycles are kept.",
	fields: []field{
		{name: "cycles", shape: atLeast(0), dflt: "no bound", doc: "Cycles to keep."},
		{name: "age", shape: aDuration, dflt: "no bound", doc: "How long records are kept."},
	},
}
