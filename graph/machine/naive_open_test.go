package machine

import (
	"fmt"
	"slices"
	"time"
)

// What the naive reading says of nodes that wait, of what is cancelled, and of pauses.

// isOpen: nobody knows yet how the node settles.
func (s *naive) isOpen(name string) bool { return s.settled[name] == "waiting" || s.unknown[name] }

// seen is the verdict over an edge as its target sees it.
func (s *naive) seen(e plainEdge) string {
	if s.latched[e.id] {
		return "live"
	}
	return s.verdict(e)
}

// takes: a node behind the edge takes the failure of its source.
func takes(e plainEdge) bool { return e.outcome == "failure" || e.outcome == "always" }

// causeOf is what a skip goes back to: its own reason, or that of a node before it.
func (s *naive) causeOf(n plainNode, reason string) string {
	cause := ""
	switch reason {
	case "condition-error", "upstream-failed":
		return "failure"
	case "waiting":
		cause = "waiting"
	}
	for _, e := range s.in(n.name) {
		if e.from == "" || e.after || e.again || s.settled[e.from] != "skipped" {
			continue
		}
		switch s.cause[e.from] {
		case "failure":
			return "failure"
		case "waiting":
			if !s.g.once {
				cause = "waiting"
			}
		}
	}
	return cause
}

// sources are the nodes that a `join: first` node with `cancel` ends.
func (s *naive) sources(n plainNode) (all []string) {
	for _, e := range s.in(n.name) {
		if n.cancel && e.from != "" && !e.again {
			all = append(all, e.from)
		}
	}
	return all
}

// skipLosers skips what has not begun, under waves: eager.
func (s *naive) skipLosers(n plainNode, text map[string]string) {
	if text[n.name] != "run" || !s.g.eager {
		return
	}
	for _, name := range s.sources(n) {
		if !s.done[name] {
			s.done[name], text[name], s.settled[name] = true, "cancelled", "skipped"
			s.dropped[name] = true
			s.cause[name] = s.causeOf(s.node(name), "cancelled")
		}
	}
}

// loseOthers cancels what waits or, under waves: eager, runs.
func (s *naive) loseOthers(n plainNode) {
	for _, name := range s.sources(n) {
		switch r, away := s.away[name]; {
		case s.settled[name] == "waiting" && away && r == nil:
			s.away[name] = &result{lost: true}
		case s.settled[name] != "" || !s.g.eager || s.lost[name]:
		case s.begun[name] && s.endsAtOnce(name): // it runs no longer
		case s.node(name).waits && s.begun[name]:
			if _, answered := s.away[name]; !answered {
				s.away[name] = &result{lost: true}
			}
		default:
			s.lost[name] = true
		}
	}
}

// reopen lets a stack continue that has ended. What waited is over. Under `once` what failed
// is forgotten, and what was skipped behind it.
func (s *naive) reopen() {
	clear(s.away)
	s.cycles, s.failures, s.owed, s.fault = 0, 0, map[string]bool{}, false
	if !s.g.once {
		return
	}
	clear(s.latched) // verdicts say it
	again := map[string]bool{}
	for more := true; more; {
		more = false
		for _, n := range s.g.nodes {
			behind := slices.ContainsFunc(s.in(n.name), func(e plainEdge) bool { return again[e.from] && !e.after && !e.again })
			status := s.settled[n.name]
			if !again[n.name] && (status == "failed" && !s.takenBy(n.name, false) || status == "skipped" && (s.why[n.name] == "condition-error" || behind)) {
				again[n.name], more = true, true
			}
		}
	}
	for name := range again {
		delete(s.settled, name)
		delete(s.ran, name)
		delete(s.liveAt, name)
	}
	for _, e := range s.g.edges {
		if again[e.from] || s.verdicts[e.id] == "error" {
			delete(s.verdicts, e.id)
		}
	}
}

// plainPause is a graph's pause, and limits.failed_pause.
type plainPause struct {
	active, idle time.Duration
	factor       int
	none         bool
	failed       time.Duration
}

func (p plainPause) yaml() string {
	text := fmt.Sprintf("pause: {active: %s, idle: %s, factor: %d}\n", p.active, p.idle, p.factor)
	if p.none {
		text = "pause: none\n"
	}
	return text
}

// rests is the pause after the present cycle.
func (s *naive) rests() time.Duration {
	p := s.g.pause
	d := p.active
	if s.active {
		s.idle = 0
	} else {
		s.idle++
		for range s.idle {
			d = min(d*time.Duration(p.factor), p.idle)
		}
	}
	if p.none {
		d = 0
	}
	switch {
	case s.failed: // an idle cycle that fails is a failed one
		s.failures++
	case s.active:
		s.failures = 0
	}
	if s.failed {
		least := p.failed
		for range s.failures - 1 {
			least = min(2*least, 5*time.Minute)
		}
		d = max(d, least)
	}
	return d
}

// mayTake: a node may run because of the failure in the next cycle.
func (s *naive) mayTake(name string) bool {
	return slices.ContainsFunc(s.g.edges, func(e plainEdge) bool {
		_, away := s.away[e.to]
		return e.from == name && e.again && takes(e) && !away
	})
}
