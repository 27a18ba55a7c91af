package machine

import (
	"errors"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// keys is the state as expressions read it: a field per key.
type keys struct{ values []any }

func (k *keys) Field(i int) any { return k.values[i] }
func (k *keys) Len() int        { return len(k.values) }

// view is `nodes` as expressions read it: how each node stood at the last
// commit. Skips of the present moment are not in it before the next one, but for
// the condition of an edge: it sees the edge's source, and what had to settle
// before the source could, as they are settled.
//
// Nothing is done for it when nodes settle: a node is looked at when an expression asks.
type view struct {
	m     *Machine
	moved int    // how many commits of the cycle had nodes that settled before them
	fresh bool   // a node has settled since
	shown []seen // of a view that stays as it is: how the nodes stood then; else nil

	ahead func(i int) (seen, bool) // what the condition of the present edge sees ahead; nil for nothing
}

type seen struct {
	status   status
	attempts int
	reason   string // of a skip
	err      any    // of a failure, as journal.Failure.Value has it; else nil
}

// seenAs is how expressions see a node that stands as it does now.
func (m *Machine) seenAs(i int) seen {
	n := &m.nodes[i]
	s := seen{status: n.status, attempts: n.attempts}
	if n.status == skipped {
		s.reason = m.skipReason(i)
	}
	if n.status == failed && n.err != nil {
		s.err = n.err.Value(m.g.Nodes[i].ID)
	}
	return s
}

func (s seen) value() map[string]any {
	v := map[string]any{"status": s.status.String(), "attempts": int64(s.attempts), "reason": nil, "error": s.err}
	if s.reason != "" {
		v["reason"] = s.reason
	}
	return v
}

func (v *view) Len() int { return len(v.m.nodes) }

func (v *view) Field(i int) any {
	if v.ahead != nil {
		if now, ok := v.ahead(i); ok {
			return now.value()
		}
	}
	return v.at(i).value()
}

// at is how a node stood at the last commit.
func (v *view) at(i int) seen {
	if v.shown != nil {
		return v.shown[i]
	}
	switch n := &v.m.nodes[i]; {
	case n.status != pending && n.settled <= v.moved:
		return v.m.seenAs(i)
	case n.away:
		return seen{status: waiting, attempts: 1}
	}
	return seen{}
}

// still is a view that stays as it is now.
func (v *view) still() *view {
	all := make([]seen, len(v.m.nodes))
	for i := range all {
		all[i] = v.at(i)
	}
	return &view{m: v.m, shown: all}
}

// lookAhead lets the condition of an edge see its source and the source's
// ancestors as they are settled; it gives the end of that. Nothing is to be seen
// when no node has settled since the last commit.
func (m *Machine) lookAhead(e *graph.Edge) (end func()) {
	if !m.view.fresh || e.From == graph.Start || e.NextCycle || e.When.Reads().Slots&(1<<graph.SlotNodes) == 0 {
		return func() {}
	}
	before := m.settledBefore(e.From)
	m.view.ahead = func(i int) (seen, bool) {
		if n := &m.nodes[i]; before.has(i) && n.status != pending {
			return m.seenAs(i), true
		}
		return seen{}, false
	}
	m.env.Reset() // defines may read `nodes` too
	return func() {
		m.view.ahead = nil
		m.env.Reset()
	}
}

// load puts a graph and its state under the machine.
func (m *Machine) load(g *graph.Graph, values []any) {
	m.g, m.plan, m.foreseen, m.rounds = g, m.o.planOf(g), foreseen{}, nil
	m.ancestry, m.reading = nil, nil
	m.state.values, m.sizes = values, nil
	m.nodes = make([]node, len(g.Nodes))
	m.edges = make([]judged, len(g.Edges))
	m.held = make([]held, len(g.Edges))
	m.view = view{m: m}
	m.env = &cond.Env{Slots: make([]any, graph.NumSlots)}
	s := m.env.Slots
	s[graph.SlotState] = &m.state
	s[graph.SlotNodes] = &m.view
	s[graph.SlotParams] = m.id.Params
	if m.id.Params == nil {
		s[graph.SlotParams] = map[string]any{}
	}
	m.seeStack()
}

// seeStack is `stack`. How it ends is known while it ends.
func (m *Machine) seeStack() {
	stack := map[string]any{"id": m.id.Stack, "graph": m.id.Graph, "created_at": m.id.CreatedAt.UTC()}
	if end := m.cur.Finally; end != nil {
		stack["status"], stack["reason"] = string(end.Status), end.Reason
	}
	m.env.Slots[graph.SlotStack] = stack
}

// see makes `now` one instant for a moment of the cycle, and forgets what was
// worked out for the one before.
func (m *Machine) see(now time.Time) {
	m.env.Slots[graph.SlotNow] = now.UTC()
	m.env.Reset()
}

func (m *Machine) seeCycle(number uint64, at, due time.Time) {
	cycle := map[string]any{"number": int64(number), "started_at": at.UTC(), "due": nil}
	if !due.IsZero() {
		cycle["due"] = due.UTC()
	}
	m.env.Slots[graph.SlotCycle] = cycle
}

// set changes a key; conditions that read it are to be evaluated again.
func (m *Machine) set(key int, v any, size int) {
	m.state.values[key] = v
	m.sizes.Set(key, size)
	for _, e := range m.g.Readers[key] {
		if !m.held[e].known {
			continue // nothing was decided with it
		}
		m.held[e].known = false
		m.nodes[m.g.Edges[e].To].sure = nil
		if m.foreseen.holds {
			m.foreseen.stirred = append(m.foreseen.stirred, e)
		}
	}
}

// show commits how nodes stand to what expressions see.
func (m *Machine) show() {
	if m.view.fresh {
		m.view.fresh = false
		m.view.moved++
	}
}

// failureOf turns an error of an expression or template into a node's failure.
func failureOf(err error) *journal.Failure {
	return &journal.Failure{Kind: "expression", Message: message(err), Permanent: true}
}

// message is an error's text with its place in the file, at most 2 KiB.
func message(err error) string {
	var ce *cond.Error
	if errors.As(err, &ce) {
		if at := ce.Span.String(); at != "" {
			return diag.Shorten(at+": "+ce.Message, 2<<10)
		}
		return ce.Message
	}
	return err.Error()
}

// at is what is wrong with the value of a template, at its first expression.
func at(t *graph.Template, text string) error {
	e := &cond.Error{Message: text}
	if all := t.Programs(); len(all) > 0 {
		e.Span = all[0].Text().Span
	}
	return e
}

// mask hides secrets in a canonical value.
func (m *Machine) mask(v any) any {
	if m.o.Mask == nil || v == nil {
		return v
	}
	return m.o.Mask(v)
}

func (m *Machine) maskValue(v value.Value) value.Value { return v.With(m.mask(v.Any())) }

func (m *Machine) maskFailure(f journal.Failure) *journal.Failure {
	f.Message = m.maskText(f.Message)
	if f.Output != nil {
		output := m.maskText(*f.Output)
		f.Output = &output
	}
	return &f
}
