// Command graphrun validates, runs and explains graphs of agents.
//
// main is one line over run, so that tests drive the whole program in their own
// process. Commands only turn flags into options and results into output; what
// is decided is decided in the packages below.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is the program: arguments without its name in, the exit code out. A first
// SIGINT or SIGTERM cancels the context, which ends commands after a clean
// checkpoint; a second one ends the process at once.
func run(ctx context.Context, args []string, in io.Reader, out, err io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	a := &app{in: in, out: out, err: err}
	cmd := newRoot(a)
	cmd.SetArgs(args)
	cmd.SetIn(in)
	cmd.SetOut(out)
	cmd.SetErr(err)
	return a.exit(cmd.ExecuteContext(ctx))
}
