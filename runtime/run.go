package runtime

import (
	"time"

	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

// lastWait is how long a cancelled attempt may take to return before it counts as over
// anyway: longer than the 5 s between TERM and KILL.
const lastWait = 7 * time.Second

// shortWait is lastWait for an attempt in a hurry, whose programs are killed at once.
const shortWait = 500 * time.Millisecond

// prepare makes an attempt ready to run. Its end arrives as a letter.
func (d *drive) prepare(a *attempt) job {
	i := a.task.Node
	if i >= len(d.g.Nodes) || d.g.Nodes[i].ID != a.task.Key.Node { // it has queued since before a change of the graph
		i, _ = d.g.NodeByID(a.task.Key.Node)
	}
	e := a.ticket.For.(*errand)
	e.n, e.ground = &d.g.Nodes[i], d.ground
	for _, s := range a.task.Steps {
		if c := childMarked(d.name, a.task.Key, s); c.id != "" {
			a.leads(c.id)
		}
	}
	a.ctx.Context = d.eng.base //nolint:fatcontext // no context is made: the attempt has one of its own
	a.begun = true
	d.away++
	return e.do
}

// do does the work.
func (e *errand) do() (letter func()) {
	returned := false
	defer func() {
		if !returned { // it ended its goroutine
			e.err, e.at = errGoexit, time.Now().UTC()
			e.d.post(e.report)
		}
	}()
	t := nodes.Task{With: e.task.With, Secret: e.secret, Lazy: e}
	var err *nodes.Error
	if e.task.Rerun && len(e.n.Calls) > 0 {
		t = e.completed(t)
		err = e.endCalls(t)
	}
	var res nodes.Result
	if err == nil {
		res, err = e.d.eng.kinds.Run(&e.ctx, e.spec(), t)
	}
	returned = true
	e.hush()
	e.res, e.err, e.at = res, err, time.Now().UTC()
	e.ctx.end(nil)
	return e.report
}

// report is the letter about the end of an attempt.
func (e *errand) report() { e.d.returned(&e.attempt, e.res, e.err, e.at) }

// spec is the kind of the node, with the work that only the driver can do.
func (e *errand) spec() nodes.Spec {
	kind := &e.n.Kind
	switch {
	case kind.Sends:
		return nodes.Spec{Kind: *kind, Node: e.d.home.sender()}
	case kind.Runs:
		return nodes.Spec{Kind: *kind, Node: e.d.home.runner(e.d, &e.attempt, e.n.Inner)}
	}
	return nodes.Spec{Kind: *kind, Node: e.d.eng.cfg.Kinds.Work(kind.Name)} // an unknown kind fails in nodes.Run
}

// returned tells the machine how an attempt ended.
func (d *drive) returned(a *attempt, res nodes.Result, err *nodes.Error, at time.Time) {
	d.gone(a)
	d.endTickets(a, err == nil && res.Held())
	d.eng.timers.Stop(a.giveUp)
	if d.attempts[a.task.Key] == a {
		delete(d.attempts, a.task.Key)
	}
	key, attempt := a.task.Key, a.task.Attempt
	tokens, cost := res.Tokens, res.Cost
	if err != nil {
		tokens, cost = err.Tokens, err.Cost
	}
	broken, shutdown := a.trouble()
	cutOff := (a.cut || broken != nil) && !a.asked || shutdown // a graph may still have its last cycle
	if err == nil || !cutOff {                                 // else the next attempt continues the children
		d.spent = append(d.spent, a.left()...)
	}
	switch {
	case !cutOff && d.outlives(a):
		d.endKid(key)
	case d.over:
		d.log.Debug("late result dropped", "node", key.Node, "item", key.Item, "attempt", attempt)
	case a.givenUp:
		d.log.Info("an attempt that was given up has returned", "node", key.Node, "item", key.Item, "attempt", attempt)
		d.step(machine.TaskUsed{At: d.clock(at), Key: key, Attempt: attempt, Tokens: tokens, Cost: cost})
	case err == nil && res.Held():
		d.step(machine.TaskHeld{At: d.clock(at), Key: key, Attempt: attempt, Tokens: tokens, Cost: cost})
		if c := a.task.Child; c != nil && d.kids[c.ID] == nil {
			d.missesKid = true // it has ended meanwhile, and nobody else will say so
		}
	case err == nil && a.child != nil:
		end := *a.child
		end.At, end.Key, end.Attempt = d.clock(at), key, attempt
		d.step(end)
	case err == nil:
		d.step(machine.TaskDone{At: d.clock(at), Key: key, Attempt: attempt, Output: res.Value(),
			Talk: work.Talk(d.secrets.Masker(), res.Talk), Memory: work.Writes(d.secrets.Masker(), res.Memory), Tokens: tokens, Cost: cost})
	case broken != nil && !d.stopping:
		d.fail(broken)
	case cutOff: // no failure: it runs again when the stack is resumed
		d.step(machine.TaskUsed{At: d.clock(at), Key: key, Attempt: attempt, Tokens: tokens, Cost: cost})
	default:
		d.step(machine.TaskFailed{At: d.clock(at), Key: key, Attempt: attempt,
			Failure: work.Failure(err), Wait: err.Wait, Tokens: tokens, Cost: cost})
	}
}

// outlives reports that the child of an attempt that has returned is still there, because it
// came to rest while the task or the stack was ended. The child's end is that of the task.
func (d *drive) outlives(a *attempt) bool {
	if a.task.Child == nil || d.kids[a.task.Child.ID] == nil || d.err != nil {
		return false
	}
	return d.over || d.m.Ends(a.task.Key, a.task.Attempt)
}

// end ends an attempt that the machine wants to end, because it timed out, was
// cancelled, or its stack ends. The attempt is gone when it returns; one that has not
// begun is gone at once.
func (d *drive) end(a *attempt, why *nodes.Error) {
	a.asked = true
	if a.begun {
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
		a.ctx.end(why)
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
// taken until it returns. One whose children still run their last cycles ignores nothing:
// they have a bound of their own.
func (d *drive) giveUpOn(a *attempt) {
	last := d.kidsOf(a.task.Key, func(*drive) {})
	if last && !a.cut {
		d.giveUpAfter(a, lastWait)
		return
	}
	if !d.gone(a) {
		return
	}
	a.givenUp = true
	if d.attempts[a.task.Key] == a {
		delete(d.attempts, a.task.Key)
	}
	d.log.Warn("a cancelled attempt does not return: it counts as over, and its slot stays taken until it returns",
		"node", a.task.Key.Node, "item", a.task.Key.Item, "attempt", a.task.Attempt)
	if a.asked && !last {
		d.step(machine.TaskGone{At: d.now(), Key: a.task.Key, Attempt: a.task.Attempt})
	}
}
