package machine

import (
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/internal/randomgraph"
	"pgregory.net/rapid"
)

// takeIn begins a cycle with the nodes that wait, and those that were waiting and are
// over: these have settled, and what they write is there.
func (s *naive) takeIn(applied []sent) {
	s.outside = map[string]bool{}
	for _, n := range s.g.Nodes {
		r, away := s.away[n.Name]
		if away && r == nil && n.Wait != nil {
			r = s.serve(n, applied)
		}
		switch {
		case !away:
			continue
		case r == nil:
			s.settled[n.Name], s.shown[n.Name], s.outside[n.Name] = "waiting", "waiting", true
			continue
		case r.lost:
			s.settled[n.Name] = "skipped"
			s.cause[n.Name] = s.causeOf(n, "cancelled")
		case !r.ok:
			s.settled[n.Name] = "failed"
		default:
			s.settled[n.Name] = "succeeded"
			if n.Writes != "" {
				s.state[n.Writes] = r.value
			}
		}
		s.shown[n.Name], s.done[n.Name], s.active = s.settled[n.Name], true, true
		delete(s.away, n.Name)
	}
}

// mind makes a task ask for a word if its script says so. A task that has its word ends.
func (t *trial) mind(n string, now result) bool {
	r := t.r
	if end, ok := t.worded[n]; ok {
		if end.ok {
			r.done(n, end.value)
		} else {
			r.fail(n, journal.Failure{Kind: "exit", Permanent: true})
		}
		delete(t.worded, n)
		t.want.away[n] = &end
		t.over++
		r.drain()
		return true
	}
	if !now.asks {
		return false
	}
	r.running(n)
	r.drain()
	r.running(n) // once more, after a crash
	h := r.tasks[n]
	r.step(TaskWaits{At: r.clock, Key: h.task.Key, Attempt: h.task.Attempt, Calls: []journal.Call{{ID: "1", Tool: "refund"}}})
	r.drain()
	h = r.tasks[n] // another attempt, after a crash
	if h == nil {  // it was the last of the last cycle
		return true
	}
	r.running(n)
	delete(r.tasks, n)
	t.held = append(t.held, n)
	t.results[n] = now
	r.step(TaskHeld{At: r.clock, Key: h.task.Key, Attempt: h.task.Attempt})
	r.drain()
	return true
}

// open lists the nodes that wait for a word or an answer.
func (t *trial) open() []string {
	t.leave()
	names := slices.Clone(t.held)
	for _, w := range t.r.m.Cursor().Waiting {
		if !w.Answered && !w.Lost && w.Event == "" && len(w.Events) == 0 {
			names = append(names, w.Node)
		}
	}
	return names
}

// leave forgets the tasks that were cancelled while they waited for a word.
func (t *trial) leave() {
	for _, b := range t.r.m.Cursor().Background {
		if b.Lost {
			t.held = slices.DeleteFunc(t.held, func(n string) bool { return n == b.Node })
			delete(t.worded, b.Node)
		}
	}
}

// word gives one of the tasks that wait its word, or an approval its answer.
func (t *trial) word() {
	n := rapid.SampledFrom(t.open()).Draw(t.T, "held")
	if t.want.node(n).Waits {
		end := result{ok: !randomgraph.Chance(t.T, "refused", 4), value: rapid.Bool().Draw(t.T, "answer")}
		all := t.r.m.Cursor().Waiting
		w := all[slices.IndexFunc(all, func(w journal.Waiting) bool { return w.Node == n })]
		in := Answer{At: t.r.clock, Node: n, For: w.ID(), Output: map[string]any{"approved": end.value, "comment": nil, "by": nil}}
		if !end.ok {
			in.Output, in.Failure = nil, &journal.Failure{Kind: "error", Message: "no"}
		}
		t.r.step(in)
		t.want.away[n] = &end
		t.over++
	} else {
		t.held = slices.DeleteFunc(t.held, func(o string) bool { return o == n })
		t.worded[n] = t.results[n]
		t.r.step(Answer{At: t.r.clock, Node: n, Call: "1", Output: map[string]any{"approved": true}})
	}
	t.r.drain()
}
