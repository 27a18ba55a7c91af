package graph

import (
	"fmt"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
)

// Slots of cond.Env, the same for every expression of every graph.
const (
	SlotState   = iota // cond.Record, a field per key in declaration order
	SlotParams         // map[string]any
	SlotNodes          // cond.Record, a field per node: map[string]any{status, attempts, reason, error}
	SlotStack          // map[string]any{id, graph, created_at}
	SlotCycle          // map[string]any{number, started_at, due}
	SlotNow            // time.Time
	SlotError          // map[string]any{node, kind, message, code, item, path, output}, or nil
	SlotOutput         // the output of a node, in its writes
	SlotSecrets        // map[string]any, in `with` only
	SlotItem           // the `as` name of for_each
	SlotIndex          // its index
	SlotOld            // of an expression reducer
	SlotNew
	SlotArgs     // of a call, in a tool's `with` and `approve`
	SlotMessages // what an agent added to a conversation, in its writes
	SlotUsage    // what an agent used, in its writes
	SlotData     // of an item of a memory, in `where`
	SlotResults  // list({item, key, index, status, output, error}), of a for_each: in its writes, on edges from it, in its `until`
	SlotBody     // of a request to a webhook
	SlotHeaders  // map[string]any of texts, of such a request
	SlotQuery    // as SlotHeaders
	NumSlots
)

// Graph is a compiled graph. It is immutable and safe for concurrent use. Nodes,
// edges, keys and pools are identified by their index, in declaration order.
type Graph struct {
	Name      string
	Hash      string // of the definition, whatever its layout is: 64 hex digits
	Def       *Def
	Dir       string // folder of the graph file; "" for a graph that was built in Go
	Params    []Param
	Secrets   []string
	Providers []Provider
	Servers   []Server
	Tools     []Tool
	Memories  []Memory
	Keys      []Key
	Nodes     []Node
	Edges     []Edge
	Pools     []Pool // Pools[0] is "default"
	Events    []Event
	Webhooks  []Webhook
	Hooks     []Hook
	Pause     Pause
	Schedule  *Schedule // in place of Pause; nil means none
	Stops     []Stop
	Limits    Limits
	History   History // never zero
	Defines   int     // how many names `define` has: the size of an Env's memo

	// Order is a topological order of the nodes; among equals, declaration order.
	Order []int
	// Missing lists what this program cannot run, for the message: "node \"ask\" uses approval".
	Missing []string
	// Readers lists, for each key of the state, the edges whose conditions read
	// it, ascending.
	Readers [][]int

	Mode  *Template // nil means "graph"; else it gives "graph" or "round_robin"
	Fleet Fleet

	// Once says that all cycles are one pass: a node that has settled, but for a skip
	// because something waits, is not decided again, and the stack ends with the first
	// cycle in which nothing waits any more. It is set for a pipeline (`once: true`), and
	// for a graph that a node or a tool runs without `until`.
	Once bool
	// Until is set for a graph that a node or a tool runs with `until`, whose condition is
	// the first of Stops.
	Until *Until

	Finally        []int         // the nodes of the last wave (Node.Final), in declaration order
	FinallyTimeout time.Duration // for all of them; never 0
	Eager          bool          // `waves: eager`

	leaves bool // one of its nodes may wait, or work over cycles
	index  index
	scope  *cond.Scope // what Expression sees
}

// Until is how a graph is run as a node or a tool with `until`.
type Until struct {
	MaxCycles int // that are not idle; 0 means what journal.Identity.MaxCycles says
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
	Name  string
	Key   int          // that it is applied to; -1 for a queued one
	Type  *schema.Type // of the payloads
	Queue int          // how many payloads are kept until waits take them; 0 for one with a key
}

// Pool is a limit on running tasks.
type Pool struct {
	Name     string
	Parallel int // 0 holds the pool
	Rate     int // per RatePer; 0 means no limit
	RatePer  time.Duration
	Shared   bool // one pool of this name over all graphs of the process
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
	Inner      *Graph        // the graph that it runs; nil means none
	Calls      []ToolName    // what an agent may call, in the order of its `tools`, SERVER/* expanded
	Tools      []int         // of Calls, those of the graph's own: indices into Graph.Tools
	Where      *cond.Program // a condition over the data of items, which the work evaluates (memory); nil means none
	Latch      bool          // an edge to it that was live stays live over cycles until it has run
	Lock       *Template     // of tasks with an equal text only one runs at a time; nil means none
	Cancel     bool          // of JoinFirst: the other sources are cancelled when it is decided
	Final      bool          // it is one of Graph.Finally
	Def        *NodeDef

	leaves  bool
	element *schema.Type // of for_each
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

// Rule is the join of a node as it is written: any, all, none, first or at_least(N).
func (n *Node) Rule() string {
	if n.Join == JoinAtLeast {
		return fmt.Sprintf("at_least(%d)", n.JoinN)
	}
	return [...]string{JoinAny: "any", JoinAll: "all", JoinNone: "none", JoinFirst: "first"}[n.Join]
}

// Retry says what happens after a failed attempt. Defaults are filled in.
type Retry struct {
	Attempts   int
	Backoff    time.Duration
	Factor     float64
	MaxBackoff time.Duration
	Jitter     bool
	Errors     []string      // nil means all except schema, config, expression and cancelled
	When       *cond.Program // over `error`; nil means always
}

// ForEach runs a node once per element of a list.
type ForEach struct {
	In        *cond.Program
	As        string
	Key       *cond.Program // nil means the index
	Max       *cond.Program // nil means the pool's limit
	OnFailure OnFailure
	Yield     *cond.Program // what an element adds to the list `output`; nil means its output
	Until     *cond.Program // over `results`; nil means none
}

// OnFailure says what happens when an element fails.
type OnFailure uint8

const (
	Collect OnFailure = iota
	Fast
	Skip
	Keep // the other elements run, the node succeeds, and the places of failed ones are null
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
	UnlessFailed // it succeeded, or was skipped and not because of a failure
)

var outcomeWords = [...]string{"success", "failure", "always", "unless_failed"}

// String is the outcome as it is written.
func (o Outcome) String() string { return outcomeWords[o] }

// TakesFailure reports whether a node that runs because of such an edge takes the failure
// of its source.
func (o Outcome) TakesFailure() bool { return o == Failure || o == Always }

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
	FailedPause                        time.Duration // after one failed cycle; it doubles with each in a row
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
	Name  string // replace, last, append, merge, deep_merge, sum, min, max, union, upsert, expr
	Arg   string // of upsert: the field that identifies an element
	Merge bool   // of upsert: properties are merged into the element
	Expr  *cond.Program
}
