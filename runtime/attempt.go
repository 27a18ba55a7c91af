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

// lastWait is how long an attempt that was cancelled keeps its slot while it
// does not return, and how long a stopping stack waits for it: more than the
// 5 s that lie between TERM and KILL.
const lastWait = 7 * time.Second

// attempt is one attempt of a task, from its place in the queue to its return.
type attempt struct {
	stack *Stack
	task  machine.Task

	ticket pool.Ticket // for its slot

	// Owned by the stack's loop.
	turn     uint64 // of the loop that began it
	cancel   context.CancelCauseFunc
	void     bool         // its result does not count any more
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
	t.Attempt, t.With, t.Rerun = a.task.Attempt, a.task.With, a.task.Rerun
	t.Logger = slog.New(taskLog{s.log.Handler(), a, s.g.Name})
	ctx, cancel := context.WithCancelCause(s.rt.base)
	a.cancel = cancel
	s.away++
	return func() func() {
		res, err := nodes.Run(ctx, spec, t)
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
	s.rt.timers.Stop(a.giveUp)
	if s.attempts[a.task.Key] == a {
		delete(s.attempts, a.task.Key)
	}
	switch {
	case a.void || s.over:
		s.log.Debug("late result dropped", "node", a.task.Key.Node, "item", a.task.Key.Item,
			"attempt", a.task.Attempt)
	case err == nil:
		s.step(machine.TaskDone{At: s.clock(at), Key: a.task.Key, Attempt: a.task.Attempt,
			Output: res.Output, Tokens: res.Tokens, Cost: res.Cost})
	case a.broken != nil && !s.stopping:
		s.fail(a.broken)
	case a.cut || a.shutdown || a.broken != nil: // no failure: it runs again when the stack goes on
	default:
		s.step(machine.TaskFailed{At: s.clock(at), Key: a.task.Key, Attempt: a.task.Attempt,
			Failure: journal.Failure{Kind: err.Kind, Message: err.Message, Permanent: err.Permanent},
			Tokens:  err.Tokens, Cost: err.Cost})
	}
}

// end cancels an attempt whose result is not wanted any more: one that timed
// out, whose wave was cancelled, or whose stack has ended.
func (s *Stack) end(a *attempt, why *nodes.Error) {
	a.void = true
	if s.attempts[a.task.Key] == a {
		delete(s.attempts, a.task.Key)
	}
	s.cutOff(a, why)
}

// cutOff cancels an attempt. One that has not started leaves its queue; one
// that does not return is given up after lastWait.
func (s *Stack) cutOff(a *attempt, why *nodes.Error) {
	if a.cancel == nil {
		a.void = true
		s.ended = append(s.ended, &a.ticket)
		return
	}
	if a.giveUp != nil {
		return
	}
	a.cancel(why)
	a.giveUp = s.rt.timers.At(time.Now().Add(lastWait), func() {
		s.post(func() { s.giveUpOn(a) })
	})
}

// gone gives back the slot of an attempt; false when that was done before.
func (s *Stack) gone(a *attempt) bool {
	if a.gone {
		return false
	}
	a.gone = true
	s.away--
	s.ended = append(s.ended, &a.ticket)
	return true
}

// giveUpOn goes on without an attempt that ignores its cancellation.
func (s *Stack) giveUpOn(a *attempt) {
	if !s.gone(a) {
		return
	}
	s.log.Warn("a cancelled attempt does not return; going on without it",
		"node", a.task.Key.Node, "item", a.task.Key.Item, "attempt", a.task.Attempt)
}
