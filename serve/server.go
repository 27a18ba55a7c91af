package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/web"
)

// lookAtFiles is how often the graph files are checked for changes.
const lookAtFiles = time.Second

// Options of a server. Path, Store, Kinds, Graphs and Logger are required.
type Options struct {
	// Path names the store's file. The control socket and the token are beside it.
	Path string
	// Store is open. Whoever opened it closes it after Run.
	Store runtime.Store
	Kinds *nodes.Registry
	// Graphs must not be served by another Run.
	Graphs *Graphs
	Logger *slog.Logger
	// Port is where the API listens, besides the control socket. Run closes it.
	// Defaults to none.
	Port *Port
	// Socket are the options of the control socket: Server and Backup hold for
	// the port too. Run sets its Store, Kinds, Compile, Graphs and Metrics.
	Socket api.Options
	// Hooks are addresses that hear of the stacks of all graphs. Their
	// notices are signed with HookSecret. Defaults to none.
	Hooks []string
	// Secret, Parallel and Grace are those of runtime.Config.
	Secret   func(name string) (string, bool)
	Parallel int
	Grace    time.Duration
	// Observer observes the runtime, as a *telemetry.Telemetry does. Run attaches it before
	// the first stack runs, and closes it after the runtime. Defaults to none.
	Observer interface {
		Attach(rt *runtime.Runtime) error
		Close() error
	}
	// ReadStep reads the recorded steps of agents for the dashboard, as web.Options has it.
	// Defaults to none: it shows no conversations.
	ReadStep func(name string, content any) (web.Said, bool)
	// Asked reads the questions to language models for GET /metrics, as api.NewMetrics has it.
	// Defaults to none: they are not counted.
	Asked func(*journal.TaskStep) (api.Asked, bool)
	// Reload makes the server read its graph files again at each value. Defaults
	// to never; files that look different are read anyway.
	Reload <-chan os.Signal
	// Hurry cuts running tasks off when it ends, without waiting for Grace.
	// Defaults to never.
	Hurry context.Context

	pages *atomic.Pointer[web.Handler] // made by Run; of nil while there is no port
}

// Run serves until ctx ends, and then returns nil after a clean checkpoint: every
// stack is on disk, and the next Run continues it. It returns an error when the
// store or the port cannot be used any more.
func Run(ctx context.Context, o Options) (err error) {
	if o.Port != nil {
		defer o.Port.Close() // closed before when it was served
	}
	if o.Hurry == nil {
		o.Hurry = context.WithoutCancel(ctx)
	}
	if o.Observer != nil {
		defer func() { err = errors.Join(err, o.Observer.Close()) }()
	}
	rt, err := runtime.Open(context.WithoutCancel(ctx), runtime.Config{
		Store: o.Store, Kinds: o.Kinds, Logger: o.Logger, Secret: o.Secret, Parallel: o.Parallel, Grace: o.Grace,
		Notices: Notices(o.Hooks, o.Secret), Index: true,
	})
	if err != nil {
		return err
	}
	defer func() {
		if closing := rt.Close(o.Hurry); err == nil {
			err = closing
		}
	}()
	if o.Observer != nil {
		if err := o.Observer.Attach(rt); err != nil {
			return err
		}
	}
	if err := o.Graphs.serveOn(rt); err != nil {
		return err
	}
	o.Socket.Store, o.Socket.Kinds, o.Socket.Graphs, o.Socket.Secret = o.Store, o.Kinds, o.Graphs, o.Secret
	o.Socket.Compile, o.Socket.Metrics = o.compile, api.NewMetrics(rt.Feed(), o.Asked)
	o.pages = new(atomic.Pointer[web.Handler])
	o.Socket.Door, o.Socket.Link = api.Door{Trusted: true, Tokens: api.OpenTokens(o.Path)}, o.link
	defer o.serveSocket(rt)()
	n, err := rt.Recover(ctx, runtime.RecoverOptions{})
	if err != nil && ctx.Err() != nil {
		return nil // it ended before it had begun: the stacks are as they were
	}
	if err != nil {
		return err
	}
	broken, end, err := o.servePort(ctx, rt)
	if err != nil {
		return err
	}
	defer end()
	o.Logger.Info("serving", "graphs", len(o.Graphs.Names()), "stacks", n, "store", o.Path)
	if o.Port != nil {
		o.Logger.Info("API", "url", o.Port.URL(), "token", api.TokenPath(o.Path))
	}
	return o.watch(ctx, rt, broken)
}

// serveSocket answers on the control socket until stop is called. A file system
// without sockets is no reason not to serve: other commands then name the process
// that owns the store.
func (o *Options) serveSocket(rt *runtime.Runtime) (stop func()) {
	stop, err := api.ServeOwner(o.Path, api.New(api.Local(rt), o.Socket), func(err error) {
		o.Logger.Error("the control socket broke", "error", err)
	})
	if err != nil {
		o.Logger.Warn("no control socket: other commands cannot reach this process", "error", err)
		return func() {}
	}
	return stop
}

// servePort answers on the TCP port until end is called. broken gets the error
// that ends it before.
func (o *Options) servePort(ctx context.Context, rt *runtime.Runtime) (broken <-chan error, end func(), err error) {
	if o.Port == nil {
		return nil, func() {}, nil
	}
	token, err := api.Token(o.Path)
	if err != nil {
		return nil, nil, err
	}
	public := o.Socket
	public.Door, public.MaxBody, public.Link = api.Door{Token: token, Tokens: o.Socket.Door.Tokens, Hosts: o.Port.hosts}, 0, nil
	ctx, cancel := context.WithCancel(ctx)
	pages, err := web.New(web.Options{
		API: api.New(api.Local(rt), public), Store: o.Store, Kinds: o.Kinds, Compile: o.compile, Feed: rt.Feed(), Graphs: o.Graphs,
		Problems: o.Graphs.Refused, Warnings: o.Graphs.Warnings, Read: o.read, ReadStep: o.ReadStep,
		Token: token, Secure: o.Port.scheme == "https", Closing: ctx.Done(),
	})
	if err != nil {
		cancel()
		return nil, nil, err
	}
	o.pages.Store(pages)
	failed, over := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(over)
		if err := api.Serve(ctx, o.Port, pages); err != nil {
			failed <- err
		}
	}()
	return failed, func() { cancel(); <-over; pages.Close() }, nil
}

// link is a link that signs a browser in to the dashboard once.
func (o *Options) link() (string, error) {
	pages := o.pages.Load()
	if pages == nil {
		return "", &api.Error{Code: api.CodeConflict, Message: "this server has no port that a browser could reach: start it with --listen"}
	}
	return o.Port.URL() + pages.Link(), nil
}

// compile makes a runnable graph of a stored one.
func (o *Options) compile(kept journal.StoredGraph) (*graph.Graph, error) {
	return Compile(kept, o.Kinds)
}

// watch adopts graph files that change, until ctx ends or something breaks.
func (o *Options) watch(ctx context.Context, rt *runtime.Runtime, broken <-chan error) error {
	tick := time.NewTicker(lookAtFiles)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			o.Logger.Info("ending: running tasks may finish", "grace", max(0, o.Grace))
			return nil
		case err := <-broken:
			return fmt.Errorf("the API broke: %w", err)
		case <-o.Reload:
			_, _ = o.Graphs.Reload(ctx) // the log says what was refused
		case <-tick.C:
			o.Graphs.look()
		}
		if err := rt.Failed(); err != nil {
			return err // only a new process, which reads from disk, can be trusted
		}
	}
}
