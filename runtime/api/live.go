package api

import (
	"context"

	"github.com/graphrun/graphrun/graph/inspect"
)

// Live is what the engine on the other side knows of a stack, for inspect.Explain.
func (c *Client) Live(ctx context.Context, stack string) (*inspect.Live, error) {
	s, err := c.Status(ctx, stack)
	if err != nil {
		return nil, err
	}
	live := &inspect.Live{Driven: s.Driven, WaitsFor: s.WaitsFor}
	if !s.Driven {
		return live, nil
	}
	live.Tasks = []inspect.TaskStatus{}
	for i := range s.Tasks {
		t := &s.Tasks[i]
		if t.Stack != "" { // of a child
			continue
		}
		live.Tasks = append(live.Tasks, inspect.TaskStatus{Node: t.Node, Item: t.Item, Cycle: t.Cycle, Wave: t.Wave, State: t.State, Attempt: t.Attempt, Since: t.Since, RetryAt: t.RetryAt, Slot: t.Slot})
	}
	return live, nil
}
