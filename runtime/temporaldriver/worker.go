package temporaldriver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
)

// Defaults of Options.
const (
	DefaultTaskQueue = "graphrun"
	DefaultHeartbeat = 10 * time.Second
	DefaultGrace     = 10 * time.Second
	DefaultHistory   = 32
)

// lastWait is how much longer than its timeout an attempt may take to return.
const lastWait = 30 * time.Second

// stickyTime is how long the cluster waits for the worker that has a stack in memory before another
// one gets it: what a stack loses when its worker dies.
const stickyTime = 2 * time.Second

// compileTime is how long a workflow may think before the SDK takes it for stuck: a large graph is
// compiled there once.
const compileTime = 8 * time.Second

// Options configure a Worker or a Client. Those of one task queue should have the same.
type Options struct {
	// TaskQueue is where the stacks and their tasks queue. Pools and locks count within it. Defaults
	// to DefaultTaskQueue.
	TaskQueue string
	// Namespace is that of the Temporal client. Defaults to client.DefaultNamespace.
	Namespace string
	// Kinds are the kinds that graphs may use. Required.
	Kinds *nodes.Registry
	// Compile makes a runnable graph of a stored one. Defaults to inspect.Compile with Kinds.
	Compile func(journal.StoredGraph) (*graph.Graph, error)
	// Secret looks up a secret by its name in the graph, and returns false when it is not
	// set. Secrets never leave the process. Defaults to no secrets.
	Secret func(name string) (string, bool)
	// Logger gets what no record says. Defaults to no logging.
	Logger *slog.Logger
	// Parallel bounds the tasks that this worker runs at the same time. Defaults to 100.
	Parallel int
	// Heartbeat is how long a worker may be silent before its attempts count as lost. Defaults
	// to DefaultHeartbeat.
	Heartbeat time.Duration
	// Grace is how long attempts may continue when the worker stops, or when the workflow of
	// their stack continues as another one. Defaults to DefaultGrace.
	Grace time.Duration
	// Hurry ends when there is no more time for the grace: attempts that run are cut off then.
	// Defaults to never.
	Hurry context.Context
	// History bounds how many cycles of its history a stack keeps. Defaults to DefaultHistory; a
	// negative value keeps what its graph says.
	History int
	// EventsPerRun is after how many events of its history the workflow of a stack continues as
	// another one, if the cluster does not suggest it before. Defaults to what the cluster
	// suggests.
	EventsPerRun int
	// LargeValues says that the client has a store for large values (package blob). Without one
	// a value that a cluster does not take fails its node.
	LargeValues bool
	// SearchAttributes has workers show the graph, status and cycle of stacks as search
	// attributes of their workflows. RegisterSearchAttributes must have been called for the
	// namespace before: a cluster refuses attributes that it does not know.
	SearchAttributes bool
	// Patience is how long a Client waits for a worker to take a command or a question.
	// Defaults to DefaultPatience.
	Patience time.Duration
	// Hooks hear of the stacks of all graphs, beside the hooks of each graph. Post makes one try
	// to tell them, as runtime.Notices.Post. Defaults to none.
	Hooks []graph.Hook
	Post  func(ctx context.Context, n runtime.Notice) error
}

// Worker runs stacks and their tasks. It is safe for concurrent use.
type Worker struct {
	o       Options
	c       client.Client
	w       worker.Worker
	defs    definitions
	session *nodes.Session
	tools   *nodes.Toolbox
	failed  chan error
	// shortest is that of timers. Where no cycle is active and there is no pause, one cycle
	// follows each: without a limit it would be a cluster that is busy with nothing.
	shortest time.Duration
	probe    probe
}

// NewWorker makes a worker. The client stays the caller's. Errors say what is wrong with o.
func NewWorker(c client.Client, o Options) (*Worker, error) {
	w, err := newWorker(c, o)
	if err != nil {
		return nil, err
	}
	w.failed = make(chan error, 1)
	w.w = worker.New(c, w.o.TaskQueue, worker.Options{
		OnFatalError:                       func(err error) { w.failed <- err },
		MaxConcurrentActivityExecutionSize: w.o.Parallel,
		DisablePayloadErrorLimit:           w.o.LargeValues, // the SDK looks at a decision before it stores it elsewhere
		StickyScheduleToStartTimeout:       stickyTime,
		DeadlockDetectionTimeout:           compileTime,
		WorkerStopTimeout:                  w.o.Grace + lastWait,
		MaxHeartbeatThrottleInterval:       w.o.Heartbeat / 3,
		DefaultHeartbeatThrottleInterval:   w.o.Heartbeat / 3,
	})
	w.register(w.w)
	return w, nil
}

