package api

import (
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// Stack is one line of the list of stacks.
type Stack struct {
	Stack     string           `json:"stack"`
	Graph     string           `json:"graph"`
	Parent    string           `json:"parent,omitzero"`   // of a stack that does the work of a node: the stack that Path is in
	Path      string           `json:"path,omitzero"`     // of that node
	Children  []Child          `json:"children,omitzero"` // that are not over
	Status    journal.Status   `json:"status"`
	Stopping  bool             `json:"stopping,omitzero"` // it ends when its open wave is committed, or when what runs is gone
	Ending    bool             `json:"ending,omitzero"`   // the nodes of `finally` run; how it ends is decided
	Reason    string           `json:"reason"`
	Cycle     uint64           `json:"cycle"`
	Wave      uint64           `json:"wave"`
	Open      bool             `json:"open"`             // a cycle is under way
	Driven    bool             `json:"driven"`           // by the engine that answers
	WakeAt    time.Time        `json:"wake_at,omitzero"` // end of the pause between two cycles
	Waiting   []WaitingNode    `json:"waiting"`
	WaitsFor  []string         `json:"waits_for,omitzero"` // stacks that have to get as far first (fleet: lockstep)
	Parked    []journal.Parked `json:"parked,omitzero"`    // tasks not started again for a while: the engine died too often while they ran
	Inbox     int              `json:"inbox"`              // events that the next cycle applies
	Queued    map[string]int   `json:"queued,omitzero"`    // by event: payloads that no wait has taken yet; events without any are left out
	Counts    Counts           `json:"counts"`
	CreatedAt time.Time        `json:"created_at"`
	Problem   string           `json:"problem,omitzero"` // why it cannot be read, is not driven any more, or waits for the store
	Cursor    *journal.Cursor  `json:"cursor,omitzero"`  // with ?full=true
}

// Counts are totals over the life of a stack.
type Counts struct {
	Cycles   uint64  `json:"cycles"` // finished cycles
	Waves    uint64  `json:"waves"`
	NodeRuns uint64  `json:"node_runs"`
	Failures uint64  `json:"failures"` // nodes that failed
	Tokens   int64   `json:"tokens"`
	Cost     float64 `json:"cost"`
}

// WaitingNode is a node that waits for somebody or something outside.
type WaitingNode struct {
	ID       string    `json:"id"`             // of the question or wait; the same over restarts
	Path     string    `json:"path"`           // NODE, or NODE[KEY] for an element; within a child NODE/INNER
	Stack    string    `json:"stack,omitzero"` // the child, if it is one's
	Node     string    `json:"node"`
	Item     string    `json:"item,omitzero"` // the element's key
	Kind     string    `json:"kind"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until,omitzero"`
	Due      time.Time `json:"due,omitzero"`
	Event    string    `json:"event,omitzero"`
	Events   []string  `json:"events,omitzero"` // of a wait for a list of events
	Files    string    `json:"files,omitzero"`  // the pattern of the files that it waits for
	With     Value     `json:"with"`            // of an approval: {"prompt": …}
	Answered bool      `json:"answered"`
	Prompt   string    `json:"prompt,omitzero"` // what a person is asked
	Calls    []Call    `json:"calls,omitzero"`  // of an agent: those that still need a word
}

// Call is a call of a tool that needs a person's word.
type Call struct {
	ID   string `json:"id"`
	Tool string `json:"tool"`
	Args Value  `json:"args"`
}

// StackStatus is a stack with what runs of it, and of the stacks within it: what those
// wait for is in Waiting too.
type StackStatus struct {
	Stack
	Tasks     []Task     `json:"tasks"`
	Elements  []Elements `json:"elements,omitzero"` // failed ones in the present cycle, by node; of a node once it is committed
	LastError *TaskError `json:"last_error,omitzero"`
	Refused   string     `json:"refused,omitzero"` // why it did not adopt the changed graph

	Limits journal.Limits `json:"limits,omitzero"` // set when it was retried, in place of the graph's
}

// Task is a task of the current cycle, or one from an earlier cycle that still runs.
type Task struct {
	Path    string            `json:"path"` // as that of a WaitingNode
	Stack   string            `json:"stack,omitzero"`
	Node    string            `json:"node"`
	Item    string            `json:"item,omitzero"`
	Cycle   uint64            `json:"cycle"`
	Wave    uint64            `json:"wave"`
	State   runtime.TaskState `json:"state"`
	Attempt int               `json:"attempt"`
	Since   time.Time         `json:"since"`
	RetryAt time.Time         `json:"retry_at,omitzero"`
	Behind  *Behind           `json:"behind,omitzero"` // the task that has the slot or the lock; nil unless this one is queued for it
	Slot    *inspect.Slot     `json:"slot,omitzero"`   // what it is queued for; nil for a task that is not queued
	Tokens  int64             `json:"tokens"`          // that its attempts have used, as far as it is recorded
	Cost    float64           `json:"cost"`
	// Set if the task is finished.
	Status   string   `json:"status,omitzero"`
	Duration int64    `json:"duration_ms,omitzero"`
	Error    *Failure `json:"error,omitzero"`
	// Previous are the attempts that failed and were followed by another.
	Previous []Attempt `json:"previous,omitzero"`
}

// Behind is a task that another one waits behind.
type Behind struct {
	Stack string `json:"stack"`
	Node  string `json:"node"`
	Item  string `json:"item,omitzero"`
}

// Elements says how many elements of a node with for_each failed.
type Elements struct {
	Node   string `json:"node"`
	Failed int    `json:"failed"`
	Of     int    `json:"of"`
}

// Attempt is one that failed.
type Attempt struct {
	Attempt  int       `json:"attempt"`
	At       time.Time `json:"at"` // of its end
	Duration int64     `json:"duration_ms"`
	Error    Failure   `json:"error"`
}

// Failure is why an attempt failed.
type Failure struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Code    *int64 `json:"code,omitempty"` // the exit code, or the status of a response
	Path    string `json:"path,omitzero"`  // the place within the node's graph
}

