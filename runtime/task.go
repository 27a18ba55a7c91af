package runtime

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/pool"
	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// The causes of a task's cancelled context, which the work may ask for, and the failure
// of work that does not return.
var (
	errReplaced = nodes.Errorf("cancelled", "cancelled")
	errShutdown = nodes.Errorf("cancelled", "cut off by a shutdown")
	errGoexit   = nodes.Errorf("panic", "the node ended its goroutine (runtime.Goexit)")
)

// job is an attempt that is ready to run. It returns the letter that reports its end.
type job func() (letter func())

// attempt is one attempt of a task, from its place in the queue to its return.
type attempt struct {
	task *machine.Task // as the machine gave it; it does not change

	ticket pool.Ticket // for its slot
	ctx    taskContext // of its work
	slots  slots       // what it has of its pool while its work runs

	// Owned by the stack's loop.
	begun    bool               // its work runs, or has returned
	granted  bool               // it has its slot
	void     bool               // it is not to begin any more
	asked    bool               // the machine wants it to end
	givenUp  bool               // nobody waits for it any more
	cut      bool               // cut off by a shutdown: a success counts, a failure does not
	giveUp   *timer.Timer       // set once it was cancelled
	child    *machine.ChildDone // the end of the child that did the work; nil for all other work
	shutdown bool               // the work says that it was cut off
	broken   error              // the work says that its stack cannot continue: the error of the store
	gone     bool               // it returned, or was given up

	calls calls
}

// calls are the children of the calls that the work of an attempt makes.
type calls struct {
	mu       sync.Mutex
	children []string
}

// leads notes a child of a call, also one of an earlier attempt.
func (a *attempt) leads(id string) {
	a.calls.mu.Lock()
	defer a.calls.mu.Unlock()
	if !slices.Contains(a.calls.children, id) {
		a.calls.children = append(a.calls.children, id)
	}
}

// has reports whether there is a child of this id.
func (a *attempt) has(id string) bool {
	a.calls.mu.Lock()
	defer a.calls.mu.Unlock()
	return slices.Contains(a.calls.children, id)
}

// over forgets a child; false if there was none of this id.
func (a *attempt) over(id string) bool {
	a.calls.mu.Lock()
	defer a.calls.mu.Unlock()
	i := slices.Index(a.calls.children, id)
	if i >= 0 {
		a.calls.children = slices.Delete(a.calls.children, i, i+1)
	}
	return i >= 0
}

// left lists the children of calls, and forgets them.
func (a *attempt) left() []string {
	a.calls.mu.Lock()
	defer a.calls.mu.Unlock()
	ids := a.calls.children
	a.calls.children = nil
	return ids
}

// breaks ends the attempt from within its work: its stack cannot continue, or the runtime
// closes.
func (a *attempt) breaks(why error, closes bool) {
	a.calls.mu.Lock()
	if closes {
		a.shutdown = true
	} else {
		a.broken = why
	}
	a.calls.mu.Unlock()
	a.ctx.end(why)
}

// trouble is what breaks has said.
func (a *attempt) trouble() (broken error, shutdown bool) {
	a.calls.mu.Lock()
	defer a.calls.mu.Unlock()
	return a.broken, a.shutdown
}

// taskLog adds the names of a task to what it logs. It builds them only when something
// is logged, which most tasks never do.
type taskLog struct {
	next  slog.Handler
	a     *attempt
	graph string // its name
}

func (h taskLog) named() slog.Handler {
	k := h.a.task.Key
	return h.next.WithAttrs([]slog.Attr{
		slog.String("graph", h.graph), slog.Uint64("cycle", k.Cycle), slog.Uint64("wave", k.Wave),
		slog.String("node", k.Node), slog.Int("attempt", h.a.task.Attempt),
	})
}

func (h taskLog) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

func (h taskLog) Handle(ctx context.Context, r slog.Record) error { return h.named().Handle(ctx, r) }

func (h taskLog) WithAttrs(attrs []slog.Attr) slog.Handler { return h.named().WithAttrs(attrs) }

func (h taskLog) WithGroup(name string) slog.Handler { return h.named().WithGroup(name) }
