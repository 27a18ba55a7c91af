package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/boltstore"
)

// serveFlags are the flags of `graphrun serve`.
type serveFlags struct {
	listen     string
	insecure   bool
	cert, key  string
	hosts      []string
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
		Long: `Run many graphs and all their stacks, with an HTTP API.

A PATH is a graph file, or a folder whose *.graphrun.yaml files are served, also
those in folders below it. All stacks of the store go on; start adds new ones. A file
that changes is taken up by its stacks with their next cycle (SIGHUP looks at once);
one that is broken, or that the state does not fit, is refused with the reason, and
the old one stays.

SIGTERM ends it after a clean checkpoint with exit code 0, Ctrl-C with 130; running
tasks may finish within --grace.`,
		Example: `  graphrun serve graphs/
  graphrun serve review.graphrun.yaml --db /var/lib/graphrun/graphrun.db --listen off`,
		Args: arguments(1, -1, "one PATH or more"),
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
	flags.DurationVar(&f.grace, "grace", runtime.DefaultGrace, "how long running tasks may go on after a signal")
	flags.IntVar(&f.parallel, "parallel", 0, "at most `N` tasks at once in the default pool of every graph (default: as the graph says)")
	flags.StringVar(&f.durability, "durability", string(runtime.DurabilityWave), "force the store to disk after every `wave` (survives a power cut), every cycle, or none")
	return cmd
}

func (f *serveFlags) check(cmd *cobra.Command) error {
	words := []runtime.Durability{runtime.DurabilityWave, runtime.DurabilityCycle, runtime.DurabilityNone}
	switch {
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

// server is one run of `graphrun serve`.
type server struct {
	app    *app
	flags  serveFlags
	log    *slog.Logger
	store  *boltstore.Store
	rt     *runtime.Runtime
	graphs *graphSet
}

// serve owns the store from its first to its last moment.
func (a *app) serve(ctx context.Context, paths []string, f serveFlags) (err error) {
	s := &server{app: a, flags: f, log: a.serverLog()}
	if s.graphs, err = a.loadGraphs(paths, s.log); err != nil {
		return err
	}
	listener, err := s.listen()
	if err != nil {
		return err
	}
	if listener != nil {
		defer listener.Close() // again, when it was served
	}
	if s.store, err = a.openStore(f.durability); err != nil {
		return err
	}
	defer func() { err = firstOf(err, s.store.Close()) }()
	return s.run(ctx, listener)
}

// run drives everything until ctx ends.
func (s *server) run(ctx context.Context, listener net.Listener) (err error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, reloadSignals...)
	defer signal.Stop(signals)
	grace := s.flags.grace
	if grace == 0 {
		grace = -1 // none; 0 would be the runtime's default
	}
	s.rt, err = runtime.Open(context.WithoutCancel(ctx), runtime.Config{
		Store: s.store, Kinds: s.app.kinds(), Logger: s.log, Secret: os.LookupEnv,
		Parallel: s.flags.parallel, Grace: grace,
	})
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, s.rt.Close(s.app.hurry)) }()
	if err := s.graphs.serveOn(s.rt); err != nil {
		return err
	}
	o := s.app.doorOptions(s.store, runtime.Durability(s.flags.durability), "serve")
	o.Graphs = s.graphs
	defer s.app.listenToCommands(s.rt, o)()
	n, err := s.rt.Recover(ctx, runtime.RecoverOptions{})
	if err != nil {
		return err
	}
	broken := make(chan error, 1)
	if listener != nil {
		if o.Door, err = s.door(); err != nil {
			return err
		}
		o.MaxBody = 0
		apiCtx, end := context.WithCancel(ctx)
		over := make(chan struct{})
		defer func() { end(); <-over }()
		go func() {
			defer close(over)
			if err := api.Serve(apiCtx, listener, api.New(s.rt, o)); err != nil {
				broken <- err
			}
		}()
	}
	s.announce(n, listener)
	return s.watch(ctx, signals, broken)
}

// watch looks after the graph files until ctx ends.
func (s *server) watch(ctx context.Context, signals <-chan os.Signal, broken <-chan error) error {
	tick := time.NewTicker(lookAtFiles)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.log.Info("ending: running tasks may finish", "grace", s.flags.grace)
			return s.ended(ctx)
		case err := <-broken:
			return fmt.Errorf("the API broke: %w", err)
		case <-signals:
			_, _ = s.graphs.Reload(ctx) // what was refused is in the log
		case <-tick.C:
			s.graphs.look()
		}
		if err := s.rt.Failed(); err != nil {
			return err // only what a new process reads from disk can be trusted
		}
	}
}

// ended is how a signal ends a server: SIGTERM is its ordinary end.
func (s *server) ended(ctx context.Context) error {
	var cause *signalError
	if errors.As(context.Cause(ctx), &cause) && cause.signal == syscall.SIGTERM {
		return nil
	}
	return &exitError{exitInterrupted, errors.New("interrupted; all stacks are in " + s.app.db + " and go on with the same command")}
}

// listen opens the port before the store, so that a port that is taken changes
// nothing. nil: there is none.
func (s *server) listen() (net.Listener, error) {
	if s.flags.listen == listenOff {
		return nil, nil
	}
	var secure *tls.Config
	if s.flags.cert != "" {
		pair, err := tls.LoadX509KeyPair(s.flags.cert, s.flags.key)
		if err != nil {
			return nil, usagef("--tls-cert: %v", err)
		}
		secure = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	l, err := api.Listen(s.flags.listen, secure, s.flags.insecure)
	if err != nil {
		return nil, usagef("--listen: %v", err)
	}
	return l, nil
}

// door guards the port: with the store's token, and for the names it is
// reached under.
func (s *server) door() (api.Door, error) {
	token, err := api.Token(s.app.db)
	if err != nil {
		return api.Door{}, err
	}
	hosts := append([]string{"localhost", "127.0.0.1", "::1"}, s.flags.hosts...)
	if host, _, err := net.SplitHostPort(s.flags.listen); err == nil {
		if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
			hosts = append(hosts, host)
		}
	}
	return api.Door{Token: token, Hosts: hosts}, nil
}

func (s *server) announce(stacks int, l net.Listener) {
	s.log.Info("serving", "graphs", len(s.graphs.Names()), "stacks", stacks, "store", s.app.db)
	if l == nil {
		return
	}
	scheme := "http"
	if s.flags.cert != "" {
		scheme = "https"
	}
	s.log.Info("API", "url", scheme+"://"+l.Addr().String(), "token", api.TokenPath(s.app.db))
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
