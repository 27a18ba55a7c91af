package temporaldriver

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime"
)

// notice is what a hook is to hear.
type notice struct {
	ID     string          `json:"id"`
	Event  string          `json:"event"`
	URL    string          `json:"url"`
	Secret string          `json:"secret,omitempty"`
	At     time.Time       `json:"at"`
	Body   json.RawMessage `json:"body"`
}

// postTimeout is the time of one try to tell a hook, longestRetry the longest time between two.
const (
	postTimeout  = 10 * time.Second
	longestRetry = 5 * time.Minute
)

// notify has a notice delivered, beside everything else.
func (s *stack) notify(n notice) {
	if _, known := s.posting[n.ID]; known {
		return
	}
	s.posting[n.ID] = n
	ctx := workflow.WithActivityOptions(s.ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    2 * postTimeout,
		ScheduleToCloseTimeout: max(n.At.Add(machine.NoticeFor).Sub(s.now()), postTimeout),
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: longestRetry},
		Summary:                n.Event,
	})
	done := workflow.ExecuteActivity(ctx, noticeType, n)
	workflow.Go(s.ctx, func(ctx workflow.Context) {
		if err := done.Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Error("a hook did not take a notice in time, which is given up", "event", n.Event, "url", n.URL, "error", err)
		}
		delete(s.posting, n.ID)
		s.step(func(at time.Time) machine.Input { return machine.Sent{At: at, ID: n.ID} })
	})
}

// notices are those that are on their way, for the next workflow: it delivers them again, under
// the same ids.
func (s *stack) notices() (all []notice) {
	for _, n := range s.posting { // in any order: sorted
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b notice) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// post is the activity that makes one try to tell a hook.
func (w *Worker) post(ctx context.Context, n notice) error {
	if w.o.Post == nil {
		return temporal.NewApplicationError("this worker tells no hooks", failureConfig)
	}
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	return w.o.Post(ctx, runtime.Notice{ID: n.ID, Event: n.Event, URL: n.URL, Secret: n.Secret, Body: n.Body})
}
