package temporaldriver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/temporaldriver/paritytest"
)

// world runs a case of package paritytest in the SDK's test environment: all stacks of the case
// are workflows of one environment, whose clock stands still while anything is done, and goes to
// what is due next otherwise. It is all in a bubble of fake time, because the environment lets
// timers fire by the clock on the wall while an activity runs.
type world struct {
	t   *testing.T
	c   *paritytest.Case
	env *testsuite.TestWorkflowEnvironment
	w   *Worker

	recorder  paritytest.Recorder
	said      []string
	failed    []string
	cancelled map[string]bool // activities, by workflow and id
	updates   int
}

// replaying says whether each decision is read as a replay reads it.
type replaying bool

// inTestEnvironment runs a case.
func inTestEnvironment(t *testing.T, c *paritytest.Case, again replaying) (o *paritytest.Outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var suite testsuite.WorkflowTestSuite
		suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
		x := &world{t: t, c: c, env: suite.NewTestWorkflowEnvironment(), cancelled: map[string]bool{}}
		kinds, err := c.Registry(false)
		if err != nil {
			t.Fatal(err)
		}
		x.w, err = newWorker(&fakeClient{x: x}, Options{Kinds: kinds, Secret: c.Secret, History: -1, Heartbeat: 1000 * time.Hour, Grace: -1})
		if err != nil {
			t.Fatal(err)
		}
		x.w.shortest = 0 // where idle cycles have no pause, no time passes, as in the embedded engine
		x.w.probe = probe{nonce: paritytest.Nonce, committed: x.recorder.Commit}
		if again {
			x.w.probe.replays = x.compare
		}
		o = x.run()
		if err := x.w.session.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

func (x *world) run() *paritytest.Outcome {
	env := x.env
	env.SetStartTime(paritytest.Begin)
	env.SetTestTimeout(1000 * time.Hour)
	x.w.register(&registering{x})
	env.SetOnActivityCanceledListener(func(info *activity.Info) { x.cancelled[nameOf(info)] = true })
	for i := range x.c.Does {
		x.said = append(x.said, paritytest.Pending)
		env.RegisterDelayedCallback(func() { x.do(i) }, x.c.Does[i].At)
	}
	o := &paritytest.Outcome{}
	env.RegisterWorkflowWithOptions(func(ctx workflow.Context) error { return x.keep(ctx, o) }, workflow.RegisterOptions{Name: "keeper"})
	env.ExecuteWorkflow("keeper")
	if err := env.GetWorkflowError(); err != nil {
		x.t.Error(err)
	}
	return o
}

// keep is the workflow around those of the stacks.
func (x *world) keep(ctx workflow.Context, o *paritytest.Outcome) error {
	ended := 0
	for i := range x.c.Stacks {
		s := &x.c.Stacks[i]
		def, err := stored(s.Graph, nil)
		if err != nil {
			return err
		}
		state, err := value.Of(s.State)
		if err != nil {
			return err
		}
		ctx := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: s.ID, ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_ABANDON})
		in := Input{Graph: def, Identity: journal.Identity{Stack: s.ID, Graph: s.Graph.Name, Params: s.Params}, State: state, By: s.By}
		done := workflow.ExecuteChildWorkflow(ctx, WorkflowType, in)
		workflow.Go(ctx, func(ctx workflow.Context) {
			if err := done.Get(ctx, nil); err != nil {
				x.failed = append(x.failed, startError(err).Error())
			}
			ended++
		})
	}
	all := func() bool { return ended == len(x.c.Stacks) }
	if _, err := workflow.AwaitWithTimeout(ctx, x.c.Until, all); err != nil {
		return err
	}
	o.Failed, o.Said = x.failed, slices.Clone(x.said)
	rest := x.recorder.Running()
	o.Lives = x.recorder.Stop()
	for _, id := range rest {
		x.env.RegisterDelayedCallback(func() { x.command(id, command{Do: doCancel}, func(error) {}) }, 0)
	}
	return workflow.Await(ctx, all)
}

