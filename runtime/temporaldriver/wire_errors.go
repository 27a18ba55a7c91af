package temporaldriver

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime"
)

// wireError is why a stack refused something, so that the other side has the same error: its
// type, and what it says.
type wireError struct {
	Code    string          `json:"code"`
	Message string          `json:"message"`
	Detail  json.RawMessage `json:"detail,omitempty"`
	Cause   string          `json:"cause,omitempty"` // text of the error within it
}

const (
	codeEnded        = "ended"
	codeNotWaiting   = "not_waiting"
	codeUnknownEvent = "unknown_event"
	codePayload      = "payload"
	codeQueueFull    = "queue_full"
	codeUnknownNode  = "unknown_node"
	codeAnswer       = "answer"
	codeStale        = "stale_answer"
	codeCalls        = "calls"
	codeAdopt        = "adopt"
	codeDuplicate    = "duplicate" // no error: the event was received before
	codeOther        = "error"
)

// toWire gives an error of a machine its code.
func toWire(err error) wireError {
	w := wireError{Code: codeOther, Message: err.Error()}
	detail := func(code string, v any, cause error) {
		w.Code = code
		w.Detail, _ = json.Marshal(v) // plain texts and numbers
		if cause != nil {
			w.Cause = cause.Error()
		}
	}
	var (
		event   *machine.UnknownEventError
		payload *machine.PayloadError
		full    *machine.QueueFullError
		node    *machine.UnknownNodeError
		answer  *machine.AnswerError
		stale   *machine.StaleAnswerError
		calls   *machine.CallsError
	)
	switch {
	case errors.As(err, &event):
		detail(codeUnknownEvent, event, nil)
	case errors.As(err, &payload):
		detail(codePayload, machine.PayloadError{Event: payload.Event, Key: payload.Key, Expected: payload.Expected}, payload.Err)
	case errors.As(err, &full):
		detail(codeQueueFull, full, nil)
	case errors.As(err, &node):
		detail(codeUnknownNode, node, nil)
	case errors.As(err, &answer):
		detail(codeAnswer, machine.AnswerError{Node: answer.Node, Expected: answer.Expected}, answer.Err)
	case errors.As(err, &stale):
		detail(codeStale, stale, nil)
	case errors.As(err, &calls):
		w.Code = codeCalls
		c := wireCalls{Node: calls.Node, Item: calls.Item, Call: calls.Call, Items: calls.Items}
		for _, one := range calls.Waiting {
			c.IDs, c.Tools = append(c.IDs, one.ID), append(c.Tools, one.Tool)
		}
		w.Detail, _ = json.Marshal(c)
	case errors.Is(err, machine.ErrEnded):
		w.Code = codeEnded
	case errors.Is(err, machine.ErrNotWaiting):
		w.Code = codeNotWaiting
	}
	return w
}

// wireCalls is a machine.CallsError without the arguments of its calls.
type wireCalls struct {
	Node, Item, Call  string
	IDs, Tools, Items []string
}

// err is the error again; nil for codeDuplicate.
func (w wireError) err(stack string) error {
	var cause error
	if w.Cause != "" {
		cause = errors.New(w.Cause)
	}
	read := func(v any) { _ = json.Unmarshal(w.Detail, v) } // what is missing is left zero
	switch w.Code {
	case codeDuplicate:
		return nil
	case codeEnded:
		return fmt.Errorf("%w: %q", runtime.ErrEnded, stack)
	case codeNotWaiting:
		return &saidError{w.Message, machine.ErrNotWaiting}
	case codeUnknownEvent:
		e := &machine.UnknownEventError{}
		read(e)
		return e
	case codePayload:
		e := &machine.PayloadError{}
		read(e)
		e.Err = cause
		return e
	case codeQueueFull:
		e := &machine.QueueFullError{}
		read(e)
		return e
	case codeUnknownNode:
		e := &machine.UnknownNodeError{}
		read(e)
		return e
	case codeAnswer:
		e := &machine.AnswerError{}
		read(e)
		e.Err = cause
		return e
	case codeStale:
		e := &machine.StaleAnswerError{}
		read(e)
		return e
	case codeCalls:
		var c wireCalls
		read(&c)
		e := &machine.CallsError{Node: c.Node, Item: c.Item, Call: c.Call, Items: c.Items}
		for i := range c.IDs {
			e.Waiting = append(e.Waiting, journal.Call{ID: c.IDs[i], Tool: c.Tools[i]})
		}
		return e
	case codeAdopt:
		return &runtime.AdoptError{Stack: stack, Err: errors.New(w.Message)}
	}
	return errors.New(w.Message)
}

// saidError is another error, with what the other side said of it.
type saidError struct {
	message string
	is      error
}

func (e *saidError) Error() string { return e.message }
func (e *saidError) Unwrap() error { return e.is }
