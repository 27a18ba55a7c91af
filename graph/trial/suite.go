package trial

import (
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// Suite is a file of tests about one graph. Values are trees, so that problems have their
// places; tree.Of builds those of a suite that a program makes.
//
// In expectations a nil value expects nothing, and a null one is empty: it is to be filled
// with what happens (Run).
type Suite struct {
	File  string    // its name in diagnostics; "" if a program made it
	Graph diag.Text // the graph file, relative to the folder of File
	Tests []Test
}

// Test is one stack and what is expected of it.
type Test struct {
	Name    diag.Text // not empty, and no other test of its suite has it
	At      diag.Span // of the whole
	Stack   diag.Text // id of the stack; "" means the name of the graph
	Start   diag.Text // when it is created, RFC 3339; "" means 2030-01-01T00:00:00Z
	Params  *tree.Node
	State   *tree.Node // initial values of keys
	Replies []Replies
	Steps   []Step // none runs the stack to its end
	End     *End
	Never   []diag.Text // of Nevers: what must not happen
}

// Replies are what the tasks of a node come to.
type Replies struct {
	For  diag.Text // NODE, NODE[KEY], NODE/INNER: a journal.Place
	List bool      // one after the other, and then none; otherwise the only one for ever
	All  []Reply
}

// Reply is what one attempt of one task comes to: Output, or Error.
type Reply struct {
	At       diag.Span
	Output   *tree.Node // nil and no Error: null
	Messages *tree.Node // of an agent: what it adds to the conversation; nil for nothing
	Error    *Failure
	After    time.Duration // how long the attempt takes
	Usage    Usage
}

// Failure is how an attempt fails.
type Failure struct {
	Kind      diag.Text // "" means error
	Message   string
	Code      *int64  // the exit code, or the HTTP status
	Output    *string // what the work had given out until then; nil means nothing
	Permanent bool    // no other attempt follows
}

// Usage is what an attempt uses. What an agent's `writes` see of it is Turns and the rest.
type Usage struct {
	Tokens       int64
	Cost         float64
	Turns, Calls int64
	Input        int64 // tokens that the model read; 0 without Written means Tokens
	Written      int64 // tokens that the model wrote
}

// value is the usage as the `writes` of an agent see it.
func (u *Usage) value() map[string]any {
	input := u.Input
	if input == 0 && u.Written == 0 {
		input = u.Tokens
	}
	return map[string]any{"turns": max(u.Turns, 1), "calls": u.Calls, "input_tokens": input, "output_tokens": u.Written, "cost": u.Cost, "estimated": false}
}

// usageOf adds to a usage what an agent said of it.
func usageOf(said any, u Usage) Usage {
	fields, _ := said.(map[string]any)
	u.Turns, _ = fields["turns"].(int64)
	u.Calls, _ = fields["calls"].(int64)
	u.Input, _ = fields["input_tokens"].(int64)
	u.Written, _ = fields["output_tokens"].(int64)
	if cost, ok := fields["cost"].(float64); ok {
		u.Cost = cost
	}
	u.Tokens = max(u.Tokens, u.Input+u.Written)
	return u
}

// Does says what a step does.
type Does string

const (
	CycleStep   Does = "cycle"   // goes to the end of the next cycle, or of the open one
	ExpectStep  Does = "expect"  // conditions hold
	SendStep    Does = "send"    // events come
	FilesStep   Does = "files"   // files come
	ApproveStep Does = "approve" // a person says yes
	RejectStep  Does = "reject"  // and no
	WakeStep    Does = "wake"    // the pause ends
	CancelStep  Does = "cancel"  // a task ends, or the stack
	PauseStep   Does = "pause"   // no wave begins any more
	ResumeStep  Does = "resume"  // the stack continues
	StopStep    Does = "stop"    // the stack ends with its open wave
	WaitStep    Does = "wait"    // time passes
	CrashStep   Does = "crash"   // all ends at once, and the store is opened again
)

// Steps lists what a step may do, in the order of the docs.
var Steps = []Does{CycleStep, ExpectStep, SendStep, FilesStep, ApproveStep, RejectStep, WakeStep, CancelStep, PauseStep, ResumeStep, StopStep, WaitStep, CrashStep}

// Step is one step of a test.
type Step struct {
	Does   Does
	At     diag.Span
	Cycle  Cycle         // of a cycle
	Expect *tree.Node    // conditions: a text or a list of texts
	Send   *tree.Node    // a mapping of events to payloads
	Files  *tree.Node    // a path, or a list of paths and of {path, size}
	Answer Answer        // of approve and reject
	Node   diag.Text     // of cancel: the task, "" for the stack; of crash: the node after whose end it comes, "" for now
	For    time.Duration // of wait
}

// Cycle is what is expected of a cycle. Nodes of graphs within are NODE/INNER.
type Cycle struct {
	Waves    *tree.Node // a list of lists of nodes; in a wave they are in any order
	Skipped  *tree.Node // a mapping of nodes to the reasons why they did not run
	Attempts *tree.Node // a mapping of nodes to how many attempts they took
	Sent     *tree.Node // a list of {to, event, payload}
	Empty    *tree.Node // a null in place of all of them
}

// Answer is a person's answer.
type Answer struct {
	Node    diag.Text // NODE, NODE[KEY], NODE/INNER
	Value   *tree.Node
	Comment *tree.Node // a text
	By      *tree.Node // a text
	Call    diag.Text  // of a call that needs a word; "" for the only one
}

// End is where the stack stands after the steps.
type End struct {
	At     diag.Span
	Status *tree.Node // running, paused, completed, failed or cancelled
	Reason *tree.Node // a text
	Cycles *tree.Node // how many finished cycles
	State  *tree.Node // a mapping of keys to their values; others may have any
	Empty  *tree.Node // a null in place of all of them
}

// What a test can say that must not happen.
const (
	Stuck          = "stuck"           // nothing can bring the stack on any more, and it has not ended
	ConditionError = "condition-error" // a condition fails to evaluate
	SchemaFault    = "schema"          // a node fails with kind schema
	LimitReached   = "limit"           // a limit ends the stack, or a node fails with kind limit
	ExpressionFail = "expression"      // a node fails with kind expression, or its elements cannot be listed
	Grows          = "grows"           // a key without `keep` becomes larger with the cycles; told after FarCycles
)

// Nevers lists what can stand in `never`, in the order of the docs.
var Nevers = []string{Stuck, ConditionError, SchemaFault, LimitReached, ExpressionFail, Grows}

// DefaultStart is when stacks of tests are created.
var DefaultStart = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// MaxCycles is how many cycles a test without steps may take, and one step of any other.
const MaxCycles = 1000
