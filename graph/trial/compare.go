package trial

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
)

// maxShown bounds a value in a message, in bytes.
const maxShown = 200

// shown is a value in a message.
func shown(v any) string { return diag.Shorten(value.String(v), maxShown) }

// flow is a value in a message, as it is written in a test.
func flow(v any) string { return diag.Shorten(Flow(tree.Of(v)), maxShown) }

// empty fails for an empty expectation, and says what belongs into it.
func (r *run) empty(n *tree.Node, at diag.Span, what string, came any) {
	r.fill(n, at, what, tree.Of(came))
}

func (r *run) fill(n *tree.Node, at diag.Span, what string, came *tree.Node) {
	r.fail(at, "%s is empty: it expects nothing yet, and %s came (--update writes it)", what, diag.Shorten(Flow(came), maxShown))
	if n != nil {
		r.Fills = append(r.Fills, Fill{n, came})
	}
}

// mapping is a value with its fields in the order in which they are given: names and
// values in turn. Values that are nil are left out.
func mapping(fields ...any) *tree.Node {
	n := &tree.Node{Kind: tree.Map}
	for pair := range slices.Chunk(fields, 2) {
		if name, v := pair[0], pair[len(pair)-1]; v != nil {
			n.Fields = append(n.Fields, tree.Field{Key: diag.Plain(name.(string)), Value: tree.Of(v)})
		}
	}
	return n
}

// place is where a problem with a value is shown.
func place(n *tree.Node, otherwise diag.Span) diag.Span {
	if n.Span.IsZero() {
		return otherwise
	}
	return n.Span
}

// compareCycle compares a cycle with what is expected of it.
func (r *run) compareCycle(s *Step, p *passed) {
	e := &s.Cycle
	if e.Empty != nil {
		r.fill(e.Empty, s.At, "cycle", p.expectation())
		return
	}
	if n := e.Waves; n != nil {
		switch {
		case n.Kind == tree.Null:
			r.empty(n, place(n, s.At), "waves", p.asWaves())
		case !sameWaves(n, p.waves):
			r.fail(place(n, s.At), "waves: expected %s, got %s in cycle %d", flow(n.Value()), flow(p.asWaves()), p.number)
		}
	}
	if n := e.Skipped; n != nil {
		r.compareEach(n, s.At, "skipped", asValues(p.skipped), func(name string, _ any) string {
			if _, ran := p.attempts[name]; ran {
				return "it ran"
			}
			return "it was not decided"
		}, p.number)
	}
	if n := e.Attempts; n != nil {
		attempts := map[string]any{}
		for name, k := range p.attempts { // in any order: a copy
			attempts[name] = int64(k)
		}
		r.compareEach(n, s.At, "attempts", attempts, func(name string, _ any) string {
			if why := p.skipped[name]; why != "" {
				return "it did not run: " + why
			}
			return "it has not ended"
		}, p.number)
	}
	if n := e.Sent; n != nil {
		sent := p.sent
		if sent == nil {
			sent = []any{}
		}
		switch {
		case n.Kind == tree.Null:
			r.empty(n, place(n, s.At), "sent", sent)
		case !sameSent(n, sent):
			r.fail(place(n, s.At), "sent: expected %s, got %s in cycle %d", flow(n.Value()), flow(sent), p.number)
		}
	}
}

// compareEach compares the entries of a mapping that are written with what came. otherwise
// says what became of a name that has no entry.
func (r *run) compareEach(n *tree.Node, at diag.Span, what string, came map[string]any, otherwise func(string, any) string, cycle uint64) {
	if n.Kind == tree.Null {
		r.empty(n, place(n, at), what, came)
		return
	}
	for _, f := range n.Fields {
		name := f.Key.Value
		if p, err := journal.ParsePlace(name); err == nil {
			name = p.String()
		}
		got, there := came[name]
		switch {
		case f.Value.Kind == tree.Null && there:
			r.empty(f.Value, place(f.Value, f.Key.Span), what+" of "+name, got)
		case !there:
			r.fail(place(f.Value, at), "%s: expected %s: %s, but %s in cycle %d", what, name, flow(f.Value.Value()), otherwise(name, nil), cycle)
		case !value.Equal(f.Value.Value(), got):
			r.fail(place(f.Value, at), "%s: expected %s: %s, got %s in cycle %d", what, name, flow(f.Value.Value()), flow(got), cycle)
		}
	}
}

