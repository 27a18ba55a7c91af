package temporaldriver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/temporaldriver/blob"
)

// stack is the workflow of one stack. All of it follows from the history: what it decided is
// recorded there, and a replay does it again. thinking alone is not: it is there where
// something was decided in this process, and made again when it is needed.
type stack struct {
	w   *Worker
	ctx workflow.Context // never cancelled
	in  Input

	name   string
	store  *memstore.Store
	ledger ledger
	cursor journal.Cursor
	tasks  inspect.Tasks

	inbox   []letter
	at      time.Time // of the last decision
	flights map[attemptID]*flight
	lost    map[attemptID]bool   // ended with their process, and none has followed yet; true if clean
	begun   uint64               // how many attempts have begun, which orders them
	kids    map[string]*kid      // by the ids of their stacks
	held    []command            // events for which there was no room
	offered *journal.StoredGraph // a changed graph that waits for the end of a cycle
	unfit   string               // why the last one was refused
	sending map[string]bool      // ids of messages that are on their way
	outbox  map[string][]signal  // by workflow: signals that have yet to arrive there
	posting map[string]notice    // by their ids: those that are on their way
	looking workflow.CancelFunc  // of the activity that looks for files
	files   []wanted             // that it looks for
	leads   leading
	told    journal.Counts // what the parent knows that was used
	rested  bool           // the parent knows that the stack rests
	wake    time.Time      // that the timer is set for
	stop    workflow.CancelFunc
	busy    int // updates that wait for their reply
	shown   shown
	sent    int    // bytes, by the present workflow task
	sentAt  int    // the length of the history then
	grown   int    // bytes recorded since the size of the state was looked at; only where it is decided
	isDue   uint64 // as the last decision says: see due
	drains  bool   // no attempt begins any more in this workflow

	leases
	*thinking
}

// letter is something that happened: inputs for the machine, and who waits for what becomes
// of them.
type letter struct {
	in    func(at time.Time) []machine.Input
	reply func(*wireError) // nil if nobody waits
	after func()           // once it is decided
	event *command         // an event that is kept while there is no room
	size  int              // about how many bytes it adds to what is recorded
	of    *attemptID       // the attempt whose result it has
}

// flight is an attempt that runs somewhere.
type flight struct {
	attemptID
	begin
	nth     uint64
	cancel  workflow.CancelFunc
	ends    bool // the machine wants it to end
	drained bool // it is cut off because the workflow continues as another one
}

// kid is the stack of a node, or of a call.
type kid struct {
	Of      parent `json:"of"`
	Ends    int    `json:"ends,omitempty"` // how often its node has ended
	Running bool   `json:"running,omitempty"`
	Lock    string `json:"lock,omitempty"` // that it has while it runs, see lockOf

	begins bool           // the cluster has not said yet that it has begun
	waits  []parentSignal // for that
}

// stack is the workflow of a stack. It returns when the stack has ended; the error is that of a
// stack that could not begin. Clients start it with Client.Start.
func (w *Worker) stack(ctx workflow.Context, in Input) (Output, error) {
	root := ctx
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	s := &stack{
		w: w, ctx: ctx, in: in, name: in.Identity.Stack,
		store:   &memstore.Store{Cycles: w.o.History},
		flights: map[attemptID]*flight{}, lost: map[attemptID]bool{}, kids: map[string]*kid{},
		leases:  newLeases(),
		sending: map[string]bool{}, outbox: map[string][]signal{}, posting: map[string]notice{},
	}
	s.ledger = ledger{stack: s.name, state: map[string]any{}, shapes: map[journal.ShapeID]*journal.Shape{}}
	if err := s.carryOn(); err != nil {
		return Output{}, err
	}
	if err := s.listen(root); err != nil {
		return Output{}, err
	}
	s.post(letter{}) // the beginning
	for {
		if err := workflow.Await(ctx, func() bool { return len(s.inbox) > 0 }); err != nil {
			return Output{}, err
		}
		ended, err := s.turn()
		if err != nil {
			return Output{}, err
		}
		if ended {
			return s.finish()
		}
		if s.mayContinue() {
			if err := s.continueAsNew(); err != nil {
				return Output{}, err
			}
		}
	}
}

// post puts a letter into the inbox.
func (s *stack) post(l letter) { s.inbox = append(s.inbox, l) }

// step posts one input.
func (s *stack) step(in func(at time.Time) machine.Input) {
	s.post(letter{in: func(at time.Time) []machine.Input { return []machine.Input{in(at)} }})
}

// now is the time of what is decided now. It never goes back.
func (s *stack) now() time.Time {
	if at := workflow.Now(s.ctx).UTC(); at.After(s.at) {
		s.at = at
	}
	return s.at
}

// turn decides about all letters that are there, and does what was decided.
func (s *stack) turn() (ended bool, err error) {
	batch := s.takeLetters()
	at := s.now()
	var live *decision
	var b []byte
	recorded := workflow.SideEffect(s.ctx, func(workflow.Context) any {
		live, b = s.decide(at, batch)
		return b
	})
	d, known := live, live != nil && s.w.probe.replays == nil
	if !known {
		s.thinking = nil // what it knew is out of date
		if err := recorded.Get(&b); err != nil {
			return false, err
		}
		if d, err = decodeDecision(b, &s.ledger); err != nil {
			panic(err)
		}
		if live != nil {
			s.w.probe.replays(live, d)
			d.complete(live)
		}
	}
	if d.failed != "" {
		return false, newStartError(d.failed)
	}
	for i := range d.commits {
		if err := s.commit(&d.commits[i], known); err != nil {
			panic(fmt.Errorf("a commit of the stack: %w", err))
		}
		s.share(&d.commits[i])
	}
	s.answer(batch, d) // before act: a command reaches the stacks of nodes before what follows from it
	s.act(d)
	if d.again { // under the graph that was adopted
		s.thinking = nil
		s.post(letter{})
	}
	return d.ended, s.breathe(s.w.inline(len(b)) + d.weight)
}

