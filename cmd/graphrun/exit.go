package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/runtime"
)

// Exit codes; they are part of the contract.
const (
	exitDone        = 0
	exitWorkFailed  = 1 // a stack ended `failed`, a test failed
	exitUsage       = 2
	exitInvalid     = 3 // the graph
	exitStore       = 4 // locked, damaged, full
	exitInterrupted = 130
)

// exitError ends the program with a code. A nil err says that everything was
// said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usagef is a mistake in how the program was called.
func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// exit prints what went wrong, once, and gives the exit code. What no command
// has classified is wrong usage: cobra's own errors are.
func (a *app) exit(err error) int {
	if err == nil {
		return exitDone
	}
	var known *exitError
	if errors.As(err, &known) {
		if known.err != nil {
			a.complain(known.err)
		}
		return known.code
	}
	a.complain(err)
	return codeOf(err)
}

// codeOf is the exit code that belongs to an error of the packages below.
func codeOf(err error) int {
	var (
		store    *runtime.StoreError
		problems diag.List
		adopt    *runtime.AdoptError
	)
	switch {
	case errors.As(err, &store):
		return exitStore
	case errors.As(err, &problems), errors.As(err, &adopt):
		return exitInvalid
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitUsage
}

func (a *app) complain(err error) { fmt.Fprintf(a.err, "graphrun: %v\n", err) }
