package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime"
)

// Code says what kind of error a request met; programs may rely on it.
type Code string

const (
	CodeUsage        Code = "usage"         // something in the request is wrong; the message lists what exists or is expected
	CodeNotFound     Code = "not-found"     // no such stack, graph or pool
	CodeExists       Code = "exists"        // a stack of that name is there already
	CodeConflict     Code = "conflict"      // the stack is not in a state for it: it has ended, it still runs
	CodeGraph        Code = "graph"         // the graph is invalid, or the state does not fit it
	CodeFailed       Code = "failed"        // an expression failed while it was evaluated, or a request does not fit a webhook
	CodeStore        Code = "store"         // the store cannot be used: damaged, full
	CodeUnauthorized Code = "unauthorized"  // no token, or a wrong one
	CodeForbidden    Code = "forbidden"     // not through this door, not from another site
	CodeMisdirected  Code = "misdirected"   // the Host is not one of this server's
	CodeMethod       Code = "method"        // the path is known, not with this method
	CodeMediaType    Code = "media-type"    // the body is not application/json
	CodeTooLarge     Code = "too-large"     // the body is larger than this door takes
	CodeBusy         Code = "busy"          // too many streams
	CodeShuttingDown Code = "shutting-down" // the engine is about to end
	CodeNotReady     Code = "not-ready"     // the store takes no commits
	CodeUnsupported  Code = "unsupported"   // the engine behind the API cannot do that
	CodeInternal     Code = "internal"
)

var statusOf = map[Code]int{
	CodeUsage: http.StatusBadRequest, CodeNotFound: http.StatusNotFound,
	CodeExists: http.StatusConflict, CodeConflict: http.StatusConflict,
	CodeGraph: http.StatusUnprocessableEntity, CodeFailed: http.StatusUnprocessableEntity, CodeStore: http.StatusInsufficientStorage,
	CodeUnauthorized: http.StatusUnauthorized, CodeForbidden: http.StatusForbidden,
	CodeMisdirected: http.StatusMisdirectedRequest, CodeMethod: http.StatusMethodNotAllowed,
	CodeMediaType: http.StatusUnsupportedMediaType, CodeTooLarge: http.StatusRequestEntityTooLarge,
	CodeBusy: http.StatusServiceUnavailable, CodeShuttingDown: http.StatusServiceUnavailable,
	CodeNotReady: http.StatusServiceUnavailable, CodeUnsupported: http.StatusNotImplemented, CodeInternal: http.StatusInternalServerError,
}

// Error is an error as it goes over the wire: {"error":{"code","message"}}.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Message }

// Is makes errors.Is work on both sides of the wire.
func (e *Error) Is(target error) bool {
	switch target {
	case runtime.ErrNotFound:
		return e.Code == CodeNotFound
	case runtime.ErrExists:
		return e.Code == CodeExists
	case runtime.ErrClosed:
		return e.Code == CodeShuttingDown
	case ErrUnsupported:
		return e.Code == CodeUnsupported
	}
	return false
}

func errorf(code Code, format string, args ...any) *Error {
	return &Error{code, diag.Shorten(fmt.Sprintf(format, args...), diag.MaxMessage)}
}

// toWire finds the code that belongs to an error of the engine. What nobody
// has classified is a request that does not fit.
func toWire(err error) *Error {
	var (
		known    *Error
		store    *runtime.StoreError
		adopt    *runtime.AdoptError
		pool     *runtime.UnknownPoolError
		full     *machine.QueueFullError
		child    *runtime.ChildError
		problems diag.List
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &store):
		return &Error{CodeStore, said(err)}
	case errors.As(err, &adopt), errors.As(err, &problems):
		return &Error{CodeGraph, said(err)}
	case errors.Is(err, runtime.ErrNotFound), errors.As(err, &pool):
		return &Error{CodeNotFound, said(err)}
	case errors.Is(err, runtime.ErrExists):
		return &Error{CodeExists, said(err)}
	case errors.Is(err, ErrUnsupported):
		return &Error{CodeUnsupported, said(err)}
	case errors.Is(err, runtime.ErrNotEnded):
		return &Error{CodeConflict, said(err) + ": cancel it first"}
	case errors.Is(err, runtime.ErrEnded), errors.Is(err, runtime.ErrActive),
		errors.Is(err, machine.ErrNotWaiting), errors.As(err, &full), errors.As(err, &child):
		return &Error{CodeConflict, said(err)}
	case errors.Is(err, runtime.ErrClosed), errors.Is(err, context.Canceled):
		return &Error{CodeShuttingDown, said(err)}
	}
	return &Error{CodeUsage, said(err)}
}

// said is an error's message for people, who need not know which package it is
// of. Whatever it quotes, it has at most diag.MaxMessage bytes.
func said(err error) string {
	m := diag.Shorten(err.Error(), diag.MaxMessage)
	for _, room := range []string{"runtime: ", "machine: ", "api: "} {
		m = strings.TrimPrefix(m, room)
	}
	return m
}

type errorBody struct {
	Error *Error `json:"error"`
}

// fail answers with an error.
func fail(w http.ResponseWriter, err error) {
	e := toWire(err)
	status, ok := statusOf[e.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="graphrun"`)
	}
	w.Header().Set("Content-Type", jsonType)
	giveTime(w)
	w.WriteHeader(status)
	_, _ = w.Write(bodyOf(e)) // a client that has gone needs no answer
}

// bodyOf is an error as JSON, a line of at most diag.MaxMessage bytes.
func bodyOf(e *Error) []byte {
	for limit := diag.MaxMessage; ; {
		body, err := json.Marshal(errorBody{&Error{e.Code, diag.Shorten(e.Message, limit)}})
		if err != nil || len(body) < diag.MaxMessage {
			return append(body, '\n')
		}
		limit = min(limit-1, limit*diag.MaxMessage/(len(body)+1)) // an escape is up to six times as long
	}
}
