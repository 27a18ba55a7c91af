package temporaldriver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// found is what the cluster itself knows of the workflow of a stack.
type found struct {
	stack, run  string
	graph, hash string // as the memo has them; "" without one
	queue       string
	status      enums.WorkflowExecutionStatus
	since       time.Time
	events      int64 // 0 where it is not known
}

func foundOf(info *workflow.WorkflowExecutionInfo) found {
	f := found{
		stack: info.GetExecution().GetWorkflowId(), run: info.GetExecution().GetRunId(), queue: info.GetTaskQueue(),
		status: info.GetStatus(), since: info.GetStartTime().AsTime(), events: info.GetHistoryLength(),
	}
	for name, to := range map[string]*string{memoGraph: &f.graph, memoHash: &f.hash} { // in any order: each is its own
		if p := info.GetMemo().GetFields()[name]; p != nil {
			_ = converter.GetDefaultDataConverter().FromPayload(p, to) // one that others wrote is none
		}
	}
	return f
}

// runs reports that the workflow has not ended.
func (f *found) runs() bool { return f.status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING }

// broke reports that the workflow has ended, and not because the stack has.
func (f *found) broke() bool {
	return !f.runs() && f.status != enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
}

// unbegun is how many events there are at most before a worker has begun a stack.
const unbegun = 3

// describe finds the workflow of a stack.
func (c *Client) describe(ctx context.Context, stack string) (found, error) {
	ctx, stop := context.WithTimeout(ctx, c.o.Patience)
	defer stop()
	r, err := c.c.DescribeWorkflowExecution(ctx, stack, "")
	var missing *serviceerror.NotFound
	switch {
	case errors.As(err, &missing):
		return found{}, journal.ErrNotFound
	case err != nil:
		return found{}, unreachable(err)
	case r.GetWorkflowExecutionInfo().GetType().GetName() != WorkflowType:
		return found{}, journal.ErrNotFound
	}
	return foundOf(r.GetWorkflowExecutionInfo()), nil
}

// attended reports whether a worker has asked a task queue for stacks lately.
func (c *Client) attended(ctx context.Context, queue string) (bool, error) {
	ctx, stop := context.WithTimeout(ctx, c.o.Patience)
	defer stop()
	r, err := c.c.DescribeTaskQueue(ctx, queue, enums.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return false, unreachable(err)
	}
	for _, p := range r.GetPollers() {
		if time.Since(p.GetLastAccessTime().AsTime()) < longestPoll {
			return true, nil
		}
	}
	return false, nil
}

// longestPoll is how long a worker that has nothing to do may be silent: it asks again every
// minute.
const longestPoll = 75 * time.Second

// listing is what a list of stacks has found, for those who read it in pages.
type listing struct {
	at  time.Time
	all []found
}

const (
	// mostStacks bounds the stacks of a list.
	mostStacks = 100_000
	// listingLasts is how long a list is read in pages without being made again.
	listingLasts = 10 * time.Second
)

// list finds the stacks of the task queue, sorted by id. A cluster lists workflows in the order
// of their beginnings, so all of them have to be asked for before the first can be given.
func (c *Client) list(ctx context.Context) ([]found, error) {
	byID := map[string]found{}
	var page []byte
	for {
		r, err := c.c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: stacksOf(c.o.TaskQueue), PageSize: 1000, NextPageToken: page})
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, unreachable(err)
		}
		for _, info := range r.GetExecutions() {
			f := foundOf(info)
			if was, known := byID[f.stack]; !known || f.since.After(was.since) { // a stack of a node may run again
				byID[f.stack] = f
			}
		}
		if len(byID) > mostStacks {
			return nil, &runtime.StoreError{Err: fmt.Errorf("there are more than %d stacks: list them with Temporal's own tools", mostStacks)}
		}
		if page = r.GetNextPageToken(); len(page) == 0 {
			break
		}
	}
	all := make([]found, 0, len(byID))
	for _, f := range byID { // in any order: sorted
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.stack, b.stack) })
	c.mu.Lock()
	c.page = listing{time.Now(), all}
	c.mu.Unlock()
	return all, nil
}

// stacksOf asks for the stacks of a task queue.
func stacksOf(queue string) string {
	return fmt.Sprintf("WorkflowType = %s AND TaskQueue = %s AND ExecutionStatus != 'ContinuedAsNew'", quoted(WorkflowType), quoted(queue))
}

// quoted is a text as the lists of a cluster are asked for it.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// runsOf are the workflows that a stack was, one after the other.
func (c *Client) runsOf(ctx context.Context, stack string) (runs []string, err error) {
	query := fmt.Sprintf("WorkflowType = %s AND WorkflowId = %s", quoted(WorkflowType), quoted(stack))
	var page []byte
	for {
		r, err := c.c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, NextPageToken: page})
		if err != nil {
			return nil, unreachable(err)
		}
		for _, info := range r.GetExecutions() {
			runs = append(runs, info.GetExecution().GetRunId())
		}
		if page = r.GetNextPageToken(); len(page) == 0 {
			return runs, nil
		}
	}
}

// listAfter is list for the stacks whose ids come after one.
func (c *Client) listAfter(ctx context.Context, after string) ([]found, error) {
	c.mu.Lock()
	p := c.page
	c.mu.Unlock()
	if after == "" || time.Since(p.at) > listingLasts {
		all, err := c.list(ctx)
		if err != nil {
			return nil, err
		}
		p.all = all
	}
	i, is := slices.BinarySearchFunc(p.all, after, func(f found, id string) int { return cmp.Compare(f.stack, id) })
	if is {
		i++
	}
	return p.all[i:], nil
}

// atATime is how many stacks are asked at the same time.
const atATime = 16

// inOrder calls get for a few of the items at a time, and give with what came of each, in order,
// until it returns an error.
func inOrder[T, R any](items []T, get func(*T) R, give func(R) error) error {
	for len(items) > 0 {
		n := min(len(items), atATime)
		results := make([]R, n)
		over := make(chan struct{}, n)
		for i := range n {
			go func() {
				results[i] = get(&items[i])
				over <- struct{}{}
			}()
		}
		for range n {
			<-over
		}
		for i := range results {
			if err := give(results[i]); err != nil {
				return err
			}
		}
		items = items[n:]
	}
	return nil
}
