package temporaldriver

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"github.com/graphrun/graphrun/runtime/temporaldriver/paritytest"
)

// visitor is what does something beside the loop of the environment: an attempt, or somebody
// outside with a Client. It is a goroutine that runs only while the loop waits for it, so that
// the clock of the environment stands still. It is the cluster as that goroutine knows it.
type visitor struct {
	client.Client // what is not here is not needed
	x             *world
	resume, rests chan struct{}
	gone          bool // it is to end, and waits for nothing any more
}

var errOver = errors.New("the case is over")

// visit has fn called at a time, with a context from which it and the worker's client find their
// visitor.
func (x *world) visit(at time.Duration, fn func(context.Context, *visitor)) *visitor {
	v := &visitor{x: x, resume: make(chan struct{}), rests: make(chan struct{})}
	x.env.RegisterDelayedCallback(func() {
		if v.gone {
			return
		}
		go func() {
			fn(context.WithValue(context.Background(), visitorKey{}, v), v)
			v.rest()
		}()
		<-v.rests
	}, at)
	return v
}

type visitorKey struct{}

// rest lets the loop continue.
func (v *visitor) rest() {
	select {
	case v.rests <- struct{}{}:
	case <-v.x.over:
	}
}

// ask has fn called in the loop of the environment after a time, and waits until it calls the
// function that it is given.
func (v *visitor) ask(ctx context.Context, after time.Duration, fn func(done func())) error {
	v.x.env.RegisterDelayedCallback(func() {
		fn(func() {
			if v.gone {
				return
			}
			v.resume <- struct{}{}
			<-v.rests
		})
	}, after)
	v.rest()
	select {
	case <-v.resume:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-v.x.over:
		return errOver
	}
}

// wait lets time pass on the clock of the environment.
func wait(ctx context.Context, d time.Duration) error {
	return visiting(ctx).ask(ctx, d, func(done func()) { done() })
}

func visiting(ctx context.Context) *visitor { return ctx.Value(visitorKey{}).(*visitor) }

// does does what a moment says.
func (x *world) does(i int) {
	m := &x.c.Does[i]
	x.visit(m.At, func(_ context.Context, v *visitor) {
		x.said[i] = paritytest.Word(m.Do(x.clientOf(v)))
	})
}

func (x *world) clientOf(v *visitor) *Client {
	c, err := NewClient(v, Options{Kinds: x.w.o.Kinds})
	if err != nil {
		panic(err) // there are kinds
	}
	return c
}

func (v *visitor) QueryWorkflow(ctx context.Context, id, _, query string, args ...any) (r converter.EncodedValue, err error) {
	over := v.ask(ctx, 0, func(done func()) {
		r, err = v.x.env.QueryWorkflowByID(id, query, args...)
		done()
	})
	return r, errors.Join(err, over)
}

func (v *visitor) SignalWorkflow(ctx context.Context, id, _, name string, arg any) (err error) {
	over := v.ask(ctx, 0, func(done func()) {
		err = v.x.env.SignalWorkflowByID(id, name, arg)
		done()
	})
	return errors.Join(err, over)
}

// UpdateWorkflow returns when the update is over, whatever is asked for.
func (v *visitor) UpdateWorkflow(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	h := &updated{}
	var missing error
	over := v.ask(ctx, 0, func(done func()) {
		v.x.updates++
		missing = v.x.env.UpdateWorkflowByID(o.WorkflowID, o.UpdateName, fmt.Sprint("update", v.x.updates), &testsuite.TestUpdateCallback{
			OnReject:   func(err error) { h.err = err; done() },
			OnComplete: func(r any, err error) { h.result, h.err = r, err; done() },
		}, o.Args...)
		if missing != nil {
			done()
		}
	})
	return h, errors.Join(missing, over)
}

type updated struct {
	client.WorkflowUpdateHandle
	result any
	err    error
}

func (u *updated) Get(_ context.Context, into any) error {
	if u.err == nil {
		reflect.ValueOf(into).Elem().Set(reflect.ValueOf(u.result))
	}
	return u.err
}

func (v *visitor) DescribeWorkflowExecution(_ context.Context, id, _ string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	status, known := v.x.status[id]
	if !known {
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	is := enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	if status.Ended() {
		is = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: id}, Type: &commonpb.WorkflowType{Name: WorkflowType}, Status: is,
	}}, nil
}

func (v *visitor) CheckHealth(context.Context, *client.CheckHealthRequest) (*client.CheckHealthResponse, error) {
	return &client.CheckHealthResponse{}, nil
}

func (v *visitor) ListWorkflow(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	r := &workflowservice.ListWorkflowExecutionsResponse{}
	for id := range v.x.status { // in any order, as in a cluster
		r.Executions = append(r.Executions, &workflowpb.WorkflowExecutionInfo{Execution: &commonpb.WorkflowExecution{WorkflowId: id}})
	}
	return r, nil
}

// workerClient is the client of the worker, which the work of tasks uses: each attempt is a
// visitor.
type workerClient struct{ client.Client }

func (workerClient) QueryWorkflow(ctx context.Context, id, run, query string, args ...any) (converter.EncodedValue, error) {
	return visiting(ctx).QueryWorkflow(ctx, id, run, query, args...)
}

func (workerClient) SignalWorkflow(ctx context.Context, id, run, name string, arg any) error {
	return visiting(ctx).SignalWorkflow(ctx, id, run, name, arg)
}

func (workerClient) ListWorkflow(ctx context.Context, in *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	return visiting(ctx).ListWorkflow(ctx, in)
}

func (workerClient) RecordActivityHeartbeat(context.Context, []byte, ...any) error { return nil }
