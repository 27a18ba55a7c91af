package cli

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/serve"
)

// serveFlags are the flags of `graphrun serve`.
type serveFlags struct {
	listen     string
	insecure   bool
	cert, key  string
	hosts      []string
	hooks      []string
	grace      time.Duration
	parallel   int
	durability string
}

// listenOff turns the TCP port off; the control socket is always there.
const listenOff = "off"

func serveCommand(a *app) *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve PATH...",
		Short: "Run many graphs and all their stacks, with an HTTP API",
		Args:  arguments(1, -1, "one PATH or more"),
		RunE: func(cmd *cobra.Command, paths []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return a.serve(cmd.Context(), paths, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", api.DefaultListen, "`HOST:PORT` of the HTTP API, or off")
	flags.BoolVar(&f.insecure, "insecure", false, "listen also where other machines can reach it, without TLS")
	flags.StringVar(&f.cert, "tls-cert", "", "`FILE` with the certificate for HTTPS")
	flags.StringVar(&f.key, "tls-key", "", "`FILE` with its key")
	flags.StringSliceVar(&f.hosts, "host", nil, "a `NAME` that clients may reach the API under, beside localhost (may be repeated)")
	flags.StringArrayVar(&f.hooks, "hook", nil, "a `URL` that gets notices of all stacks, signed with "+serve.HookSecret+" (may be repeated)")
	flags.DurationVar(&f.grace, "grace", runtime.DefaultGrace, "how long running tasks may continue after a signal")
	flags.IntVar(&f.parallel, "parallel", 0, "at most `N` tasks at once in the default pool of every graph (default: as the graph says)")
	flags.StringVar(&f.durability, "durability", string(runtime.DurabilityWave), "force the store to disk after every `wave` (survives a power cut), every cycle, or none")
	return cmd
}

func (f *serveFlags) check(cmd *cobra.Command) error {
	words := []runtime.Durability{runtime.DurabilityWave, runtime.DurabilityCycle, runtime.DurabilityNone}
	for _, url := range f.hooks {
		if problem := graph.CheckHookURL(url); problem != "" {
			return usagef("--hook %q: %s", url, problem)
		}
	}
	switch {
	case len(f.hooks) > 0 && os.Getenv(serve.HookSecret) == "":
		return usagef("--hook: %s is not set: notices are signed with it", serve.HookSecret)
	case (f.cert == "") != (f.key == ""):
		return usagef("--tls-cert and --tls-key belong together: give both")
	case f.grace < 0:
		return usagef("--grace %s: expected 0s or more", f.grace)
	case cmd.Flags().Changed("parallel") && f.parallel < 1:
		return usagef("--parallel %d: expected 1 or more", f.parallel)
	case !slices.Contains(words, runtime.Durability(f.durability)):
		return usagef("--durability %q: expected wave, cycle or none", f.durability)
	}
	return nil
}

// serve owns the store from beginning to end.
func (a *app) serve(ctx context.Context, paths []string, f serveFlags) (err error) {
	w := newWork(a, nil)
	w.open(ctx)
	defer w.close()
	o := serve.Options{
		Path: a.db, Kinds: w.kinds, Logger: a.serverLog(),
		Parallel: f.parallel, Grace: graceOf(f.grace), Hurry: a.hurry, ReadStep: readStep, Asked: askedOf, Hooks: f.hooks,
	}
	if o.Graphs, err = a.loadGraphs(paths, o.Logger); err != nil {
		return err
	}
	graphs := o.Graphs
	o.Secret = secretsOf(false, func() (all []*graph.Graph) {
		for _, name := range graphs.Names() {
			if g, _, ok := graphs.Graph(name); ok {
				all = append(all, g)
			}
		}
		return all
	})
	if o.Port, err = f.port(); err != nil {
		return err
	}
	if o.Port != nil {
		defer o.Port.Close() // when the store cannot be opened; else it is closed before
	}
	flush, err := a.observe(ctx, &o)
	if err != nil {
		return err
	}
	defer flush()
	store, err := a.openStore(f.durability)
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, store.Close()) }()
	o.Store, o.Socket = store, a.doorOptions(store, runtime.Durability(f.durability), "serve")
	defer survivePipes()()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, reloadSignals...)
	defer signal.Stop(signals)
	o.Reload = signals
	o.Socket.Providers = w.providers
	return firstOf(serve.Run(ctx, o), a.ended(ctx))
}

// loadGraphs reads the graphs to serve, and shows what is wrong with one.
func (a *app) loadGraphs(paths []string, log *slog.Logger) (*serve.Graphs, error) {
	graphs, err := serve.LoadGraphs(paths, a.kinds(), log)
	if invalid := (*serve.InvalidError)(nil); errors.As(err, &invalid) {
		return nil, a.invalid(invalid.Source, invalid.Problems)
	}
	return graphs, err
}

// port opens the TCP port; nil for none.
func (f *serveFlags) port() (*serve.Port, error) {
	if f.listen == listenOff {
		return nil, nil
	}
	o := serve.ListenOptions{Insecure: f.insecure, Hosts: f.hosts}
	if f.cert != "" {
		var err error
		if o.TLS, err = serve.LoadTLS(f.cert, f.key); err != nil {
			return nil, usagef("--tls-cert: %v", err)
		}
	}
	port, err := serve.Listen(f.listen, o)
	if err != nil {
		return nil, usagef("--listen: %v", err)
	}
	return port, nil
}

// ended is the error for a signal that ended a server.
func (a *app) ended(ctx context.Context) error {
	return interrupted(ctx, "all stacks are in "+a.db+", and the same command continues them")
}

// interrupted is the error for a signal that ended a command which runs until then: none for
// SIGTERM, its ordinary end. next says what becomes of the stacks.
func interrupted(ctx context.Context, next string) error {
	var cause *signalError
	if errors.As(context.Cause(ctx), &cause) && cause.signal == syscall.SIGTERM {
		return nil
	}
	return &exitError{exitInterrupted, errors.New("interrupted; " + next)}
}

// graceOf is a --grace as the runtime takes it: 0 there stands for its default.
func graceOf(flag time.Duration) time.Duration {
	if flag == 0 {
		return -1
	}
	return flag
}

// serverLog writes what operators should know, also without --verbose.
func (a *app) serverLog() *slog.Logger {
	level := slog.LevelInfo
	if a.verbose {
		level = slog.LevelDebug
	}
	if isTerminal(a.err) {
		return slog.New(tint.NewTextHandler(a.err, &tint.Options{Level: level, NoColor: !a.color(a.err)}))
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
}
