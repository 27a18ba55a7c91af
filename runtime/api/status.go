package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// Stack is one line of the list of stacks.
type Stack struct {
	Stack     string           `json:"stack"`
	Graph     string           `json:"graph"`
	Status    journal.Status   `json:"status"`
	Reason    string           `json:"reason"`
	Cycle     uint64           `json:"cycle"`
	Wave      uint64           `json:"wave"`
	Open      bool             `json:"open"`             // a cycle is under way
	Driven    bool             `json:"driven"`           // by the engine that answers
	WakeAt    time.Time        `json:"wake_at,omitzero"` // end of the pause between two cycles
	Waiting   []WaitingNode    `json:"waiting"`
	WaitsFor  []string         `json:"waits_for,omitzero"` // stacks that have to get as far first (fleet: lockstep)
	Parked    []journal.Parked `json:"parked,omitzero"`    // tasks not started again for a while: the engine died too often while they ran
	Inbox     int              `json:"inbox"`              // events that the next cycle takes in
	Counts    journal.Counts   `json:"counts"`
	CreatedAt time.Time        `json:"created_at"`
	Problem   string           `json:"problem,omitzero"` // why it cannot be read, is not driven any more, or waits for the store
	Cursor    *journal.Cursor  `json:"cursor,omitzero"`  // with ?full=true
}

// WaitingNode is a node that waits for somebody or something outside.
type WaitingNode struct {
	Node     string    `json:"node"`
	Kind     string    `json:"kind"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until,omitzero"`
	Due      time.Time `json:"due,omitzero"`
	Event    string    `json:"event,omitzero"`
	With     Value     `json:"with"` // of an approval: {"prompt": …}
	Answered bool      `json:"answered"`
}

// StackStatus is a stack with what runs of it.
type StackStatus struct {
	Stack
	Tasks     []Task     `json:"tasks"`
	LastError *TaskError `json:"last_error,omitzero"`
	Refused   string     `json:"refused,omitzero"` // why it did not take up the changed graph
}

// Task is one of the present cycle, or one that goes on from an earlier one.
type Task struct {
	Node    string            `json:"node"`
	Item    string            `json:"item,omitzero"`
	Cycle   uint64            `json:"cycle"`
	Wave    uint64            `json:"wave"`
	State   runtime.TaskState `json:"state"`
	Attempt int               `json:"attempt"`
	Since   time.Time         `json:"since"`
	RetryAt time.Time         `json:"retry_at,omitzero"`
	// Of one that is finished.
	Status   string   `json:"status,omitzero"`
	Duration int64    `json:"duration_ms,omitzero"`
	Error    *Failure `json:"error,omitzero"`
	// Previous are the attempts that failed and were followed by another.
	Previous []Attempt `json:"previous,omitzero"`
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
}

