package temporaldriver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// The search attributes of the workflow of a stack, where Options.SearchAttributes is set.
var (
	searchGraph  = temporal.NewSearchAttributeKeyKeyword("GraphrunGraph")  // the graph's name
	searchStatus = temporal.NewSearchAttributeKeyKeyword("GraphrunStatus") // running, paused, completed, failed or cancelled
	searchCycle  = temporal.NewSearchAttributeKeyInt64("GraphrunCycle")    // the last one that was shown: see showEvery
)

// showEvery is how often the cycle of a stack is shown at most: each time is an event of its
// history.
const showEvery = time.Minute

// shown is what the cluster shows of a stack.
type shown struct {
	Status string    `json:"status,omitempty"`
	Cycle  uint64    `json:"cycle,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// isDue reports whether the cluster is to show another state of the stack than it does. It is
// asked where the stack decides: workers with other options replay the same.
func (d *decision) isDue(s *stack) bool {
	if !s.w.o.SearchAttributes || len(d.commits) == 0 {
		return false
	}
	c := &d.commits[len(d.commits)-1].Cursor
	return string(c.Status) != s.shown.Status || c.Cycle != s.shown.Cycle && s.at.Sub(s.shown.At) >= showEvery
}

// show has the cluster show where the stack stands.
func (s *stack) show(d *decision) {
	if !d.shows {
		return
	}
	s.shown = shown{Status: string(s.cursor.Status), Cycle: s.cursor.Cycle, At: s.at}
	err := workflow.UpsertTypedSearchAttributes(s.ctx,
		searchGraph.ValueSet(s.in.Identity.Graph), searchStatus.ValueSet(s.shown.Status), searchCycle.ValueSet(int64(s.shown.Cycle)))
	if err != nil {
		panic(err) // they are as the SDK wants them
	}
}

// RegisterSearchAttributes makes the search attributes of stacks known to a namespace, for
// Options.SearchAttributes. Those that are known stay as they are.
func RegisterSearchAttributes(ctx context.Context, c client.Client, namespace string) error {
	r, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("the search attributes of namespace %q: %w", namespace, err)
	}
	missing := map[string]enums.IndexedValueType{}
	for _, key := range []temporal.SearchAttributeKey{searchGraph, searchStatus, searchCycle} {
		kind, known := r.GetCustomAttributes()[key.GetName()]
		switch {
		case !known:
			missing[key.GetName()] = key.GetValueType()
		case kind != key.GetValueType():
			return fmt.Errorf("namespace %q has a search attribute %s of another type, %s: expected %s", namespace, key.GetName(), kind, key.GetValueType())
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing})
	var there *serviceerror.AlreadyExists
	if err != nil && !errors.As(err, &there) { // another worker was faster
		return fmt.Errorf("the search attributes of namespace %q: %w", namespace, err)
	}
	return nil
}
