package machine

import (
	"slices"
	"time"

	"github.com/graphrun/graphrun/internal/randomgraph"
)

// What the naive reading says of nodes that wait, of what is cancelled, and of pauses.

// isOpen: nobody knows yet how the node settles.
func (s *naive) isOpen(name string) bool { return s.settled[name] == "waiting" || s.unknown[name] }

// seen is the verdict over an edge as its target sees it.
func (s *naive) seen(e randomgraph.Edge) string {
	if s.latched[e.ID] {
		return "live"
	}
	return s.verdict(e)
}

// takes: a node behind the edge takes the failure of its source.
func takes(e randomgraph.Edge) bool { return e.Outcome == "failure" || e.Outcome == "always" }

// causeOf is what a skip goes back to: its own reason, or that of a node before it.
func (s *naive) causeOf(n randomgraph.Node, reason string) string {
	cause := ""
	switch reason {
	case "condition-error", "upstream-failed":
		return "failure"
	case "waiting":
		cause = "waiting"
	}
	for _, e := range s.in(n.Name) {
		if e.From == "" || e.After || e.Again || s.settled[e.From] != "skipped" {
			continue
		}
		switch s.cause[e.From] {
		case "failure":
			return "failure"
		case "waiting":
			if !s.g.Once {
				cause = "waiting"
			}
		}
	}
	return cause
}

// sources are the nodes that a `join: first` node with `cancel` ends.
func (s *naive) sources(n randomgraph.Node) (all []string) {
	for _, e := range s.in(n.Name) {
		if n.Cancel && e.From != "" && !e.Again {
			all = append(all, e.From)
		}
	}
	return all
}

// skipLosers skips what has not begun, under waves: eager.
func (s *naive) skipLosers(n randomgraph.Node, text map[string]string) {
	if text[n.Name] != "run" || !s.g.Eager {
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
func (s *naive) loseOthers(n randomgraph.Node) {
	for _, name := range s.sources(n) {
		switch r, away := s.away[name]; {
		case s.settled[name] == "waiting" && away && r == nil:
			s.away[name] = &result{lost: true}
		case s.settled[name] != "" || !s.g.Eager || s.lost[name]:
		case s.begun[name] && s.endsAtOnce(name): // it runs no longer
		case s.node(name).Waits && s.begun[name]:
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
	if !s.g.Once {
		return
	}
	clear(s.latched) // verdicts say it
	again := map[string]bool{}
	for more := true; more; {
		more = false
		for _, n := range s.g.Nodes {
			behind := slices.ContainsFunc(s.in(n.Name), func(e randomgraph.Edge) bool { return again[e.From] && !e.After && !e.Again })
			status := s.settled[n.Name]
			if !again[n.Name] && (status == "failed" && !s.takenBy(n.Name, false) || status == "skipped" && (s.why[n.Name] == "condition-error" || behind)) {
				again[n.Name], more = true, true
			}
		}
	}
	for name := range again {
		delete(s.settled, name)
		delete(s.ran, name)
		delete(s.liveAt, name)
	}
	for _, e := range s.g.Edges {
		if again[e.From] || s.verdicts[e.ID] == "error" {
			delete(s.verdicts, e.ID)
		}
	}
}

// rests is the pause after the present cycle.
func (s *naive) rests() time.Duration {
	p := s.g.Pause
	d := p.Active
	if s.active {
		s.idle = 0
	} else {
		s.idle++
		for range s.idle {
			d = min(d*time.Duration(p.Factor), p.Idle)
		}
	}
	if p.None {
		d = 0
	}
	switch {
	case s.failed: // an idle cycle that fails is a failed one
		s.failures++
	case s.active:
		s.failures = 0
	}
	if s.failed {
		least := p.Failed
		for range s.failures - 1 {
			least = min(2*least, 5*time.Minute)
		}
		d = max(d, least)
	}
	return d
}

// mayTake: a node may run because of the failure in the next cycle.
func (s *naive) mayTake(name string) bool {
	return slices.ContainsFunc(s.g.Edges, func(e randomgraph.Edge) bool {
		_, away := s.away[e.To]
		return e.From == name && e.Again && takes(e) && !away
	})
}
