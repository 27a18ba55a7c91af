package dsl

// The shapes whose values are known words, with what each of them means, and the forms of
// texts with examples: editors show both.

// offer is what editors know about a text beyond its kind.
type offer struct {
	says     []string // of words, in their order: what each means
	examples []any
	wrong    string // what was expected, when a text has not the form
}

// choices are words with their meanings, in pairs.
func choices(pairs ...string) *shape {
	s := &shape{kind: word}
	s.words, s.says = split(pairs)
	return s
}

// known is the shape of a name: some names are known, in pairs with their meanings, and all
// others have the form, or any form if that is empty.
func known(form, wrong string, examples []any, pairs ...string) *shape {
	s := &shape{kind: name, form: form, offer: offer{examples: examples, wrong: wrong}}
	s.words, s.says = split(pairs)
	return s
}

func split(pairs []string) (words, says []string) {
	for i := 0; i < len(pairs); i += 2 {
		words, says = append(words, pairs[i]), append(says, pairs[i+1])
	}
	return words, says
}

// like is a shape with examples.
func like(s *shape, examples ...any) *shape {
	e := *s
	e.examples = examples
	return &e
}

var (
	waveWords    = choices("barrier", "the nodes of a wave are committed together, and then the next are decided", "eager", "a node is decided as soon as its own sources have settled")
	modeWords    = choices("graph", "the edges say what runs", "round_robin", "one node each cycle, in declaration order")
	hookWords    = choices("stack.ended", "a stack has ended", "node.waiting", "a node waits for a person", "cycle.failed", "a cycle has failed", "budget.reached", "a limit of tokens or cost ends a stack")
	fleetWords   = choices("independent", "each stack goes its own way", "lockstep", "all running stacks of the graph go through their waves together")
	outcomeWords = choices("success", "the source succeeded", "failure", "the source failed; the edge takes the failure",
		"always", "the source ran, however it ended; the edge takes a failure", "unless_failed", "the source succeeded, or was skipped and not because of a failure")
	elementWords = choices("collect", "the others end before the node fails", "fast", "the others are cancelled, and the node fails",
		"skip", "the element is left out of the output, and the node succeeds", "keep", "null stands in its place, and the node succeeds")
	catchWords  = choices("last", "one cycle for the last missed moment", "all", "a cycle for each of the last 1,000, in order", "none", "no cycle for them")
	endWords    = choices("completed", "the work is done", "failed", "the work has failed")
	errorChoice = choices("exit", "a program ended with another exit code than expected", "timeout", "it took too long", "cancelled", "somebody cancelled it",
		"panic", "a mistake in a Go program", "schema", "a value has not its type", "output", "an output could not be read", "config", "the configuration is wrong",
		"expression", "an expression failed", "http", "an unexpected HTTP status, or no connection", "model", "the model's provider failed", "limit", "a limit was reached", "error", "any other")
	joinName = known(joinForm, "expected any, all, none, first or at_least(N)", []any{"at_least(2)"},
		"any", "at least one incoming edge is live", "all", "every incoming edge is live", "none", "every incoming edge is dead", "first", "one edge is live; the others are not waited for")
	reduceName = known(reduceForm, "expected replace, last, append, merge, deep_merge, sum, min, max, union, upsert(KEY), upsert(KEY, merge) or {expr: …}",
		[]any{"upsert(id)", "upsert(id, merge)"},
		"replace", "the written value replaces the old one; two nodes of a wave may not both write", "last", "as replace; of two nodes in a wave the later one wins",
		"append", "adds elements at the end of a list", "merge", "adds and replaces properties of an object", "deep_merge", "the same, also within the properties",
		"sum", "adds a number", "min", "keeps the smaller value", "max", "keeps the larger value", "union", "adds the elements that are not there yet")
	apiName      = known("", "", nil, "openai", "chat completions, which most providers and local servers speak", "anthropic", "Anthropic's messages", "script", "a file answers, for tests and examples")
	effectName   = known(effectsForm, "expected none or once", nil, "none", "a call may be repeated freely", "once", "a call is never repeated after a crash")
	scopeName    = known(scopeForm, "expected stack or graph", nil, "stack", "each stack has its own", "graph", "all stacks of the graph share it")
	cronText     = like(aText, "0 9 * * 1-5", "*/15 * * * *")
	zoneText     = like(aText, "Europe/Berlin", "UTC")
	conditions   = like(anExpr, "len(state.todos) > 0", "state.done")
	lists        = like(anExpr, "state.todos", `filter(state.todos, .status == "pending")`)
	secretText   = like(aText, "${{ secrets.API_KEY }}")
	rateExamples = []any{"60/m", "5/s"}
)

const reduceForm = `^ *(replace|last|append|merge|deep_merge|sum|min|max|union|upsert *\([^()]*\)) *$`

// typeWords are the short spellings that need nothing more.
var typeWords = choices("string", "text", "integer", "a whole number of 64 bits", "number", "any number", "boolean", "true or false",
	"object", "an object whose properties no expression can name", "any", "any value, null too", "null", "null alone", "array", "a list of any values")

// typeExamples are some of those that are made of others.
var typeExamples = []any{"list(string)", "map(any)", "string?"}

// typeForm is the form of all short spellings.
const typeForm = `^ *(list|map)? *[A-Za-z_(][A-Za-z0-9_() ?-]*$`

// wrongForms are what was expected, by the form of a name.
var wrongForms = map[string]string{
	wordForm:   "expected a name: letters, digits and _, and no digit first",
	dashedForm: "expected a name: letters, digits, _ and -, and a letter or _ first",
	graphForm:  "expected a name: a small letter, then small letters, digits, _ and -",
}

// wrongType is what was expected in place of what is no type.
const wrongType = "expected a type: string, integer, number, boolean, object, any, null, list(T), map(T), T?, a name of types, or a JSON Schema"
