package temporaldriver

import (
	"errors"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"
)

// What follows mends the test environment where it differs from a cluster: it cannot give a
// signal to a workflow that was begun and has not run yet. Such a signal waits for it.

// lateSignals intercepts all workflows of an environment.
type lateSignals struct {
	interceptor.WorkerInterceptorBase
	x       *world
	stage   map[string]stage    // of workflows, by id
	waiting map[string][]string // workflows that have signals for one that does not run yet
}

type stage int

const (
	begun stage = iota + 1
	runs
	over
)

func (l *lateSignals) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	i := &lateInbound{l: l}
	i.Next = next
	return i
}

type lateInbound struct {
	interceptor.WorkflowInboundInterceptorBase
	l *lateSignals
}

func (i *lateInbound) Init(out interceptor.WorkflowOutboundInterceptor) error {
	o := &lateOutbound{l: i.l}
	o.Next = out
	return i.Next.Init(o)
}

func (i *lateInbound) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	id := workflow.GetInfo(ctx).WorkflowExecution.ID
	i.l.stage[id] = runs
	for _, waiter := range i.l.waiting[id] {
		i.l.x.env.RegisterDelayedCallback(func() { i.l.x.wake(waiter) }, 0)
	}
	delete(i.l.waiting, id)
	result, err := i.Next.ExecuteWorkflow(ctx, in)
	i.l.stage[id] = over
	if errors.As(err, new(*workflow.ContinueAsNewError)) {
		i.l.stage[id] = begun
	}
	return result, err
}

type lateOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	l *lateSignals
}

func (o *lateOutbound) ExecuteChildWorkflow(ctx workflow.Context, kind string, args ...any) workflow.ChildWorkflowFuture {
	id := workflow.GetChildWorkflowOptions(ctx).WorkflowID
	if s := o.l.stage[id]; s == 0 || s == over {
		o.l.stage[id] = begun
	}
	return o.Next.ExecuteChildWorkflow(ctx, kind, args...)
}

func (o *lateOutbound) SignalExternalWorkflow(ctx workflow.Context, id, run, name string, arg any) workflow.Future {
	if o.l.stage[id] != begun {
		return o.Next.SignalExternalWorkflow(ctx, id, run, name, arg)
	}
	f, set := workflow.NewFuture(ctx)
	o.l.waiting[id] = append(o.l.waiting[id], workflow.GetInfo(ctx).WorkflowExecution.ID)
	workflow.Go(ctx, func(ctx workflow.Context) {
		if err := workflow.Await(ctx, func() bool { return o.l.stage[id] != begun }); err != nil {
			set.SetError(err)
			return
		}
		set.Chain(o.Next.SignalExternalWorkflow(ctx, id, run, name, arg))
	})
	return f
}

// wake has a workflow look whether there is news for it.
func (x *world) wake(id string) {
	_ = x.env.SignalWorkflowByID(id, "news", nil) // it may have ended
}
