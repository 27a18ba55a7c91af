package e2e

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/temporaldriver"
)

// stacks starts, commands and reads stacks on a server.
type stacks struct {
	*temporaldriver.Client
	c     client.Client
	queue string
}

func newStacks(t *testing.T, address, queue string, k *nodes.Registry) *stacks {
	t.Helper()
	c, err := dialAgain(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return stacksOf(t, c, temporaldriver.Options{TaskQueue: queue, Kinds: k})
}

func stacksOf(t *testing.T, c client.Client, o temporaldriver.Options) *stacks {
	t.Helper()
	own, err := temporaldriver.NewClient(c, o)
	if err != nil {
		t.Fatal(err)
	}
	return &stacks{own, c, o.TaskQueue}
}

// compile compiles a graph's text.
func compile(t *testing.T, text string, k *nodes.Registry) *graph.Graph {
	t.Helper()
	d, problems := dsl.Parse("test.yaml", []byte(text))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	g, problems := graph.Compile(d, k)
	if g == nil {
		t.Fatal(problems)
	}
	return g
}

// records are all records of a stack, with everything in them.
func (s *stacks) records(ctx context.Context, stack string) (all []journal.Record, err error) {
	err = s.Records(ctx, stack, journal.Want{Bulk: true}, func(r journal.Record) error {
		all = append(all, r)
		return nil
	})
	return all, err
}

// Wait waits for the end of a stack, over kills of the server.
func (s *stacks) Wait(ctx context.Context, stack string) (out temporaldriver.Output, err error) {
	for {
		err = s.c.GetWorkflow(ctx, stack, "").Get(ctx, &out)
		if err == nil || ctx.Err() != nil || hasFailed(err) {
			return out, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// hasFailed reports whether an error is that of the stack, and not that of the way to it.
func hasFailed(err error) bool {
	var own *temporal.WorkflowExecutionError
	return errors.As(err, &own)
}
