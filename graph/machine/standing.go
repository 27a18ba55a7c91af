package machine

import (
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// A driver leads the children of a stack: it tells them what their parent wants of them,
// counts what they use, and holds the tasks whose children only wait. What that means is
// decided here.

// Standing is what a stack wants of its children.
type Standing uint8

const (
	GoesOn Standing = iota
	IsPaused
	IsStopping
)

// ForChildren is what the stack wants of its children, and the reason of a stop.
func (m *Machine) ForChildren() (to Standing, reason string) {
	switch c := &m.cur; {
	case c.Closing != nil: // a pause does not keep them from ending
	case c.Stopping != "":
		return IsStopping, c.Stopping
	case c.Status == journal.Paused:
		return IsPaused, ""
	}
	return GoesOn, ""
}

// Input tells a child what its parent begins to want of it.
func (s Standing) Input(at time.Time, reason string) Input {
	switch s {
	case IsStopping:
		return Stop{At: at, Reason: reason}
	case IsPaused:
		return Pause{At: at}
	}
	return Resume{At: at}
}

// MetersChildren reports whether a limit of the stack counts what children use while they
// work.
func (m *Machine) MetersChildren() bool {
	l := m.Limits()
	return l.NodeRuns > 0 || l.Tokens > 0 || l.Cost > 0 || l.Duration > 0
}

// WaitsOutside reports that all that the stack does at a time is wait for somebody outside.
// No attempt of it runs.
func (m *Machine) WaitsOutside(at time.Time) bool {
	c := &m.cur
	return !c.Open && (c.WakeAt.IsZero() || c.WakeAt.After(at)) && len(c.Questions()) > 0 && !m.Works()
}

// NodeOver is the reason of a child that ends because its node does.
const NodeOver = "its node has ended"

// EndChild is what ends a child because its node ends. Its last cycle runs before, unless
// it is told again.
func EndChild(at time.Time, again bool) Input {
	return Cancel{At: at, Reason: NodeOver, ByNode: !again}
}
