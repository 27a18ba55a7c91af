package dsl

// testsObject is the language of test files.
var testsObject = &object{
	name: "tests", at: "the file", doc: "One file holds the tests of one graph. Keys that begin with `x-` are welcome, and mean nothing.", welcomes: true,
	fields: []field{
		{name: "graphrun-test", shape: &shape{kind: integer, least: 1, most: 1}, required: true, doc: "Version of the language: 1."},
		{name: "graph", shape: aName, required: true, doc: "The graph file, relative to this one."},
		{name: "tests", shape: listOf(an(testObject)), required: true, doc: "The tests. Each has a stack of its own."},
	},
}

var testObject = &object{
	name: "test", at: "an entry of `tests`", doc: "One stack, and what is expected of it. Time is virtual, and nothing runs but nodes that only set values, fail, wait or send, and graphs within graphs.",
	fields: []field{
		{name: "name", shape: aName, required: true, doc: "What the test shows. No other test of the file has it."},
		{name: "params", shape: &shape{kind: anyMap}, doc: "The parameters of the stack."},
		{name: "state", shape: &shape{kind: anyMap}, doc: "Initial values of state keys."},
		{name: "at", shape: aText, dflt: "`2030-01-01T00:00:00Z`", doc: "When the stack is created, as RFC 3339 text."},
		{name: "stack", shape: aName, dflt: "the name of the graph", doc: "Id of the stack."},
		{name: "replies", shape: &shape{kind: mapping, elem: oneOf(an(replyObject), listOf(an(replyObject)))}, doc: "What the tasks of nodes come to, by `NODE`, `NODE[KEY]` for an element of a `for_each`, or `NODE/INNER` within the graph that a node runs. One reply is for ever; a list is used up, one reply for each attempt. A reply for a node that runs a graph replaces the graph."},
		{name: "steps", shape: listOf(oneOf(words(stepWords...), an(stepObject))), dflt: "the stack runs to its end", doc: "What happens, in order."},
		{name: "end", shape: orEmpty(an(endObject)), doc: "Where the stack stands after the steps."},
		{name: "never", shape: listOf(aName), doc: "What must not happen: `stuck` (nothing can bring the stack on any more, and it has not ended), `condition-error`, and failures of these kinds; `limit` also is a stack that a limit ends."},
	},
}

var replyObject = &object{
	name: "reply", at: "an entry of `replies`", doc: "What one attempt of one task comes to: an output, or an error.",
	fields: []field{
		{name: "output", shape: aValue, dflt: "null", doc: "The output. Its type is checked against that of the node."},
		{name: "messages", shape: listOf(aValue), dflt: "none", doc: "Of an agent: what it adds to the conversation."},
		{name: "error", shape: oneOf(aText, an(replyErrorObject)), doc: "The attempt fails: a message, or a mapping."},
		{name: "after", shape: aDuration, dflt: "`0s`", doc: "How long the attempt takes."},
		{name: "usage", shape: an(replyUsageObject), doc: "What the attempt uses."},
	},
}

var replyErrorObject = &object{
	name: "reply_error", at: "`error` of a reply", doc: "How an attempt fails.",
	fields: []field{
		{name: "kind", shape: aName, dflt: "`error`", doc: "The error kind."},
		{name: "message", shape: aText, dflt: "`failed`", doc: "What went wrong."},
		{name: "code", shape: &shape{kind: integer, least: -1 << 31}, doc: "The exit code, or the HTTP status."},
		{name: "output", shape: aText, doc: "What the work had given out until then."},
		{name: "permanent", shape: aBoolean, dflt: "false", doc: "No other attempt follows."},
	},
}

var replyUsageObject = &object{
	name: "reply_usage", at: "`usage` of a reply", doc: "What an attempt uses.",
	fields: []field{
		{name: "tokens", shape: atLeast(0), doc: "Tokens."},
		{name: "cost", shape: aNumber, doc: "Money, in the unit of the prices."},
		{name: "turns", shape: atLeast(0), dflt: "1", doc: "Of an agent: questions to the model."},
		{name: "calls", shape: atLeast(0), doc: "Of an agent: calls of tools."},
		{name: "input_tokens", shape: atLeast(0), dflt: "`tokens`", doc: "Of an agent: tokens that the model read."},
		{name: "output_tokens", shape: atLeast(0), doc: "Of an agent: tokens that the model wrote."},
	},
}

// stepWords are the steps that can stand alone.
var stepWords = []string{"cycle", "wake", "cancel", "pause", "resume", "stop", "crash"}

