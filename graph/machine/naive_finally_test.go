package machine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph/journal"
	"pgregory.net/rapid"
)

// The nodes of `finally` are a graph of their own, whose one cycle follows the end of the
// stack: it sees the state as it is then, and how the stack ends.

// drawLast makes the nodes of `finally`, and the edges among them.
func drawLast(t *rapid.T, g plainGraph, condition func(label string, from int) string) *plainGraph {
	last := &plainGraph{eager: g.eager}
	for i := range rapid.IntRange(1, 4).Draw(t, "last") {
		n := plainNode{
			name: fmt.Sprintf("f%d", i), join: rapid.SampledFrom([]string{"any", "any", "all", "none", "first"}).Draw(t, "join"),
			writes: rapid.SampledFrom([]string{"", "a", "b", "c", "d"}).Draw(t, "writes"), attempts: rapid.IntRange(1, 2).Draw(t, "attempts"),
		}
		n.cancel = n.join == "first" && rapid.Bool().Draw(t, "cancels")
		last.nodes = append(last.nodes, n)
		for range rapid.IntRange(0, 2).Draw(t, "in") {
			from := rapid.IntRange(-1, i-1).Draw(t, "from")
			e := plainEdge{id: -1 - len(last.edges), to: n.name, outcome: "success", when: condition("when", -1)}
			switch {
			case rapid.IntRange(0, 2).Draw(t, "how") == 0:
				e.when = fmt.Sprintf(`stack.status == "%s"`, rapid.SampledFrom([]string{"completed", "failed", "cancelled"}).Draw(t, "ends"))
			case rapid.IntRange(0, 3).Draw(t, "last") == 0:
				e.when = fmt.Sprintf(`nodes.f%d.status == "failed"`, rapid.IntRange(0, i).Draw(t, "of"))
			}
			if from >= 0 {
				e.from = fmt.Sprintf("f%d", from)
				e.outcome = rapid.SampledFrom([]string{"success", "failure", "always", "unless_failed"}).Draw(t, "outcome")
			}
			if rapid.IntRange(0, 4).Draw(t, "else") == 0 {
				e.isElse, e.when = true, ""
			}
			twice := func(x plainEdge) bool { return x.from == e.from && x.to == e.to && x.outcome == e.outcome }
			if !slices.ContainsFunc(last.edges, twice) {
				last.edges = append(last.edges, e)
			}
		}
	}
	return last
}

// names lists the nodes.
func (g plainGraph) names() string {
	var all []string
	for _, n := range g.nodes {
		all = append(all, n.name)
	}
	return strings.Join(all, ", ")
}

// goesOn: the stack has not ended, and is not about to.
func (t *trial) goesOn() bool {
	c := t.r.m.Cursor()
	return !c.Status.Ended() && c.Finally == nil
}

func (t *trial) isCancelled() bool {
	c := t.r.m.Cursor()
	return c.Status == journal.Cancelled || c.Finally != nil && c.Finally.Status == journal.Cancelled
}

// finally goes through the last cycle, and gives what the naive reading says of it.
func (t *trial) finally() []string {
	from := slices.IndexFunc(t.r.records, func(r journal.Record) bool {
		b, ok := r.Body.(*journal.CycleStarted)
		return ok && b.Finally
	})
	if from < 0 {
		return nil
	}
	end := t.r.records[from].Body.(*journal.CycleStarted)
	g := *t.want.g.last
	g.ends = string(end.Status)
	last := naive{g: g, number: int(t.r.records[from].Cycle) - 1, away: map[string]*result{}, latched: map[int]bool{}, why: map[string]string{}, state: map[string]bool{}}
	results := map[string]result{}
	for _, n := range g.nodes {
		results[n.name] = t.result(false)
	}
	for k := range t.want.state {
		last.state[k] = strings.Contains(t.r.stateText(), k+" = true")
	}
	if t.want.g.once {
		last.past = t.want.keeps()
		reads := func(e plainEdge) bool { return strings.HasPrefix(e.when, "nodes.n") }
		t.want.vague = t.want.vague || t.isCancelled() && slices.ContainsFunc(g.edges, reads) // somewhere in a cycle
	}
	t.held, t.worded = nil, map[string]result{}
	last.begin()
	t.work(results, func(c journal.Cursor) bool { return c.Open && !c.Status.Ended() })
	last.cycle(func(n string) result { return results[n] }, t.commits(from))
	c := t.r.m.Cursor()
	if t.cutOff = t.cancelled > 1 || end.Status != journal.Cancelled && t.cancelled > 0; c.Status != end.Status {
		t.Fatalf("%s\nit ended as %s, and not as %s", t.want.g.yaml(), c.Status, end.Status)
	}
	t.want.vague = t.want.vague || last.vague
	return append([]string{"finally"}, last.log...)
}

// keeps is what has settled for good.
func (s *naive) keeps() map[string]string {
	kept := map[string]string{}
	for name, status := range s.settled {
		if status != "waiting" && !s.unknown[name] {
			kept[name] = status
		}
	}
	return kept
}

// upToFinally is what was said before the last cycle.
func upToFinally(log []string) []string {
	if k := slices.Index(log, "finally"); k >= 0 {
		return log[:k]
	}
	return log
}
