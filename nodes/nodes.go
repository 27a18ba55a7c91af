package nodes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
)

// Node does the work of one kind. Run is called once per attempt, from many
// goroutines at once. It must return soon after ctx is cancelled, and may panic
// but not end its goroutine (runtime.Goexit). Engines do not call it themselves:
// the function Run does, and tames what comes back.
type Node interface {
	Run(ctx context.Context, t Task) (Result, error)
}

// Cleaner is a Node that may leave something behind when the process that runs
// it dies, such as a program that keeps running. A later attempt finds it by itself
// (Task.Rerun). When there is none, because the task was cancelled or may be what
// killed the process, CleanUp ends what is left; t has no With.
// Engines call the function CleanUp.
type Cleaner interface {
	Node
	CleanUp(ctx context.Context, t Task) error
}

// Task is one attempt as a kind sees it.
type Task struct {
	Stack, Graph string
	Cycle, Wave  uint64
	Node, Item   string
	Tool         string // the tool of the graph that the attempt is a call of; "" for a node's own
	Attempt      int
	Key          string // idempotency key: the same for every attempt of this task, and for no other task
	// With is the evaluated `with`; shared, not to be changed. What a driver gives
	// to Run holds references to secrets (value.Secret), and what Node.Run gets holds
	// the secrets.
	With any

	// Written is the `with` as the graph has it, templates not filled in: what
	// the author wrote, as against what data made of it. It is nil if it is not known.
	Written *tree.Node

	Dir string // the graph file's folder: where relative paths begin
	// Hurry is closed when a cancelled attempt has no time left to end by itself, as
	// when a process gets a second signal: end everything that runs at once. It is nil
	// if there is no hurry.
	Hurry <-chan struct{}

	// Steps are those that earlier attempts of the task recorded, oldest first.
	// They are shared and must not be changed. Step reads them.
	Steps []StepRecord
	// Record makes a step durable before it returns, and gives its content as every
	// later attempt gets it: canonical, with secrets masked. It fails with kind "limit"
	// for a step of more than 1 MiB or after 1,000 steps of the task, and with the cause
	// of ctx when the attempt has ended. It is safe for concurrent use. It is nil if steps are
	// not recorded. Most kinds call Step instead.
	Record func(ctx context.Context, s StepRecord) (any, error)
	// Note shows to whoever watches at this moment what the work is doing. It is not
	// stored, and may be lost. It is nil if nobody can watch.
	Note func(text string)
	// Delta shows a piece of text that the work has just produced, as a model says it. It
	// is not stored, and may be lost. It is nil if nobody can watch.
	Delta func(text string)

	// Of is the compiled graph of the task: its providers, servers, tools and memories. It
	// is nil if the driver does not say.
	Of *graph.Graph
	// Output is the type of the node's output, and Retry what happens after a failed
	// attempt, as the graph has them.
	Output *schema.Type
	Retry  graph.Retry
	// Tools are the graph's own tools that the task may call.
	Tools []Tool
	// ServerWord reports whether a person has to agree to a call of a server's tool with
	// these arguments. It is nil if no call of any needs it.
	ServerWord func(server, tool string, args any) (bool, error)
	// Where reports whether the data of an item of a memory fits the `where` of the node.
	// It is nil without one.
	Where func(data any) (bool, error)
	// Left is what the limits of the stack leave of tokens and cost at the beginning of
	// the attempt; nil means no such limit.
	LeftTokens *int64
	LeftCost   *float64
	// Ask says that calls need a person's word: it is durable when Ask returns, and the
	// node waits from then on. The attempt does what it can do without the words and then
	// returns ErrHeld; a later attempt has the words. The same calls again are no error. It is
	// nil if nobody can be asked.
	Ask func(ctx context.Context, calls []journal.Call) error
	// Words are the answers that were given on calls of the task, in their order.
	Words []Word
	// Slot takes another slot of the node's pool, for work beside that of the attempt's
	// own slot, and waits for it; release gives it back. It is nil if there are none.
	Slot func(ctx context.Context) (release func(), err error)
	// Rest gives the attempt's slot back, waits until the channel is closed, and takes a
	// slot again before it returns, also when ctx ends meanwhile. Its error is the cause of
	// ctx. It is nil if there are no slots.
	Rest func(ctx context.Context, until <-chan struct{}) error
	// Memories reads the memories of the graph. It is nil if there are none.
	Memories Memories
	// Keep keeps a small text for the whole store under a name, and Kept returns it, "" if
	// there is none. They are nil if the driver has no store.
	Keep func(ctx context.Context, name, text string) error
	Kept func(ctx context.Context, name string) (string, error)

	// Secret returns a secret of the graph by its name; false if the graph does not
	// declare it. Run fills With in with it. Node.Run has it if the kind says
	// Kind.Secrets or Kind.Talks; for other kinds it is nil: they get the secrets that their `with`
	// names.
	Secret func(name string) (string, bool)

	Rerun  bool // an earlier attempt was cut off by a crash or shutdown: its leftovers may still be there
	Logger *slog.Logger

	// Mask hides the graph's secrets in a text. Engines do so with all that an
	// attempt gives and logs: only a kind that gives a piece of a text needs it,
	// because half a secret is not recognized. It is nil if there are none.
	Mask func(string) string

	// Lazy completes a task that has only With and Secret yet. Run does that at once, or,
	// for a lean kind (Spec.Lean), when the work wants more. It is nil if all is there.
	Lazy Lazy
}