var stepObject = &object{
	name: "step", at: "an entry of `steps`", doc: "One step: exactly one of these. `cycle`, `wake`, `cancel`, `pause`, `resume`, `stop` and `crash` can stand alone, as a word.",
	fields: []field{
		{name: "cycle", shape: orEmpty(an(cycleObject)), doc: "Goes to the end of the next cycle, or of the open one, through pauses, and compares it."},
		{name: "expect", shape: orEmpty(oneOf(anExpr, listOf(anExpr))), doc: "A condition that holds, or a list of them. They see what `stop` sees: state, params, nodes, stack, cycle, now and defines."},
		{name: "send", shape: &shape{kind: anyMap}, doc: "Events with their payloads, in order. An event begins the next cycle at once."},
		{name: "files", shape: oneOf(aName, listOf(oneOf(aName, an(fileObject)))), doc: "Files come: a path, or a list. They are given to the waits whose patterns they match, and count as quiet."},
		{name: "approve", shape: oneOf(aName, an(answerObject)), doc: "A person says yes: a node, or a mapping."},
		{name: "reject", shape: oneOf(aName, an(answerObject)), doc: "A person says no: a node, or a mapping."},
		{name: "cancel", shape: an(cancelObject), doc: "A task ends as cancelled. The word alone cancels the stack."},
		{name: "wait", shape: aDuration, doc: "Time passes, and what is due by then happens."},
		{name: "crash", shape: an(crashObject), doc: "All work ends at once, and the store is opened again: the stack continues from what was committed. The word alone is a crash at this moment."},
	},
}

var cycleObject = &object{
	name: "cycle", at: "`cycle` of a step", doc: "What is expected of a cycle. What is not written may be anything; what is null is empty, and `--update` writes what came.",
	fields: []field{
		{name: "waves", shape: orEmpty(listOf(listOf(aName))), doc: "All waves: a list of lists of nodes. Within a wave they stand in any order."},
		{name: "skipped", shape: orEmpty(&shape{kind: mapping, elem: orEmpty(aName)}), doc: "Nodes that did not run, and why: the reasons of `node.decided`."},
		{name: "attempts", shape: orEmpty(&shape{kind: mapping, elem: orEmpty(atLeast(0))}), doc: "How many attempts nodes took."},
		{name: "sent", shape: orEmpty(listOf(an(sentObject))), doc: "All events that nodes sent, in the order in which they left."},
	},
}

var sentObject = &object{
	name: "sent", at: "an entry of `sent`", doc: "An event that a node sent.",
	fields: []field{
		{name: "to", shape: aName, required: true, doc: "The stack that gets it."},
		{name: "event", shape: aName, required: true, doc: "The event."},
		{name: "payload", shape: aValue, dflt: "any", doc: "The payload."},
	},
}

var fileObject = &object{
	name: "file", at: "an entry of `files` of a step", doc: "A file that comes, or has changed.",
	fields: []field{
		{name: "path", shape: aName, required: true, doc: "Its path, as the pattern of the wait spells it."},
		{name: "size", shape: atLeast(0), dflt: "1", doc: "How many bytes it has."},
	},
}

var answerObject = &object{
	name: "answer", at: "`approve` or `reject` of a step", doc: "A person's answer.",
	fields: []field{
		{name: "node", shape: aName, required: true, doc: "What waits: `NODE`, `NODE[KEY]` or `NODE/INNER`."},
		{name: "value", shape: aValue, doc: "The value of the answer, as `output.value`; for a call, its arguments in place of the model's."},
		{name: "comment", shape: aText, doc: "The comment, as `output.comment`."},
		{name: "by", shape: aText, doc: "Who answers, as `output.by`."},
		{name: "call", shape: aName, doc: "Id of the call of an agent, where several wait."},
	},
}

var cancelObject = &object{
	name: "cancel", at: "`cancel` of a step", doc: "Which task ends.",
	fields: []field{{name: "node", shape: aName, required: true, doc: "`NODE`, `NODE[KEY]` or `NODE/INNER`."}},
}

var crashObject = &object{
	name: "crash", at: "`crash` of a step", doc: "When the crash comes.",
	fields: []field{{name: "after", shape: aName, required: true, doc: "As soon as the end of this node, or of its element `NODE[KEY]`, is stored, and before its wave is."}},
}

var endObject = &object{
	name: "end", at: "`end` of a test", doc: "Where the stack stands after the steps. What is not written may be anything.",
	fields: []field{
		{name: "status", shape: orEmpty(words("running", "paused", "completed", "failed", "cancelled")), doc: "Status of the stack."},
		{name: "reason", shape: orEmpty(aText), doc: "Why it has ended."},
		{name: "cycles", shape: orEmpty(atLeast(0)), doc: "How many cycles have finished."},
		{name: "state", shape: orEmpty(&shape{kind: anyMap}), doc: "Values of state keys; others may have any."},
	},
}
