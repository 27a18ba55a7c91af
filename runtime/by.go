package runtime

import (
	"context"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// byKey is where a context has who acts.
type byKey struct{}

// As says who acts in calls with the context: Start, Fork, Send, AnswerWith and the control
// commands put the name into their records, as `by`. Without it, or with "", nobody is known,
// and a control command has no record of its own.
func As(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, byKey{}, name)
}

// By is who acts in calls with the context, as As said it; "" if nobody is known.
func By(ctx context.Context) string {
	name, _ := ctx.Value(byKey{}).(string)
	return name
}

// command records who gives the command that the loop gives the machine next.
func (d *drive) command(ctx context.Context, a journal.Action) {
	d.step(d.control(ctx, a))
}

func (d *drive) control(ctx context.Context, a journal.Action) machine.Control {
	return machine.Control{At: d.now(), Action: a, By: By(ctx)}
}
