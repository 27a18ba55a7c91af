package temporaldriver

import (
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// forever is the time that an attempt without a timeout may take: a cluster wants one.
const forever = 10 * 365 * 24 * time.Hour

// act does what was decided.
func (s *stack) act(d *decision) {
	s.isDue = d.due
	for _, id := range d.ends {
		s.end(id)
	}
	for i := range d.begins {
		s.begin(&d.begins[i])
	}
	for i := range d.sends {
		s.send(&d.sends[i])
	}
	for i := range d.notices {
		s.notify(d.notices[i])
	}
	for _, id := range d.drops {
		delete(s.kids, id)
	}
	if s.offered != nil && (d.unfit != "" || s.cursor.Hash == s.offered.Hash) {
		s.offered, s.unfit = nil, d.unfit
	}
	if d.leads != s.leads {
		s.leads = d.leads
		s.lead(parentSignal{Standing: d.leads.standing, Reason: d.leads.reason, Metered: d.leads.metered})
	}
	s.watch()
	s.needs = d.needs
	s.askForSlots()
	s.tellParent(d)
	s.show(d)
	if !d.ended {
		s.wakeAt(d.wake)
	} else {
		s.wakeAt(time.Time{})
	}
}

// wakeAt sets the timer of the stack.
func (s *stack) wakeAt(wake time.Time) {
	if wake.Equal(s.wake) && (s.stop != nil || wake.IsZero()) {
		return
	}
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
	s.wake = wake
	if wake.IsZero() {
		return
	}
	ctx, stop := workflow.WithCancel(s.ctx)
	s.stop = stop
	timer := workflow.NewTimer(ctx, max(wake.Sub(s.at), s.w.shortest))
	workflow.Go(s.ctx, func(ctx workflow.Context) {
		if timer.Get(ctx, nil) != nil {
			return // another one is set
		}
		s.stop = nil
		s.step(func(at time.Time) machine.Input {
			if at.Before(wake) {
				at = wake
			}
			return machine.Woke{At: at}
		})
	})
}

// begin has an attempt run.
func (s *stack) begin(b *begin) {
	if b.child != "" {
		s.beginChild(b)
		return
	}
	ctx, cancel := workflow.WithCancel(s.ctx)
	f := &flight{attemptID: b.attemptID, begin: *b, nth: s.begun, cancel: cancel}
	f.task = nil // it has gone with the activity
	s.begun++
	s.flights[b.attemptID] = f
	for id := range s.lost { // in any order: each by itself
		if id.TaskKey == b.TaskKey {
			delete(s.lost, id)
		}
	}
	timeout := forever
	if b.timeout > 0 {
		timeout = b.timeout + lastWait
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           s.w.queueOf(b.pool),
		StartToCloseTimeout: timeout,
		HeartbeatTimeout:    s.w.o.Heartbeat,
		WaitForCancellation: true,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:             b.Node,
	})
	done := workflow.ExecuteActivity(ctx, taskType, b.task)
	workflow.Go(s.ctx, func(ctx workflow.Context) {
		var r taskResult
		err := done.Get(ctx, &r)
		delete(s.flights, b.attemptID)
		s.freed(f.slot)
		s.freed(f.lock)
		if clean, lost := f.wasLost(&r, err); lost {
			s.lost[b.attemptID] = clean
		}
		s.post(letter{of: &b.attemptID, size: 2 * r.size(), in: func(at time.Time) []machine.Input { return inputsOf(f, &r, err, at) }})
	})
}

// wasLost reports whether an attempt ended with its process: by itself, or, if it is clean, because
// the worker stops or the workflow continues as another one.
func (f *flight) wasLost(r *taskResult, err error) (clean, lost bool) {
	var timeout *temporal.TimeoutError
	var cancelled *temporal.CanceledError
	drained := f.drained && !f.ends
	switch {
	case err == nil:
		clean = r.CutOff || drained && r.Failure != nil && r.Failure.Kind == "cancelled"
		return clean, clean
	case errors.As(err, &cancelled):
		return drained, drained
	}
	return false, errors.As(err, &timeout) && timeout.TimeoutType() == enumspb.TIMEOUT_TYPE_HEARTBEAT
}

