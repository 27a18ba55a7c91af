package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/internal/cli"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/temporaldriver"
	"github.com/graphrun/graphrun/serve"
)

// workerFlags are those of `graphrun-temporal worker`.
type workerFlags struct {
	parallel         int
	grace, heartbeat time.Duration
	history          int
	search           bool
	hooks            []string
}

func (c *cluster) workerCommand(s *cli.Shell) *cobra.Command {
	var f workerFlags
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Run stacks and their tasks until a signal comes",
		Long: `Run the stacks of the task queue, and the tasks of their nodes, until a signal
comes. Any number of workers may run, on any machines. They need the programs,
folders and kinds of nodes that the graphs use, and the secrets as variables of the
environment; a node whose secret is not set fails.

SIGINT or SIGTERM ends the worker: running tasks may continue for --grace, then they
are cut off and run again on another worker. A second signal cuts them off at once.

Workers of one task queue should have the same flags and the same version. Two
versions may run side by side while one takes the place of the other.

With --search-attributes the namespace learns GraphrunGraph, GraphrunStatus and
GraphrunCycle, and the cluster's own lists of workflows can be asked for them. The
cycle is written once a minute at most.`,
		Example: `  graphrun-temporal worker
  graphrun-temporal worker --address temporal:7233 --blobs s3://graphrun/blobs
  graphrun-temporal worker --task-queue gpu --parallel 2`,
		Args: cli.Arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return c.work(cmd.Context(), s, &f)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&f.parallel, "parallel", 100, "at most `N` tasks of this worker at once")
	flags.DurationVar(&f.grace, "grace", temporaldriver.DefaultGrace, "how long running tasks may continue after a signal")
	flags.DurationVar(&f.heartbeat, "heartbeat", temporaldriver.DefaultHeartbeat, "how long a worker may be silent before its tasks run on another one")
	flags.IntVar(&f.history, "history", temporaldriver.DefaultHistory, "keep the history of at most `N` cycles of a stack; 0 keeps what its graph says")
	flags.BoolVar(&f.search, "search-attributes", false, "register search attributes, and show graph, status and cycle of stacks in them")
	flags.StringArrayVar(&f.hooks, "hook", nil, "a `URL` that gets notices of all stacks, signed with "+serve.HookSecret+" (may be repeated)")
	return cmd
}

func (f *workerFlags) check() error {
	for _, url := range f.hooks {
		if problem := graph.CheckHookURL(url); problem != "" {
			return cli.Usagef("--hook %q: %s", url, problem)
		}
	}
	switch {
	case len(f.hooks) > 0 && os.Getenv(serve.HookSecret) == "":
		return cli.Usagef("--hook: %s is not set: notices are signed with it", serve.HookSecret)
	case f.parallel < 1:
		return cli.Usagef("--parallel %d: expected 1 or more", f.parallel)
	case f.grace < 0:
		return cli.Usagef("--grace %s: expected 0s or more", f.grace)
	case f.heartbeat < time.Second:
		return cli.Usagef("--heartbeat %s: expected 1s or more", f.heartbeat)
	case f.history < 0:
		return cli.Usagef("--history %d: expected 0 or more", f.history)
	}
	return nil
}

// options are those of the driver.
func (f *workerFlags) options(o temporaldriver.Options) temporaldriver.Options {
	notices := serve.Notices(f.hooks, os.LookupEnv)
	o.Parallel, o.Heartbeat, o.SearchAttributes = f.parallel, f.heartbeat, f.search
	o.Grace = max(f.grace, 1)                  // 0 there stands for the default
	if o.History = f.history; o.History == 0 { // the same
		o.History = -1
	}
	o.Hooks, o.Post, o.Secret = notices.Hooks, notices.Post, os.LookupEnv
	return o
}

// work runs stacks until the context ends.
func (c *cluster) work(ctx context.Context, s *cli.Shell, f *workerFlags) error {
	logger := s.ServerLog()
	conn, err := c.dial(ctx, logger)
	if err != nil {
		return err
	}
	defer conn.Close()
	broken := func(err error) error {
		return &runtime.StoreError{Err: fmt.Errorf("the Temporal cluster: %w", err)}
	}
	if f.search {
		if err := temporaldriver.RegisterSearchAttributes(ctx, conn, c.namespaceName()); err != nil {
			return broken(err)
		}
	}
	o := f.options(c.options())
	kinds, free := s.Open(ctx)
	defer free()
	o.Kinds, o.Logger, o.Hurry = kinds, logger, s.Hurry()
	w, err := temporaldriver.NewWorker(conn, o)
	if err != nil {
		return err
	}
	if err := w.Start(); err != nil {
		return broken(err)
	}
	logger.Info("stacks and tasks are taken", "task_queue", c.queue, "namespace", c.namespaceName())
	select {
	case <-ctx.Done():
		err = s.Interrupted(ctx, "all stacks are on the cluster, and other workers continue them")
	case err = <-w.Failed():
		err = broken(err)
	}
	if closed := w.Stop(); closed != nil {
		logger.Error("what the nodes of this worker shared cannot be closed", "error", closed)
	}
	return err
}
