package runtime

import (
	"context"
	"log/slog"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
)

// lastWait is how long a cancelled attempt may take to return before it counts as over
// anyway: longer than the 5 s between TERM and KILL.
const lastWait = 7 * time.Second

// shortWait is lastWait for an attempt in a hurry, whose programs are killed at once.
const shortWait = 500 * time.Millisecond

// prepare makes an attempt ready to run. Its end arrives as a letter.
func (d *drive) prepare(a *attempt) work {
	i, _ := d.g.NodeByID(a.task.Key.Node) // by name: it may have queued since before a change of the graph
	n := &d.g.Nodes[i]
	spec, _ := d.eng.cfg.Kinds.Spec(n.Kind.Name) // an unknown kind fails in nodes.Run
	spec.Kind = n.Kind
	if n.Kind.Sends {
		spec.Node = d.home.sender()
	}
	if n.Kind.Runs {
		spec.Node = d.home.runner(a, n.Inner)
	}
	t := d.task(n, a.task.Key)
	t.Attempt, t.With, t.Rerun, t.Hurry = a.task.Attempt, a.task.With, a.task.Rerun, d.rushed()
	t.Secret = d.secrets.secretOf(d.g.Secrets)
	t.Steps, t.Record, t.Note = stepsOf(a.task.Steps), d.record(a), d.noter(a)
	t.Logger = slog.New(taskLog{d.log.Handler(), a, d.g.Name})
	ctx, cancel := context.WithCancelCause(d.eng.base)
	a.cancel = cancel
	d.away++
	return func() func() {
		returned := false
		defer func() {
			if !returned { // it ended its goroutine
				d.post(func() { d.returned(a, nodes.Result{}, errGoexit, time.Now().UTC()) })
			}
		}()
		res, err := d.eng.kinds.Run(ctx, spec, t)
		returned = true
		at := time.Now().UTC()
		cancel(nil)
		return func() { d.returned(a, res, err, at) }
	}
}

// task is what all attempts of a task have in common.
func (d *drive) task(n *graph.Node, key journal.TaskKey) nodes.Task {
	return nodes.Task{
		Stack: d.name, Graph: d.g.Name,
		Cycle: key.Cycle, Wave: key.Wave, Node: key.Node, Item: key.Item,
		Key: d.id.TaskKey(key), Written: n.Def.With, Dir: d.g.Dir,
		Mask: d.secrets.masker.Text,
	}
}

// returned tells the machine how an attempt ended.
func (d *drive) returned(a *attempt, res nodes.Result, err *nodes.Error, at time.Time) {
	d.gone(a)
	d.ended = append(d.ended, &a.ticket)
	d.eng.timers.Stop(a.giveUp)
	if d.attempts[a.task.Key] == a {
		delete(d.attempts, a.task.Key)
	}
	key, attempt := a.task.Key, a.task.Attempt
	tokens, cost := res.Tokens, res.Cost
	if err != nil {
		tokens, cost = err.Tokens, err.Cost
	}
	switch {
	case d.over:
		d.log.Debug("late result dropped", "node", key.Node, "item", key.Item, "attempt", attempt)
	case a.givenUp:
		d.log.Info("an attempt that was given up has returned", "node", key.Node, "item", key.Item, "attempt", attempt)
		d.step(machine.TaskUsed{At: d.clock(at), Key: key, Attempt: attempt, Tokens: tokens, Cost: cost})
	case err == nil && a.child != nil:
		end := *a.child
		end.At, end.Key, end.Attempt = d.clock(at), key, attempt
		d.step(end)
	case err == nil:
		d.step(machine.TaskDone{At: d.clock(at), Key: key, Attempt: attempt, Output: res.Value(), Tokens: tokens, Cost: cost})
	case a.broken != nil && !d.stopping && !a.asked:
		d.fail(a.broken)
	case (a.cut || a.shutdown || a.broken != nil) && !a.asked: // no failure: it runs again when the stack is resumed
		d.step(machine.TaskUsed{At: d.clock(at), Key: key, Attempt: attempt, Tokens: tokens, Cost: cost})
	default:
		d.step(machine.TaskFailed{At: d.clock(at), Key: key, Attempt: attempt,
			Failure: journal.Failure{Kind: err.Kind, Message: err.Message, Permanent: err.Permanent},
			Tokens:  tokens, Cost: cost})
	}
}

// end ends an attempt that the machine wants to end, because it timed out, was
// cancelled, or its stack ends. The attempt is gone when it returns; one that has not
// begun is gone at once.
func (d *drive) end(a *attempt, why *nodes.Error) {
	a.asked = true
	if a.cancel != nil {
		d.cutOff(a, why)
		return
	}
	a.void = true
	d.ended = append(d.ended, &a.ticket)
	if d.attempts[a.task.Key] == a {
		delete(d.attempts, a.task.Key)
	}
	if a.granted {
		d.step(machine.TaskGone{At: d.now(), Key: a.task.Key, Attempt: a.task.Attempt})
	}
}

// cutOff cancels an attempt that has begun. One that does not return is given up after
// lastWait.
func (d *drive) cutOff(a *attempt, why *nodes.Error) {
	if a.giveUp == nil {
		a.cancel(why)
		d.giveUpAfter(a, lastWait)
	}
}

func (d *drive) giveUpAfter(a *attempt, wait time.Duration) {
	d.eng.timers.Stop(a.giveUp)
	a.giveUp = d.eng.timers.At(time.Now().Add(wait), func() {
		d.post(func() { d.giveUpOn(a) })
	})
}

// gone stops counting an attempt. It returns false when that was done before.
func (d *drive) gone(a *attempt) bool {
	if a.gone {
		return false
	}
	a.gone = true
	d.away--
	return true
}

// giveUpOn continues without an attempt that ignores its cancellation. Its slot stays
// taken until it returns.
func (d *drive) giveUpOn(a *attempt) {
	if !d.gone(a) {
		return
	}
	a.givenUp = true
	if d.attempts[a.task.Key] == a {
		delete(d.attempts, a.task.Key)
	}
	d.log.Warn("a cancelled attempt does not return: it counts as over, and its slot stays taken until it returns",
		"node", a.task.Key.Node, "item", a.task.Key.Item, "attempt", a.task.Attempt)
	if a.asked {
		d.step(machine.TaskGone{At: d.now(), Key: a.task.Key, Attempt: a.task.Attempt})
	}
}
