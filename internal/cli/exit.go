package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

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

// exit prints what went wrong, once, and gives the exit code.
func (a *app) exit(err error) int {
	if err == nil {
		return exitDone
	}
	known := (*exitError)(nil)
	switch ours := errors.As(err, &known); {
	case ours && known.err == nil: // everything was said
	case !ours && errors.Is(err, context.Canceled):
		a.notef("%s: interrupted\n", a.name())
	default:
		last := ""
		for line := range strings.Lines(err.Error()) {
			line = messageOf(strings.TrimSuffix(line, "\n"))
			if line != last { // many stacks may have ended for one reason
				a.notef("%s: %s\n", a.name(), line)
			}
			last = line
		}
	}
	return codeOf(err)
}

// messageOf makes one line of a message, of at most diag.MaxMessage bytes, however
// much of its input it repeats.
func messageOf(text string) string {
	return diag.Shorten(diag.Clean(diag.Shorten(text, diag.MaxMessage)), diag.MaxMessage-len("graphrun: \n"))
}

// codeOf is the exit code that belongs to an error. A store in trouble counts
// before anything else; what nobody has classified is wrong usage.
func codeOf(err error) int {
	var (
		known    *exitError
		store    *runtime.StoreError
		problems diag.List
		adopt    *runtime.AdoptError
	)
	switch {
	case errors.As(err, &store):
		return exitStore
	case errors.As(err, &known):
		return known.code
	case errors.As(err, &problems), errors.As(err, &adopt):
		return exitInvalid
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitUsage
}