// expectation is what is written to expect the cycle as it came.
func (p *passed) expectation() *tree.Node {
	var skipped, sent any
	if len(p.skipped) > 0 {
		skipped = asValues(p.skipped)
	}
	if len(p.sent) > 0 {
		sent = p.sent
	}
	return mapping("waves", p.asWaves(), "skipped", skipped, "sent", sent)
}

func (p *passed) asWaves() []any {
	out := make([]any, len(p.waves))
	for i, w := range p.waves {
		nodes := make([]any, len(w))
		for k, n := range w {
			nodes[k] = n
		}
		out[i] = nodes
	}
	return out
}

func asValues[T any](m map[string]T) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m { // in any order: a copy
		out[k] = v
	}
	return out
}

// sameSent compares what was sent. A payload that is not written may be any.
func sameSent(n *tree.Node, came []any) bool {
	if n.Kind != tree.List || len(n.Items) != len(came) {
		return false
	}
	for i, it := range n.Items {
		got, _ := came[i].(map[string]any)
		for _, f := range it.Fields {
			if !value.Equal(f.Value.Value(), got[f.Key.Value]) {
				return false
			}
		}
	}
	return true
}

// sameWaves compares waves but for the order within each.
func sameWaves(n *tree.Node, came [][]string) bool {
	if n.Kind != tree.List || len(n.Items) != len(came) {
		return false
	}
	for i, it := range n.Items {
		var want []string
		for _, one := range it.Items {
			want = append(want, one.Text.Value)
		}
		got := slices.Clone(came[i])
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			return false
		}
	}
	return true
}

// end compares where the stack stands.
func (r *run) end() {
	e := r.t.End
	if e == nil {
		return
	}
	m := r.s.Machine()
	c := m.Cursor()
	status, cycles := string(c.Status), int64(c.Counts.Cycles)
	if e.Empty != nil {
		r.fill(e.Empty, e.At, "end", mapping("status", status, "reason", c.Reason, "cycles", cycles))
		return
	}
	r.compareEnd(e.Status, e.At, "status", status)
	r.compareEnd(e.Reason, e.At, "reason", c.Reason)
	r.compareEnd(e.Cycles, e.At, "cycles", cycles)
	state := m.State()
	switch n := e.State; {
	case n == nil:
	case n.Kind == tree.Null:
		r.empty(n, place(n, e.At), "state", state)
	default:
		for _, f := range n.Fields {
			r.compareKey(f, e.At, state[f.Key.Value])
		}
	}
}

// compareKey compares one key of the state. A value that its type reads in another way, as
// a number without a fraction, is the same.
func (r *run) compareKey(f tree.Field, at diag.Span, got any) {
	want := f.Value.Value()
	if k, ok := r.g.KeyByName(f.Key.Value); ok {
		if fit, err := r.g.Keys[k].Type.Check(f.Key.Value, want); err == nil {
			want = fit
		}
	}
	if !value.Equal(want, got) {
		r.fail(place(f.Value, at), "end: expected state.%s: %s, got %s", f.Key.Value, flow(want), flow(got))
	}
}

func (r *run) compareEnd(n *tree.Node, at diag.Span, what string, got any) {
	switch {
	case n == nil:
	case n.Kind == tree.Null:
		r.empty(n, place(n, at), what, got)
	case !value.Equal(n.Value(), got):
		r.fail(place(n, at), "end: expected %s: %s, got %s", what, flow(n.Value()), flow(got))
	}
}

// maxHeld bounds the text of a condition that is made of a value, in bytes.
const maxHeld = 200

// holding are conditions that hold: each key of the state that is not too long.
func (r *run) holding() []any {
	state, out := r.s.Machine().State(), []any{}
	for _, key := range slices.Sorted(maps.Keys(state)) {
		text := value.String(state[key])
		if state[key] == nil {
			text = "nil"
		}
		if len(text) <= maxHeld && !strings.Contains(text, "null") {
			out = append(out, fmt.Sprintf("state.%s == %s", key, text))
		}
	}
	return out
}
