// Command graphrun validates, runs and explains graphs of agents.
//
// main is one line over run, so that tests drive the whole program in their own
// process. Commands only turn flags into options and results into output; what
// is decided is decided in the packages below.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is the program: arguments without its name in, the exit code out.
func run(ctx context.Context, args []string, in io.Reader, out, err io.Writer) int {
	data := &dataWriter{w: out}
	a := &app{in: in, out: data, err: err}
	ctx, stop := a.obeySignals(ctx)
	defer stop()
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(data)
	root.SetErr(err)
	failure := root.ExecuteContext(ctx)
	return a.exit(data.check(failure))
}

// obeySignals cancels the context at the first SIGINT or SIGTERM, which ends
// commands after a clean checkpoint. A second one ends the process at once:
// what that leaves behind is what a crash would, and the store is made for it.
func (a *app) obeySignals(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	over := make(chan struct{})
	go func() {
		for range 2 {
			var got os.Signal
			select {
			case got = <-signals:
			case <-over:
				return
			}
			if ctx.Err() != nil {
				if isTerminal(a.err) {
					fmt.Fprint(a.err, showCursor)
				}
				os.Exit(exitInterrupted)
			}
			cancel(&signalError{got})
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(over)
		cancel(nil)
	}
}

// signalError is why the context of an interrupted command ended.
type signalError struct{ signal os.Signal }

func (e *signalError) Error() string { return "interrupted by " + e.signal.String() }
