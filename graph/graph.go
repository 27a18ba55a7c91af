package graph

import (
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/cron"
	"github.com/graphrun/graphrun/graph/schema"
)

// Slots of cond.Env, the same for every expression of every graph.
const (
	SlotState   = iota // cond.Record, a field per key in declaration order
	SlotParams         // map[string]any
	SlotNodes          // cond.Record, a field per node: map[string]any{status, attempts}
	SlotStack          // map[string]any{id, graph, created_at}
	SlotCycle          // map[string]any{number, started_at}
	SlotNow            // time.Time
	SlotError          // map[string]any{node, kind, message}, or nil
	SlotOutput         // the output of a node, in its writes
	SlotSecrets        // map[string]any, in `with` only
	SlotItem           // the `as` name of for_each
	SlotIndex          // its index
	SlotOld            // of an expression reducer
	SlotNew
	NumSlots
)

// Graph is a compiled graph. It is immutable and safe for concurrent use. Nodes,
// edges, keys and pools are identified by their index, in declaration order.
type Graph struct {
	Name     string
	Hash     string // of the definition, whatever its layout is: 64 hex digits
	Def      *Def
	Dir      string // folder of the graph file; "" for a graph that was built in Go
	Params   []Param
	Secrets  []string
	Keys     []Key
	Nodes    []Node
	Edges    []Edge
	Pools    []Pool // Pools[0] is "default"
	Events   []Event
	Pause    Pause
	Schedule *cron.Schedule // in place of Pause; nil means none
	Stops    []Stop
	Limits   Limits
	History  History // never zero
	Defines  int     // how many names `define` has: the size of an Env's memo

	// Order is a topological order of the nodes; among equals, declaration order.
	Order []int
	// Missing lists what this version cannot run, for the message: "node \"ask\" uses approval".
	Missing []string
	// Readers lists, for each key of the state, the edges whose conditions read
	// it, ascending.
	Readers [][]int

	Mode  *Template // nil means "graph"; else it gives "graph" or "round_robin"
	Fleet Fleet

	index index
}

// Fleet says how the stacks of a graph go through their waves.
type Fleet uint8

const (
	Independent Fleet = iota
	Lockstep
)

// Param is a parameter of a stack.
type Param struct {
	Name       string
	Type       *schema.Type
	Default    any
	HasDefault bool
}

// Key is one key of the state.
type Key struct {
	Name    string
	Type    *schema.Type
	Initial any
	Reduce  Reducer
	Keep    int          // 0 keeps all
	Writes  *schema.Type // what a node may write: Type, or what Reduce joins to it
}

// Payload returns the type of the payload of an event to the key: the values that
// may be written to the key, but null only if the key itself may be null.
func (k *Key) Payload() *schema.Type {
	if k.Type.Nullable {
		return k.Writes
	}
	return k.Writes.NonNull()
}

// Event is an event that may be sent to a stack.
type Event struct {
	Name string
	Key  int
}

// Pool is a limit on running tasks.
type Pool struct {
	Name     string
	Parallel int // 0 holds the pool
	Rate     int // per RatePer; 0 means no limit
	RatePer  time.Duration
}

// Node is a compiled node.
type Node struct {
	Index      int
	ID         string
	Kind       Kind
	With       *Template    // nil means none
	Output     *schema.Type // of one run; Any where it is not known
	Writes     []Write      // in the order of the file
	Join       Join
	JoinN      int   // of JoinAtLeast
	In         []int // edges to it, declaration order, next_cycle included
	Out        []int // edges from it
	Waits      []int // the nodes that must settle before it is decided: sources of In without next_cycle, and of the siblings of its else edges; sorted, without repeats
	Retry      Retry
	Timeout    time.Duration // 0 means none
	Deadline   time.Duration // 0 means none
	Priority   *Template     // nil means 0
	Pool       int           // index into Graph.Pools; -1 for Inline and Waits kinds
	ForEach    *ForEach
	Background bool
	Cache      *Cache
	Inner      *Graph // the graph that it runs; nil means none
	Def        *NodeDef
}