// Result is what a successful attempt gives.
type Result struct {
	Output any // anything that encoding/json can write; not to be changed afterwards
	// Talk is what an agent gives besides; nil for other kinds. Its values may be anything
	// that encoding/json can write, until Run has made them canonical.
	Talk   *journal.Talk
	Memory []journal.MemoryWrite // to be put into memories with the commit of the task's writes
	Tokens int64
	Cost   float64

	value value.Value // of Output, once Run has made it canonical
	held  bool
}

// Held reports, of a Result that Run gave, that the attempt returned because its task
// waits for words that it asked for. It has no Output then.
func (r Result) Held() bool { return r.held }

// Value returns the Output of a Result that Run gave, for a driver: canonical, with
// its size. Of any other Result it is null.
func (r Result) Value() value.Value { return r.value }

// Error is a failure with a kind. Any other error is of kind "error".
type Error struct {
	Kind      string // exit, timeout, cancelled, panic, schema, output, config, http, model, limit, error
	Message   string
	Permanent bool          // not to be tried again
	Wait      time.Duration // the least time before the next attempt; one beyond max_backoff ends the attempts, unless Kind is "http"
	Code      *int64        // the exit code of a program, or the status of a response; nil means none
	Output    *string       // what the work had given out until then; Run keeps MaxErrorOutput bytes. nil means nothing
	Limit     string        // "tokens" or "cost": the task would pass this limit of the stack, which ends it
	Tokens    int64
	Cost      float64
}

func (e *Error) Error() string { return e.Message }

// ErrHeld is what Node.Run returns when its task waits for the words that it asked for
// (Task.Ask). It is no failure.
var ErrHeld = errors.New("the task waits for a person's word")

// Word is a person's answer on a call.
type Word struct {
	Call     string // its id
	Approved bool
	Args     any // what the call is to be made with; nil means the model's arguments
	Comment  string
	By       string
}

// Tool is a tool of the graph's own, ready to be called by one task. It is safe for
// concurrent use.
type Tool struct {
	*graph.Tool
	// NeedsWord reports whether a person has to agree to a call with these arguments.
	NeedsWord func(args any) (bool, error)
	// Call runs the tool once: all its attempts, within its timeout and its limit of calls
	// at once. number is that of the call within the task, from 1: its idempotency key
	// follows from it. rerun says that it may have begun before. Secrets in the result and
	// the error are masked. A failure is an *Error.
	Call func(ctx context.Context, number int, args any, rerun bool) (Result, error)
}

// Memories reads the memories of a task's graph. It is safe for concurrent use.
type Memories interface {
	// Read calls item for the items of a memory that were written after seq, oldest first.
	Read(ctx context.Context, memory string, after uint64, item func(MemoryItem) error) (MemoryState, error)
}

// MemoryItem is one item of a memory.
type MemoryItem = journal.MemoryItem

// MemoryState is where a memory stands.
type MemoryState = journal.MemoryState

// Errorf makes an Error of a kind.
func Errorf(kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Permanent marks err as not to be tried again, and keeps its kind. It returns nil for
// nil.
func Permanent(err error) *Error {
	if err = orNil(err); err == nil {
		return nil
	}
	e := asError(err)
	e.Permanent = true
	return e
}

// orNil maps a typed nil *Error to nil, so that returning a nil variable of that type
// counts as success.
func orNil(err error) error {
	if e, ok := err.(*Error); ok && e == nil { //nolint:errorlint // a wrapped nil is an error
		return nil
	}
	return err
}

// asError is a copy of the Error in err's chain, with err's message; any other
// error is of kind "error".
func asError(err error) *Error {
	var e *Error
	if !errors.As(err, &e) || e == nil { // a wrapped nil has no kind
		return &Error{Kind: "error", Message: err.Error()}
	}
	c := *e
	c.Message = err.Error()
	if c.Kind == "" {
		c.Kind = "error"
	}
	return &c
}

// Spec is a kind: what the compiler knows of it, and its work.
type Spec struct {
	graph.Kind
	Node Node // nil for Inline, Waits, Sends, Runs and Missing kinds

	err error // why Func could not make a kind; reported by Register
}
