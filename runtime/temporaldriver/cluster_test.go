package temporaldriver

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// cluster is a Temporal cluster with a worker as a Client knows it. Each stack runs in a test
// environment of its own, whose clock jumps where nothing else happens: stacks should wait for
// somebody outside.
type cluster struct {
	client.Client // what is not here is not needed
	t             *testing.T
	w             *Worker
	o             Options

	mu       sync.Mutex
	stacks   map[string]*running
	others   []*workflowpb.WorkflowExecutionInfo // that a list gives too
	deserted bool                                // no worker answers
	drops    int                                 // so many commands are dropped, since workflow tasks fail
	asked    []string                            // queries of lists
}

// running is the workflow of a stack.
type running struct {
	id     string
	memo   *commonpb.Memo
	begun  time.Time
	over   chan struct{} // closed when the last run has ended
	result *Output
	err    error

	mu   sync.Mutex // of the run: whoever calls into it when its loop has ended
	runs []string
	env  *testsuite.TestWorkflowEnvironment // nil as long as no worker has begun it
	left chan struct{}                      // closed when the loop of env has ended
}

func newCluster(t *testing.T, o Options) *cluster {
	t.Helper()
	c := &cluster{t: t, o: o, stacks: map[string]*running{}}
	w, err := newWorker(c, o)
	if err != nil {
		t.Fatal(err)
	}
	c.w = w
	t.Cleanup(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, r := range c.stacks { // in any order: all of them
			if r.hasBegun() && !r.closed() {
				r.env.CancelWorkflow()
				<-r.over
			}
		}
	})
	return c
}

// newClient is a client of the cluster.
func (c *cluster) newClient() *Client {
	c.t.Helper()
	cl, err := NewClient(c, c.o)
	if err != nil {
		c.t.Fatal(err)
	}
	return cl
}

func (c *cluster) find(id string) (*running, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.stacks[id]; r != nil {
		return r, nil
	}
	return nil, serviceerror.NewNotFound("workflow not found for ID: " + id)
}

// desert has the worker leave, or come back.
func (c *cluster) desert(gone bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deserted = gone
}

func (c *cluster) isDeserted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.deserted
}

func (c *cluster) dropsOne() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops--
	return c.drops >= 0
}

// end waits for the end of a stack's workflow.
func (c *cluster) end(id string) (*Output, error) {
	c.t.Helper()
	r, err := c.find(id)
	if err != nil {
		c.t.Fatal(err)
	}
	<-r.over
	return r.result, r.err
}

func (c *cluster) ExecuteWorkflow(_ context.Context, o client.StartWorkflowOptions, kind any, args ...any) (client.WorkflowRun, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stacks[o.ID] != nil {
		if o.WorkflowIDReusePolicy != enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE || !o.WorkflowExecutionErrorWhenAlreadyStarted {
			c.t.Errorf("a stack is started twice with the policies %+v", o)
		}
		return nil, serviceerror.NewWorkflowExecutionAlreadyStarted("Workflow execution already started", "", "")
	}
	r := &running{id: o.ID, begun: time.Now(), over: make(chan struct{}), memo: &commonpb.Memo{Fields: map[string]*commonpb.Payload{}}}
	for name, v := range o.Memo { // in any order: each is its own
		p, err := converter.GetDefaultDataConverter().ToPayload(v)
		if err != nil {
			return nil, err
		}
		r.memo.Fields[name] = p
	}
	if kind != WorkflowType || o.TaskQueue != c.w.o.TaskQueue {
		c.t.Errorf("a workflow %v begins in the queue %q", kind, o.TaskQueue)
	}
	c.stacks[o.ID] = r
	if c.deserted {
		r.runs = []string{"run-0"}
		return nil, nil
	}
	r.begin(c, args[0].(Input))
	return nil, nil
}

// begin runs the workflow, and those that it continues as.
func (r *running) begin(c *cluster, in Input) {
	begun := r.next(c)
	go func() {
		defer close(r.over)
		for {
			env := r.env
			env.ExecuteWorkflow(WorkflowType, in)
			close(r.left)
			r.err = env.GetWorkflowError()
			var again *workflow.ContinueAsNewError
			if !errors.As(r.err, &again) {
				break
			}
			in = Input{}
			if err := converter.GetDefaultDataConverter().FromPayloads(again.Input, &in); err != nil {
				c.t.Error(err)
				return
			}
			r.mu.Lock()
			_ = r.next(c)
			r.mu.Unlock()
		}
		if r.err == nil {
			r.result = &Output{}
			r.err = r.env.GetWorkflowResult(r.result)
		}
	}()
	<-begun
}