// do does what a moment says.
func (x *world) do(i int) {
	m := &x.c.Does[i]
	of := func(v any) value.Value {
		c, err := value.Of(v)
		if err != nil {
			x.t.Error(err)
		}
		return c
	}
	c := command{Do: string(m.Does), By: m.By, ID: m.ID, Event: m.Event, Payload: of(m.Payload), Node: m.Node, Item: m.Item,
		Call: m.Call, For: m.For, Output: of(m.Output), Reason: m.Reason}
	if m.Args != nil {
		c.Args, c.HasArgs = of(m.Args), true
	}
	x.command(m.Stack, c, func(err error) { x.said[i] = paritytest.Word(err) })
}

// command gives a stack a command, as a client does.
func (x *world) command(stack string, c command, said func(error)) {
	x.updates++
	err := x.env.UpdateWorkflowByID(stack, updateName, fmt.Sprint("update", x.updates), &testsuite.TestUpdateCallback{
		OnReject: said,
		OnComplete: func(v any, err error) {
			if r, ok := v.(reply); ok && err == nil && r.Refused != nil {
				err = r.Refused.err(stack)
			}
			said(err)
		},
	}, c)
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		err = fmt.Errorf("%w: %q", runtime.ErrEnded, stack)
	}
	if err != nil {
		said(err)
	}
}

// compare holds what a replay reads against what was decided.
func (x *world) compare(decided, read *decision) {
	for i := range decided.commits {
		c := &decided.commits[i]
		c.Records = journal.Singles(c.Records) // as they are read
	}
	d := cmp.Diff(decided, read, cmp.AllowUnexported(decision{}, begin{}, commit{}, attemptID{}, sending{}, refusal{}, leading{}),
		cmpopts.IgnoreFields(begin{}, "task", "birth"), cmpopts.IgnoreFields(sending{}, "event"),
		cmpopts.IgnoreTypes(&journal.Shape{}),       // it is known by then
		cmpopts.IgnoreFields(graph.Change{}, "Key"), // nobody but the machine knows keys by their place
		cmpopts.EquateEmpty())
	if d != "" {
		x.t.Errorf("a decision (-decided +read)\n%s", d)
	}
}

// registering registers the work of tasks as activities that take their time on the clock of the
// environment.
type registering struct{ *world }

func (r *registering) RegisterWorkflowWithOptions(w any, o workflow.RegisterOptions) {
	r.env.RegisterWorkflowWithOptions(w, o)
}

func (r *registering) RegisterActivityWithOptions(a any, o activity.RegisterOptions) {
	if o.Name == taskType {
		a = r.task
	}
	r.env.RegisterActivityWithOptions(a, o)
}

// task returns at once, and has the work done when its time has passed, in the loop of the
// environment: there the clock stands still.
func (x *world) task(ctx context.Context, in taskInput) (taskResult, error) {
	takes := time.Duration(0)
	if x.c.Work != nil {
		r, _ := x.c.Work(paritytest.Attempt{Stack: in.Identity.Stack, Cycle: in.Cycle, Wave: in.Wave, Node: in.Node, Item: in.Item, Try: in.Attempt})
		takes = r.Takes
	}
	info := activity.GetInfo(ctx)
	ctx = context.WithoutCancel(ctx) // it ends with this call
	x.env.RegisterDelayedCallback(func() {
		if x.cancelled[nameOf(&info)] {
			return
		}
		r, err := x.w.task(ctx, in)
		if err := x.env.CompleteActivity(info.TaskToken, r, err); err != nil {
			x.t.Error(err)
		}
		// The environment tells the workflow around all that there is news, and not this one.
		if err := x.env.SignalWorkflowByID(info.WorkflowExecution.ID, "news", nil); err != nil {
			x.t.Error(err)
		}
	}, takes)
	return taskResult{}, activity.ErrResultPending
}

func nameOf(info *activity.Info) string {
	return info.WorkflowExecution.ID + " " + info.WorkflowExecution.RunID + " " + info.ActivityID
}

// fakeClient is the client of the worker. It is used by the work of tasks, in the loop of the
// environment.
type fakeClient struct {
	client.Client
	x *world
}

func (f *fakeClient) QueryWorkflow(_ context.Context, id, _ string, query string, args ...any) (converter.EncodedValue, error) {
	return f.x.env.QueryWorkflowByID(id, query, args...)
}

func (f *fakeClient) SignalWorkflow(_ context.Context, id, _ string, name string, arg any) error {
	return f.x.env.SignalWorkflowByID(id, name, arg)
}

func (f *fakeClient) RecordActivityHeartbeat(context.Context, []byte, ...any) error { return nil }

var _ = commonpb.Payload{}