// decide is think, with what is to be recorded of it. A decision that is too large to be recorded
// is made again as if the attempts whose results are in it had failed.
func (s *stack) decide(at time.Time, batch []letter) (d *decision, b []byte) {
	for {
		d = s.think(at, batch)
		shapes := maps.Clone(s.ledger.shapes)
		b, err := d.encode(shapes)
		if err != nil {
			panic(err) // the workflow task fails, and is tried again by a program that can
		}
		size := len(b)
		if s.grown += size; !s.w.o.LargeValues && s.grown > blob.Threshold { // it goes along to the next workflow
			s.grown = 0
			size = max(size, value.Size(any(s.ledger.state))+size)
		}
		if size > s.w.mostDecision() && slices.ContainsFunc(batch, func(l letter) bool { return l.of != nil }) {
			s.thinking = nil
			batch = s.w.withoutResults(batch, size)
			for i := range batch {
				batch[i].of = nil
			}
			continue
		}
		s.ledger.shapes = shapes
		return d, b
	}
}

// commit keeps what was decided. What was read is in the ledger already.
func (s *stack) commit(c *commit, known bool) error {
	if known {
		for i := range c.Changes {
			s.ledger.state[c.Changes[i].Name] = c.Changes[i].Value
		}
		if n := len(c.Records); n > 0 {
			s.ledger.seq = c.Records[n-1].Last()
		}
	}
	s.cursor = c.Cursor
	s.tasks.Take(c.Records)
	if len(s.lost) > 0 {
		for i := range c.Records {
			if b, ok := c.Records[i].Body.(*journal.TaskFinished); ok {
				delete(s.lost, attemptID{journal.TaskKey{Cycle: cmp.Or(b.Began, c.Records[i].Cycle), Wave: b.Wave, Node: b.Node, Item: b.Item}, b.Attempt})
			}
		}
	}
	err := s.store.Commit(context.Background(), c.Commit)
	if errors.Is(err, runtime.ErrNoGraph) {
		return fmt.Errorf("%w: a graph came without its text", err)
	}
	if err == nil && s.w.probe.committed != nil {
		s.w.probe.committed(c.Commit)
	}
	return err
}

// answer replies to those who wait, and keeps events for which there was no room.
func (s *stack) answer(batch []letter, d *decision) {
	refused := map[int]*wireError{}
	for i := range d.refused {
		refused[d.refused[i].at] = &d.refused[i].err
	}
	for i := range batch {
		l := &batch[i]
		why := refused[i]
		switch {
		case l.reply != nil:
			l.reply(why)
		case l.event != nil && why != nil && why.Code == codeQueueFull:
			s.held = append(s.held, *l.event)
		case l.event != nil && why != nil && why.Code != codeDuplicate:
			workflow.GetLogger(s.ctx).Warn("an event cannot be taken", "event", l.event.Event, "error", why.Message)
		}
		if l.after != nil {
			l.after()
		}
	}
	s.offerHeld(d)
}

// offerHeld tries again to deliver events for which there was no room, once something has
// been taken.
func (s *stack) offerHeld(d *decision) {
	if len(s.held) == 0 || !slices.ContainsFunc(d.commits, func(c commit) bool { return len(c.Changes) > 0 }) {
		return
	}
	held := s.held
	s.held = nil
	for i := range held {
		s.post(eventLetter(held[i]))
	}
}

// finish is the end of the workflow: nothing of the stack runs any more.
func (s *stack) finish() (Output, error) {
	out := Output{Status: s.cursor.Status, Reason: s.cursor.Reason, Cursor: s.cursor}
	state, err := value.Of(s.visible())
	if err != nil {
		return Output{}, err
	}
	out.State = state
	if p := s.in.Parent; p != nil {
		end := childSignal{Of: *p, Nonce: s.in.Identity.Nonce, Counts: s.cursor.Counts, End: &out}
		s.signal(p.Stack, childName, end, func(ctx workflow.Context, err error) {
			if err != nil { // the parent is gone
				workflow.GetLogger(ctx).Warn("the stack's parent does not hear of its end", "error", err)
			}
		})
	}
	// Whoever commands a stack that has just ended hears that, and what it has to say leaves first.
	for {
		over := func() bool {
			return s.busy == 0 && len(s.posting) == 0 && len(s.outbox) == 0 && len(s.telling) == 0
		}
		if err := workflow.Await(s.ctx, func() bool { return len(s.inbox) > 0 || over() }); err != nil {
			return Output{}, err
		}
		if len(s.inbox) == 0 {
			break
		}
		if _, err := s.turn(); err != nil {
			return Output{}, err
		}
	}
	return out, workflow.Await(s.ctx, func() bool { return workflow.AllHandlersFinished(s.ctx) })
}

// visible is the state without the machine's own lists.
func (s *stack) visible() map[string]any {
	snap, err := s.store.State(context.Background(), s.name)
	if err != nil {
		return map[string]any{}
	}
	return journal.Visible(snap.State)
}
