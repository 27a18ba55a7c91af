package runtime

import (
	"container/list"
	"context"
	"log/slog"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/mask"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/pool"
	"github.com/graphrun/graphrun/runtime/internal/timer"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

// home is what a drive needs of the runtime that it is part of.
type home interface {
	// Send gives another stack an event.
	Send(ctx context.Context, in Send) (duplicate bool, err error)
	// sender is the work of nodes that send, runner that of nodes that run a graph.
	sender() nodes.Node
	runner(d *drive, a *attempt, inner *graph.Graph) nodes.Node
	// callRunner is the work of a call of a tool that runs a graph.
	callRunner(d *drive, masker *mask.Masker, a *attempt, c nodes.Call) nodes.Node
	// discard removes the stack of a node that ran a graph, endChild only ends it and says
	// where it stands then.
	discard(child string)
	endChild(c *machine.Child) journal.Cursor
	// findHeld has the child of a held task driven.
	findHeld(c *machine.Child) foundChild
	// notify delivers the notices among the messages of a stack, and returns the others.
	notify(stack string, all []machine.Message) []machine.Message
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

// drive drives a stack: it lets the machine decide, commits what was decided, and runs
// what follows. A stack that waits may be unloaded: then live is nil, and all that is
// left is this struct and an entry in the heap of timers.
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

	view                    // guarded by mu
	up        *parentLink   // to the parent; nil for a stack without one. Guarded by mu
	announced bool          // that it is not driven any more, to the parent that it had then. Guarded by mu
	notes     []usageNote   // what children have used, for the machine. Guarded by mu
	shelf     *list.Element // its place among those that rest; guarded by resting.mu

	// The rest is owned by the loop.
	*live
	attaching int  // children of held tasks that are being looked for
	missesKid bool // one of them has to be looked for
	after     StopAfter
	base      *journal.Counts // before this run; nil when it is the first
	cycles    int             // finished in this run
	at        time.Time       // of the last input

	wake, grace *timer.Timer
	stopping    bool                                       // no task begins any more
	reached     bool                                       // it stops where StopAfter says
	visited     bool                                       // it is loaded or created for one command, and nothing of it runs
	follows     func(ctx context.Context, kid Stack) error // visited: what its children are to do too
	over        bool                                       // nothing is decided any more
	closed      bool
	halting     bool                             // no pool gives a slot until this stack holds those of what a crash left running
	marching    bool                             // its fleet knows of it
	watching    bool                             // somebody looks for the files that it waits for
	turn        turn                             // to commit
	acks        []func()                         // answers to give when the round is committed
	recording   []chan<- error                   // the steps of the round
	kept        map[journal.TaskKey]*pool.Ticket // of tasks that keep their locks while no attempt runs
	waiters     []*waiter
}

// turn is where a stack stands that waits with its commit until the store is free.
type turn uint8

const (
	noTurn turn = iota // it does not wait
	awaited
	come // it commits now
)

// view is what others see of a drive while its loop is busy, and what they tell it.
type view struct {
	hurried bool          // whoever stops it no longer waits for the store or for running tasks
	rush    chan struct{} // closed when it is hurried; nil until somebody asks for it
	stalled error         // why the loop waits for the store; nil while it does not
	stalls  *stall        // the next one, when somebody wants to know
	poke    chan struct{} // closed to have a stalled loop try again
	refused *AdoptError   // the changed graph that it did not adopt
}

// live is the part of a drive that exists while the stack is loaded. It belongs to the
// loop; the loop changes cursor and tasks with mu held, so that others may read
// them.
type live struct {
	id      journal.Identity
	m       *machine.Machine
	def     *definition  // that m runs under
	g       *graph.Graph // of def
	secrets *work.Secrets
	ground  *ground      // of attempts that begin now
	log     *slog.Logger // masks the secrets
	pools   []*pool.Pool // by their index in g

	cursor journal.Cursor // as the store has it
	stored string         // hash of the graph that the store has it under

	adoption
	workload
	outbox   outbox
	unneeded []string                          // children that are to be removed
	spent    []string                          // children of calls that are to be removed when the end of their attempt is durable
	orphans  map[journal.TaskKey][]calledChild // children of calls of attempts that were cut off
	clearing bool                              // they are being removed
	kids     map[string]*kid                   // attached children, by their ids
	tasks    inspect.Tasks
}

// adoption is a changed definition that the stack has not adopted yet.
type adoption struct {
	next     *definition // to be adopted when the cycle is finished
	strict   bool        // the stack must not continue when it cannot adopt next
	adopting bool        // next is adopted once the tasks that it no longer contains are gone
}

// workload is the attempts of a stack.
type workload struct {
	attempts   map[journal.TaskKey]*attempt // whose results count
	away       int                          // attempts that were launched and are not gone
	listed     int                          // of Ready.Start: tasks that have their attempts
	replaced   []*attempt                   // by a later attempt in this round
	own        job                          // an attempt that the loop does itself, once the mailbox is empty
	launching  []*attempt                   // that begin once the round is committed
	ended      []*pool.Ticket               // that need no slot any more
	fresh      []*pool.Ticket               // an array for those of new attempts
	spareEnded []*pool.Ticket               // an array for ended
	clears     []context.CancelFunc         // of the cleaning up after orphans
}

// newDrive makes a drive that is not loaded. Until its loop runs, it belongs to the
// caller.
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

// now is the time of an input that happens now.
func (d *drive) now() time.Time { return d.clock(time.Now().UTC()) }

// clock is the time of an input that happened at a given moment. Within a stack it
// never goes back, and it stands still while a fleet has the stack frozen.
func (d *drive) clock(at time.Time) time.Time {
	if at.After(d.at) && !(d.marching && d.eng.fleets.Frozen(member{d})) {
		d.at = at
	}
	return d.at
}

// member is a stack with `fleet: lockstep` in its fleet. Children are in none: their
// parents lead them.
type member struct{ d *drive }

// fail stops driving a stack that cannot continue: the store has all that was acknowledged.
// The next settle cancels what runs.
func (d *drive) fail(err error) {
	if d.over {
		return
	}
	d.err, d.over = err, true
	d.log.Error("stack stopped", "error", err)
}

// outcome reports where the stack stands.
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
	r.Tokens = c.Counts.Tokens - base.Tokens
	r.Cost = c.Counts.Cost - base.Cost
	r.Failures = c.Counts.Failures - base.Failures
	r.State, r.Cursor = d.m.State(), c
	return r
}