// inputsOf is what the end of an activity means for the machine.
func inputsOf(f *flight, r *taskResult, err error, at time.Time) (all []machine.Input) {
	id := f.attemptID
	var timeout *temporal.TimeoutError
	var cancelled *temporal.CanceledError
	clean, lost := f.wasLost(r, err)
	switch {
	case err == nil:
		for _, u := range r.Used { // before the steps of the calls, which have none of it
			all = append(all, machine.ChildUsed{At: at, Key: id.TaskKey, Attempt: id.Attempt, Call: u.Call, Nonce: u.Nonce, Counts: u.Counts})
		}
		all = append(all, stepInputs(id, r.Steps, at)...)
		r.CutOff = lost
		return append(all, endOf(id, r, at)...)
	case lost:
		if errors.As(err, &timeout) {
			all = stepInputs(id, stepsIn(timeout), at)
		}
		return append(all, machine.TaskLost{At: at, Key: id.TaskKey, Attempt: id.Attempt, Clean: clean})
	case errors.As(err, &cancelled): // it had not begun
		return []machine.Input{machine.TaskGone{At: at, Key: id.TaskKey, Attempt: id.Attempt}}
	case errors.As(err, &timeout):
		all = stepInputs(id, stepsIn(timeout), at)
		return append(all, machine.TaskFailed{At: at, Key: id.TaskKey, Attempt: id.Attempt, Failure: journal.Failure{Kind: "timeout", Message: "the work did not end after its timeout"}})
	}
	why := journal.Failure{Kind: "error", Message: err.Error()}
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		why.Message = app.Message()
		switch app.Type() {
		case failureLimit:
			why.Kind, why.Permanent = "limit", true
		case failureConfig:
			why.Kind, why.Permanent = "config", true
		}
	}
	return []machine.Input{machine.TaskFailed{At: at, Key: id.TaskKey, Attempt: id.Attempt, Failure: why}}
}

// endOf is the end of an attempt that its worker has reported.
func endOf(id attemptID, r *taskResult, at time.Time) []machine.Input {
	switch {
	case r.CutOff:
		return []machine.Input{
			machine.TaskUsed{At: at, Key: id.TaskKey, Attempt: id.Attempt, Tokens: r.Tokens, Cost: r.Cost},
			machine.TaskLost{At: at, Key: id.TaskKey, Attempt: id.Attempt, Clean: true},
		}
	case r.Held:
		return []machine.Input{machine.TaskHeld{At: at, Key: id.TaskKey, Attempt: id.Attempt, Tokens: r.Tokens, Cost: r.Cost}}
	case r.Failure != nil:
		return []machine.Input{machine.TaskFailed{At: at, Key: id.TaskKey, Attempt: id.Attempt, Failure: r.Failure.journal(), Wait: r.Wait, Tokens: r.Tokens, Cost: r.Cost}}
	}
	in := machine.TaskDone{At: at, Key: id.TaskKey, Attempt: id.Attempt, Output: r.Output, Tokens: r.Tokens, Cost: r.Cost}
	if r.Talk != nil {
		in.Talk = &journal.Talk{Messages: r.Talk.Messages.Any(), Usage: r.Talk.Usage.Any()}
	}
	for _, m := range r.Memory {
		in.Memory = append(in.Memory, m.journal())
	}
	return []machine.Input{in}
}

// end has an attempt end. A second time cuts off the last cycle of the stack that does its work.
func (s *stack) end(id attemptID) {
	if f := s.flights[id]; f != nil {
		f.ends = true
		f.cancel()
		return
	}
	for _, name := range s.kidNames() {
		if k := s.kids[name]; k.Of.attempt() == id && k.Of.Call == "" {
			k.Ends++
			s.signalKid(name, parentSignal{End: k.Ends})
		}
	}
}