func newWorker(c client.Client, o Options) (*Worker, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	w := &Worker{o: o, c: c, session: nodes.NewSession(context.Background()), shortest: time.Millisecond}
	w.defs = definitions{read: o.Compile, byHash: map[string]*definition{}}
	w.tools = nodes.NewToolbox(o.Kinds, w.session)
	return w, nil
}

// complete puts the defaults in.
func (o Options) complete() (Options, error) {
	if o.Kinds == nil {
		return o, errors.New("temporaldriver: Options.Kinds is not set")
	}
	o.TaskQueue = cmp.Or(o.TaskQueue, DefaultTaskQueue)
	o.Namespace = cmp.Or(o.Namespace, client.DefaultNamespace)
	o.Grace = cmp.Or(o.Grace, DefaultGrace)
	o.History = cmp.Or(o.History, DefaultHistory)
	o.Parallel = cmp.Or(o.Parallel, 100)
	if o.Heartbeat <= 0 {
		o.Heartbeat = DefaultHeartbeat
	}
	if o.Patience <= 0 {
		o.Patience = DefaultPatience
	}
	if o.Hurry == nil {
		o.Hurry = context.Background()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Compile == nil {
		o.Compile = func(kept journal.StoredGraph) (*graph.Graph, error) { return inspect.Compile(kept, o.Kinds) }
	}
	return o, nil
}

// register gives a worker of the SDK, or a test environment, the workflow and the activities.
func (w *Worker) register(r interface {
	RegisterWorkflowWithOptions(any, workflow.RegisterOptions)
	RegisterActivityWithOptions(any, activity.RegisterOptions)
}) {
	w.RegisterWorkflows(r)
	r.RegisterActivityWithOptions(w.task, activity.RegisterOptions{Name: taskType})
	r.RegisterActivityWithOptions(w.remember, activity.RegisterOptions{Name: rememberType})
	r.RegisterActivityWithOptions(w.post, activity.RegisterOptions{Name: noticeType})
	r.RegisterActivityWithOptions(w.look, activity.RegisterOptions{Name: watchType})
}

// RegisterWorkflows registers the workflows of w without its activities, as with a replayer of the
// SDK, which shows whether this version of the driver continues what another one has recorded. The
// replayer needs the id and the run id of the original workflow.
func (w *Worker) RegisterWorkflows(r interface {
	RegisterWorkflowWithOptions(any, workflow.RegisterOptions)
}) {
	r.RegisterWorkflowWithOptions(w.stack, workflow.RegisterOptions{Name: WorkflowType})
	r.RegisterWorkflowWithOptions(w.memory, workflow.RegisterOptions{Name: memoryType})
	r.RegisterWorkflowWithOptions(w.limiter, workflow.RegisterOptions{Name: limiterType})
}

// Start begins to take stacks and tasks from the queue, and returns.
func (w *Worker) Start() error { return w.w.Start() }

// Failed gives the error for which the worker has stopped by itself: the cluster takes it no more.
func (w *Worker) Failed() <-chan error { return w.failed }

// Stop lets running tasks end for the grace, cuts the rest off, which then runs again on another
// worker, and returns when nothing runs any more.
func (w *Worker) Stop() error {
	w.w.Stop()
	return w.session.Close()
}

// canRun refuses graphs that need one machine.
func canRun(g *graph.Graph) error {
	if g.Fleet == graph.Lockstep {
		return fmt.Errorf("graph %q: `fleet: lockstep` leads all stacks of a graph together, in one process: it cannot run on Temporal", g.Name)
	}
	return nil
}

// queueOf is the task queue of a pool.
func (w *Worker) queueOf(pool string) string { return w.o.TaskQueue }

// heartbeat records a heartbeat, and returns when the cluster has it.
func (w *Worker) heartbeat(ctx context.Context, token []byte, beat heartbeat) error {
	return w.c.RecordActivityHeartbeat(ctx, token, beat)
}
