package trial

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// Check compares a suite with the graph that it is about: the names in it are there, and
// the values have the types of what they stand for. The problems are in the order of the
// file. Problems without places are those of a suite that a program made.
func Check(s *Suite, g *graph.Graph) diag.List {
	c := &checker{g: g}
	if len(s.Tests) == 0 {
		c.add(diag.BadTest, s.Graph.Span, "", "the file has no tests")
	}
	seen := map[string]bool{}
	for i := range s.Tests {
		t := &s.Tests[i]
		if name := t.Name.Value; seen[name] {
			c.add(diag.BadTest, t.Name.Span, "give each a name of its own", "a test before this one has the name %q", name)
		}
		seen[t.Name.Value] = true
		c.test(t)
	}
	return c.problems
}

type checker struct {
	g        *graph.Graph
	problems diag.List
}

func (c *checker) add(code diag.Code, at diag.Span, help, format string, args ...any) {
	c.problems.Add(code, at, help, format, args...)
}

func (c *checker) test(t *Test) {
	if t.Start.Value != "" {
		if _, err := time.Parse(time.RFC3339, t.Start.Value); err != nil {
			c.add(diag.WrongType, t.Start.Span, `at: "2030-01-31T15:04:05Z"`, "%q is no moment", t.Start.Value)
		}
	}
	c.params(t)
	c.state(t.State)
	for i := range t.Replies {
		c.replies(&t.Replies[i])
	}
	for i := range t.Steps {
		c.step(&t.Steps[i])
	}
	if t.End != nil {
		c.state(t.End.State)
	}
	for _, n := range t.Never {
		if !slices.Contains(Nevers, n.Value) {
			c.add(diag.WrongType, n.Span, known(n.Value, "words", Nevers), "%q is nothing that can be in `never`", n.Value)
		}
	}
}

// params checks the parameters that a test gives, and misses those that it must give.
func (c *checker) params(t *Test) {
	names := c.g.ParamNames()
	for i := range c.g.Params {
		p := &c.g.Params[i]
		if t.Params.Get(p.Name) == nil && !p.HasDefault {
			at := t.Name.Span
			if t.Params != nil {
				at = t.Params.Head()
			}
			c.add(diag.MissingParam, at, "add it to `params`", "graph %q needs the parameter %q of type %s", c.g.Name, p.Name, p.Type)
		}
	}
	for _, f := range fields(t.Params) {
		i := slices.Index(names, f.Key.Value)
		if i < 0 {
			c.add(diag.UnknownField, f.Key.Span, known(f.Key.Value, "parameters", names), "graph %q has no parameter %q", c.g.Name, f.Key.Value)
			continue
		}
		c.fits(f.Value, f.Key.Span, c.g.Params[i].Type, fmt.Sprintf("parameter %q", f.Key.Value))
	}
}

// state checks values of state keys.
func (c *checker) state(n *tree.Node) {
	for _, f := range fields(n) {
		i, ok := c.g.KeyByName(f.Key.Value)
		if !ok {
			c.add(diag.UnknownState, f.Key.Span, known(f.Key.Value, "state keys", c.g.KeyNames()), "unknown state key %q", f.Key.Value)
			continue
		}
		c.fits(f.Value, f.Key.Span, c.g.Keys[i].Type, fmt.Sprintf("state key %q", f.Key.Value))
	}
}

func fields(n *tree.Node) []tree.Field {
	if n == nil {
		return nil
	}
	return n.Fields
}

// known helps with a name that is not there.
func known(name, what string, names []string) string {
	if help := diag.Suggest(name, names); help != "" {
		return help
	}
	if len(names) == 0 {
		return "there are no " + what
	}
	return "known " + what + ": " + strings.Join(names, ", ")
}

// fits checks a value against a type. A value without a place of its own is shown at key.
func (c *checker) fits(n *tree.Node, key diag.Span, t *schema.Type, what string) {
	if t == nil {
		return
	}
	if _, err := t.Check("", n.Value()); err != nil {
		at, why := graph.Misfit(n, err)
		if at.IsZero() {
			at = key
		}
		c.add(diag.WrongType, at, "", "%s does not fit %s: %s", what, t, why)
	}
}

// node finds the node at a place, within the graphs that nodes run; nil when it is reported
// that there is none.
func (c *checker) node(text diag.Text) (*graph.Node, journal.Spot) {
	p, err := journal.ParsePlace(text.Value)
	if err != nil {
		c.add(diag.BadTest, text.Span, "NODE, NODE[KEY] or NODE/INNER", "%v", err)
		return nil, journal.Spot{}
	}
	g := c.g
	for k, spot := range p {
		i, ok := g.NodeByID(spot.Node)
		if !ok {
			c.add(diag.UnknownNode, text.Span, known(spot.Node, "nodes", g.NodeIDs()), "unknown node %q%s", spot.Node, in(g, c.g))
			return nil, spot
		}
		n := &g.Nodes[i]
		if spot.Item != "" && n.ForEach == nil {
			c.add(diag.BadTest, text.Span, "", "%q has no `for_each`, and so no element %q", spot.Node, spot.Item)
			return nil, spot
		}
		if k == len(p)-1 {
			return n, spot
		}
		if n.Inner == nil {
			c.add(diag.UnknownNode, text.Span, "", "%q runs no graph, so nothing is within it", spot.Node)
			return nil, spot
		}
		g = n.Inner
	}
	return nil, journal.Spot{}
}

// in names a graph within another one.
func in(g, outer *graph.Graph) string {
	if g == outer {
		return ""
	}
	return fmt.Sprintf(" in graph %q", g.Name)
}

