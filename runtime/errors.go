package runtime

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrActive: the runtime drives this stack already.
	ErrActive = errors.New("runtime: stack is running here")
	// ErrEnded: the stack has ended, or is not driven any more.
	ErrEnded = errors.New("runtime: stack has ended")
	// ErrNotEnded: only a stack that has ended may be removed.
	ErrNotEnded = errors.New("runtime: stack has not ended")
)

// MissingError is a graph that this program cannot run.
type MissingError struct {
	Graph string
	What  []string // as graph.Graph.Missing: `node "ask" uses approval`
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("graph %q cannot run here: %s", e.Graph, strings.Join(e.What, ", "))
}

// SecretError is a graph whose secrets are not all there.
type SecretError struct {
	Graph string
	Names []string
}

func (e *SecretError) Error() string {
	return fmt.Sprintf("graph %q needs secrets that are not set: %s", e.Graph, strings.Join(e.Names, ", "))
}

// InitError is a stack that cannot start with its params or initial state: the
// message of Err names the param or key, and what fits.
type InitError struct {
	Stack string
	Err   error
}

func (e *InitError) Error() string { return fmt.Sprintf("stack %q: %v", e.Stack, e.Err) }

func (e *InitError) Unwrap() error { return e.Err }

// GraphError is a stack of another graph than the one it was to go on with.
type GraphError struct {
	Stack     string
	Graph     string // what it is a stack of
	Requested string
}

func (e *GraphError) Error() string {
	return fmt.Sprintf("stack %q is a stack of graph %q, not of %q", e.Stack, e.Graph, e.Requested)
}

// AdoptError is a changed graph that the state of a stack does not fit. The
// stack is as it was, and goes on under the definition it had. The message of
// Err names the key, its old and its new type.
type AdoptError struct {
	Stack string
	Hash  string // of the changed graph
	Err   error
}

func (e *AdoptError) Error() string {
	return fmt.Sprintf("stack %q cannot go on with the changed graph: %v", e.Stack, e.Err)
}

func (e *AdoptError) Unwrap() error { return e.Err }

// UnknownStackError is a stack that the store does not have. It is ErrNotFound.
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
