package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
)

// Kinds returns a registry of the same kinds, whose nodes find the span of their
// attempt in their context. Spans that a node opens itself, such as those of an
// instrumented client, become its children. Without Kinds the spans are the same and
// have no children.
func (t *Telemetry) Kinds(kinds *nodes.Registry) (*nodes.Registry, error) {
	out := nodes.NewRegistry()
	for _, name := range kinds.Names() {
		spec, _ := kinds.Spec(name)
		if cleaner, ok := spec.Node.(nodes.Cleaner); ok {
			spec.Node = cleaning{traced{t, cleaner}, cleaner}
		} else if spec.Node != nil {
			spec.Node = traced{t, spec.Node}
		}
		if err := out.Register(spec); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// traced is a node's work below its span.
type traced struct {
	t    *Telemetry
	work nodes.Node
}

func (n traced) Run(ctx context.Context, task nodes.Task) (nodes.Result, error) {
	return n.work.Run(n.t.below(ctx, task), task)
}

// cleaning is traced for a kind that may leave something behind.
type cleaning struct {
	traced
	nodes.Cleaner
}

func (n cleaning) Run(ctx context.Context, task nodes.Task) (nodes.Result, error) {
	return n.traced.Run(ctx, task)
}

// below returns ctx with the span of an attempt. The span was opened when the start
// of the attempt was committed, before its work begins.
func (t *Telemetry) below(ctx context.Context, task nodes.Task) context.Context {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stacks[task.Stack]
	if s == nil {
		return ctx
	}
	a := attempt{journal.TaskKey{Cycle: task.Cycle, Wave: task.Wave, Node: task.Node, Item: task.Item}, task.Attempt}
	if sp := s.attempts[a]; sp != nil {
		return trace.ContextWithSpan(ctx, sp.Span)
	}
	return ctx
}
