package graph

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// Kind is what the compiler needs to know about a node kind: its configuration,
// its output, and how the engine treats it. The work itself is in nodes.Spec.
type Kind struct {
	Name string
	Doc  string // one paragraph, for `graphrun kinds` and the docs

	Fields []Field // what `with` may hold, in the order of the docs
	Open   bool    // any other field is welcome too (set)

	// Output is the type of the output, from the configuration; nil means unknown.
	Output func(c Config) *schema.Type
	// Check reports what Fields cannot say; nil reports nothing. Codes other than
	// diag.BadConfig are for what SPEC names (diag.ShellInterpolation, …).
	Check func(c Config, report func(code diag.Code, at diag.Span, help, format string, args ...any))

	// Fails says how a kind fails whose only work that is, from its `with` (fail); nil for
	// all others.
	Fails func(with any) (kind, message string, permanent bool)

	Inline     bool     // the output is the evaluated `with`: no task, no slot, no work (set)
	NoDefaults bool     // defaults.timeout and defaults.retry do not apply
	Waits      bool     // waits for somebody outside: holds no slot, no wave, no cycle
	Missing    bool     // in the language, but this program cannot run it
	Sends      bool     // its work is the engine's: what its `with` says is sent to another stack with the commit of the wave (send)
	Runs       bool     // its work is the engine's: it runs the graph in NodeDef.Graph as a stack of its own, and holds no slot meanwhile (graph)
	Talks      bool     // it asks models and may call tools: `messages` and `usage` are in scope in its `writes`, and no secrets in its `with` (agent)
	APIs       []string // of a kind that talks: APIs of providers that it knows besides openai, anthropic and script
	Secrets    bool     // may use the declared secrets without naming them in `with` (a model's key)
}

// Field is one entry of a kind's `with`.
type Field struct {
	Name     string
	Type     string // short schema spelling: string, list(string), map(any), duration, any; enums as a|b|c
	Required bool
	Literal  bool   // may hold no ${{ }}
	Event    bool   // names an event of the graph, or a list of them
	Names    Naming // what else of the graph it names
	Tool     string // its value in a tool of the graph that does not write it; "" for none
	// Author says that its templates are the author's own words: they may use params,
	// stack, cycle and the defines made of these, and nothing that comes from outside.
	Author bool
	// Talk says that it is a conversation: a list of messages, or {from, tokens}.
	Talk bool
	// Condition says that it is a condition over data, params and state, which the work
	// evaluates for each item (Node.Where). At most one field of a kind is one.
	Condition bool
	Text      bool // numbers and booleans in it are texts, as they are written: in type any only the value itself
	Doc       string
	// Choices are the values that editors offer, of a field of type string. What another
	// value means, Check says.
	Choices []Choice
}

// Choice is a value of a field, and what it means.
type Choice struct{ Value, Doc string }

// Naming is what of the graph the value of a field names.
type Naming uint8

const (
	NamesNothing Naming = iota
	NamesModel          // PROVIDER/MODEL, or a list of them
	NamesTools          // a list of NAME, SERVER/TOOL, SERVER/*, memory/NAME and memory/NAME/write
	NamesServer
	NamesMemory
	NamesData // nothing: it is the data of an item of the memory that another field names
)

// Config is the `with` of a node, as far as it is known when the graph is loaded.
type Config struct {
	Tree  *tree.Node   // as written; nil if the node has no `with`
	Type  *schema.Type // the type of the whole, templates included: an Object with a Prop per entry
	Types *schema.Set  // the graph's named types, for a `with` that holds a schema
	// Payload is the type of an event's payload; false if the graph has no such event.
	Payload func(event string) (*schema.Type, bool)
	Data    *schema.Type // of the items of the memory that the `with` names (NamesMemory); nil if it names none
}

// Kinds finds kinds by name. nodes.Registry is one.
type Kinds interface {
	Kind(name string) (Kind, bool)
	Names() []string // sorted, for did-you-mean
}
