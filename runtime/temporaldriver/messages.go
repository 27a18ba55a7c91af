package temporaldriver

import (
	"encoding/json"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// What travels between workflows, activities and clients is JSON, so that the pages of a
// cluster show it. Values are canonical on both sides: package graph/value reads and writes them.

// The names that a cluster shows, and that its own tools may use.
const (
	WorkflowType = "graphrun.stack"  // the type of the workflows of stacks
	taskType     = "graphrun.task"   // the activity that does the work of one attempt
	noticeType   = "graphrun.notice" // the activity that delivers a notice to a hook
	watchType    = "graphrun.watch"  // the activity that looks for files

	updateName  = "command" // an update: somebody commands, sends or answers, and waits for the reply
	eventName   = "event"   // a signal: an event of another stack, or of a tool of the cluster
	parentName  = "parent"  // a signal to the stack of a node: what its parent wants
	childName   = "child"   // a signal to a parent: how the stack of a node or of a call stands
	askName     = "ask"     // a signal of a running attempt: calls need a person's word
	readName    = "read"    // a query: what package inspect reads of a stack
	capacitySig = "slots"   // a signal of a limiter: how many slots of a pool the stack has
)

// Input is what the workflow of a stack begins with.
type Input struct {
	Graph    journal.StoredGraph `json:"graph"`
	Identity journal.Identity    `json:"identity"`
	State    value.Value         `json:"state,omitzero"` // initial values of keys that differ from the graph's
	By       string              `json:"by,omitempty"`
	Taken    time.Time           `json:"taken,omitzero"` // when the graph was given to the stack, or to the one around it; the zero time means now
	Parent   *parent             `json:"parent,omitempty"`
	Around   *around             `json:"around,omitempty"`
	Carried  *carried            `json:"carried,omitempty"` // by the workflow before this one
}

// parent is the task that a stack does the work of.
type parent struct {
	Stack   string `json:"stack"`
	Cycle   uint64 `json:"cycle"`
	Wave    uint64 `json:"wave"`
	Node    string `json:"node"`
	Item    string `json:"item,omitempty"`
	Attempt int    `json:"attempt"`
	Call    string `json:"call,omitempty"` // the numbers of the call that it does the work of; "" for the task itself
	Metered bool   `json:"metered,omitempty"`

	Locks map[string]string `json:"locks,omitempty"` // see locksWithin
}

func (p *parent) attempt() attemptID {
	return attemptID{journal.TaskKey{Cycle: p.Cycle, Wave: p.Wave, Node: p.Node, Item: p.Item}, p.Attempt}
}

// around is where the work of a stack is that does it for another one, and whom the stacks around
// it want to hear of questions.
type around struct {
	Stack string       `json:"stack"` // the outermost one
	Graph string       `json:"graph"`
	Place string       `json:"place"`
	Hooks []graph.Hook `json:"hooks,omitempty"`
}

// Output is what the workflow of a stack that has ended gives.
type Output struct {
	Status journal.Status `json:"status"`
	Reason string         `json:"reason,omitempty"`
	Cursor journal.Cursor `json:"cursor"`
	State  value.Value    `json:"state"`
}

// taskInput is one attempt of a task.
type taskInput struct {
	Identity journal.Identity  `json:"identity"` // of the stack
	Hash     string            `json:"hash"`     // of the graph
	Cycle    uint64            `json:"cycle"`
	Wave     uint64            `json:"wave"`
	Node     string            `json:"node"`
	Item     string            `json:"item,omitempty"`
	Attempt  int               `json:"attempt"`
	Rerun    bool              `json:"rerun,omitempty"`
	With     value.Value       `json:"with,omitzero"` // as graph.Carry gives it
	Steps    []json.RawMessage `json:"steps,omitempty"`
	Void     int               `json:"void,omitempty"`
	Words    []json.RawMessage `json:"words,omitempty"`
	Metered  bool              `json:"metered,omitempty"` // limits count what stacks of calls use
	Locks    map[string]string `json:"locks,omitempty"`   // for the stacks of calls, see locksWithin
	Tokens   *int64            `json:"left_tokens,omitempty"`
	Cost     *float64          `json:"left_cost,omitempty"`
}

func (in *taskInput) attempt() attemptID {
	return attemptID{journal.TaskKey{Cycle: in.Cycle, Wave: in.Wave, Node: in.Node, Item: in.Item}, in.Attempt}
}

// taskResult is how an attempt ended: with an output, a failure, or held, or because its worker
// stops.
type taskResult struct {
	Output  value.Value       `json:"output,omitzero"`
	Talk    *talk             `json:"talk,omitempty"`
	Memory  []memoryWrite     `json:"memory,omitempty"`
	Failure *failure          `json:"failure,omitempty"`
	Held    bool              `json:"held,omitempty"`
	CutOff  bool              `json:"cut_off,omitempty"`
	Wait    time.Duration     `json:"wait,omitempty"`
	Tokens  int64             `json:"tokens,omitempty"`
	Cost    float64           `json:"cost,omitempty"`
	Steps   []json.RawMessage `json:"steps,omitempty"` // recorded in this attempt, oldest first
	Used    []callUsage       `json:"used,omitempty"`  // by the stacks of calls
}

// size is about how many bytes of it a stack records.
func (r *taskResult) size() int {
	n := r.Output.Size()
	if r.Talk != nil {
		n += r.Talk.Messages.Size()
	}
	for _, s := range r.Steps {
		n += len(s)
	}
	return n
}

type talk struct {
	Messages value.Value `json:"messages"`
	Usage    value.Value `json:"usage"`
}

type memoryWrite struct {
	Memory string      `json:"memory"`
	ID     string      `json:"id"`
	Text   string      `json:"text,omitempty"`
	Data   value.Value `json:"data,omitzero"`
	Model  string      `json:"model,omitempty"`
	Vector string      `json:"vector,omitempty"`
	Delete bool        `json:"delete,omitempty"`
}

func memoryWriteOf(m *journal.MemoryWrite) memoryWrite {
	data, err := value.Of(m.Data)
	if err != nil {
		panic(err) // it was canonical
	}
	return memoryWrite{m.Memory, m.ID, m.Text, data, m.Model, m.Vector, m.Delete}
}

func (m *memoryWrite) journal() journal.MemoryWrite {
	return journal.MemoryWrite{Memory: m.Memory, ID: m.ID, Text: m.Text, Data: m.Data.Any(), Model: m.Model, Vector: m.Vector, Delete: m.Delete}
}

// memoryWrites are runtime.MemoryWrites as they are recorded.
type memoryWrites struct {
	Ref    journal.MemoryRef `json:"ref"`
	Keep   int               `json:"keep,omitempty"`
	Writes []memoryWrite     `json:"writes"`
}

func memoryWritesOf(m *runtime.MemoryWrites) memoryWrites {
	w := memoryWrites{Ref: m.Ref, Keep: m.Keep}
	for i := range m.Writes {
		w.Writes = append(w.Writes, memoryWriteOf(&m.Writes[i]))
	}
	return w
}

func (w *memoryWrites) runtime() runtime.MemoryWrites {
	m := runtime.MemoryWrites{Ref: w.Ref, Keep: w.Keep}
	for i := range w.Writes {
		m.Writes = append(m.Writes, w.Writes[i].journal())
	}
	return m
}

// failure is a journal.Failure of an attempt.
type failure struct {
	Kind      string  `json:"kind"`
	Message   string  `json:"message"`
	Permanent bool    `json:"permanent,omitempty"`
	Limit     string  `json:"limit,omitempty"`
	Code      *int64  `json:"code,omitempty"`
	Output    *string `json:"output,omitempty"`
}

func (f *failure) journal() journal.Failure {
	return journal.Failure{Kind: f.Kind, Message: f.Message, Permanent: f.Permanent, Limit: f.Limit, Code: f.Code, Output: f.Output}
}

func failureOf(f journal.Failure) *failure {
	return &failure{Kind: f.Kind, Message: f.Message, Permanent: f.Permanent, Limit: f.Limit, Code: f.Code, Output: f.Output}
}

// callUsage is what the stack of a call has used.
type callUsage struct {
	Call   string         `json:"call"`
	Nonce  string         `json:"nonce"`
	Counts journal.Counts `json:"counts"`
}

// command is an update: what somebody wants of a stack.
type command struct {
	Do      string      `json:"do"`
	By      string      `json:"by,omitempty"`
	ID      string      `json:"id,omitempty"`
	Event   string      `json:"event,omitempty"`
	Payload value.Value `json:"payload,omitzero"`
	Node    string      `json:"node,omitempty"`
	Item    string      `json:"item,omitempty"`
	Call    string      `json:"call,omitempty"`
	For     string      `json:"for,omitempty"`
	Args    value.Value `json:"args,omitzero"`
	HasArgs bool        `json:"has_args,omitempty"`
	Output  value.Value `json:"output,omitzero"`
	Reason  string      `json:"reason,omitempty"`

	Graph *journal.StoredGraph `json:"graph,omitempty"`
}

// What a command may want.
const (
	doSend       = "send"
	doAnswer     = "answer"
	doPause      = "pause"
	doResume     = "resume"
	doWake       = "wake"
	doStop       = "stop"
	doCancel     = "cancel"
	doCancelTask = "cancel_task"
	doAdopt      = "adopt"
)

// reply is the answer to a command; without an error it has taken effect.
type reply struct {
	Refused *wireError `json:"refused,omitempty"`
	Pending bool       `json:"pending,omitempty"` // a changed graph is adopted when the cycle has ended
}

// eventSignal is an event of another stack.
type eventSignal struct {
	ID      string      `json:"id,omitempty"`
	Event   string      `json:"event"`
	Payload value.Value `json:"payload,omitzero"`
}

// parentSignal is what a parent wants of the stack of its node.
type parentSignal struct {
	Standing byte   `json:"standing"`
	Reason   string `json:"reason,omitempty"`
	End      int    `json:"end,omitempty"` // how often the node has ended
	Wake     bool   `json:"wake,omitempty"`
	Metered  bool   `json:"metered,omitempty"`
}

// childSignal is how the stack of a node, or of a call, stands.
type childSignal struct {
	Of     parent         `json:"of"`
	Nonce  string         `json:"nonce"`
	Counts journal.Counts `json:"counts"`
	Rests  bool           `json:"rests,omitempty"` // it only waits for somebody outside
	End    *Output        `json:"end,omitempty"`
}

// askSignal says that calls of a running attempt need a person's word.
type askSignal struct {
	Of    parent        `json:"of"` // Stack is not set
	Calls []callMessage `json:"calls,omitempty"`
}

type callMessage struct {
	ID   string      `json:"id"`
	Tool string      `json:"tool"`
	Args value.Value `json:"args,omitzero"`
}
