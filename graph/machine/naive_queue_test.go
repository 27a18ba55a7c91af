package machine

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/graph/journal"
)

// What the naive reading says of waits for events, and of queued events: `q` and `r` have
// queues, `a` goes into the state.

// plainWait is what a `wait` waits for.
type plainWait struct {
	events []string
	listed bool // the output is {event, payload}
}

// drawQueues lets some of the nodes wait for events.
func (g *plainGraph) drawQueues(t *rapid.T) {
	g.queue = rapid.IntRange(1, 3).Draw(t, "queue")
	for k := range g.nodes {
		if n := &g.nodes[k]; n.each == nil && chance(t, "wait", 3) {
			names := rapid.SampledFrom([][]string{{"q"}, {"q"}, {"r"}, {"a"}, {"q", "r"}, {"r", "a"}, {"q", "a"}}).Draw(t, "events")
			n.waits, n.wait = true, &plainWait{names, len(names) > 1 || chance(t, "listed", 4)}
		}
	}
}

// yaml is what follows a node's `join`.
func (w plainWait) yaml(flag string) string {
	event, output := w.events[0], "output"
	if w.listed {
		event, output = "["+strings.Join(w.events, ", ")+"]", `output.payload == (output.event == "q")`
	}
	text := ", with: {event: " + event + "}"
	if flag != "" {
		text += fmt.Sprintf(", writes: {%s: '%s'}", flag, output)
	}
	return text
}

// accept takes an event in. A full queue refuses it.
func (s *naive) accept(e sent) {
	switch {
	case e.flag != "q" && e.flag != "r":
		s.inbox = append(s.inbox, e)
	case len(s.queues[e.flag]) < s.g.queue:
		s.queues[e.flag] = append(s.queues[e.flag], e)
	}
}

// serve settles a wait by what came first: of that which the cycle applies, and of the first
// ones in the queues.
func (s *naive) serve(n plainNode, applied []sent) *result {
	var best *sent
	for _, e := range slices.Concat(applied, first(s.queues["q"]), first(s.queues["r"])) {
		if slices.Contains(n.wait.events, e.flag) && (best == nil || e.number < best.number) {
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
	if n.wait.listed {
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
			t.Fatalf("%s\n%d payloads of %s are queued, want %d", t.want.g.yaml(), got, name, want)
		}
	}
}
