package sim

import (
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
)

// comesTo is what a task comes to: with Acts what its `with` alone decides, and everything
// else by the result function.
func (s *Sim) comesTo(t machine.Task) Result {
	kind := &s.m.Graph().Nodes[t.Node].Kind
	switch {
	case !s.Acts:
	case kind.Sends:
		return s.message(t)
	case kind.Fails != nil:
		return s.failure(t, kind.Fails)
	}
	return s.result(t)
}

// failure is that of a task whose kind only fails.
func (s *Sim) failure(t machine.Task, fails func(with any) (kind, message string, permanent bool)) Result {
	with, err := value.Fill(t.With, s.Secrets)
	f := journal.Failure{Kind: "config", Permanent: true}
	if err != nil {
		f.Message = err.Error()
	} else {
		f.Kind, f.Message, f.Permanent = fails(with)
	}
	return Result{Failure: &f}
}

// message is a message that leaves with the commit of its wave. Only the stack itself is
// there to say whether the message fits; every other one is taken to accept it.
func (s *Sim) message(t machine.Task) Result {
	given, err := value.Fill(t.With, s.Secrets)
	if err != nil {
		return Result{Failure: &journal.Failure{Kind: "config", Permanent: true, Message: err.Error()}}
	}
	with, _ := given.(map[string]any)
	to, _ := with["to"].(string)
	event, _ := with["event"].(string)
	payload := with["payload"]
	if to == s.m.Identity().Stack {
		c := s.m.Cursor()
		fit, f := machine.FitsStack(s.m.Graph(), to, c.Queued, event, payload)
		if f != nil {
			return Result{Failure: f}
		}
		payload = fit
	}
	return Result{Output: map[string]any{"to": to, "event": event, "payload": payload}}
}
