package temporaldriver

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/google/go-cmp/cmp"

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

	recorder paritytest.Recorder
	said     []string
	failed   []string
	attempts map[string]*attempt // activities that run, by workflow and id
	updates  int
	status   map[string]journal.Status // of all stacks
	over     chan struct{}             // closed when the environment does nothing any more
}

// inTestEnvironment runs a case.
func inTestEnvironment(t *testing.T, c *paritytest.Case) *paritytest.Outcome {
	t.Helper()
	return runWorkflows(t, c, func(*world) {})
}

// replayedInTestEnvironment runs a case in which each decision is read as a replay reads it.
func replayedInTestEnvironment(t *testing.T, c *paritytest.Case) *paritytest.Outcome {
	t.Helper()
	return runWorkflows(t, c, func(x *world) { x.w.probe.replays = x.compare })
}

// runWorkflows runs a case on a worker that prepare may change.
func runWorkflows(t *testing.T, c *paritytest.Case, prepare func(*world)) (o *paritytest.Outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var suite testsuite.WorkflowTestSuite
		suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
		x := &world{t: t, c: c, env: suite.NewTestWorkflowEnvironment(), attempts: map[string]*attempt{}, status: map[string]journal.Status{}, over: make(chan struct{})}
		kinds, err := c.Registry(wait)
		if err != nil {
			t.Fatal(err)
		}
		x.w, err = newWorker(workerClient{}, Options{Kinds: kinds, Secret: c.Secret, History: -1, Heartbeat: 1000 * time.Hour, Grace: -1})
		if err != nil {
			t.Fatal(err)
		}
		x.w.shortest = 0 // where idle cycles have no pause, no time passes, as in the embedded engine
		x.w.probe = probe{nonce: paritytest.Nonce, committed: x.committed}
		prepare(x)
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
	late := &lateSignals{x: x, stage: map[string]stage{}, waiting: map[string][]string{}}
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{late}})
	defer func() {
		if r := recover(); r != nil { // nothing happens any more
			panic(fmt.Sprintf("%s: %v: workflows %v, signals wait for %v, %v", x.c.Name, r, late.stage, late.waiting, x.failed))
		}
	}()
	x.w.register(&registering{x})
	env.SetOnActivityCanceledListener(x.cancel)
	for i := range x.c.Does {
		x.said = append(x.said, paritytest.Pending)
		x.does(i)
	}
	o := &paritytest.Outcome{}
	env.RegisterWorkflowWithOptions(func(ctx workflow.Context) error { return x.keep(ctx, o) }, workflow.RegisterOptions{Name: "keeper"})
	env.ExecuteWorkflow("keeper")
	close(x.over)
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
	if n := len(x.c.Does); n > 0 {
		if err := workflow.Sleep(ctx, min(x.c.Does[n-1].At+1, x.c.Until)); err != nil {
			return err
		}
	}
	if _, err := workflow.AwaitWithTimeout(ctx, paritytest.Begin.Add(x.c.Until).Sub(workflow.Now(ctx)), all); err != nil {
		return err
	}
	o.Failed, o.Said = x.failed, slices.Clone(x.said)
	rest := x.recorder.Running()
	o.Lives = x.recorder.Stop()
	for _, id := range rest {
		x.visit(0, func(ctx context.Context, v *visitor) { _ = x.clientOf(v).Cancel(ctx, id, "") })
	}
	return workflow.Await(ctx, all)
}

func (x *world) committed(c runtime.Commit) {
	x.status[c.Stack] = c.Cursor.Status
	x.recorder.Commit(c)
}

// compare holds what a replay reads against what was decided.
func (x *world) compare(decided, read *decision) {
	want, got := linesOf(decided), linesOf(read)
	if slices.Equal(want, got) {
		return
	}
	x.t.Errorf("a decision (-decided +read)\n%s", cmp.Diff(want, got))
}

// linesOf is all of a decision but what only the one that is decided has. The place of a changed
// key is left out, which only the machine knows keys by, and the shape of a commit, which a replay
// knows by then.
func linesOf(d *decision) (out []string) {
	c := *d
	c.commits = nil
	c.begins = slices.Clone(c.begins)
	for i := range c.begins {
		c.begins[i].task, c.begins[i].birth = nil, nil
	}
	c.sends = slices.Clone(c.sends)
	for i := range c.sends {
		c.sends[i].event = nil
	}
	out = append(out, fmt.Sprintf("%+v", c))
	for i := range d.commits {
		c := d.commits[i].Commit
		for r := range journal.EachRecord(c.Records) {
			out = append(out, string(journal.AppendRecord(nil, r, true)))
		}
		for _, change := range c.Changes {
			change.Key = 0
			change.Value = value.String(change.Value)
			out = append(out, fmt.Sprintf("%+v", change))
		}
		for _, part := range []any{c.Cursor, c.Create, c.Graph} {
			b, err := json.Marshal(part)
			if err != nil {
				panic(err) // of the journal's own types
			}
			out = append(out, string(b))
		}
		c.Records, c.Changes, c.Cursor, c.Create, c.Graph, c.Shape = nil, nil, journal.Cursor{}, nil, nil, nil
		out = append(out, fmt.Sprintf("%+v", c))
	}
	return out
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

// attempt is the work of a task.
type attempt struct {
	*visitor
	begun bool
	end   context.CancelFunc
}

// task returns at once, and has the work done beside the loop of the environment.
func (x *world) task(ctx context.Context, in taskInput) (taskResult, error) {
	info := activity.GetInfo(ctx)
	values := context.WithoutCancel(ctx) // it ends with this call
	a := &attempt{}
	a.visitor = x.visit(0, func(ctx context.Context, v *visitor) {
		a.begun = true
		own, end := context.WithCancel(context.WithValue(values, visitorKey{}, v))
		a.end = end
		defer end()
		r, err := x.w.task(own, in)
		delete(x.attempts, nameOf(&info))
		if a.gone {
			return
		}
		if err := v.ask(ctx, 0, func(done func()) {
			defer done()
			if err := x.env.CompleteActivity(info.TaskToken, r, err); err != nil {
				x.t.Error(err)
			}
			x.wake(info.WorkflowExecution.ID) // the environment tells the workflow around all
		}); err != nil {
			x.t.Error(err)
		}
	})
	x.env.RegisterDelayedCallback(func() { x.attempts[nameOf(&info)] = a }, 0)
	return taskResult{}, activity.ErrResultPending
}

// cancel ends the context of an attempt. The environment takes none of its result.
func (x *world) cancel(info *activity.Info) {
	a := x.attempts[nameOf(info)]
	if a == nil {
		return
	}
	delete(x.attempts, nameOf(info))
	a.gone = true
	if a.begun {
		a.end()
		<-a.rests
	}
}

func nameOf(info *activity.Info) string {
	return info.WorkflowExecution.ID + " " + info.WorkflowExecution.RunID + " " + info.ActivityID
}
