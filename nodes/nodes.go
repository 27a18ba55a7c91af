package nodes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/graphrun/graphrun/graph"
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
	// Secret returns a secret of the graph by its name; false if the graph does not
	// declare it. Run fills With in with it. Node.Run has it if the kind says
	// Kind.Secrets; for other kinds it is nil: they get the secrets that their `with`
	// names.
	Secret func(name string) (string, bool)

	Rerun  bool // an earlier attempt was cut off by a crash or shutdown: its leftovers may still be there
	Logger *slog.Logger

	// Mask hides the graph's secrets in a text. Engines do so with all that an
	// attempt gives and logs: only a kind that gives a piece of a text needs it,
	// because half a secret is not recognized. It is nil if there are none.
	Mask func(string) string
}

// Result is what a successful attempt gives.
type Result struct {
	Output any // anything that encoding/json can write; not to be changed afterwards
	Tokens int64
	Cost   float64

	value value.Value // of Output, once Run has made it canonical
}

// Value returns the Output of a Result that Run gave, for a driver: canonical, with
// its size. Of any other Result it is null.
func (r Result) Value() value.Value { return r.value }

// Error is a failure with a kind. Any other error is of kind "error".
type Error struct {
	Kind      string // exit, timeout, cancelled, panic, schema, output, config, http, model, limit, error
	Message   string
	Permanent bool // not to be tried again
	Tokens    int64
	Cost      float64
}

func (e *Error) Error() string { return e.Message }

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
