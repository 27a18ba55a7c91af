package trial

import (
	"errors"
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/sim"
	"github.com/graphrun/graphrun/graph/tree"
)

// steps does all steps. Without any the stack runs to its end.
func (r *run) steps() {
	if len(r.t.Steps) == 0 {
		r.step = r.t.Name.Span
		_, err := r.until(func(rec journal.Record) bool { return rec.Body.Type() == "stack.finished" })
		r.stepped(err)
		return
	}
	for i := range r.t.Steps {
		if r.broken {
			return
		}
		r.do(&r.t.Steps[i])
	}
}

// stepped stops the test for an error of a step.
func (r *run) stepped(err error) {
	switch {
	case errors.Is(err, errBound):
		r.stop(r.step, "the stack has not ended after %d cycles", MaxCycles)
	case err != nil:
		r.stop(r.step, "%v", err)
	}
}

func (r *run) do(s *Step) {
	r.step = s.At
	now := r.s.Now()
	switch s.Does {
	case CycleStep:
		r.cycle(s)
	case ExpectStep:
		r.expect(s)
	case SendStep:
		for _, f := range s.Send.Fields {
			if err := r.s.Step(machine.Event{At: now, Name: f.Key.Value, Payload: f.Value.Value()}); err != nil {
				r.stop(f.Key.Span, "event %q is refused: %v", f.Key.Value, err)
				return
			}
		}
	case FilesStep:
		r.files(s)
	case ApproveStep, RejectStep:
		r.answer(s)
	case CancelStep:
		r.cancel(s)
	case WakeStep:
		r.all(s, func(*sim.Sim) machine.Input { return machine.Woke{At: now, Early: true} })
	case PauseStep:
		r.tell(s, machine.Pause{At: now})
	case ResumeStep:
		r.all(s, func(*sim.Sim) machine.Input { return machine.Resume{At: now} })
	case StopStep:
		r.tell(s, machine.Stop{At: now, Reason: "stopped"})
	case WaitStep:
		r.stepped(r.s.Forward(s.For))
		r.done = nil
	case CrashStep:
		r.crash(s)
	}
}

// ended says how the stack has ended; "" if it has not.
func (r *run) ended() string {
	c := r.s.Machine().Cursor()
	if !c.Status.Ended() {
		return ""
	}
	if c.Reason == "" {
		return "the stack has ended as " + string(c.Status)
	}
	return fmt.Sprintf("the stack has ended as %s (%s)", c.Status, c.Reason)
}

// tell feeds the machine of the stack.
func (r *run) tell(s *Step, in machine.Input) {
	if end := r.ended(); end != "" {
		r.stop(s.At, "%s: %s", s.Does, end)
		return
	}
	r.stepped(r.s.Step(in))
}

// all is tell for the stack and all within it.
func (r *run) all(s *Step, in func(*sim.Sim) machine.Input) {
	if end := r.ended(); end != "" {
		r.stop(s.At, "%s: %s", s.Does, end)
		return
	}
	r.s.All(func(one *sim.Sim) {
		if one != r.s {
			r.stepped(one.Machine().Step(in(one)))
		}
	})
	r.stepped(r.s.Step(in(r.s)))
}

// cycle goes to the end of a cycle and compares it. One commit may end a cycle and begin
// or even end the next one, and what another step did may have ended one.
func (r *run) cycle(s *Step) {
	if len(r.done) > 0 {
		r.ends(s)
		return
	}
	if end := r.ended(); end != "" {
		r.stop(s.At, "%s: no cycle follows", end)
		return
	}
	reached, err := r.until(func(rec journal.Record) bool {
		kind := rec.Body.Type()
		return kind == "cycle.finished" || kind == "stack.finished"
	})
	switch {
	case err != nil:
		r.stepped(err)
	case r.broken:
	case !reached:
		r.stop(s.At, "no cycle ends: %s", r.idle())
	case r.last != nil:
		r.ends(s)
	}
}

// ends compares the cycle that has ended. The stack may have cut it off with its end.
func (r *run) ends(s *Step) {
	p := r.last
	if len(r.done) > 0 {
		p, r.done = r.done[0], r.done[1:]
	}
	r.compareCycle(s, p)
}

// idle says why nothing happens.
func (r *run) idle() string {
	c := r.s.Machine().Cursor()
	var waits []string
	if c.Status == journal.Paused {
		waits = append(waits, "it is paused")
	}
	r.s.All(func(s *sim.Sim) {
		at := s.Machine().Cursor()
		for _, q := range at.Questions() {
			switch names := q.EventNames(); {
			case len(names) > 0:
				waits = append(waits, fmt.Sprintf("%q waits for the event %s", q.Place(), strings.Join(names, " or ")))
			case q.Files != "":
				waits = append(waits, fmt.Sprintf("%q waits for files", q.Place()))
			case q.Kind == "approval" || len(q.Calls) > 0:
				waits = append(waits, fmt.Sprintf("%q waits for an answer", q.Place()))
			}
		}
	})
	if len(waits) == 0 {
		return "nothing is due, the stack waits for an event"
	}
	return strings.Join(waits, ", ")
}

