package explore

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
)

// survey is what is known of a graph before any stack runs: what its nodes can give, what
// can be sent to its stacks, and what its conditions look at. It is shared by all
// workers and never changed.
type survey struct {
	g       *graph.Graph
	palette schema.Palette
	nodes   []source
	events  []offered
	edges   []watched
	params  [][]any // by param: values to start stacks with; nil for one whose default alone is used
	timely  bool    // a condition looks at the time or the number of the cycle
	unfed   bool    // a condition looks at what agents say or use, which is not drawn
	endings bool    // all stops can be judged: none looks at the time or at what is not drawn
}

// source is what a node can give.
type source struct {
	of       *graph.Node
	typ      *schema.Type // of its outputs
	guessed  bool         // not all of the type is declared
	outputs  []any        // drawn ahead: they are shared by all stacks
	simplest any
	failures []journal.Failure
	timeout  time.Duration // after which an answer is lost; 0 for never
	answers  []any         // of a node that waits for a person: values that come with an answer
}

// offered is an event.
type offered struct {
	name     string
	typ      *schema.Type
	payloads []any
}

// watched is an edge.
type watched struct {
	vague bool // its condition looks at the time, or at what is not drawn: it may hold in other stacks
}

// drawn is how many outputs and payloads are drawn ahead, of each.
const drawn = 192

func newSurvey(g *graph.Graph, seed uint64) (*survey, error) {
	s := &survey{g: g}
	s.palette = paletteOf(g)
	d := dice{rand.New(rand.NewPCG(seed, 0))}
	probe := newProbe(g)
	for i := range g.Nodes {
		s.nodes = append(s.nodes, s.sourceOf(&g.Nodes[i], d, probe))
	}
	for i := range g.Events {
		e := &g.Events[i]
		t := e.Type
		s.events = append(s.events, offered{name: e.Name, typ: t, payloads: s.draws(t, d, drawn/2)})
	}
	said := saidKeys(g)
	for i := range g.Edges {
		w := watched{}
		if when := g.Edges[i].When; when != nil {
			unfed := readsAny(when, said)
			w.vague = looksAtTime(when) || unfed
			s.timely, s.unfed = s.timely || looksAtTime(when), s.unfed || unfed
		}
		s.edges = append(s.edges, w)
	}
	s.endings = true
	for i := range g.Stops {
		unfed := readsAny(g.Stops[i].When, said)
		s.unfed = s.unfed || unfed
		s.endings = s.endings && !unfed && !looksAtTime(g.Stops[i].When)
	}
	for i := range g.Params {
		p := &g.Params[i]
		values := s.paramsOf(p, d)
		if len(values) == 0 && !p.HasDefault && !p.Type.Nullable {
			return nil, fmt.Errorf("no value was found for the param %q (%s): give it a default", p.Name, p.Type)
		}
		s.params = append(s.params, values)
	}
	return s, nil
}

// paramsOf are values to start stacks with. They are those of somebody who starts a stack
// with care: what a param should not be is not looked for.
func (s *survey) paramsOf(p *graph.Param, d dice) []any {
	if p.HasDefault && (p.Type.Kind == schema.List || p.Type.Kind == schema.Object || p.Type.Kind == schema.Any) {
		return nil
	}
	values := slices.DeleteFunc(s.draws(p.Type, d, 64), func(v any) bool { return !tame(v) })
	return values[:min(len(values), 16)]
}

// tame reports that a value has no empty texts and no elements that are there twice.
func tame(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v) != ""
	case []any:
		for i, e := range v {
			if !tame(e) || slices.ContainsFunc(v[:i], func(o any) bool { return value.Equal(o, e) }) {
				return false
			}
		}
	case map[string]any:
		for _, e := range v { // in any order: whether all are
			if !tame(e) {
				return false
			}
		}
	}
	return true
}

// looksAtTime reports that the value of a condition can change by time alone.
func looksAtTime(p *cond.Program) bool {
	const timely = 1<<graph.SlotNow | 1<<graph.SlotCycle
	return p.Reads().Slots&timely != 0
}

// saidKeys are the keys that agents write what they say or use into.
func saidKeys(g *graph.Graph) []bool {
	const said = 1<<graph.SlotMessages | 1<<graph.SlotUsage
	keys := make([]bool, len(g.Keys))
	for i := range g.Nodes {
		for _, w := range g.Nodes[i].Writes {
			keys[w.Key] = keys[w.Key] || w.Expr.Reads().Slots&said != 0
		}
	}
	return keys
}

// readsAny reports that a condition reads one of some keys.
func readsAny(p *cond.Program, keys []bool) bool {
	return slices.ContainsFunc(p.Reads().Fields[graph.SlotState], func(k int) bool { return keys[k] })
}

