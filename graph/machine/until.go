package machine

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// A graph that a node or a tool runs with `until` ends in ways of its own, besides those
// of any stack.

// limited is the end of a stack by a limit.
func limited(why string) journal.Outcome {
	return journal.Outcome{Status: journal.Failed, Reason: why, Failure: &journal.Failure{Kind: "limit", Message: why}}
}

// untilEnds is how a stack with `until` ends with a cycle. end is how any other stack
// would; nil if it continues.
func (m *Machine) untilEnds(b *journal.CycleFinished, end *journal.Outcome) *journal.Outcome {
	if m.g.Until == nil {
		return end
	}
	var out journal.Outcome
	switch most := m.maxCycles(); {
	case end != nil && end.Status == journal.Completed && b.Failed:
		return &journal.Outcome{Status: journal.Failed, Reason: end.Reason + ", and the cycle failed"}
	case end != nil:
		return end
	case m.cur.Busy >= most:
		out = limited(fmt.Sprintf("graph %q: until does not hold after %d cycles", m.g.Name, most))
	case !b.Active && m.cur.WakeAt.IsZero() && !m.anyOutside():
		out = limited(fmt.Sprintf("graph %q: until does not hold, and nothing of it waits or is due", m.g.Name))
	default:
		return nil
	}
	return &out
}

func (m *Machine) maxCycles() uint64 {
	return cmp.Or(m.id.MaxCycles, uint64(m.g.Until.MaxCycles), graph.DefaultMaxCycles)
}

// onlyBeganToWait reports that nothing else happened in the cycle than that nodes began
// to wait: the next one has nothing to do before one of them is there.
func (m *Machine) onlyBeganToWait() bool {
	return m.g.Until != nil && !m.cycle.fault && m.cycle.settled == 0 && m.cycle.nodeRuns == m.cycle.waits && m.anyOutside()
}

// EndedByLimit reports whether a limit ended a stack, by how it ended.
func EndedByLimit(status journal.Status, reason string) bool {
	if status != journal.Failed {
		return false
	}
	for _, limit := range []string{"duration", "node_runs", "tokens", "cost", "cycles", "failures"} {
		if rest, ok := strings.CutPrefix(reason, limit+" limit "); ok && strings.Contains(rest, "reached") {
			return true
		}
	}
	return false
}
