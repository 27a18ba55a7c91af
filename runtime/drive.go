package runtime

import (
	"container/list"
	"context"
	"log/slog"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/pool"
	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// home is what a drive needs of the runtime that it is part of.
type home interface {
	// Send gives another stack an event.
	Send(ctx context.Context, in Send) (duplicate bool, err error)
	// sender is the work of nodes that send, runner that of nodes that run a graph.
	sender() nodes.Node
	runner(a *attempt, inner *graph.Graph) nodes.Node
	// discard removes the stack of a node that ran a graph.
	discard(child string)
	// deliverLater delivers what a stack that has ended left in its outbox.
	deliverLater(stack string)

	// load has a drive loaded that got mail, rest may unload it, leave drops it.
	loadDrive(d *drive)
	restDrive(d *drive)
	leave(d *drive)

	// fail stops everything after a fatal error of the store.
	fail(err error)
	// stopping says that no commit is to wait for the store any more, isGone that none
	// may be made any more.
	stopping() bool
	isGone() bool
}

// drive drives a stack: it has the machine decide, commits what was decided, and runs
// what follows. One that waits may be unloaded: then all that is left of it is this
// struct without live, and an entry in the heap of timers.
type drive struct {
	eng  *engine
	home home
	mailbox
	handle Stack

	name  string
	graph string // the graph's name
	child bool   // a node of another stack runs it

	done   chan struct{} // closed when result and err are there
	result *Result
	err    error

	view                // guarded by mu
	shelf *list.Element // its place among those that rest; guarded by resting.mu

	// The rest is owned by the loop.
	*live
	after  StopAfter
	base   *journal.Counts // before this run; nil: none
	cycles int             // finished in this run
	at     time.Time       // of the last input

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

// view is what others see of a drive while its loop is busy, and tell it.
type view struct {
	hurried bool          // somebody who stops it will not wait for the store or for what runs any more
	rush    chan struct{} // closed when it is hurried; nil: nobody asked for it
	stalled error         // why the loop waits for the store; nil: it does not
	stalls  *stall        // to come, when somebody wants to know
	poke    chan struct{} // closed to have a stalled loop try again
	refused *AdoptError   // the changed graph that it did not adopt
}

// live is the part of a drive that is there while the stack is loaded. The loop owns it,
// but for cursor and progress, which it changes with mu held.
type live struct {
	id      journal.Identity
	m       *machine.Machine
	def     *definition  // that m runs under
	g       *graph.Graph // of def
	secrets *secrets
	log     *slog.Logger // masks the secrets
	pools   []*pool.Pool // by their index in g

	cursor journal.Cursor // as the store has it
	stored string         // hash of the graph that the store has it under

	adoption
	workload
	arrived  []string // ids of events that this turn takes in
	outbox   outbox
	children children
	clearing bool // children are being removed
	progress progress
}

// adoption is a changed definition on its way.
type adoption struct {
	next     *definition // to be adopted when the cycle is finished
	strict   bool        // the stack is not to go on when it cannot adopt next
	adopting bool        // next is adopted when tasks that it does not have are gone
}

// workload is the attempts of a stack.
type workload struct {
	attempts  map[journal.TaskKey]*attempt // whose results count
	away      int                          // attempts that were launched and are not gone
	turns     uint64                       // of the loop so far
	listed    int                          // of Ready.Start: tasks that have their attempts
	replaced  []*attempt                   // by a later attempt in this turn
	own       work                         // an attempt that the loop does itself, once the mailbox is empty
	launching []*attempt                   // that begin once the turn is committed
	ended     []*pool.Ticket               // that need no slot any more
	clears    []context.CancelFunc         // of the cleaning up after orphans
}

// newDrive makes a drive that is not loaded. Whoever makes it has the loop's part.
func newDrive(eng *engine, home home, id, graph string) *drive {
	d := &drive{eng: eng, home: home, name: id, graph: graph, done: make(chan struct{})}
	d.handle.d = d
	d.mailbox = mailbox{owner: d, looping: true}
	return d
}

// step feeds the machine.
func (d *drive) step(in machine.Input) {
	if d.over {
		return
	}
	if err := d.m.Step(in); err != nil {
		d.fail(err)
	}
}

// now is the time of an input.
func (d *drive) now() time.Time { return d.clock(time.Now().UTC()) }

// clock is the time of an input that came about at a moment. It never goes back within
// a stack, and stands still while a fleet has the stack frozen.
func (d *drive) clock(at time.Time) time.Time {
	if at.After(d.at) && !(d.marching && d.eng.fleets.Frozen(member{d})) {
		d.at = at
	}
	return d.at
}

// member is a stack with `fleet: lockstep` in its fleet. Children are in none: their
// parents lead them.
type member struct{ d *drive }

// fail stops driving a stack that cannot go on: the store has all that was acknowledged.
// The turn cancels what runs.
func (d *drive) fail(err error) {
	if d.over {
		return
	}
	d.err, d.over = err, true
	d.log.Error("stack stopped", "error", err)
}

// outcome is where the stack stands.
func (d *drive) outcome() Result {
	if d.closed {
		return *d.result
	}
	r := Result{Stack: d.name, Graph: d.graph}
	if d.live == nil || d.m == nil {
		return r
	}
	c := d.cursor
	base := journal.Counts{}
	if d.base != nil {
		base = *d.base
	}
	r.Status, r.Reason = c.Status, c.Reason
	r.Cycles = c.Counts.Cycles - base.Cycles
	r.Waves = c.Counts.Waves - base.Waves
	r.NodeRuns = c.Counts.NodeRuns - base.NodeRuns
	r.Failures = c.Counts.Failures - base.Failures
	r.State, r.Cursor = d.m.State(), c
	return r
}

// stall tells who waits for a stack's loop that the loop waits for the store.
type stall struct {
	begun chan struct{} // closed when it does
	why   error         // then
}

// waiter waits for something to become true of a stack.
type waiter struct {
	holds func() bool
	done  chan struct{}
}

// Stack is a stack that a runtime drives. It is safe for concurrent use.
type Stack struct{ d *drive }
