package temporaldriver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/mask"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

// errStopped is the cause of the end of an attempt's context when its worker stops.
var errStopped = nodes.Errorf("cancelled", "cut off by a shutdown")

// errand is an attempt that runs in this process.
type errand struct {
	w       *Worker
	in      *taskInput
	g       *graph.Graph
	n       *graph.Node
	masker  *mask.Masker
	with    any // with references to secrets
	bound   graph.Bound
	steps   []*journal.TaskStep // of earlier attempts
	words   []*journal.TaskAnswered
	secret  func(string) (string, bool)
	stopped bool // the worker stops

	mu     sync.Mutex
	done   []json.RawMessage // steps of this attempt
	counts struct{ steps, marks int }
	used   map[string]callUsage
}

// task is the activity that does the work of one attempt. A failure of the work is a result; an
// error says that this worker cannot do it.
func (w *Worker) task(ctx context.Context, in taskInput) (taskResult, error) {
	e, err := w.errand(ctx, &in)
	if err != nil {
		return taskResult{}, err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	if e.n.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, e.n.Timeout+time.Second) // the machine is the one that decides
		defer stop()
	}
	over := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() { e.beat(ctx, over, end) })
	t := nodes.Task{With: e.with, Secret: e.secret, Lazy: e}
	var failed *nodes.Error
	if in.Rerun && len(e.n.Calls) > 0 {
		t.Lazy = nil
		e.Complete(&t)
		if err := w.tools.CleanUp(ctx, t, e.g, e.n.Calls); err != nil && ctx.Err() == nil {
			failed = nodes.Errorf("error", "an attempt that was cut off has left something behind: %v", err)
		}
	}
	var res nodes.Result
	if failed == nil {
		res, failed = w.session.Run(ctx, e.spec(), t)
	}
	close(over)
	beating.Wait()
	r, err := e.result(res, failed)
	if err != nil {
		return r, err
	}
	return w.bound(r)
}

// errand is an attempt with its graph and its secrets.
func (w *Worker) errand(ctx context.Context, in *taskInput) (*errand, error) {
	def, err := w.definition(ctx, in.Identity.Stack, in.Hash)
	if err != nil {
		return nil, temporal.NewNonRetryableApplicationError(err.Error(), failureConfig, err)
	}
	e := &errand{w: w, in: in, g: def.g, used: map[string]callUsage{}}
	i, ok := def.g.NodeByID(in.Node)
	if !ok {
		return nil, temporal.NewNonRetryableApplicationError(fmt.Sprintf("graph %q has no node %q", def.g.Name, in.Node), failureConfig, nil)
	}
	e.n = &def.g.Nodes[i]
	with, bound, err := def.g.Carried(i, in.With.Any())
	e.with, e.bound = with, bound
	if err == nil {
		e.steps, err = stepsOf(in.Steps)
	}
	if err == nil {
		e.words, err = wordsOf(in.Words)
	}
	if err != nil {
		return nil, temporal.NewNonRetryableApplicationError(fmt.Sprintf("node %q: what it was given cannot be read: %v", in.Node, err), failureConfig, err)
	}
	for _, s := range e.steps {
		if s.Mark {
			e.counts.marks++
		} else {
			e.counts.steps++
		}
	}
	secrets, _ := work.SecretsOf(w.o.Secret, in.Identity.Params, def.g) // one that is missing fails the node that uses it
	e.masker, e.secret = secrets.Masker(), secrets.Lookup(def.g.Secrets)
	return e, nil
}

// definition is a graph by its hash: one that this worker knows, or the one that the stack has.
func (w *Worker) definition(ctx context.Context, stack, hash string) (*definition, error) {
	if def := w.defs.known(hash); def != nil {
		return def, nil
	}
	r, err := w.query(ctx, stack, readRequest{What: readGraph, Hash: hash})
	if err != nil {
		return nil, fmt.Errorf("the graph of the stack: %w", err)
	}
	if r.Graph == nil {
		return nil, fmt.Errorf("stack %q does not have the graph %.12s", stack, hash)
	}
	return w.defs.compile(*r.Graph)
}

// query asks a stack.
func (w *Worker) query(ctx context.Context, stack string, q readRequest) (r readReply, err error) {
	v, err := w.c.QueryWorkflow(ctx, stack, "", readName, q)
	if err == nil {
		err = v.Get(&r)
	}
	return r, err
}

// spec is the kind of the node, with the work that only the driver can do.
func (e *errand) spec() nodes.Spec {
	kind := &e.n.Kind
	if kind.Sends {
		return nodes.Spec{Kind: *kind, Node: work.Sender{GraphOf: e.w.graphOf}}
	}
	return nodes.Spec{Kind: *kind, Node: e.w.o.Kinds.Work(kind.Name)} // an unknown kind fails in nodes.Run
}

// Complete gives a task what its work may ask of the driver.
func (e *errand) Complete(t *nodes.Task) {
	id := e.in.attempt()
	work.Describe(t, &e.in.Identity, e.g, e.n, id.TaskKey, e.masker)
	t.Attempt, t.Rerun = e.in.Attempt, e.in.Rerun
	t.Logger = e.masker.Logger(e.w.o.Logger).With(slog.String("graph", e.g.Name), slog.String("stack", e.in.Identity.Stack),
		slog.Uint64("cycle", id.Cycle), slog.Uint64("wave", id.Wave), slog.String("node", id.Node), slog.Int("attempt", id.Attempt))
	t.Of, t.Output, t.Retry = e.g, e.n.Output, e.n.Retry
	t.LeftTokens, t.LeftCost = e.in.Tokens, e.in.Cost
	t.Steps, t.Words = work.Steps(e.steps, e.in.Void), work.Words(e.words)
	t.Record, t.Ask = e.record, e.ask
	t.Slot = func(context.Context) (func(), error) { return func() {}, nil }
	t.Rest = rest
	if len(e.g.Memories) > 0 {
		t.Memories = memories{e.w, e.in.Identity.Stack, e.g}
	}
	e.w.tools.Equip(t, e.bound, e.callRunner)
}

