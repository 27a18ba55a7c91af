package machine

import (
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/internal/randomgraph"
)

// The nodes of `finally` are a graph of their own, whose one cycle follows the end of the
// stack: it sees the state as it is then, and how the stack ends.

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
	g := *t.want.g.Last
	g.Ends = string(end.Status)
	last := naive{g: g, number: int(t.r.records[from].Cycle) - 1, away: map[string]*result{}, latched: map[int]bool{}, why: map[string]string{}, state: map[string]bool{}}
	results := map[string]result{}
	for _, n := range g.Nodes {
		results[n.Name] = t.result(false)
	}
	for k := range t.want.state {
		last.state[k] = strings.Contains(t.r.stateText(), k+" = true")
	}
	if t.want.g.Once {
		last.past = t.want.keeps()
		reads := func(e randomgraph.Edge) bool { return strings.HasPrefix(e.When, "nodes.n") }
		t.want.vague = t.want.vague || t.isCancelled() && slices.ContainsFunc(g.Edges, reads) // somewhere in a cycle
	}
	t.held, t.worded = nil, map[string]result{}
	last.begin()
	t.work(results, func(c journal.Cursor) bool { return c.Open && !c.Status.Ended() })
	last.cycle(func(n string) result { return results[n] }, t.commits(from))
	c := t.r.m.Cursor()
	if t.cutOff = t.cancelled > 1 || end.Status != journal.Cancelled && t.cancelled > 0; c.Status != end.Status {
		t.Fatalf("%s\nit ended as %s, and not as %s", t.want.g.YAML(), c.Status, end.Status)
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