// next makes the environment of the next run. begun is closed when that listens.
func (r *running) next(c *cluster) (begun chan struct{}) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silentLog{})
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetWorkflowRunTimeout(0) // else the clock jumps there
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: r.id, TaskQueue: c.w.o.TaskQueue})
	begun = make(chan struct{})
	c.w.register(listening{env, c.w, begun})
	r.runs = append(r.runs, "run-"+string(rune('0'+len(r.runs))))
	r.env, r.left = env, make(chan struct{})
	return begun
}

// listening says when the workflow of a stack has done its first task.
type listening struct {
	*testsuite.TestWorkflowEnvironment
	w     *Worker
	begun chan struct{}
}

func (l listening) RegisterWorkflowWithOptions(fn any, o workflow.RegisterOptions) {
	if o.Name == WorkflowType {
		fn = func(ctx workflow.Context, in Input) (Output, error) {
			workflow.Go(ctx, func(workflow.Context) { close(l.begun) }) // when the workflow waits
			return l.w.stack(ctx, in)
		}
	}
	l.TestWorkflowEnvironment.RegisterWorkflowWithOptions(fn, o)
}

// do calls fn where the workflow stands still: in the loop of its environment, or after that has
// ended. fn is called again for the run that follows one that ended before it could answer.
func (r *running) do(fn func(env *testsuite.TestWorkflowEnvironment)) {
	r.mu.Lock()
	env, left := r.env, r.left
	r.mu.Unlock()
	called := make(chan struct{})
	var once sync.Once
	call := func() { once.Do(func() { fn(env); close(called) }) }
	env.RegisterDelayedCallback(call, 0)
	select {
	case <-called:
	case <-left:
		r.mu.Lock()
		defer r.mu.Unlock()
		call()
	}
}

func (r *running) hasBegun() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.env != nil
}

func (r *running) closed() bool {
	select {
	case <-r.over:
		return true
	default:
		return false
	}
}

func (c *cluster) QueryWorkflow(ctx context.Context, id, _, name string, args ...any) (v converter.EncodedValue, err error) {
	r, err := c.find(id)
	if err != nil {
		return nil, err
	}
	if c.isDeserted() || !r.hasBegun() {
		<-ctx.Done()
		return nil, serviceerror.NewDeadlineExceeded("no worker")
	}
	r.do(func(env *testsuite.TestWorkflowEnvironment) { v, err = env.QueryWorkflow(name, args...) })
	if err != nil {
		err = serviceerror.NewQueryFailed(err.Error())
	}
	return v, err
}

// told is the handle of an update.
type told struct {
	client.WorkflowUpdateHandle
	r        *running
	accepted chan struct{}
	done     chan struct{}
	result   []byte
	err      error
}

func (c *cluster) UpdateWorkflow(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	r, err := c.find(o.WorkflowID)
	switch {
	case err != nil:
		return nil, err
	case c.isDeserted() || !r.hasBegun():
		<-ctx.Done()
		return nil, client.NewWorkflowUpdateServiceTimeoutOrCanceledError(ctx.Err())
	case r.closed():
		return nil, serviceerror.NewNotFound("workflow execution already completed")
	}
	if c.dropsOne() {
		return nil, serviceerror.NewWorkflowNotReady("unexpected workflow task failure")
	}
	h := &told{r: r, accepted: make(chan struct{}), done: make(chan struct{})}
	r.do(func(env *testsuite.TestWorkflowEnvironment) {
		env.UpdateWorkflow(o.UpdateName, o.UpdateID, &testsuite.TestUpdateCallback{
			OnAccept: func() { close(h.accepted) },
			OnReject: func(err error) { h.err = asFailure(err); close(h.accepted); close(h.done) },
			OnComplete: func(v any, err error) {
				if h.err = asFailure(err); err == nil {
					h.result, h.err = json.Marshal(v)
				}
				close(h.done)
			},
		}, o.Args...)
	})
	select {
	case <-h.accepted:
		return h, nil
	case <-r.over:
		select {
		case <-h.accepted: // before it ended
			return h, nil
		default:
			return nil, serviceerror.NewNotFound("workflow execution already completed")
		}
	case <-ctx.Done():
		return nil, client.NewWorkflowUpdateServiceTimeoutOrCanceledError(ctx.Err())
	}
}

// asFailure is an error as it comes from a cluster.
func asFailure(err error) error {
	if err == nil {
		return nil
	}
	return temporal.NewApplicationError(err.Error(), "", nil)
}

