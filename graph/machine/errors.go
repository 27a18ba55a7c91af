package machine

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

var (
	// ErrEnded says that the stack accepts nothing any more.
	ErrEnded = errors.New("machine: the stack has ended")
	// ErrNotRunning says that the attempt is over, so it records no more steps.
	ErrNotRunning = errors.New("machine: the attempt is over")
	// ErrStillRunning says that tasks of nodes still run which a changed graph does
	// not contain. They are ending; adopt the graph again when they are gone.
	ErrStillRunning = errors.New("machine: tasks of nodes that the changed graph does not have still run")
	// ErrNotWaiting says that there is nothing to answer, or that it was answered
	// differently.
	ErrNotWaiting = errors.New("machine: the node is not waiting")
)

// UnknownEventError is an event that the graph does not declare.
type UnknownEventError struct {
	Event string
	Known []string
}

func (e *UnknownEventError) Error() string {
	return fmt.Sprintf("unknown event %q (%s)", e.Event, listed("events", e.Known))
}

// PayloadError is a payload that does not fit the key that its event goes to, or the type
// of its queue.
type PayloadError struct {
	Event, Key string // the key is "" for a queued event
	Expected   string // the type, in its short spelling
	Err        error  // where it does not fit
}

func (e *PayloadError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("the payload of event %q does not fit: expected %s: %v", e.Event, e.Expected, e.Err)
	}
	return fmt.Sprintf("the payload of event %q does not fit: expected %s, for state.%s: %v", e.Event, e.Expected, e.Key, e.Err)
}

func (e *PayloadError) Unwrap() error { return e.Err }

// QueueFullError is a queued event for which there is no room.
type QueueFullError struct {
	Event string
	Queue int // how many payloads are kept
}

func (e *QueueFullError) Error() string {
	return fmt.Sprintf("the queue of event %q is full: it has %d payloads that no wait has taken yet", e.Event, e.Queue)
}

// UnknownNodeError is a node that the graph does not have.
type UnknownNodeError struct {
	Node  string
	Known []string
}

func (e *UnknownNodeError) Error() string {
	return fmt.Sprintf("unknown node %q (%s)", e.Node, listed("nodes", e.Known))
}

// AnswerError is an answer that does not have the type of the node's output.
type AnswerError struct {
	Node     string
	Expected string
	Err      error
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("the answer to %q does not fit: expected %s: %v", e.Node, e.Expected, e.Err)
}

func (e *AnswerError) Unwrap() error { return e.Err }

// StaleAnswerError is an answer that does not name its question, while that has
// hardly been asked and an earlier one of its node was answered.
type StaleAnswerError struct {
	Node  string
	ID    string    // of the question that is open
	Since time.Time // when it was asked
}

func (e *StaleAnswerError) Error() string {
	return fmt.Sprintf("%q asks again since %s, after an earlier question of it was answered: answer %q by its id, or later",
		e.Node, e.Since.Format(time.RFC3339), e.ID)
}

func (e *StaleAnswerError) Unwrap() error { return ErrNotWaiting }

// CallsError is an answer that does not say which of several waiting calls of a task it
// is for, or that names one which does not wait.
type CallsError struct {
	Node, Item string
	Call       string // that it names; "" if it names none
	Waiting    []journal.Call
	Items      []string // of several elements that ask, and the answer names none; else nil
}

func (e *CallsError) Error() string {
	name := e.Node
	if e.Item != "" {
		name += "[" + e.Item + "]"
	}
	calls := make([]string, len(e.Waiting))
	for i, c := range e.Waiting {
		calls[i] = c.ID + " " + c.Tool
	}
	if len(e.Items) > 0 {
		return fmt.Sprintf("several elements of %q wait: name one of them (%s)", name, some(e.Items))
	}
	if e.Call == "" {
		return fmt.Sprintf("several calls of %q wait: name one of them (%s)", name, strings.Join(calls, ", "))
	}
	return fmt.Sprintf("no call %q of %q waits (%s)", e.Call, name, listed("calls", calls))
}

func (e *CallsError) Unwrap() error { return ErrNotWaiting }

// StepError is a step that was not recorded: it is too large, or one too many.
type StepError struct {
	Name    string // the step's
	Failure journal.Failure
}

func (e *StepError) Error() string { return e.Failure.Message }

// listed says which names there are.
func listed(what string, names []string) string {
	if len(names) == 0 {
		return "there are no " + what
	}
	return "there are: " + strings.Join(names, ", ")
}
