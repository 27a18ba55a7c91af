package blob

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/command/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// service is as much of Temporal as one stack needs that ends in its first task.
type service struct {
	workflowservice.UnimplementedWorkflowServiceServer
	started   chan *workflowservice.StartWorkflowExecutionRequest
	completed chan []*command.Command
	ending    chan struct{}

	mu   sync.Mutex
	task *workflowservice.PollWorkflowTaskQueueResponse
}

func (*service) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{ServerVersion: "1.32.1", Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{}}, nil
}

func (*service) DescribeNamespace(context.Context, *workflowservice.DescribeNamespaceRequest) (*workflowservice.DescribeNamespaceResponse, error) {
	return &workflowservice.DescribeNamespaceResponse{}, nil
}

func (s *service) StartWorkflowExecution(_ context.Context, r *workflowservice.StartWorkflowExecutionRequest) (*workflowservice.StartWorkflowExecutionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.task = &workflowservice.PollWorkflowTaskQueueResponse{
		TaskToken:         []byte("token"),
		WorkflowExecution: &common.WorkflowExecution{WorkflowId: r.WorkflowId, RunId: "run"},
		WorkflowType:      r.WorkflowType,
		StartedEventId:    3,
		Attempt:           1,
		History:           past(r.WorkflowType.Name, r.Input),
	}
	s.started <- r
	return &workflowservice.StartWorkflowExecutionResponse{RunId: "run"}, nil
}

func (s *service) PollWorkflowTaskQueue(ctx context.Context, r *workflowservice.PollWorkflowTaskQueueRequest) (*workflowservice.PollWorkflowTaskQueueResponse, error) {
	s.mu.Lock()
	task := s.task
	if r.TaskQueue.Kind != enums.TASK_QUEUE_KIND_STICKY {
		s.task = nil
	} else {
		task = nil
	}
	s.mu.Unlock()
	if task != nil {
		return task, nil
	}
	select {
	case <-ctx.Done():
	case <-s.ending:
	}
	return &workflowservice.PollWorkflowTaskQueueResponse{}, nil
}

func (s *service) RespondWorkflowTaskCompleted(_ context.Context, r *workflowservice.RespondWorkflowTaskCompletedRequest) (*workflowservice.RespondWorkflowTaskCompletedResponse, error) {
	s.completed <- r.Commands
	return &workflowservice.RespondWorkflowTaskCompletedResponse{}, nil
}

// past is the history of a stack that has just begun.
func past(name string, input *common.Payloads) *history.History {
	now := timestamppb.Now()
	return &history.History{Events: []*history.HistoryEvent{
		{EventId: 1, EventTime: now, EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, Attributes: &history.HistoryEvent_WorkflowExecutionStartedEventAttributes{
			WorkflowExecutionStartedEventAttributes: &history.WorkflowExecutionStartedEventAttributes{
				WorkflowType: &common.WorkflowType{Name: name}, TaskQueue: &taskqueue.TaskQueue{Name: "queue"}, Input: input,
				FirstExecutionRunId: "run", OriginalExecutionRunId: "run",
			}}},
		{EventId: 2, EventTime: now, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, Attributes: &history.HistoryEvent_WorkflowTaskScheduledEventAttributes{
			WorkflowTaskScheduledEventAttributes: &history.WorkflowTaskScheduledEventAttributes{TaskQueue: &taskqueue.TaskQueue{Name: "queue"}}}},
		{EventId: 3, EventTime: now, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_STARTED, Attributes: &history.HistoryEvent_WorkflowTaskStartedEventAttributes{
			WorkflowTaskStartedEventAttributes: &history.WorkflowTaskStartedEventAttributes{ScheduledEventId: 2}}},
	}}
}

