package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/pool"
	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// lastWait is how long a cancelled attempt may take to return before it counts as
// over all the same: more than the 5 s that lie between TERM and KILL.
const lastWait = 7 * time.Second

// shortWait is the same for an attempt that is in a hurry: its programs are killed
// at once.
const shortWait = 500 * time.Millisecond

// attempt is one attempt of a task, from its place in the queue to its return.
type attempt struct {
	stack *Stack
	task  machine.Task

	ticket pool.Ticket // for its slot

	// Owned by the stack's loop.
	turn     uint64 // of the loop that began it
	cancel   context.CancelCauseFunc
	granted  bool         // it has its slot
	void     bool         // it is not to begin any more
	asked    bool         // the machine wants it to end
	givenUp  bool         // nobody waits for it any more
	cut      bool         // cut off by a shutdown: a success counts, a failure does not
	giveUp   *timer.Timer // set once it was cancelled
	shutdown bool         // the work says that it was cut off
	broken   error        // the work says that its stack cannot go on: the store's
	gone     bool         // it returned, or was given up
}

// prepare makes an attempt ready to run. Its end comes as a letter.
func (s *Stack) prepare(a *attempt) work {
	i, _ := s.g.NodeByID(a.task.Key.Node) // by name: it may have queued since before a change of the graph
	n := &s.g.Nodes[i]
	spec, _ := s.rt.cfg.Kinds.Spec(n.Kind.Name) // an unknown kind fails in nodes.Run
	spec.Kind = n.Kind
	if n.Kind.Sends {
		spec.Node = sender{s.rt}
	}
	if n.Kind.Runs {
		spec.Node = runner{s.rt, n.Inner, a.task.Key, a}
	}
	t := s.task(n, a.task.Key)
	t.Attempt, t.With, t.Rerun, t.Hurry = a.task.Attempt, a.task.With, a.task.Rerun, s.rushed()
	t.Steps, t.Record, t.Note = stepsOf(a.task.Steps), s.record(a), s.noter(a)
	t.Logger = slog.New(taskLog{s.log.Handler(), a, s.g.Name})
	ctx, cancel := context.WithCancelCause(s.rt.base)
	a.cancel = cancel
	s.away++
	return func() func() {
		returned := false
		defer func() {
			if !returned { // it ended its goroutine
				s.post(func() { s.returned(a, nodes.Result{}, errGoexit, time.Now().UTC()) })
			}
		}()
		res, err := s.rt.kinds.Run(ctx, spec, t)
		returned = true
		at := time.Now().UTC()
		cancel(nil)
		return func() { s.returned(a, res, err, at) }
	}
}

// task is what all attempts of a task have in common.
func (s *Stack) task(n *graph.Node, key journal.TaskKey) nodes.Task {
	return nodes.Task{
		Stack: s.name, Graph: s.g.Name,
		Cycle: key.Cycle, Wave: key.Wave, Node: key.Node, Item: key.Item,
		Key: taskKey(s.id, key), Written: n.Def.With, Dir: s.g.Dir,
		Mask: s.secrets.masker.Text,
	}
}

// taskKey is a task's idempotency key, STACK.NONCE/CYCLE/WAVE/NODE/ITEM: the
// same for every attempt, in every process, and of no other task.
func taskKey(id journal.Identity, k journal.TaskKey) string {
	return fmt.Sprintf("%s.%s/%d/%d/%s/%s", id.Stack, id.Nonce, k.Cycle, k.Wave, k.Node, k.Item)
}

// returned takes in the end of an attempt.
func (s *Stack) returned(a *attempt, res nodes.Result, err *nodes.Error, at time.Time) {
	s.gone(a)
	s.ended = append(s.ended, &a.ticket)
	s.rt.timers.Stop(a.giveUp)
	if s.attempts[a.task.Key] == a {
		delete(s.attempts, a.task.Key)
	}
	key, attempt := a.task.Key, a.task.Attempt
	tokens, cost := res.Tokens, res.Cost
	if err != nil {
		tokens, cost = err.Tokens, err.Cost
	}
	switch {
	case s.over:
		s.log.Debug("late result dropped", "node", key.Node, "item", key.Item, "attempt", attempt)
	case a.givenUp:
		s.log.Info("an attempt that was given up has returned", "node", key.Node, "item", key.Item, "attempt", attempt)
		s.step(machine.TaskUsed{At: s.clock(at), Key: key, Attempt: attempt, Tokens: tokens, Cost: cost})
	case err == nil:
		s.step(machine.TaskDone{At: s.clock(at), Key: key, Attempt: attempt, Output: res.Output, Tokens: tokens, Cost: cost})
	case a.broken != nil && !s.stopping && !a.asked:
		s.fail(a.broken)
	case (a.cut || a.shutdown || a.broken != nil) && !a.asked: // no failure: it runs again when the stack goes on
		s.step(machine.TaskUsed{At: s.clock(at), Key: key, Attempt: attempt, Tokens: tokens, Cost: cost})
	default:
		s.step(machine.TaskFailed{At: s.clock(at), Key: key, Attempt: attempt,
			Failure: journal.Failure{Kind: err.Kind, Message: err.Message, Permanent: err.Permanent},
			Tokens:  tokens, Cost: cost})
	}
}

// end ends an attempt that the machine wants to end: one that timed out, was
// cancelled, or whose stack ends. Its return says that it is gone; one that has
// not begun is gone at once.
func (s *Stack) end(a *attempt, why *nodes.Error) {
	a.asked = true
	if a.cancel != nil {
		s.cutOff(a, why)
		return
	}
	a.void = true
	s.ended = append(s.ended, &a.ticket)
	if s.attempts[a.task.Key] == a {
		delete(s.attempts, a.task.Key)
	}
	if a.granted {
		s.step(machine.TaskGone{At: s.now(), Key: a.task.Key, Attempt: a.task.Attempt})
	}
}

// cutOff cancels an attempt that has begun. One that does not return is given up
// after lastWait.
func (s *Stack) cutOff(a *attempt, why *nodes.Error) {
	if a.giveUp == nil {
		a.cancel(why)
		s.giveUpAfter(a, lastWait)
	}
}

func (s *Stack) giveUpAfter(a *attempt, d time.Duration) {
	s.rt.timers.Stop(a.giveUp)
	a.giveUp = s.rt.timers.At(time.Now().Add(d), func() {
		s.post(func() { s.giveUpOn(a) })
	})
}

// gone counts an attempt out; false when that was done before.
func (s *Stack) gone(a *attempt) bool {
	if a.gone {
		return false
	}
	a.gone = true
	s.away--
	return true
}

// giveUpOn goes on without an attempt that ignores its cancellation. Its slot stays
// taken until it returns.
func (s *Stack) giveUpOn(a *attempt) {
	if !s.gone(a) {
		return
	}
	a.givenUp = true
	if s.attempts[a.task.Key] == a {
		delete(s.attempts, a.task.Key)
	}
	s.log.Warn("a cancelled attempt does not return: it counts as over, and its slot stays taken until it returns",
		"node", a.task.Key.Node, "item", a.task.Key.Item, "attempt", a.task.Attempt)
	if a.asked {
		s.step(machine.TaskGone{At: s.now(), Key: a.task.Key, Attempt: a.task.Attempt})
	}
}