// Write is one entry of `writes`.
type Write struct {
	Key  int
	Expr *cond.Program
}

// Join says how many live edges a node needs.
type Join uint8

const (
	JoinAny Join = iota
	JoinAll
	JoinNone
	JoinAtLeast
	JoinFirst
)

// Retry says what happens after a failed attempt. Defaults are filled in.
type Retry struct {
	Attempts   int
	Backoff    time.Duration
	Factor     float64
	MaxBackoff time.Duration
	Jitter     bool
	Errors     []string // nil means all except schema, config, expression and cancelled
}

// ForEach runs a node once per element of a list.
type ForEach struct {
	In        *cond.Program
	As        string
	Key       *cond.Program // nil means the index
	Max       *cond.Program // nil means the pool's limit
	OnFailure OnFailure
}

// OnFailure says what happens when an element fails.
type OnFailure uint8

const (
	Collect OnFailure = iota
	Fast
	Skip
)

// Cache says when a result is reused within a stack.
type Cache struct {
	Key *cond.Program
	TTL time.Duration // 0 means for ever
}

// Start is the From of an edge that begins at the start of the cycle.
const Start = -1

// Edge is one compiled edge: one source, one target.
type Edge struct {
	Index     int
	From      int // node, or Start
	To        int
	After     bool // order only
	Outcome   Outcome
	When      *cond.Program // nil for an edge that always holds
	Else      bool
	Siblings  []int // of an Else edge: the other conditional edges of its group
	NextCycle bool
	At        diag.Span

	// Steady says that the condition depends only on params and on the keys under
	// which Graph.Readers lists the edge. Its verdict holds until one of them changes.
	Steady bool

	def int // index into Def.Edges
}

// Counts reports whether the edge takes part in the join.
func (e *Edge) Counts() bool { return !e.After || e.When != nil }

// Outcome is what a flow edge asks of its source.
type Outcome uint8

const (
	Success Outcome = iota
	Failure
	Always
)

// Pause is the time between two cycles. With None, the next cycle follows at once
// after a cycle in which a node ran.
type Pause struct {
	None     bool
	Active   time.Duration
	Idle     time.Duration // at least Active; Active if it is not written
	Factor   float64
	Template *Template // gives a duration, or a string with one
}

// Stop ends a stack when its condition holds at the end of a cycle.
type Stop struct {
	When   *cond.Program
	Failed bool
	Reason string // "" means the condition's text
}

// Limits ends a stack that reaches one of them. 0 means no limit. Defaults are
// filled in.
type Limits struct {
	Cycles, NodeRuns, Tokens, Failures int
	Duration                           time.Duration
	Cost                               float64
}

// History says how much of a stack's journal is kept. A zero field means no bound.
type History struct {
	Cycles int
	Age    time.Duration
}

// DefaultHistory is how many cycles are kept without `history`.
const DefaultHistory = 1000 // cycles

// Change is what one commit does to one key of the state.
type Change struct {
	Key   int
	Name  string // the key's name, which stores use to identify it
	Value any    // the whole value afterwards; shared, never to be changed

	// Whole says to store Value as a whole. Otherwise it is a list or an object. The
	// first Drop elements of a list are removed, and then the elements of Put are set
	// (an index at the end appends; indices ascend and count after the drop). In an
	// object the properties of Set are set, in the order of their names, and no others
	// differ.
	Whole bool
	Drop  int
	Put   []Element
	Set   []Property
}

// Element is one element of a list in a Change.
type Element struct {
	At    int
	Value any
}

// Property is one property of an object in a Change.
type Property struct {
	Name  string
	Value any
}

// Reducer joins a written value to a key's old one.
type Reducer struct {
	Name string // replace, last, append, merge, deep_merge, sum, min, max, union, upsert, expr
	Arg  string // of upsert
	Expr *cond.Program
}
