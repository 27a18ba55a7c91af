package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/graphrun/graphrun/runtime/temporaldriver/e2e/cluster"
)

// handState is what the workflow keeps.
type handState struct {
	Cycles int64 `json:"cycles"`
	N      int64 `json:"n"`
}

// handTask is what a task gets.
type handTask struct {
	Node  string `json:"node"`
	Cycle int64  `json:"cycle"`
}

var waves = [][]string{{"a", "b"}, {"c", "d"}, {last}}

// handWorkflow does what the graph does, as somebody would write it who needs nothing else.
func handWorkflow(ctx workflow.Context, s handState) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	for !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		s.Cycles++
		for _, wave := range waves {
			var all []workflow.Future
			for _, node := range wave {
				all = append(all, workflow.ExecuteActivity(ctx, "nothing", handTask{node, s.Cycles}))
			}
			for _, f := range all {
				if err := f.Get(ctx, nil); err != nil {
					return err
				}
			}
		}
		s.N++
	}
	return workflow.NewContinueAsNewError(ctx, handWorkflow, s)
}

// byHand is a workflow of the same work without graphrun.
func byHand(ctx context.Context, p place, stacks int, cycles *atomic.Int64) (func() error, error) {
	c, err := cluster.Dial(ctx, p.address)
	if err != nil {
		return nil, err
	}
	w := worker.New(c, "hand", worker.Options{MaxConcurrentActivityExecutionSize: parallel, WorkerStopTimeout: time.Second})
	w.RegisterWorkflow(handWorkflow)
	w.RegisterActivityWithOptions(func(_ context.Context, t handTask) error {
		if t.Node == last {
			cycles.Add(1)
		}
		return nil
	}, activity.RegisterOptions{Name: "nothing"})
	if err := w.Start(); err != nil {
		c.Close()
		return nil, err
	}
	stop := func() error {
		defer c.Close()
		w.Stop()
		return nil
	}
	for i := range stacks {
		_, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: stackID(i), TaskQueue: "hand"}, handWorkflow, handState{})
		if err != nil {
			return nil, errors.Join(err, stop())
		}
	}
	return stop, nil
}