// kidNames are the ids of the stacks that do work of this one, in an order that a replay has
// too.
func (s *stack) kidNames() []string {
	names := make([]string, 0, len(s.kids))
	for name := range s.kids { // in any order: sorted
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// beginChild has the stack of a node begin, or takes note that it is there already.
func (s *stack) beginChild(b *begin) {
	k := &kid{Of: parent{Stack: s.name, Cycle: b.Cycle, Wave: b.Wave, Node: b.Node, Item: b.Item, Attempt: b.Attempt}, Running: true, Lock: b.lock}
	if was := s.kids[b.child]; was != nil && was.Running {
		was.Of, was.Lock = k.Of, k.Lock
		return
	}
	s.kids[b.child] = k
	k.begins = true
	if l := s.leads; l.standing != byte(machine.GoesOn) { // those that began before it know
		k.waits = append(k.waits, parentSignal{Standing: l.standing, Reason: l.reason, Metered: l.metered})
	}
	ctx := workflow.WithChildOptions(s.ctx, workflow.ChildWorkflowOptions{
		WorkflowID:               b.child,
		ParentClosePolicy:        enumspb.PARENT_CLOSE_POLICY_ABANDON, // it outlives the workflow that is continued as another one
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionTimeout: 0,
	})
	done := workflow.ExecuteChildWorkflow(ctx, WorkflowType, b.birth)
	workflow.Go(s.ctx, func(ctx workflow.Context) {
		if done.GetChildWorkflowExecution().Get(ctx, nil) == nil {
			s.hasBegun(b.child, k)
		}
		err := done.Get(ctx, nil)
		if now := s.kids[b.child]; now != k || err == nil || !k.Running {
			return // it says itself how it has ended
		}
		s.lose(k, startError(err))
	})
}

// lose takes note that the stack of a node could not begin, or was removed by somebody.
func (s *stack) lose(k *kid, why error) {
	k.Running = false
	s.freed(k.Lock)
	id := k.Of.attempt()
	s.step(func(at time.Time) machine.Input {
		return machine.ChildDone{At: at, Key: id.TaskKey, Attempt: id.Attempt, Err: why}
	})
}

// startError is why the stack of a node could not begin, or is gone.
func startError(err error) error {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return errors.New(app.Message())
	}
	return err
}

// hasBegun gives the stack of a node what its parent has wanted of it meanwhile.
func (s *stack) hasBegun(name string, k *kid) {
	waits := k.waits
	k.begins, k.waits = false, nil
	if s.kids[name] != k {
		return
	}
	for _, p := range waits {
		s.signalKid(name, p)
	}
}

// lead tells the stacks that do work of this one what it wants.
func (s *stack) lead(p parentSignal) {
	for _, name := range s.kidNames() {
		s.signalKid(name, p)
	}
}

func (s *stack) signalKid(name string, p parentSignal) {
	switch k := s.kids[name]; {
	case k == nil || !k.Running:
		return
	case k.begins: // a cluster may not know it yet
		k.waits = append(k.waits, p)
		return
	}
	s.signal(name, parentName, p, func(_ workflow.Context, err error) {
		if k := s.kids[name]; err != nil && k != nil && k.Running { // else it has said how it ended
			s.lose(k, fmt.Errorf("the stack %q of this node is gone: %w", name, err))
		}
	})
}

// send gives a message to another stack.
func (s *stack) send(m *sending) {
	if s.sending[m.id] {
		return
	}
	s.sending[m.id] = true
	s.signal(m.to, eventName, m.event, func(ctx workflow.Context, err error) {
		if err != nil {
			workflow.GetLogger(ctx).Warn("a message cannot be delivered", "to", m.to, "error", err)
		}
		delete(s.sending, m.id)
		s.step(func(at time.Time) machine.Input { return machine.Sent{At: at, ID: m.id} })
	})
}

// tellParent tells the parent what the stack has used, and that it rests.
func (s *stack) tellParent(d *decision) {
	p := s.in.Parent
	if p == nil || d.ended {
		return
	}
	c := &s.cursor.Counts
	used := c.NodeRuns != s.told.NodeRuns || c.Tokens != s.told.Tokens || c.Cost != s.told.Cost
	rests := d.resting && !s.rested && p.Call == ""
	if !rests && !(used && p.Metered) {
		return
	}
	s.told, s.rested = *c, s.rested || rests
	s.signal(p.Stack, childName, childSignal{Of: *p, Nonce: s.in.Identity.Nonce, Counts: *c, Rests: rests}, func(ctx workflow.Context, err error) {
		if err != nil {
			workflow.GetLogger(ctx).Debug("the stack's parent does not hear it", "error", err)
		}
	})
}
