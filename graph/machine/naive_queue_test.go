package machine

import (
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/internal/randomgraph"
)

// What the naive reading says of waits for events, and of queued events: `q` and `r` have
// queues, `a` goes into the state.

// accept takes an event in. A full queue refuses it.
func (s *naive) accept(e sent) {
	switch {
	case e.flag != "q" && e.flag != "r":
		s.inbox = append(s.inbox, e)
	case len(s.queues[e.flag]) < s.g.Queue:
		s.queues[e.flag] = append(s.queues[e.flag], e)
	}
}

// serve settles a wait by what came first: of that which the cycle applies, and of the first
// ones in the queues.
func (s *naive) serve(n randomgraph.Node, applied []sent) *result {
	var best *sent
	for _, e := range slices.Concat(applied, first(s.queues["q"]), first(s.queues["r"])) {
		if slices.Contains(n.Wait.Events, e.flag) && (best == nil || e.number < best.number) {
			best = &e
		}
	}
	if best == nil {
		return nil
	}
	if queue := s.queues[best.flag]; len(queue) > 0 {
		s.queues[best.flag] = queue[1:]
		s.served++
	}
	out := &result{ok: true, value: best.value}
	if n.Wait.Listed {
		out.value = best.value == (best.flag == "q")
	}
	return out
}

func first(all []sent) []sent { return all[:min(1, len(all))] }

// checkQueues holds how many payloads are queued against the machine's count.
func (t *trial) checkQueues() {
	c := t.r.m.Cursor()
	if c.Finally != nil || c.Status.Ended() {
		return
	}
	for _, name := range []string{"q", "r"} {
		got := 0
		if k := slices.IndexFunc(c.Queued, func(q journal.Queued) bool { return q.Event == name }); k >= 0 {
			got = c.Queued[k].N
		}
		if want := len(t.want.queues[name]); got != want {
			t.Fatalf("%s\n%d payloads of %s are queued, want %d", t.want.g.YAML(), got, name, want)
		}
	}
}
