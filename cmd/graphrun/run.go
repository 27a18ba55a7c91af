package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
)

// runFlags are the flags of `graphrun run`.
type runFlags struct {
	stack        string
	params, sets []string
	cycles       int
	once         bool
	untilIdle    bool
	parallel     int
	durability   string
	trace        string
	grace        time.Duration
}

func runCommand(a *app) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Run one stack of a graph in the foreground until it ends",
		Long: `Run one stack of a graph in the foreground until it ends.

A stack that is in the store already goes on where it was; --param and --set
are for new ones. Progress goes to standard error, the result to standard output.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.once {
				if cmd.Flags().Changed("cycles") {
					return usagef("--once is --cycles 1: give one of them")
				}
				f.cycles = 1
			}
			if f.cycles < 0 || cmd.Flags().Changed("cycles") && f.cycles == 0 {
				return usagef("--cycles %d: expected 1 or more", f.cycles)
			}
			if f.parallel < 0 || cmd.Flags().Changed("parallel") && f.parallel == 0 {
				return usagef("--parallel %d: expected 1 or more", f.parallel)
			}
			return a.runStack(cmd.Context(), args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.stack, "stack", "", "the stack's id (default: the graph's name)")
	flags.StringArrayVar(&f.params, "param", nil, "K=V: a parameter; V is text for a string, else JSON")
	flags.StringArrayVar(&f.sets, "set", nil, "K=JSON or K=@FILE: the initial value of a state key")
	flags.IntVar(&f.cycles, "cycles", 0, "end after this many more cycles (default: run until the stack ends)")
	flags.BoolVar(&f.once, "once", false, "end after one cycle")
	flags.BoolVar(&f.untilIdle, "until-idle", false, "end after a cycle in which no node ran")
	flags.IntVar(&f.parallel, "parallel", 0, "tasks at once in the default pool, and at most in every other (default: as the graph says)")
	flags.StringVar(&f.durability, "durability", "wave", "when the store is forced to disk: wave (survives a power cut), cycle, or none (both survive kill -9)")
	flags.StringVar(&f.trace, "trace", "", "write every record as a JSON line to this file (- for standard output)")
	flags.DurationVar(&f.grace, "grace", runtime.DefaultGrace, "how long running tasks may go on after an interrupt")
	return cmd
}

// runStack is `graphrun run`: from the graph file to the final object.
func (a *app) runStack(ctx context.Context, file string, f runFlags) (err error) {
	src, err := a.load(file)
	if err != nil {
		return err
	}
	g := src.Graph
	params, err := parseParams(g, f.params)
	if err != nil {
		return err
	}
	state, err := parseSets(f.sets)
	if err != nil {
		return err
	}
	if len(g.Missing) > 0 {
		return &runtime.MissingError{Graph: g.Name, What: g.Missing}
	}
	if f.stack == "" {
		f.stack = g.Name
	}
	store, err := a.openStore(f.durability)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	tr, err := a.openTrace(f.trace)
	if err != nil {
		return err
	}
	show := a.viewFor(f)
	defer show.close()
	rt, err := a.openRuntime(ctx, store, f, func(c runtime.Commit) {
		tr.write(c.Records)
		for _, r := range c.Records {
			show.record(r)
		}
	})
	if err != nil {
		return err
	}
	stop := runtime.StopAfter{Cycles: f.cycles, UntilIdle: f.untilIdle}
	stack, err := rt.Resume(ctx, f.stack, runtime.ResumeOptions{Graph: g, Source: src.Text, StopAfter: stop})
	switch {
	case errors.Is(err, runtime.ErrNotFound):
		stack, err = rt.Start(ctx, g, runtime.StartOptions{ID: f.stack, Params: params, State: state, Source: src.Text, StopAfter: stop})
	case err == nil && len(params)+len(state) > 0:
		err = usagef("stack %q is there already: --param and --set are for new stacks (choose another --stack)", f.stack)
	}
	if err != nil {
		return errors.Join(err, rt.Close(context.WithoutCancel(ctx)))
	}
	result, err := stack.Wait(ctx)
	interrupted := ctx.Err() != nil && errors.Is(err, ctx.Err())
	closeErr := rt.Close(context.WithoutCancel(ctx))
	if interrupted {
		result, err = stack.Wait(context.WithoutCancel(ctx))
	}
	show.close()
	if err = errors.Join(err, closeErr, tr.close()); err != nil {
		return err
	}
	return a.finish(result, interrupted)
}

// openStore opens the store of --db and owns it.
func (a *app) openStore(durability string) (*boltstore.Store, error) {
	v, _ := buildVersion()
	return boltstore.Open(a.db, boltstore.Options{Durability: runtime.Durability(durability), Logger: a.logger(), CreatedBy: "graphrun " + v})
}

func (a *app) openRuntime(ctx context.Context, store runtime.Store, f runFlags, onCommit func(runtime.Commit)) (*runtime.Runtime, error) {
	grace := f.grace
	if grace == 0 {
		grace = -1 // asked for none; 0 would be the runtime's default
	}
	return runtime.Open(context.WithoutCancel(ctx), runtime.Config{
		Store: store, Kinds: a.kinds(), Logger: a.logger(), Secret: os.LookupEnv,
		Parallel: f.parallel, Grace: grace, OnCommit: onCommit,
	})
}

// viewFor shows progress to people only: where a program reads standard output
// as it comes, standard error stays quiet.
func (a *app) viewFor(f runFlags) view {
	if a.json() || f.trace == "-" {
		return silentView{}
	}
	return newView(a, f.stack)
}

// finalJSON is what `run -o json` prints at the end.
type finalJSON struct {
	Stack    string         `json:"stack"`
	Graph    string         `json:"graph"`
	Status   machine.Status `json:"status"`
	Reason   string         `json:"reason"`
	Cycles   uint64         `json:"cycles"`
	Waves    uint64         `json:"waves"`
	NodeRuns uint64         `json:"node_runs"`
	Failures uint64         `json:"failures"`
	State    rawJSON        `json:"state"`
}

// finish prints the result and chooses the exit code.
func (a *app) finish(r runtime.Result, interrupted bool) error {
	if a.json() {
		if err := a.printJSON(finalJSON{r.Stack, r.Graph, r.Status, r.Reason,
			r.Cycles, r.Waves, r.NodeRuns, r.Failures, rawJSON{r.State}}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.out, "%s: %s after %s (%s, %s, %s)%s\n", r.Stack, r.Status, plural(int(r.Cycles), "cycle"),
			plural(int(r.Waves), "wave"), plural(int(r.NodeRuns), "node run"), plural(int(r.Failures), "failure"), reasonSuffix(r.Reason))
	}
	switch {
	case r.Status == machine.Failed || r.Status == machine.Cancelled:
		return &exitError{code: exitWorkFailed}
	case r.Status.Ended():
		return nil
	case interrupted:
		return &exitError{code: exitInterrupted, err: fmt.Errorf("interrupted; the stack %q is in %s and goes on with the same command", r.Stack, a.db)}
	}
	return nil
}

func reasonSuffix(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + clean(reason)
}
