package api

import (
	"context"
	"errors"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/feed"
)

// ErrUnsupported says that the engine behind a Handler cannot do what a request asks for. The
// handler returns it where an engine lacks one of the optional interfaces; a method of an
// engine may return an error that wraps it. Over the wire it is CodeUnsupported, HTTP 501.
var ErrUnsupported = errors.New("api: the engine behind this API cannot do that")

// Engine drives stacks; Local is that of this process. A Handler asks it for changes and for
// positions, and reads all else from Options.Store. Errors are those of the methods of
// *runtime.Runtime with the same names; their types decide about codes. The context says who
// acts: see runtime.By. All methods may be called from many goroutines.
//
// What an engine may lack are methods of other interfaces: Forker, Retrier, Asker, Overviewer,
// Pooler, Watchable and Checkable.
type Engine interface {
	// Start starts a stack. When it returns, the stack is durable.
	Start(ctx context.Context, g *graph.Graph, o runtime.StartOptions) error
	Send(ctx context.Context, in runtime.Send) (duplicate bool, err error)
	AnswerWith(ctx context.Context, stack, node string, o runtime.AnswerOptions) error
	Cancel(ctx context.Context, stack, reason string) error
	CancelTask(ctx context.Context, stack, node, item string) error
	End(ctx context.Context, stack string) error
	Pause(ctx context.Context, stack string) error
	Unpause(ctx context.Context, stack string) error
	Wake(ctx context.Context, stack string) error
	Remove(ctx context.Context, stack string) error
	// Status is where a stack stands. For one that does not exist it is a
	// *runtime.UnknownStackError.
	Status(ctx context.Context, stack string) (runtime.Status, error)
	// ListWhere calls fn for stacks in the order of their ids, until it returns an error, which
	// comes back as it is. runtime.Filter.Wants decides.
	ListWhere(ctx context.Context, f runtime.Filter, fn func(runtime.Status) error) error
}

// Forker is an Engine that can continue a new stack from a moment of another one.
type Forker interface {
	Fork(ctx context.Context, stack string, o runtime.ForkOptions) error
}

// Retrier is an Engine that can continue stacks that have ended.
type Retrier interface {
	Retry(ctx context.Context, stack string, o runtime.RetryOptions) error
}

// Asker is an Engine that knows what waits for a person in any stack.
type Asker interface {
	Asked(ctx context.Context, graph string, after runtime.Question, fn func(runtime.Question, inspect.Asked) error) error
}

// Overviewer is an Engine that counts stacks by what they need of a person.
type Overviewer interface {
	Overview(ctx context.Context, q runtime.OverviewQuery) (runtime.Overview, error)
}

// Pooler is an Engine with pools whose limits can be changed.
type Pooler interface {
	PoolStatus() []runtime.PoolStatus
	SetPool(graph, pool string, parallel int) error
}

// Watchable is an Engine that tells what it does while it does it. A stream of one stack from
// any other one looks into the store once a second.
type Watchable interface {
	Feed() *feed.Feed
	// Drives reports whether this process drives a stack, and thus its feed has all commits of
	// the stack.
	Drives(stack string) bool
	// Driven is how many stacks this process drives, by graph.
	Driven() map[string]int
}

// Checkable is an Engine that knows whether it can do its work.
type Checkable interface {
	// Health is why the store takes no commits; nil if it does.
	Health() error
}

// Local is a runtime as an Engine. It has all that an engine may lack.
func Local(rt *runtime.Runtime) Engine { return inProcess{rt} }

type inProcess struct{ *runtime.Runtime }

var _ interface {
	Engine
	Forker
	Retrier
	Asker
	Overviewer
	Pooler
	Watchable
	Checkable
} = inProcess{}

func (p inProcess) Start(ctx context.Context, g *graph.Graph, o runtime.StartOptions) error {
	_, err := p.Runtime.Start(ctx, g, o)
	return err
}

func (p inProcess) Fork(ctx context.Context, stack string, o runtime.ForkOptions) error {
	_, err := p.Runtime.Fork(ctx, stack, o)
	return err
}

func (p inProcess) Retry(ctx context.Context, stack string, o runtime.RetryOptions) error {
	_, err := p.Runtime.Retry(ctx, stack, o)
	return err
}

func (p inProcess) Drives(stack string) bool {
	_, driven := p.Stack(stack)
	return driven
}

func (p inProcess) Driven() map[string]int {
	n := map[string]int{}
	for _, s := range p.Stacks() {
		n[s.Graph()]++
	}
	return n
}

func (p inProcess) Health() error {
	if err := p.Failed(); err != nil {
		return err
	}
	_, err := p.StoreHealth()
	return err
}

// can is the engine as one of the optional interfaces. what says what it cannot do if it is not
// one.
func can[T any](c *call, what string) (T, error) {
	e, ok := c.engine.(T)
	if !ok {
		return e, errorf(CodeUnsupported, "the engine behind this API cannot %s", what)
	}
	return e, nil
}
