package testfile

import (
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/trial"
)

// builder makes a Suite of a checked file. A value with a problem counts as absent.
type builder struct{ dsl.TestFile }

// get is a field, nil if it is absent or has a problem.
func (b builder) get(n *tree.Node, field string) *tree.Node {
	if v := n.Get(field); v != nil && b.Sound(v) {
		return v
	}
	return nil
}

// text is a scalar as it is written.
func (b builder) text(n *tree.Node, field string) diag.Text {
	if v := b.get(n, field); v != nil {
		return v.Text
	}
	return diag.Text{}
}

func (b builder) integer(n *tree.Node, field string) int64 {
	if v := b.get(n, field); v != nil {
		return v.Int
	}
	return 0
}

func (b builder) duration(n *tree.Node, field string) time.Duration {
	d, _ := graph.ParseDuration(b.text(n, field).Value)
	return d
}

// keyOf is where the name of a field stands.
func keyOf(n *tree.Node, field string) diag.Span {
	for _, f := range n.Fields {
		if f.Key.Value == field {
			return f.Key.Span
		}
	}
	return n.Head()
}

// suite makes a Suite from a checked document.
func (b builder) suite(file string) trial.Suite {
	n := b.Root
	s := trial.Suite{File: file, Graph: b.text(n, "graph")}
	if tests := b.get(n, "tests"); tests != nil {
		for _, it := range tests.Items {
			if b.Sound(it) {
				s.Tests = append(s.Tests, b.test(it))
			}
		}
	}
	return s
}

func (b builder) test(n *tree.Node) trial.Test {
	t := trial.Test{
		Name: b.text(n, "name"), At: n.Head(), Stack: b.text(n, "stack"), Start: b.text(n, "at"),
		Params: b.get(n, "params"), State: b.get(n, "state")}
	if never := b.get(n, "never"); never != nil {
		for _, it := range never.Items {
			t.Never = append(t.Never, it.Text)
		}
	}
	replies := b.get(n, "replies")
	if replies == nil {
		replies = &tree.Node{}
	}
	for _, f := range replies.Fields {
		if b.Sound(f.Value) {
			t.Replies = append(t.Replies, b.replies(f.Key, f.Value))
		}
	}
	if steps := b.get(n, "steps"); steps != nil {
		for _, it := range steps.Items {
			if b.Sound(it) {
				t.Steps = append(t.Steps, b.step(it))
			}
		}
	}
	if e := b.get(n, "end"); e != nil {
		t.End = &trial.End{At: keyOf(n, "end"), Status: b.get(e, "status"), Reason: b.get(e, "reason"), Cycles: b.get(e, "cycles"), State: b.get(e, "state")}
		if e.Kind == tree.Null {
			t.End.Empty = e
		}
	}
	return t
}

func (b builder) replies(name diag.Text, n *tree.Node) trial.Replies {
	r := trial.Replies{For: name, List: n.Kind == tree.List}
	all := n.Items
	if !r.List {
		all = []*tree.Node{n}
	}
	for _, it := range all {
		if b.Sound(it) {
			r.All = append(r.All, b.reply(it))
		}
	}
	return r
}

func (b builder) reply(n *tree.Node) trial.Reply {
	r := trial.Reply{At: n.Head(), Output: b.get(n, "output"), Messages: b.get(n, "messages"), After: b.duration(n, "after")}
	if u := b.get(n, "usage"); u != nil {
		r.Usage = trial.Usage{Tokens: b.integer(u, "tokens"), Turns: b.integer(u, "turns"), Calls: b.integer(u, "calls"),
			Input: b.integer(u, "input_tokens"), Written: b.integer(u, "output_tokens")}
		if v := b.get(u, "cost"); v != nil {
			if r.Usage.Cost = v.Float; v.Kind == tree.Int {
				r.Usage.Cost = float64(v.Int)
			}
		}
	}
	switch e := b.get(n, "error"); {
	case e == nil:
	case e.Kind == tree.String:
		r.Error = &trial.Failure{Message: e.Text.Value}
	default:
		r.Error = &trial.Failure{Kind: b.text(e, "kind"), Message: b.text(e, "message").Value, Permanent: b.get(e, "permanent") != nil && e.Get("permanent").Bool}
		if c := b.get(e, "code"); c != nil {
			r.Error.Code = &c.Int
		}
		if out := b.get(e, "output"); out != nil {
			r.Error.Output = &out.Text.Value
		}
	}
	return r
}

// step reads a step, which is a word, or a mapping of one.
func (b builder) step(n *tree.Node) trial.Step {
	if n.Kind == tree.String {
		return trial.Step{Does: trial.Does(n.Text.Value), At: n.Span}
	}
	s := trial.Step{At: n.Head()}
	for _, f := range n.Fields {
		v := f.Value
		if !b.Sound(v) {
			continue
		}
		s.Does, s.At = trial.Does(f.Key.Value), f.Key.Span
		switch s.Does {
		case trial.CycleStep:
			s.Cycle = trial.Cycle{Waves: b.get(v, "waves"), Skipped: b.get(v, "skipped"), Attempts: b.get(v, "attempts"), Sent: b.get(v, "sent")}
			if v.Kind == tree.Null {
				s.Cycle.Empty = v
			}
		case trial.ExpectStep:
			s.Expect = v
		case trial.SendStep:
			s.Send = v
		case trial.FilesStep:
			s.Files = v
		case trial.ApproveStep, trial.RejectStep:
			s.Answer = b.answer(v)
		case trial.CancelStep:
			s.Node = b.text(v, "node")
		case trial.CrashStep:
			s.Node = b.text(v, "after")
		case trial.WaitStep:
			s.For = b.duration(n, "wait")
		}
	}
	return s
}

func (b builder) answer(n *tree.Node) trial.Answer {
	if n.Kind != tree.Map {
		return trial.Answer{Node: n.Text}
	}
	return trial.Answer{Node: b.text(n, "node"), Value: b.get(n, "value"), Comment: b.get(n, "comment"), By: b.get(n, "by"), Call: b.text(n, "call")}
}