// stall tells those who wait for a stack's loop that the loop itself waits for the
// store.
type stall struct {
	begun chan struct{} // closed when it does
	why   error         // then
}

// waiter is a caller that waits until something is true of a stack.
type waiter struct {
	holds func() bool
	done  chan struct{}
}

// Stack is a handle on a stack that a runtime drives. It is safe for concurrent use.
type Stack struct{ d *drive }

// kid is an attached child.
type kid struct {
	d    *drive
	key  journal.TaskKey
	call string           // that it does the work of, "" if it does that of the task; the attempt alone looks after its end
	told machine.Standing // what it was last asked for
	ends bool             // its node ends
}

// parentLink is a child's way to its parent.
type parentLink struct {
	parent  *drive
	key     journal.TaskKey
	attempt int
	call    string         // as kid.call
	over    func()         // tells the parent that the child is not driven any more
	metered bool           // a stack above has limits that count what the child uses
	told    journal.Counts // that the parent knows of
	at      time.Time      // when that was
	rests   bool           // the child had no attempt then
}

// usageNote is what a child has used for a task.
type usageNote struct {
	key         journal.TaskKey
	attempt     int
	call, nonce string // of a call
	counts      journal.Counts
}

// foundChild is a held child: one that is driven, the end of one, or why there is none.
type foundChild struct {
	d      *drive
	status journal.Status
	end    *Result
	err    error
}
