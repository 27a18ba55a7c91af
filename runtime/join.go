package runtime

import (
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// mayJoin says whether the next cycle may begin in the commit that ends the present one:
// there is no pause, and nothing is to happen between the two. A cycle without a wave does
// not count, or a stack that does nothing would do it without a rest.
func (d *drive) mayJoin(rd *machine.Ready) bool {
	n := len(rd.Records)
	if n == 0 || d.eng.joining == nil {
		return false
	}
	end, ok := rd.Records[n-1].Body.(*journal.CycleFinished)
	if !ok || end.Waves == 0 || rd.Outcome != nil || d.over || d.stopping || d.visited {
		return false
	}
	c := &rd.Cursor
	switch {
	case c.Open || c.Status != journal.Running || c.Closing != nil || c.Stopping != "" || c.Finally != nil,
		c.WakeAt.IsZero() || c.WakeAt.After(time.Now()):
		return false // no cycle is due
	case d.next != nil || d.adopting || d.marching:
		return false // a changed graph, or its fleet, comes first
	case c.Outbox > 0:
		return false // a message to itself comes first
	case d.after.Cycles > 0 && d.cycles+1 >= d.after.Cycles || d.after.UntilIdle && isStill(end):
		return false // it stops, or may stop
	}
	d.mu.Lock()
	mail := len(d.inbox) > 0
	d.mu.Unlock()
	return !mail && d.eng.joining.Joins(d.name)
}

// isStill says whether nothing happened in a cycle. One that applied an answer or a result
// ran no node, but the next one may.
func isStill(c *journal.CycleFinished) bool { return c.NodeRuns == 0 && (!c.Active || c.Failed) }
