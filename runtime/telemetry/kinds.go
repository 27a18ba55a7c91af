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
		spec.Node = t.below(spec.Node)
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
	return n.work.Run(n.t.context(ctx, task), task)
}

// Reap does what the work does, if it does anything.
func (n traced) Reap(ctx context.Context, kept func(context.Context, string) (string, error)) error {
	if r, ok := n.work.(nodes.Reaper); ok {
		return r.Reap(ctx, kept)
	}
	return nil
}

// CleanUpCalls does what the work does, if it does anything. A node that is cleaned up
// after is a nodes.CallCleaner by it.
func (n traced) CleanUpCalls(ctx context.Context, task nodes.Task) error {
	if c, ok := n.work.(nodes.CallCleaner); ok {
		return c.CleanUpCalls(ctx, task)
	}
	return nil
}

// below returns a node that does the work of another one below its span, and is opened,
// closed and cleaned up after as that one is.
func (t *Telemetry) below(work nodes.Node) nodes.Node {
	if work == nil {
		return nil
	}
	run := traced{t, work}
	opener, opens := work.(nodes.Opener)
	cleaner, cleans := work.(nodes.Cleaner)
	switch {
	case opens && cleans:
		return struct {
			traced
			opening
			cleaning
		}{run, opener, cleaner}
	case opens:
		return struct {
			traced
			opening
		}{run, opener}
	case cleans:
		return struct {
			traced
			cleaning
		}{run, cleaner}
	}
	return run
}

// opening and cleaning are what nodes.Opener and nodes.Cleaner have besides Run.
type (
	opening interface {
		Open(context.Context) error
		Close() error
	}
	cleaning interface {
		CleanUp(context.Context, nodes.Task) error
	}
)

// context returns ctx with the span of an attempt. The span was opened when the start
// of the attempt was committed, before its work begins.
func (t *Telemetry) context(ctx context.Context, task nodes.Task) context.Context {
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