// rest is nodes.Task.Rest: an activity keeps its slot.
func rest(ctx context.Context, until <-chan struct{}) error {
	select {
	case <-until:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// beat tells the cluster that the attempt is alive, and ends it when the cluster or the worker
// wants that.
func (e *errand) beat(ctx context.Context, over <-chan struct{}, end context.CancelCauseFunc) {
	every := time.NewTicker(e.w.o.Heartbeat / 3)
	defer every.Stop()
	stopping := activity.GetWorkerStopChannel(ctx)
	var grace <-chan time.Time
	for {
		select {
		case <-over:
			return
		case <-ctx.Done():
			return
		case <-stopping:
			stopping = nil
			grace = time.After(max(e.w.o.Grace, 0))
		case <-grace:
			e.cutOff(end)
			return
		case <-e.w.o.Hurry.Done():
			e.cutOff(end)
			return
		case <-every.C:
			e.mu.Lock()
			beat := heartbeat{Steps: e.done}
			e.mu.Unlock()
			activity.RecordHeartbeat(ctx, beat)
		}
	}
}

// cutOff ends the attempt: it runs again on another worker.
func (e *errand) cutOff(end context.CancelCauseFunc) {
	e.mu.Lock()
	e.stopped = true
	e.mu.Unlock()
	end(errStopped)
}

// record is nodes.Task.Record. The step is durable when it returns: the cluster has it, and
// gives it to the stack if this process dies.
func (e *errand) record(ctx context.Context, r nodes.StepRecord) (any, error) {
	in, err := work.Step(e.masker, &r)
	if err != nil {
		return nil, err
	}
	id := e.in.attempt()
	in.Key, in.Attempt = id.TaskKey, id.Attempt
	in.Call = e.callOver(&r)
	e.mu.Lock()
	defer e.mu.Unlock() // heartbeats take the place of each other: one after the other
	if err := machine.CheckStep(&in, e.counts.steps, e.counts.marks); err != nil {
		return nil, work.StepFailure(ctx, err)
	}
	done := slices.Concat(e.done, []json.RawMessage{stepRecord(&in)})
	size := 0
	for _, s := range done {
		size += len(s)
	}
	if size > e.w.mostValue() { // each heartbeat has all of them
		f := e.w.tooLarge("what the attempt has recorded", size)
		return nil, &nodes.Error{Kind: f.Kind, Message: f.Message, Permanent: true}
	}
	if err := e.keep(ctx, heartbeat{Steps: done}); err != nil {
		return nil, err
	}
	e.done = done
	if in.Mark {
		e.counts.marks++
	} else {
		e.counts.steps++
	}
	return r.Content, nil
}

// keep makes a heartbeat durable before it returns.
func (e *errand) keep(ctx context.Context, beat heartbeat) error {
	err := e.w.heartbeat(ctx, activity.GetInfo(ctx).TaskToken, beat)
	var gone *temporal.CanceledError
	switch {
	case err == nil, errors.As(err, &gone): // it is durable; the context ends by itself
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return nodes.Errorf("cancelled", "the step cannot be recorded: %v", err)
}

// ask is nodes.Task.Ask: the stack has the question when it returns.
func (e *errand) ask(ctx context.Context, calls []journal.Call) error {
	own, err := work.Calls(e.masker, calls)
	if err != nil {
		return err
	}
	id := e.in.attempt()
	s := askSignal{Of: parent{Cycle: id.Cycle, Wave: id.Wave, Node: id.Node, Item: id.Item, Attempt: id.Attempt}}
	for _, c := range own {
		args, err := value.Of(c.Args)
		if err != nil {
			return err
		}
		s.Calls = append(s.Calls, callMessage{c.ID, c.Tool, args})
	}
	if err := e.w.c.SignalWorkflow(ctx, e.in.Identity.Stack, "", askName, s); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nodes.Errorf("cancelled", "the question cannot be recorded: %v", err)
	}
	return nil
}

// result is how the attempt ended, with the secrets masked.
func (e *errand) result(res nodes.Result, failed *nodes.Error) (taskResult, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := taskResult{Tokens: res.Tokens, Cost: res.Cost, Steps: e.done}
	for _, u := range e.used { // in any order: each is its own
		r.Used = append(r.Used, u)
	}
	switch {
	case failed != nil:
		f := work.Failure(failed)
		f.Message = e.masker.Text(f.Message)
		if f.Output != nil {
			text := e.masker.Text(*f.Output)
			f.Output = &text
		}
		r.Failure, r.Wait, r.Tokens, r.Cost = failureOf(f), failed.Wait, failed.Tokens, failed.Cost
		r.CutOff = e.stopped
	case res.Held():
		r.Held = true
	default:
		out := res.Value()
		r.Output = out.With(e.masker.Value(out.Any()))
		if t := work.Talk(e.masker, res.Talk); t != nil {
			messages, err1 := value.Of(t.Messages)
			usage, err2 := value.Of(t.Usage)
			if err := errors.Join(err1, err2); err != nil {
				return r, err
			}
			r.Talk = &talk{messages, usage}
		}
		for _, m := range work.Writes(e.masker, res.Memory) {
			r.Memory = append(r.Memory, memoryWriteOf(&m))
		}
	}
	return r, nil
}
