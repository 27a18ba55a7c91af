package runtime

import (
	"errors"
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

var (
	// ErrActive reports that the runtime drives the stack already.
	ErrActive = errors.New("runtime: stack is running here")
	// ErrEnded reports that the stack has ended, or is not driven any more.
	ErrEnded = errors.New("runtime: stack has ended")
	// ErrNotEnded reports that the stack has not ended, so it cannot be removed or retried.
	ErrNotEnded = errors.New("runtime: stack has not ended")
)

// MissingError reports a graph that this program cannot run because kinds are missing.
type MissingError struct {
	Graph string
	What  []string // as graph.Graph.Missing: `node "ask" uses approval`
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("graph %q cannot run here: %s", e.Graph, strings.Join(e.What, ", "))
}

// ChildError reports a stack that is part of another one, so it cannot be retried or forked
// alone.
type ChildError struct{ Stack string }

func (e *ChildError) Error() string {
	return fmt.Sprintf("stack %q is part of another one: it is retried and forked with that one", e.Stack)
}

// SecretError reports secrets of a graph that are not set.
type SecretError struct {
	Graph string
	Names []string
}

func (e *SecretError) Error() string { return (*work.SecretError)(e).Error() }

// secretsOf is work.SecretsOf with the error of this package.
func secretsOf(lookUp func(name string) (string, bool), params map[string]any, graphs ...*graph.Graph) (*work.Secrets, error) {
	s, err := work.SecretsOf(lookUp, params, graphs...)
	var missing *work.SecretError
	if errors.As(err, &missing) {
		err = (*SecretError)(missing)
	}
	return s, err
}

// InitError reports a stack that cannot start with its params or initial state. The
// message of Err names the param or key, and what it expects.
type InitError struct {
	Stack string
	Err   error
}

func (e *InitError) Error() string { return fmt.Sprintf("stack %q: %v", e.Stack, e.Err) }

func (e *InitError) Unwrap() error { return e.Err }

// GraphError reports a stack that belongs to another graph than the requested one.
type GraphError struct {
	Stack     string
	Graph     string // what it is a stack of
	Requested string
}

func (e *GraphError) Error() string {
	return fmt.Sprintf("stack %q is a stack of graph %q, not of %q", e.Stack, e.Graph, e.Requested)
}

// AdoptError reports a changed graph that does not fit the state of a stack. The stack
// is unchanged and continues with its old definition. The message of Err names the key,
// its old and its new type.
type AdoptError struct {
	Stack string
	Hash  string // of the changed graph
	Err   error
}

func (e *AdoptError) Error() string {
	return fmt.Sprintf("stack %q cannot continue with the changed graph: %v", e.Stack, e.Err)
}

func (e *AdoptError) Unwrap() error { return e.Err }

// UnknownStackError reports a stack that the store does not have. It wraps ErrNotFound.
type UnknownStackError struct {
	Stack string
	Known []string // some, when there are many
}

func (e *UnknownStackError) Error() string {
	if len(e.Known) == 0 {
		return "unknown stack \"" + e.Stack + "\" (there are no stacks)"
	}
	return "unknown stack \"" + e.Stack + "\" (there are: " + strings.Join(e.Known, ", ") + ")"
}

func (e *UnknownStackError) Unwrap() error { return ErrNotFound }