// expect evaluates conditions.
func (r *run) expect(s *Step) {
	if s.Expect == nil || s.Expect.Kind == tree.Null {
		r.empty(s.Expect, s.At, "expect", r.holding())
		return
	}
	list := s.Expect.Items
	if s.Expect.Kind != tree.List {
		list = []*tree.Node{s.Expect}
	}
	for _, it := range list {
		p, problems := r.g.Expression(it.Text, cond.Want{Condition: true})
		if p == nil {
			r.fail(it.Span, "%v", problems)
			continue
		}
		v, err := r.seen().Value(p, r.s.Now())
		switch {
		case err != nil:
			r.fail(it.Span, "expected %s, but it fails: %v", it.Text.Value, err)
		case v != true:
			r.fail(it.Span, "expected %s, but it is %s", it.Text.Value, shown(v))
		default:
			continue
		}
		r.Failures[len(r.Failures)-1].Condition = r.seen().Condition(p, r.s.Now())
	}
}

// find is the stack in which a node stands, and the node's own spot in it.
func (r *run) find(node diag.Text) (*sim.Sim, journal.Spot, bool) {
	place, err := journal.ParsePlace(node.Value)
	if err != nil {
		r.stop(node.Span, "%v", err)
		return nil, journal.Spot{}, false
	}
	s := r.s
	for _, spot := range place[:len(place)-1] {
		if s = s.Child(spot); s == nil {
			r.stop(node.Span, "%s: nothing runs within %s at present", node.Value, spot)
			return nil, journal.Spot{}, false
		}
	}
	return s, place[len(place)-1], true
}

// inner feeds the machine of a stack, and commits what follows in all of them.
func (r *run) inner(s *sim.Sim, in machine.Input) error {
	if s == r.s {
		return r.s.Step(in)
	}
	if err := s.Machine().Step(in); err != nil {
		return err
	}
	return r.s.Settle()
}

func (r *run) answer(s *Step) {
	a := &s.Answer
	in, spot, ok := r.find(a.Node)
	if !ok {
		return
	}
	m := in.Machine()
	answer := machine.Answer{At: r.s.Now(), Node: spot.Node, Item: spot.Item, Call: a.Call.Value}
	output := map[string]any{"approved": s.Does == ApproveStep}
	if a.Comment != nil {
		output["comment"] = a.Comment.Value()
	}
	if a.By != nil {
		output["by"] = a.By.Value()
	}
	calls := a.Call.Value != ""
	c := m.Cursor()
	for _, q := range c.Questions() {
		if q.Node == spot.Node && q.Item == spot.Item {
			calls = calls || len(q.Calls) > 0
			if len(q.Calls) == 0 {
				answer.For = q.ID() // no other question can be meant
			}
		}
	}
	switch {
	case a.Value == nil:
	case calls:
		answer.Args = a.Value.Value()
	default:
		output["value"] = a.Value.Value()
	}
	answer.Output = output
	if err := r.inner(in, answer); err != nil {
		r.stop(a.Node.Span, "%s %s is refused: %v", s.Does, a.Node.Value, err)
	}
}

func (r *run) cancel(s *Step) {
	if s.Node.Value == "" {
		r.tell(s, machine.Cancel{At: r.s.Now()})
		return
	}
	if in, spot, ok := r.find(s.Node); ok {
		if err := r.inner(in, machine.CancelTask{At: r.s.Now(), Node: spot.Node, Item: spot.Item}); err != nil {
			r.stop(s.Node.Span, "cancel: %v", err)
		}
	}
}

// crash ends all at once and opens the store again: now, or once a node has ended.
func (r *run) crash(s *Step) {
	if end := r.ended(); end != "" {
		r.stop(s.At, "crash: %s", end)
		return
	}
	if node := s.Node.Value; node != "" {
		if reached := r.untilEnd(s, node); !reached {
			return
		}
	}
	if m := r.s.Machine(); r.before == nil && !m.Cursor().Open {
		r.before = m
	}
	r.stepped(r.s.Crash())
	r.watch()
}

// seen is the machine that expectations look at. A stack that is opened again between two
// cycles does not know any more how its nodes have settled, but what has happened has.
func (r *run) seen() *machine.Machine {
	if r.before != nil {
		return r.before
	}
	return r.s.Machine()
}

// untilEnd runs until a node has ended, in the open or the next cycle.
func (r *run) untilEnd(s *Step, node string) bool {
	r.done = nil
	ended := false
	reached, err := r.until(func(rec journal.Record) bool {
		switch b := rec.Body.(type) {
		case *journal.TaskFinished:
			ended = ended || b.RetryAt.IsZero() && (b.Node == node || journal.Spot{Node: b.Node, Item: b.Item}.String() == node)
		case *journal.CycleFinished, *journal.StackFinished:
			return true
		}
		return ended && !r.s.Runs(node)
	})
	switch {
	case err != nil:
		r.stepped(err)
	case r.broken:
	case ended:
		return true
	case reached && r.last != nil && r.last.skipped[node] != "":
		r.stop(s.At, "crash after %s: it did not run in cycle %d: %s", node, r.last.number, r.last.skipped[node])
	case reached && r.last != nil:
		r.stop(s.At, "crash after %s: cycle %d is over, and it did not end in it", node, r.last.number)
	default:
		r.stop(s.At, "crash after %s: %s", node, r.idle())
	}
	return false
}