// draws draws different values of a type.
func (s *survey) draws(t *schema.Type, d dice, n int) []any {
	var values []any
	for range n {
		v, ok := t.Draw(d, &s.palette)
		if !ok {
			return values
		}
		if len(values) < 48 && slices.ContainsFunc(values, func(o any) bool { return value.Equal(o, v) }) {
			continue
		}
		values = append(values, v)
	}
	return values
}

func (s *survey) sourceOf(n *graph.Node, d dice, probe *probe) source {
	out := source{of: n}
	switch {
	case n.Kind.Waits:
		out.answers = s.answersOf(n, d)
		return out
	case n.Kind.Inline:
		return out
	}
	out.failures = failuresOf(n, &s.palette)
	out.timeout = n.Timeout
	if n.Deadline > 0 && (out.timeout == 0 || n.Deadline < out.timeout) {
		out.timeout = n.Deadline
	}
	out.typ, out.guessed = outputType(n)
	out.outputs = s.draws(out.typ, d, drawn)
	if out.guessed {
		out.outputs = slices.DeleteFunc(out.outputs, func(v any) bool { return !probe.takes(n, v) })
	}
	if len(out.outputs) == 0 {
		out.outputs = []any{nil}
	}
	out.simplest = slices.MinFunc(out.outputs, func(a, b any) int { return value.Size(a) - value.Size(b) })
	return out
}

// answersOf are what people may say to a node that waits for them.
func (s *survey) answersOf(n *graph.Node, d dice) []any {
	if n.Kind.Name == "wait" {
		return nil
	}
	return s.draws(n.Output, d, drawn/4)
}

// failuresOf are failures that a node of this kind can have.
func failuresOf(n *graph.Node, p *schema.Palette) []journal.Failure {
	code := func(c int64) *int64 { return &c }
	var all []journal.Failure
	switch n.Kind.Name {
	case "exec":
		all = append(all, journal.Failure{Kind: "exit", Code: code(1), Message: "exit status 1"}, journal.Failure{Kind: "exit", Code: code(2), Message: "exit status 2"})
	case "http":
		all = append(all, journal.Failure{Kind: "http", Code: code(500), Message: "500 Internal Server Error"}, journal.Failure{Kind: "http", Code: code(404), Message: "404 Not Found"})
	case "agent":
		all = append(all, journal.Failure{Kind: "model", Message: "the provider failed"})
	case "send", "fail":
		return nil
	default:
		all = append(all, journal.Failure{Kind: "error", Message: "failed"})
	}
	for _, c := range p.Integers {
		if len(all) < 12 && c > 0 && (n.Kind.Name == "exec" && c < 256 || n.Kind.Name == "http" && c >= 400 && c < 600) {
			all = append(all, journal.Failure{Kind: all[0].Kind, Code: code(c), Message: fmt.Sprintf("failed with %d", c)})
		}
	}
	for _, kind := range []string{"exit", "http", "model", "error", "output", "cancelled", "panic"} {
		if slices.Contains(p.Texts, kind) && kind != all[0].Kind {
			all = append(all, journal.Failure{Kind: kind, Message: "failed"})
		}
	}
	return all
}

// paletteOf gathers the constants of all expressions of a graph.
func paletteOf(g *graph.Graph) schema.Palette {
	var c cond.Constants
	add := func(all ...*cond.Program) {
		for _, p := range all {
			if p != nil {
				c.Add(p.Text())
			}
		}
	}
	for i := range g.Def.Define {
		c.Add(g.Def.Define[i].Expr)
	}
	for i := range g.Edges {
		add(g.Edges[i].When)
	}
	for i := range g.Stops {
		add(g.Stops[i].When)
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		add(n.With.Programs()...)
		add(n.Retry.When)
		for k := range n.Writes {
			add(n.Writes[k].Expr)
		}
		if fe := n.ForEach; fe != nil {
			add(fe.In, fe.Key, fe.Max, fe.Yield, fe.Until)
		}
	}
	for i := range g.Keys {
		add(g.Keys[i].Reduce.Expr)
	}
	add(g.Pause.Template.Programs()...)
	add(g.Mode.Programs()...)
	return schema.Palette{Texts: c.Texts, Patterns: c.Patterns, Integers: c.Integers, Numbers: c.Numbers}
}

// dice are random numbers that follow from a seed.
type dice struct{ *rand.Rand }

// N implements schema.Dice.
func (d dice) N(n int) int { return d.IntN(n) }

// chance is true with a probability.
func (d dice) chance(p float64) bool { return p > 0 && d.Float64() < p }