func (h *told) Get(ctx context.Context, to any) error {
	select {
	case <-h.done:
	case <-h.r.over:
		select {
		case <-h.done:
		default:
			return temporal.NewApplicationError("Workflow Update failed because the Workflow completed before the Update completed.", failureClosing)
		}
	case <-ctx.Done():
		return client.NewWorkflowUpdateServiceTimeoutOrCanceledError(ctx.Err())
	}
	if h.err != nil {
		return h.err
	}
	return json.Unmarshal(h.result, to)
}

func (c *cluster) SignalWorkflow(_ context.Context, id, _, name string, arg any) error {
	r, err := c.find(id)
	if err != nil {
		return err
	}
	r.do(func(env *testsuite.TestWorkflowEnvironment) { env.SignalWorkflow(name, arg) })
	return nil
}

// info is what the cluster shows of a workflow.
func (r *running) info(queue string) *workflowpb.WorkflowExecutionInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: r.id, RunId: r.runs[len(r.runs)-1]}, Type: &commonpb.WorkflowType{Name: WorkflowType},
		StartTime: timestamppb.New(r.begun), Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, TaskQueue: queue, HistoryLength: 2, Memo: r.memo,
	}
	switch {
	case r.env == nil:
		return i
	case !r.closed():
	case r.err == nil:
		i.Status = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	default:
		i.Status = enumspb.WORKFLOW_EXECUTION_STATUS_FAILED
	}
	i.HistoryLength = 10
	return i
}

func (c *cluster) DescribeWorkflowExecution(_ context.Context, id, _ string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	r, err := c.find(id)
	if err != nil {
		return nil, err
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: r.info(c.w.o.TaskQueue)}, nil
}

func (c *cluster) DescribeTaskQueue(context.Context, string, enumspb.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	at := time.Now()
	if c.isDeserted() {
		at = at.Add(-2 * longestPoll)
	}
	return &workflowservice.DescribeTaskQueueResponse{Pollers: []*taskqueuepb.PollerInfo{{LastAccessTime: timestamppb.New(at)}}}, nil
}

// ListWorkflow gives two workflows a page, in the order of their beginnings, the last one first.
func (c *cluster) ListWorkflow(_ context.Context, q *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, q.Query)
	_, of, one := strings.Cut(q.Query, "WorkflowId = ")
	var all []*workflowpb.WorkflowExecutionInfo
	for id, r := range c.stacks { // in any order: sorted
		if one && of != quoted(id) {
			continue
		}
		info := r.info(c.w.o.TaskQueue)
		info.HistoryLength = 0
		all = append(all, info)
	}
	if !one {
		all = append(all, c.others...)
	}
	slices.SortFunc(all, func(a, b *workflowpb.WorkflowExecutionInfo) int {
		return b.StartTime.AsTime().Compare(a.StartTime.AsTime())
	})
	from := len(q.NextPageToken)
	page := all[min(from, len(all)):min(from+2, len(all))]
	out := &workflowservice.ListWorkflowExecutionsResponse{Executions: page}
	if from+2 < len(all) {
		out.NextPageToken = make([]byte, from+2)
	}
	return out, nil
}

func (c *cluster) CheckHealth(context.Context, *client.CheckHealthRequest) (*client.CheckHealthResponse, error) {
	return &client.CheckHealthResponse{}, nil
}

// ended is a workflow that is over.
type ended struct {
	client.WorkflowRun
	err error
}

func (e ended) Get(context.Context, any) error { return e.err }

func (c *cluster) GetWorkflow(_ context.Context, id, _ string) client.WorkflowRun {
	r, err := c.find(id)
	if err != nil {
		return ended{err: err}
	}
	<-r.over
	return ended{err: r.err}
}

// service deletes stacks.
type service struct {
	workflowservice.WorkflowServiceClient
	c *cluster
}

func (c *cluster) WorkflowService() workflowservice.WorkflowServiceClient { return service{c: c} }

func (s service) DeleteWorkflowExecution(_ context.Context, q *workflowservice.DeleteWorkflowExecutionRequest, _ ...grpc.CallOption) (*workflowservice.DeleteWorkflowExecutionResponse, error) {
	r, err := s.c.find(q.WorkflowExecution.WorkflowId)
	if err != nil {
		return nil, err
	}
	if q.Namespace != "default" || !r.closed() {
		s.c.t.Errorf("deletes %v of a stack that runs", q)
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	delete(s.c.stacks, r.id)
	return &workflowservice.DeleteWorkflowExecutionResponse{}, nil
}

// silentLog keeps the SDK quiet: what it says is not what is tested.
type silentLog struct{}

func (silentLog) Debug(string, ...any) {}
func (silentLog) Info(string, ...any)  {}
func (silentLog) Warn(string, ...any)  {}
func (silentLog) Error(string, ...any) {}
