package graph

import (
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
)

// Provider answers for models. Config is evaluated with secrets alone.
type Provider struct {
	Name      string
	API       string    // openai, anthropic, script, or one that a program registered
	Config    *Template // {base_url, key, file}: an object, entries that are not written are absent; nil if there is none
	Parallel  int       // questions at once; 0 means no limit
	Rate      int       // questions per RatePer; 0 means no limit
	RatePer   time.Duration
	Tokens    int // tokens per TokensPer; 0 means no limit
	TokensPer time.Duration
	Prices    map[string]Price // by model
}

// Price is what a million tokens cost.
type Price struct {
	Input, Output      float64
	Cached, CacheWrite float64 // of input that the provider had kept, or keeps; Input where it is not written
}

// Server is an MCP server. Config is evaluated with secrets alone.
type Server struct {
	Name    string
	Config  *Template // {command, env, url, headers}: an object, entries that are not written are absent
	Tools   []ServerTool
	Effects Effects
	Approve *Approve // of tools that say nothing of their own; nil means that none needs a word
}

// ServerTool is a tool of a server that may be named and called.
type ServerTool struct {
	Name    string
	Effects Effects  // as the server's where it is not written
	Approve *Approve // as the server's where it is not written
}

// Effects says what a call does outside.
type Effects uint8

const (
	EffectsKeyed Effects = iota // a call that was cut off is repeated under the same key
	EffectsNone                 // may be repeated freely
	EffectsOnce                 // never repeated after a crash
)

// Approve says which calls need a person's word.
type Approve struct {
	When *cond.Program // over args and the names of conditions; nil means every call
}

// Tool is a tool of the graph's own: a kind that runs when a model asks for it.
type Tool struct {
	Index       int
	Name        string
	Description string
	Args        *schema.Type // an Object
	Kind        Kind
	With        *Template // args and secrets are in scope besides the names of conditions; nil means none
	Effects     Effects
	Approve     *Approve // nil means that no call needs a word
	Parallel    int      // calls at once, in the whole process; 0 means no limit
	Timeout     time.Duration
	Retry       Retry
	Output      *schema.Type
	Inner       *Graph        // the graph that it runs; nil means none
	Calls       []ToolName    // what an agent as a tool may call itself
	Where       *cond.Program // as of a node
	Def         *ToolDef
}

// Memory keeps texts that agents and nodes search.
type Memory struct {
	Name  string
	Graph bool         // all stacks of the graph share it; false means that each stack has its own
	Keep  int          // 0 keeps MaxMemoryItems
	Embed string       // PROVIDER/MODEL of the vectors; "" means words only
	Data  *schema.Type // of an item's data
}

// ToolName is one tool that an agent may call.
type ToolName struct {
	// Of says what the tool is of, and with it which of the other fields count.
	Of     ToolOf
	Index  int    // of OwnTool, into Graph.Tools; of ServersTool, into Graph.Servers; else into Graph.Memories
	Tool   int    // of ServersTool: into Server.Tools
	Name   string // as the graph has it: NAME, SERVER/TOOL, memory/NAME or memory/NAME/write
	Listed bool   // it was named by SERVER/*

	at diag.Span // of the name in `tools`
}

// ToolOf is what a tool is of.
type ToolOf uint8

const (
	OwnTool ToolOf = iota
	ServersTool
	MemorySearch
	MemoryWriting
)

// MaxMemoryItems is how many items a memory holds at most.
const MaxMemoryItems = 100_000