// client starts the service and a client of it that uses a store.
func (s *service) client(t *testing.T, store Store) client.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, s)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	c, err := client.Dial(client.Options{HostPort: listener.Addr().String(), ExternalStorage: ExternalStorage(store), Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

// again continues as new with its input, and with its length, which it has seen.
func again(ctx workflow.Context, in string, _ int) error {
	return workflow.NewContinueAsNewError(ctx, "again", in, len(in))
}

// TestClientAndWorker: what a client sends, what a workflow sees, and what its worker sends
// at continue-as-new, which renews the blob.
func TestClientAndWorker(t *testing.T) {
	t.Parallel()
	f := folder(t)
	s := &service{
		started:   make(chan *workflowservice.StartWorkflowExecutionRequest, 1),
		completed: make(chan []*command.Command, 1),
		ending:    make(chan struct{}),
	}
	c := s.client(t, f)
	large := strings.Repeat("large ", 50_000)
	if _, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "stack", TaskQueue: "queue"}, "again", large, 0); err != nil {
		t.Fatal(err)
	}
	sent := (<-s.started).Input
	if size := proto.Size(sent); size > 1000 {
		t.Errorf("the client sent %d bytes", size)
	}
	blobs := names(t, f.dir)
	if len(blobs) != 1 {
		t.Fatalf("got the blobs %v", blobs)
	}
	age(t, f.path(blobs[0]), month+time.Hour)

	w := worker.New(c, "queue", worker.Options{DisableEagerActivities: true, WorkerStopTimeout: time.Second})
	w.RegisterWorkflowWithOptions(again, workflow.RegisterOptions{Name: "again"})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	commands := <-s.completed
	close(s.ending)
	w.Stop()
	if len(commands) != 1 || proto.Size(commands[0]) > 2000 {
		t.Fatalf("got %d commands, the first of %d bytes", len(commands), proto.Size(commands[0]))
	}
	next := commands[0].GetContinueAsNewWorkflowExecutionCommandAttributes().GetInput()
	sweep(t, f, Swept{})
	got, failed := asks(t, handler(t, f), "/decode", next.GetPayloads())
	if failed != "" {
		t.Fatal(failed)
	}
	var value string
	var seen int
	err := converter.GetDefaultDataConverter().FromPayloads(&common.Payloads{Payloads: got}, &value, &seen)
	if err != nil || value != large || seen != len(large) {
		t.Errorf("got %.40q, and %d bytes were seen (%v)", value, seen, err)
	}
}

// TestReplay: a recorded history with references is replayed by a store that has the blobs,
// and by no other one.
func TestReplay(t *testing.T) {
	t.Parallel()
	f := folder(t)
	in, err := converter.GetDefaultDataConverter().ToPayloads(strings.Repeat("large ", 50_000))
	if err != nil {
		t.Fatal(err)
	}
	sent, failed := asks(t, handler(t, f), "/encode", in.Payloads)
	if failed != "" {
		t.Fatal(failed)
	}
	replay := func(store Store) (seen int, err error) {
		replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{ExternalStorage: ExternalStorage(store)})
		if err != nil {
			t.Fatal(err)
		}
		replayer.RegisterWorkflowWithOptions(func(_ workflow.Context, in string) error {
			seen = len(in)
			return nil
		}, workflow.RegisterOptions{Name: "length"})
		h := past("length", &common.Payloads{Payloads: sent})
		now := timestamppb.Now()
		h.Events = append(h.Events,
			&history.HistoryEvent{EventId: 4, EventTime: now, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, Attributes: &history.HistoryEvent_WorkflowTaskCompletedEventAttributes{
				WorkflowTaskCompletedEventAttributes: &history.WorkflowTaskCompletedEventAttributes{ScheduledEventId: 2, StartedEventId: 3}}},
			&history.HistoryEvent{EventId: 5, EventTime: now, EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, Attributes: &history.HistoryEvent_WorkflowExecutionCompletedEventAttributes{
				WorkflowExecutionCompletedEventAttributes: &history.WorkflowExecutionCompletedEventAttributes{WorkflowTaskCompletedEventId: 4}}})
		err = replayer.ReplayWorkflowHistory(silent{}, h)
		return seen, err
	}
	if seen, err := replay(f); err != nil || seen != 300_000 {
		t.Errorf("the workflow has seen %d bytes (%v)", seen, err)
	}
	if seen, err := replay(folder(t)); err == nil || seen != 0 || !strings.Contains(err.Error(), "same store") {
		t.Errorf("the workflow has seen %d bytes (%v)", seen, err)
	}
}