func failureOf(f *journal.Failure) Failure { return Failure{f.Kind, f.Message, f.Code, f.Path} }

func taskOf(t *runtime.TaskStatus) Task {
	out := Task{Path: journal.Spot{Node: t.Node, Item: t.Item}.String(), Node: t.Node, Item: t.Item, Cycle: t.Cycle, Wave: t.Wave, State: t.State, Attempt: t.Attempt,
		Since: t.Since, RetryAt: t.RetryAt, Tokens: t.Tokens, Cost: t.Cost, Status: t.Status, Duration: t.Took.Milliseconds()}
	out.Slot = t.Slot
	if b := t.Behind; b != nil {
		out.Behind = &Behind{b.Stack, b.Node, b.Item}
	}
	if e := t.Error; e != nil {
		failure := failureOf(e)
		out.Error = &failure
	}
	for _, p := range t.Previous {
		out.Previous = append(out.Previous, Attempt{p.Attempt, p.At, p.Took.Milliseconds(), failureOf(&p.Error)})
	}
	return out
}

// TaskError is the last failure of a stack.
type TaskError struct {
	Cycle   uint64    `json:"cycle"`
	Wave    uint64    `json:"wave"`
	Node    string    `json:"node"`
	Item    string    `json:"item,omitzero"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Message string    `json:"message"`
	Code    *int64    `json:"code,omitempty"` // the exit code, or the status of a response
	Path    string    `json:"path,omitzero"`  // the place within the node's graph
}

func stackOf(s runtime.Status, full bool) Stack {
	c := s.Cursor
	out := Stack{
		Stack: s.Stack, Graph: s.Graph, Status: c.Status, Reason: c.Reason, Cycle: c.Cycle, Wave: c.Wave, Open: c.Open,
		Driven: s.Driven, Waiting: []WaitingNode{}, WaitsFor: s.WaitsFor, Parked: c.Parked, Inbox: c.Inbox, Counts: Counts(c.Counts), CreatedAt: s.CreatedAt,
	}
	for _, q := range c.Queued {
		if out.Queued == nil {
			out.Queued = map[string]int{}
		}
		out.Queued[q.Event] = q.N
	}
	if full {
		out.Cursor = &c
	}
	out.Ending = c.Finally != nil
	out.Stopping = !c.Status.Ended() && !out.Ending && (c.Stopping != "" || c.Closing != nil)
	if !c.Open && !c.Status.Ended() {
		out.WakeAt = c.WakeAt
	}
	for i := range c.Waiting {
		out.Waiting = append(out.Waiting, waitingNode(&c.Waiting[i]))
	}
	for _, w := range c.Questions() {
		if w.Kind != "approval" && w.Kind != "wait" {
			out.Waiting = append(out.Waiting, waitingNode(&w))
		}
	}
	if s.Problem != nil {
		out.Problem = said(s.Problem)
	}
	return out
}

func waitingNode(w *journal.Waiting) WaitingNode {
	out := WaitingNode{ID: w.ID(), Path: w.Place(), Node: w.Node, Item: w.Item, Kind: w.Kind, Since: w.Since, Until: w.Until,
		Due: w.Due, Event: w.Event, Events: w.Events, Files: w.Files, With: Value{w.With}, Answered: w.Answered, Prompt: w.Prompt()}
	for _, c := range w.Calls {
		out.Calls = append(out.Calls, Call{c.ID, c.Tool, Value{c.Args}})
	}
	return out
}

func statusBody(s runtime.Status, full bool) StackStatus {
	out := StackStatus{Stack: stackOf(s, full), Tasks: []Task{}}
	if r := s.Cursor.Reopened; r != nil {
		out.Limits = r.Limits
	}
	for i := range s.Tasks {
		out.Tasks = append(out.Tasks, taskOf(&s.Tasks[i]))
	}
	for _, e := range s.Failed {
		out.Elements = append(out.Elements, Elements(e))
	}
	if e := s.LastError; e != nil {
		out.LastError = &TaskError{e.Cycle, e.Wave, e.Node, e.Item, e.At, e.Error.Kind, e.Error.Message, e.Error.Code, e.Error.Path}
	}
	if s.Refused != nil {
		out.Refused = said(s.Refused)
	}
	return out
}

// summary is what a store would say of the stack, but for its params.
func (s Stack) summary() runtime.Summary {
	out := runtime.Summary{Identity: journal.Identity{Stack: s.Stack, Graph: s.Graph, CreatedAt: s.CreatedAt}}
	if s.Problem != "" && !s.Driven {
		out.Err = &Error{CodeStore, s.Problem}
	}
	if s.Cursor != nil {
		out.Cursor = *s.Cursor
	}
	return out
}

func (c *call) stackStatus() (StackStatus, error) {
	full, err := c.flag("full")
	if err != nil {
		return StackStatus{}, err
	}
	s, err := c.engine.Status(c.ctx, c.stack())
	if err != nil {
		return StackStatus{}, err
	}
	out := statusBody(s, full)
	if err := c.addChildren(&out); err != nil {
		return StackStatus{}, err
	}
	return out, c.hideTasks(out.Tasks)
}

// Graph is one that stacks can be started of by name.
type Graph struct {
	Graph string `json:"graph"`
	Hash  string `json:"hash"`
	File  string `json:"file"`
	// Params are what a stack of it takes.
	Params []Param `json:"params"`
}

// Param is a parameter of a graph.
type Param struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
	Text     bool   `json:"text"` // on a command line its value is text as it is; otherwise it is JSON
}

// ReadParam is the value that text stands for on a command line: what
// graph.Graph.ReadParam says where the graph is served.
func (g *Graph) ReadParam(name, text string) (any, error) {
	for _, p := range g.Params {
		if p.Name == name {
			return graph.ReadParam(text, p.Text)
		}
	}
	if v, err := graph.ReadParam(text, false); err == nil {
		return v, nil
	}
	return graph.ReadParam(text, true)
}

func graphOf(g *graph.Graph) Graph {
	out := Graph{g.Name, g.Hash, g.Def.File, []Param{}}
	for _, p := range g.Params {
		out.Params = append(out.Params, Param{p.Name, p.Type.String(), !p.HasDefault, p.TakesText()})
	}
	return out
}

type graphsBody struct {
	Graphs []Graph `json:"graphs"`
}

func (c *call) listGraphs() (graphsBody, error) {
	body := graphsBody{[]Graph{}}
	if c.o.Graphs == nil {
		return body, nil
	}
	for _, name := range c.graphNames() {
		if g, _, ok := c.o.Graphs.Graph(name); ok {
			body.Graphs = append(body.Graphs, graphOf(g))
		}
	}
	return body, nil
}

// Pool is how a pool stands.
type Pool struct {
	Graph     string `json:"graph"`
	Pool      string `json:"pool"`
	Parallel  int    `json:"parallel"` // 0 holds the pool
	Rate      int    `json:"rate"`     // tasks per rate_per_ms; 0 means no limit
	RatePerMS int64  `json:"rate_per_ms"`
	Running   int    `json:"running"`
	Queued    int    `json:"queued"`
	OldestMS  int64  `json:"oldest_wait_ms"`
}

type poolsBody struct {
	Pools []Pool `json:"pools"`
}

func (c *call) listPools() (poolsBody, error) {
	body := poolsBody{[]Pool{}}
	engine, err := can[Pooler](c, "show pools")
	if err != nil {
		return body, err
	}
	for _, p := range engine.PoolStatus() {
		if !c.seesGraph(p.Graph) {
			continue
		}
		body.Pools = append(body.Pools, Pool{p.Graph, p.Pool, p.Parallel, p.Rate, p.Per.Milliseconds(),
			p.Running, p.Queued, p.OldestWait.Milliseconds()})
	}
	return body, nil
}
