package temporaldriver

import "go.temporal.io/sdk/workflow"

// signal is a signal to another workflow. done is called when it has arrived, or cannot.
type signal struct {
	name string
	arg  any
	done func(ctx workflow.Context, err error)
}

// signal has a signal sent to a workflow. Those to one workflow leave one after the other,
// because a cluster delivers signals that leave together in any order. While there are some, the
// workflow neither ends nor continues as another one, because the cluster would forget them.
func (s *stack) signal(to, name string, arg any, done func(ctx workflow.Context, err error)) {
	s.outbox[to] = append(s.outbox[to], signal{name, arg, done})
	if len(s.outbox[to]) > 1 {
		return // it follows those before it
	}
	workflow.Go(s.ctx, func(ctx workflow.Context) {
		for len(s.outbox[to]) > 0 {
			next := s.outbox[to][0]
			err := workflow.SignalExternalWorkflow(ctx, to, "", next.name, next.arg).Get(ctx, nil)
			s.outbox[to] = s.outbox[to][1:]
			next.done(ctx, err)
		}
		delete(s.outbox, to)
	})
}
