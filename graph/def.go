package graph

import (
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// Def is a graph as it was written: what package dsl reads from YAML, and what
// a Go program fills in by hand. Compile turns it into a Graph.
//
// A Def survives JSON: a store keeps it with the stacks that run it, and a
// later process compiles it again without the YAML file. Places in the file do
// not survive, they are for diagnostics only.
type Def struct {
	Version     int           `json:"graphrun"`
	Name        diag.Text     `json:"name"`
	Description string        `json:"description,omitzero"`
	File        string        `json:"file,omitzero"` // path of the YAML file, an absolute one for later processes; relative paths in the graph start at its folder
	Params      []ParamDef    `json:"params,omitzero"`
	Secrets     []diag.Text   `json:"secrets,omitzero"`
	Providers   []ProviderDef `json:"providers,omitzero"`
	Servers     []ServerDef   `json:"servers,omitzero"`
	Tools       []ToolDef     `json:"tools,omitzero"`
	Memories    []MemoryDef   `json:"memories,omitzero"`
	Types       []TypeDef     `json:"types,omitzero"`
	TypeFiles   []TypeFileDef `json:"type_files,omitzero"` // whose types the graph's types refer to
	State       []KeyDef      `json:"state,omitzero"`
	Define      []DefineDef   `json:"define,omitzero"`
	Events      []EventDef    `json:"events,omitzero"`
	Webhooks    []WebhookDef  `json:"webhooks,omitzero"`
	Hooks       []HookDef     `json:"hooks,omitzero"`
	Pools       []PoolDef     `json:"pools,omitzero"`
	Defaults    DefaultsDef   `json:"defaults,omitzero"`
	Nodes       []NodeDef     `json:"nodes"`
	Edges       []EdgeDef     `json:"edges,omitzero"`
	Pause       PauseDef      `json:"pause,omitzero"`
	Schedule    ScheduleDef   `json:"schedule,omitzero"`
	Stop        []StopDef     `json:"stop,omitzero"`
	Limits      LimitsDef     `json:"limits,omitzero"`
	History     HistoryDef    `json:"history,omitzero"`
	Mode        *tree.Node    `json:"mode,omitzero"`  // "graph", "round_robin", or a template that gives one of them
	Fleet       diag.Text     `json:"fleet,omitzero"` // "independent" or "lockstep"

	Once           bool          `json:"once,omitzero"`    // the graph is a pipeline: a stack ends with its one pass
	Finally        []diag.Text   `json:"finally,omitzero"` // nodes of the last wave of every stack
	FinallyTimeout time.Duration `json:"finally_timeout,omitzero"`
	Waves          diag.Text     `json:"waves,omitzero"` // "barrier" or "eager"
	OnceAt         diag.Span     `json:"-"`
	FinallyAt      diag.Span     `json:"-"` // of finally_timeout
	Timezone       diag.Text     `json:"-"` // beside a schedule that has one of its own: an error

	Until *UntilDef `json:"until,omitzero"` // of a graph that a node or a tool runs with `until`: the first of Stop
}

// UntilDef says how a graph is run with `until`.
type UntilDef struct {
	MaxCycles int `json:"max_cycles,omitzero"` // 0 means that the node gives it when it begins
}

// ParamDef declares one parameter.
type ParamDef struct {
	Name    diag.Text  `json:"name"`
	Type    *tree.Node `json:"type"` // a JSON Schema or its short spelling
	Default *tree.Node `json:"default,omitzero"`
}

// TypeDef is a named type.
type TypeDef struct {
	Name   diag.Text  `json:"name"`
	Schema *tree.Node `json:"schema"`
}

// TypeFileDef is a file of types, as it was when the graph was read.
type TypeFileDef struct {
	Name  string        `json:"name"` // as it stands in `$ref: "NAME#/TYPE"`
	Types []TypeDef     `json:"types,omitzero"`
	Files []TypeFileDef `json:"files,omitzero"` // whose types its types refer to

	// Problems say why the types could not be read. They are reported where a type refers
	// to the file.
	Problems diag.List `json:"-"`
}

// KeyDef declares one key of the state.
type KeyDef struct {
	Name    diag.Text  `json:"name"`
	Type    *tree.Node `json:"type"`
	Default *tree.Node `json:"default,omitzero"`
	Reduce  ReduceDef  `json:"reduce,omitzero"`
	Keep    int        `json:"keep,omitzero"` // 0 keeps all
	KeepAt  diag.Span  `json:"-"`
}

// ReduceDef names a reducer: "append", "upsert(id)", …, or an expression over
// old and new. The zero value is `replace`.
type ReduceDef struct {
	Name diag.Text `json:"name,omitzero"` // as written, with its argument in parentheses
	Expr diag.Text `json:"expr,omitzero"`
}

// DefineDef is a named expression.
type DefineDef struct {
	Name diag.Text `json:"name"`
	Expr diag.Text `json:"expr"`
}

// EventDef is an event that may be sent to a stack. It goes to a key of the state (To), or
// its payloads are queued until waits take them (Queue).
type EventDef struct {
	Name    diag.Text  `json:"name"`
	To      diag.Text  `json:"to,omitzero"`
	Type    *tree.Node `json:"type,omitzero"`  // of the payloads of a queued event; nil means any
	Queue   int        `json:"queue,omitzero"` // how many payloads are kept; 0 for an event that goes to a key
	QueueAt diag.Span  `json:"-"`
}

// PoolDef is a limit on running tasks.
type PoolDef struct {
	Name     diag.Text     `json:"name"`
	Parallel int           `json:"parallel"`          // 0 holds the pool; dsl fills in 4 where it is not written
	Rate     int           `json:"rate,omitzero"`     // tasks started per RatePer; 0 means no limit
	RatePer  time.Duration `json:"rate_per,omitzero"` // a second, a minute, an hour or a day
	Shared   bool          `json:"shared,omitzero"`   // one pool over all graphs of the process
}

// DefaultsDef applies to every node that does not have a value of its own.
type DefaultsDef struct {
	Timeout time.Duration `json:"timeout,omitzero"`
	Retry   RetryDef      `json:"retry,omitzero"`
}

// RetryDef is a node's or the default retry; nil fields are not written and
// come from the default, field by field.
type RetryDef struct {
	Attempts   *int           `json:"attempts,omitzero"`    // default 1
	Backoff    *time.Duration `json:"backoff,omitzero"`     // default 1s
	Factor     *float64       `json:"factor,omitzero"`      // default 2
	MaxBackoff *time.Duration `json:"max_backoff,omitzero"` // default 1m
	Jitter     *bool          `json:"jitter,omitzero"`      // default false
	Errors     []diag.Text    `json:"errors,omitzero"`      // error kinds to try again
	When       diag.Text      `json:"when,omitzero"`        // a condition over `error`
}

// NodeDef is one node.
type NodeDef struct {
	ID          diag.Text     `json:"id"`
	Description string        `json:"description,omitzero"`
	Uses        diag.Text     `json:"uses"`
	With        *tree.Node    `json:"with,omitzero"` // a mapping; templates in its strings
	WithAt      diag.Span     `json:"-"`             // where `with` begins, or the node without one: the place of missing entries
	Writes      []WriteDef    `json:"writes,omitzero"`
	Join        JoinDef       `json:"join,omitzero"`
	Retry       *RetryDef     `json:"retry,omitzero"`
	Timeout     time.Duration `json:"timeout,omitzero"`  // 0 means that of the default
	Deadline    time.Duration `json:"deadline,omitzero"` // 0 means none
	Priority    *tree.Node    `json:"priority,omitzero"` // an integer or a template
	Pool        diag.Text     `json:"pool,omitzero"`     // "" is the default pool
	ForEach     *ForEachDef   `json:"for_each,omitzero"`
	Background  bool          `json:"background,omitzero"`
	Cache       *CacheDef     `json:"cache,omitzero"`
	Graph       *Def          `json:"graph,omitzero"`  // of a node that runs a graph: that graph
	Latch       bool          `json:"latch,omitzero"`  // an edge to it that was live stays live until it has run
	Lock        *tree.Node    `json:"lock,omitzero"`   // a text: of tasks with an equal one only one runs at a time
	Cancel      bool          `json:"cancel,omitzero"` // of a join that is `first`: the other sources are cancelled
	At          diag.Span     `json:"-"`               // of the node's name
	LatchAt     diag.Span     `json:"-"`
	CancelAt    diag.Span     `json:"-"`
}

// WriteDef is one entry of `writes`: a key of the state and the expression that
// gives its new value.
type WriteDef struct {
	Key  diag.Text `json:"key"`
	Expr diag.Text `json:"expr"`
	// Short marks an entry of the list form: Expr is output.KEY, null where the
	// output lacks it, and problems of it are reported at the key.
	Short bool `json:"short,omitzero"`
}

// JoinDef says when a node with several incoming edges runs. The zero value is
// `any`.
type JoinDef struct {
	Text diag.Text `json:"text,omitzero"` // any, all, none, first, at_least(N)
}

// ForEachDef runs a node once per element.
type ForEachDef struct {
	In        diag.Text `json:"in"`
	As        diag.Text `json:"as"` // default: item
	Key       diag.Text `json:"key,omitzero"`
	Max       diag.Text `json:"max,omitzero"`
	OnFailure diag.Text `json:"on_failure,omitzero"` // collect (default), fast, skip, keep
	Yield     diag.Text `json:"yield,omitzero"`      // what an element adds to the list `output`; default: its output
	Until     diag.Text `json:"until,omitzero"`      // a condition over `results` that ends it early
}

// CacheDef lets a node's result be used again within a stack.
type CacheDef struct {
	Key diag.Text     `json:"key"`
	TTL time.Duration `json:"ttl,omitzero"`
}

// EdgeDef is one edge as written; From, After and To may be lists.
type EdgeDef struct {
	From      []diag.Text `json:"from,omitzero"`  // flow; "start" or an empty list for the start of the cycle
	After     []diag.Text `json:"after,omitzero"` // order only
	To        []diag.Text `json:"to"`
	When      diag.Text   `json:"when,omitzero"`
	Else      bool        `json:"else,omitzero"`
	Outcome   diag.Text   `json:"outcome,omitzero"` // success (default), failure, always, unless_failed
	NextCycle bool        `json:"next_cycle,omitzero"`
	At        diag.Span   `json:"-"` // of the whole edge
	ElseAt    diag.Span   `json:"-"`
	NextAt    diag.Span   `json:"-"`
}

// PauseDef is the pause between two cycles. The zero value is 5 s.
type PauseDef struct {
	None     bool          `json:"none,omitzero"`
	Set      bool          `json:"set,omitzero"` // Active was written (it may be 0s)
	Active   time.Duration `json:"active,omitzero"`
	Idle     time.Duration `json:"idle,omitzero"`   // 0 means Active
	Factor   float64       `json:"factor,omitzero"` // default 2
	Template *tree.Node    `json:"template,omitzero"`
	At       diag.Span     `json:"-"`
}

// ScheduleDef is a cron expression in place of a pause.
type ScheduleDef struct {
	Cron     diag.Text `json:"cron,omitzero"` // a template over params may stand for it
	Timezone diag.Text `json:"timezone,omitzero"`
	CatchUp  diag.Text `json:"catch_up,omitzero"` // last (default), all, none
	AtStart  *bool     `json:"at_start,omitzero"` // default true
}

// StopDef ends a stack when its condition holds at the end of a cycle.
type StopDef struct {
	When   diag.Text `json:"when"`
	Status diag.Text `json:"status,omitzero"` // completed (default) or failed
	Reason string    `json:"reason,omitzero"`
}

// LimitsDef ends a stack that reaches one of its limits. 0 means no limit. Failures
// is nil for its default, and so is FailedPause.
type LimitsDef struct {
	Cycles   int           `json:"cycles,omitzero"`
	Duration time.Duration `json:"duration,omitzero"`
	Failures *int          `json:"failures,omitzero"` // failed cycles in a row; 0 means no limit
	NodeRuns int           `json:"node_runs,omitzero"`
	Tokens   int           `json:"tokens,omitzero"`
	Cost     float64       `json:"cost,omitzero"`

	FailedPause *time.Duration `json:"failed_pause,omitzero"` // the least pause after a failed cycle; it doubles with each in a row
}

// HistoryDef says how much of a stack's journal is kept: records older than either
// bound are deleted. 0 means no bound. The zero value keeps the last 1,000 cycles.
type HistoryDef struct {
	Cycles int           `json:"cycles,omitzero"`
	Age    time.Duration `json:"age,omitzero"`
}