func (c *checker) replies(r *Replies) {
	n, _ := c.node(r.For)
	if n == nil {
		return
	}
	k := &n.Kind
	if k.Inline || k.Waits || k.Sends || k.Fails != nil {
		help := "tests run such nodes as they are: take the reply away"
		if k.Waits {
			help = "answer it in a step: approve, reject, send, files or wait"
		}
		c.add(diag.BadTest, r.For.Span, help, "%q is of kind %s, which uses no reply", r.For.Value, k.Name)
		return
	}
	for i := range r.All {
		one := &r.All[i]
		switch m := one.Messages; {
		case m == nil:
		case !k.Talks:
			c.add(diag.BadTest, placed(m.Span, r.For.Span), "", "%q is of kind %s, which adds nothing to a conversation", r.For.Value, k.Name)
		default:
			c.fits(m, r.For.Span, schema.ListOf(schema.MessageType), "`messages`")
		}
		switch {
		case one.Error != nil && one.Output != nil:
			c.add(diag.BadTest, placed(one.At, r.For.Span), "", "a reply has an `output` or an `error`, not both")
		case one.Error != nil:
			if kind := one.Error.Kind; kind.Value != "" && !slices.Contains(graph.ErrorKinds(), kind.Value) {
				c.add(diag.WrongType, placed(kind.Span, one.At), known(kind.Value, "kinds", graph.ErrorKinds()), "no error kind is called %q", kind.Value)
			}
		case one.Output != nil:
			c.fits(one.Output, placed(one.At, r.For.Span), n.Output, fmt.Sprintf("the output of %q", r.For.Value))
		case n.Output != nil:
			if _, err := n.Output.Check("", nil); err != nil {
				c.add(diag.MissingField, placed(one.At, r.For.Span), "", "the reply has no `output`, and null does not fit %s", n.Output)
			}
		}
	}
}

func placed(at, otherwise diag.Span) diag.Span {
	if at.IsZero() {
		return otherwise
	}
	return at
}

func (c *checker) step(s *Step) {
	switch s.Does {
	case CycleStep:
		c.cycle(&s.Cycle)
	case ExpectStep:
		c.expect(s.Expect)
	case SendStep:
		for _, f := range fields(s.Send) {
			i, ok := c.g.EventByName(f.Key.Value)
			if !ok {
				c.add(diag.UnknownEvent, f.Key.Span, known(f.Key.Value, "events", c.g.EventNames()), "unknown event %q", f.Key.Value)
				continue
			}
			c.fits(f.Value, f.Key.Span, c.g.Events[i].Type, fmt.Sprintf("the payload of event %q", f.Key.Value))
		}
	case ApproveStep, RejectStep:
		c.answer(s)
	case CancelStep, CrashStep:
		if s.Node.Value != "" {
			c.node(s.Node)
		}
		if s.Does == CrashStep && strings.Contains(s.Node.Value, "/") {
			c.add(diag.BadTest, s.Node.Span, "name the node that runs the graph", "a crash comes after a node of the graph itself, not of one within it")
		}
	}
}

func (c *checker) expect(n *tree.Node) {
	if n == nil || n.Kind == tree.Null {
		return
	}
	list := n.Items
	if n.Kind != tree.List {
		list = []*tree.Node{n}
	}
	for _, it := range list {
		if it.Text.Value != "" {
			_, problems := c.g.Expression(it.Text, cond.Want{Condition: true})
			c.problems = append(c.problems, slices.DeleteFunc(problems, func(d diag.Diagnostic) bool { return d.Severity != diag.Error })...)
		}
	}
}

func (c *checker) cycle(e *Cycle) {
	if e.Waves != nil {
		for _, w := range e.Waves.Items {
			for _, n := range w.Items {
				if strings.ContainsAny(n.Text.Value, "/[") {
					c.add(diag.BadTest, n.Span, "", "a wave has the nodes of the graph itself, not %q", n.Text.Value)
					continue
				}
				c.node(n.Text)
			}
		}
	}
	for _, f := range fields(e.Skipped) {
		c.node(f.Key)
		if why := f.Value.Text.Value; f.Value.Kind == tree.String && !slices.Contains(machine.SkipReasons(), why) {
			c.add(diag.WrongType, f.Value.Span, known(why, "reasons", machine.SkipReasons()), "%q is no reason why a node does not run", why)
		}
	}
	for _, f := range fields(e.Attempts) {
		c.node(f.Key)
	}
}

// answer checks who is answered, and with what.
func (c *checker) answer(s *Step) {
	a := &s.Answer
	n, _ := c.node(a.Node)
	if n == nil {
		return
	}
	asks := n.Kind.Waits && n.Output != nil && isAnswer(n.Output)
	switch {
	case !asks && len(n.Calls) == 0:
		help := ""
		if n.Kind.Waits {
			help = "it waits for an event, a time or files: use send, wait or files"
		}
		c.add(diag.BadTest, a.Node.Span, help, "%q is of kind %s, which asks nobody", a.Node.Value, n.Kind.Name)
	case asks && a.Value != nil:
		p, ok := n.Output.Prop("value")
		if !ok {
			c.add(diag.BadTest, placed(a.Value.Span, a.Node.Span), "declare the type of the value as `answer`", "%q takes no value", a.Node.Value)
			return
		}
		c.fits(a.Value, a.Node.Span, p.Type, fmt.Sprintf("the value for %q", a.Node.Value))
	}
}

// isAnswer reports whether a node's output is that of an approval.
func isAnswer(t *schema.Type) bool {
	_, ok := t.Prop("approved")
	return ok
}