func taskOf(t *runtime.TaskStatus) Task {
	out := Task{Node: t.Node, Item: t.Item, Cycle: t.Cycle, Wave: t.Wave, State: t.State, Attempt: t.Attempt,
		Since: t.Since, RetryAt: t.RetryAt, Status: t.Status, Duration: t.Took.Milliseconds()}
	if e := t.Error; e != nil {
		out.Error = &Failure{e.Kind, e.Message}
	}
	for _, p := range t.Previous {
		out.Previous = append(out.Previous, Attempt{p.Attempt, p.At, p.Took.Milliseconds(), Failure{p.Error.Kind, p.Error.Message}})
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
}

func stackOf(s runtime.Status, full bool) Stack {
	c := s.Cursor
	out := Stack{
		Stack: s.Stack, Graph: s.Graph, Status: c.Status, Reason: c.Reason, Cycle: c.Cycle, Wave: c.Wave, Open: c.Open,
		Driven: s.Driven, Waiting: []WaitingNode{}, WaitsFor: s.WaitsFor, Parked: c.Parked, Inbox: c.Inbox, Counts: c.Counts, CreatedAt: s.CreatedAt,
	}
	if full {
		out.Cursor = &c
	}
	if !c.Open && !c.Status.Ended() {
		out.WakeAt = c.WakeAt
	}
	for _, w := range c.Waiting {
		out.Waiting = append(out.Waiting, WaitingNode{w.Node, w.Kind, w.Since, w.Until, w.Due, w.Event, Value{w.With}, w.Answered})
	}
	if s.Problem != nil {
		out.Problem = s.Problem.Error()
	}
	return out
}

func statusBody(s runtime.Status, full bool) StackStatus {
	out := StackStatus{Stack: stackOf(s, full), Tasks: []Task{}}
	for i := range s.Tasks {
		out.Tasks = append(out.Tasks, taskOf(&s.Tasks[i]))
	}
	if e := s.LastError; e != nil {
		out.LastError = &TaskError{e.Cycle, e.Wave, e.Node, e.Item, e.At, e.Error.Kind, e.Error.Message}
	}
	if s.Refused != nil {
		out.Refused = s.Refused.Error()
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

func (h *Handler) listStacks(w http.ResponseWriter, r *http.Request, _ params) error {
	q, err := queryOf(r, "graph", "status", "full")
	if err != nil {
		return err
	}
	full, err := flagOf(q, "full")
	if err != nil {
		return err
	}
	out := listWriter{w: w, head: `{"stacks":[`}
	err = h.rt.List(r.Context(), func(s runtime.Status) error {
		if (q["graph"] == "" || q["graph"] == s.Graph) && (q["status"] == "" || q["status"] == string(s.Cursor.Status)) {
			return out.add(stackOf(s, full))
		}
		return nil
	})
	return out.end(err, "]}\n")
}

// listWriter writes a list as it comes, however long it is.
type listWriter struct {
	w     http.ResponseWriter
	head  string
	buf   []byte
	begun bool // the answer
	some  bool
}

// listBuffer is how much is written at a time.
const listBuffer = 32 << 10

func (l *listWriter) add(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return errorf(CodeInternal, "cannot write the answer: %v", err)
	}
	if l.some {
		l.buf = append(l.buf, ',')
	} else {
		l.buf = append(l.buf, l.head...)
	}
	l.some = true
	if l.buf = append(l.buf, b...); len(l.buf) < listBuffer {
		return nil
	}
	return l.flush()
}

func (l *listWriter) flush() error {
	if !l.begun {
		l.begun = true
		l.w.Header().Set("Content-Type", jsonType)
	}
	giveTime(l.w)
	_, err := l.w.Write(l.buf)
	if l.buf = l.buf[:0]; err != nil {
		return errGone
	}
	return nil
}

// end finishes the list, or says why there is none. A list that has begun and
// cannot be finished breaks off, which its reader notices.
func (l *listWriter) end(err error, tail string) error {
	switch {
	case errors.Is(err, errGone):
		return nil
	case err != nil && l.begun:
		return nil
	case err != nil:
		return err
	}
	if !l.some {
		l.buf = append(l.buf, l.head...)
	}
	l.buf = append(l.buf, tail...)
	_ = l.flush() // nobody needs an answer who has gone
	return nil
}

func (h *Handler) stackStatus(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := queryOf(r, "full")
	if err != nil {
		return err
	}
	full, err := flagOf(q, "full")
	if err != nil {
		return err
	}
	s, err := h.rt.Status(r.Context(), p["stack"])
	if err != nil {
		return err
	}
	return reply(w, statusBody(s, full))
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
}

func graphOf(g *graph.Graph) Graph {
	out := Graph{g.Name, g.Hash, g.Def.File, []Param{}}
	for _, p := range g.Params {
		out.Params = append(out.Params, Param{p.Name, p.Type.String(), !p.HasDefault})
	}
	return out
}

type graphsBody struct {
	Graphs []Graph `json:"graphs"`
}

func (h *Handler) listGraphs(w http.ResponseWriter, r *http.Request, _ params) error {
	body := graphsBody{[]Graph{}}
	if h.o.Graphs != nil {
		for _, name := range h.o.Graphs.Names() {
			if g, _, ok := h.o.Graphs.Graph(name); ok {
				body.Graphs = append(body.Graphs, graphOf(g))
			}
		}
	}
	return reply(w, body)
}

// Pool is how a pool stands.
type Pool struct {
	Graph     string `json:"graph"`
	Pool      string `json:"pool"`
	Parallel  int    `json:"parallel"` // 0: on hold
	Rate      int    `json:"rate"`     // tasks per rate_per_ms; 0: no limit
	RatePerMS int64  `json:"rate_per_ms"`
	Running   int    `json:"running"`
	Queued    int    `json:"queued"`
	OldestMS  int64  `json:"oldest_wait_ms"`
}

type poolsBody struct {
	Pools []Pool `json:"pools"`
}

func (h *Handler) listPools(w http.ResponseWriter, _ *http.Request, _ params) error {
	body := poolsBody{[]Pool{}}
	for _, p := range h.rt.PoolStatus() {
		body.Pools = append(body.Pools, Pool{p.Graph, p.Pool, p.Parallel, p.Rate, p.Per.Milliseconds(),
			p.Running, p.Queued, p.OldestWait.Milliseconds()})
	}
	return reply(w, body)
}
