package runtime

import (
	"container/list"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/feed"
	"github.com/graphrun/graphrun/runtime/internal/pool"
	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// Stack is a stack that a runtime drives. It is safe for concurrent use. One
// that waits may be unloaded: all that is left of it then is this struct and
// an entry in the heap of timers.
type Stack struct {
	rt    *Runtime
	name  string
	graph string // the graph's name
	child bool   // a node of another stack runs it

	mu      sync.Mutex
	inbox   []func()
	looping bool          // a loop is there to empty the inbox, or will be once the stack is loaded
	asleep  bool          // it is not loaded: live is nil
	rests   bool          // it is loaded, and may be unloaded
	hurried bool          // somebody who stops it will not wait for the store or for what runs any more
	rush    chan struct{} // closed when it is hurried; nil: nobody asked for it
	stalled error         // why the loop waits for the store; nil: it does not
	stalls  *stall        // to come, when somebody wants to know
	poke    chan struct{} // closed to have a stalled loop try again
	shelf   *list.Element // its place among those that rest; guarded by resting.mu

	done   chan struct{} // closed when result and err are there
	result *Result
	err    error

	// The rest is owned by the loop.
	*live
	after  StopAfter
	base   *journal.Counts // before this run; nil: none
	cycles int             // finished in this run
	at     time.Time       // of the last input

	refused *AdoptError // the changed graph that it did not take up; guarded by mu

	wake, grace *timer.Timer
	stopping    bool // no task begins any more
	reached     bool // it stops where StopAfter says
	visited     bool // it is loaded for one command, and nothing of it runs
	over        bool // nothing is decided any more
	closed      bool
	marching    bool     // its fleet knows of it
	acks        []func() // answers to give when the turn is committed
	waiters     []*waiter
}

// live is the part of a stack that is there while it is loaded. But for
// progress, it is owned by the loop.
type live struct {
	id      journal.Identity
	m       *machine.Machine
	def     *definition  // that m runs under
	g       *graph.Graph // of def
	next    *definition  // to be taken up when the cycle is finished
	strict  bool         // the stack is not to go on when it cannot take up next
	secrets *secrets
	log     *slog.Logger // masks the secrets
	pools   []*pool.Pool // by their index in g

	cursor journal.Cursor // as the store has it
	stored string         // hash of the graph that the store has it under

	attempts  map[journal.TaskKey]*attempt // whose results count
	away      int                          // attempts that were launched and are not gone
	turn      uint64
	arrived   []string             // ids of events that this turn takes in
	listed    int                  // of Ready.Start: tasks that have their attempts
	replaced  []*attempt           // by a later attempt in this turn
	own       work                 // an attempt that the loop does itself, once the mailbox is empty
	launching []*attempt           // that begin once the turn is committed
	ended     []*pool.Ticket       // that need no slot any more
	clears    []context.CancelFunc // of the cleaning up after orphans
	adopting  bool                 // next is adopted when tasks that it does not have are gone
	spare     []func()

	outbox   outbox
	children children
	clearing bool     // children are being removed
	progress progress // guarded by the stack's mu
}

// StopAfter says when to stop driving a stack, which does not end it. The zero
// value is: never.
type StopAfter struct {
	// Cycles stops after so many finished cycles; one that was open counts. 0: no bound.
	Cycles int
	// UntilIdle stops after a cycle in which no node ran, unless a task still runs;
	// at once when that was the last one and only an event would begin another.
	UntilIdle bool
}

// Result is how a stack ended, or where it stands when it was stopped.
type Result struct {
	Stack, Graph string
	Status       journal.Status
	Reason       string

	// Since Start or Resume.
	Cycles, Waves, NodeRuns, Failures uint64

	State  map[string]any // as committed; shared, not to be changed
	Cursor journal.Cursor
}

// ID is the stack's name.
func (s *Stack) ID() string { return s.name }

// Graph is the name of the graph that it is a stack of.
func (s *Stack) Graph() string { return s.graph }

// Done is closed when the stack has ended or was stopped, and nothing of it
// runs any more.
func (s *Stack) Done() <-chan struct{} { return s.done }

// Wait waits until the stack has ended or was stopped and nothing of it runs
// any more. The error is ctx's, a *StoreError, or an *AdoptError; a stack that
// ended as failed is no error. After a *StoreError the result's State may be
// ahead of the store; what the store has is what counts.
func (s *Stack) Wait(ctx context.Context) (Result, error) {
	select {
	case <-s.done:
		return *s.result, s.err
	default:
	}
	select {
	case <-s.done:
		return *s.result, s.err
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// State is the committed state. Its values are shared and not to be changed.
func (s *Stack) State(ctx context.Context) (map[string]any, error) {
	r, err := s.Snapshot(ctx)
	return r.State, err
}

// Snapshot reports where the stack stands at this moment: its status, counts since
// Start or Resume, committed state and cursor. It waits for the stack's loop.
func (s *Stack) Snapshot(ctx context.Context) (Result, error) {
	answer := make(chan Result, 1)
	s.post(func() { s.acks = append(s.acks, func() { answer <- s.outcome() }) })
	select {
	case r := <-answer:
		return r, nil
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// Detach stops driving the stack and waits until that is done. The stack itself does
// not end: Runtime.Resume continues it, here or in another process. No new wave begins;
// running tasks finish, or are cut off after the runtime's grace (which is no failure:
// they run again); the last checkpoint is on disk. When ctx ends, running tasks are cut
// off at once, and Detach returns a moment later.
func (s *Stack) Detach(ctx context.Context) error {
	s.post(s.drain)
	if err := closeAll(ctx, s); err != nil {
		return err
	}
	return s.err
}

// Cancel ends the stack as cancelled. It returns when nothing of the stack runs any
// more and that is durable. When ctx ends before, the stack still ends, unless the
// store did not take that in yet.
func (s *Stack) Cancel(ctx context.Context, reason string) error {
	if err := s.tell(ctx, func(at time.Time) machine.Input { return machine.Cancel{At: at, Reason: reason} }); err != nil {
		return err
	}
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Pause keeps new waves from starting until Unpause, over restarts too.
func (s *Stack) Pause(ctx context.Context) error {
	return s.tell(ctx, func(at time.Time) machine.Input { return machine.Pause{At: at} })
}

// Unpause ends a Pause.
func (s *Stack) Unpause(ctx context.Context) error {
	return s.tell(ctx, func(at time.Time) machine.Input { return machine.Resume{At: at} })
}

// Wake ends the pause between two cycles at once.
func (s *Stack) Wake(ctx context.Context) error {
	return s.tell(ctx, func(at time.Time) machine.Input { return machine.Woke{At: at, Early: true} })
}

// tell feeds the machine and returns when what follows is durable. When ctx
// ends first, the input may still take effect.
func (s *Stack) tell(ctx context.Context, in func(at time.Time) machine.Input) error {
	return s.do(ctx, func() error {
		s.step(in(s.now()))
		return nil
	})
}

// publish tells the listeners of a commit.
func (s *Stack) publish(c Commit) {
	s.rt.cfg.Feed.Commit(feed.Commit{Stack: s.name, Graph: s.graph, Records: c.Records, Cursor: c.Cursor})
}

// whyOver is the answer to who wants something of a stack that is over.
func (s *Stack) whyOver() error {
	switch {
	case s.err != nil:
		return s.err
	case s.closed && !s.result.Status.Ended():
		return errLeft
	}
	return fmt.Errorf("%w: %q", ErrEnded, s.name)
}

// errLeft: the stack was detached, and may be driven again.
var errLeft = fmt.Errorf("%w: it is not driven any more", ErrEnded)

// outcome is where the stack stands.
func (s *Stack) outcome() Result {
	if s.closed {
		return *s.result
	}
	r := Result{Stack: s.name, Graph: s.graph}
	if s.live == nil || s.m == nil {
		return r
	}
	c := s.cursor
	base := journal.Counts{}
	if s.base != nil {
		base = *s.base
	}
	r.Status, r.Reason = c.Status, c.Reason
	r.Cycles = c.Counts.Cycles - base.Cycles
	r.Waves = c.Counts.Waves - base.Waves
	r.NodeRuns = c.Counts.NodeRuns - base.NodeRuns
	r.Failures = c.Counts.Failures - base.Failures
	r.State, r.Cursor = s.m.State(), c
	return r
}
