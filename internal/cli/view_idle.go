package cli

import (
	"fmt"

	"github.com/graphrun/graphrun/graph/journal"
)

// idleCycles holds back cycles in a row in which nothing happens, from the second one on: the
// first has lines of its own.
type idleCycles struct {
	seen        bool   // the cycle before was one
	begun       string // the line of a cycle in which nothing has happened yet; "" for none
	first, last uint64 // that are held back; 0 for none
}

// fold takes the beginning and the end of a cycle in which nothing happened. It reports
// whether there is nothing to write.
func (i *idleCycles) fold(r journal.Record) bool {
	switch b := r.Body.(type) {
	case *journal.CycleStarted:
		if !b.Finally && len(b.Faults) == 0 && i.seen {
			i.begun = plainLine(r)
			return true
		}
	case *journal.CycleFinished:
		idle := !b.Active && !b.Failed && b.NodeRuns == 0 && len(b.Faults) == 0
		folds := idle && i.begun != ""
		i.seen = idle
		if folds {
			if i.begun = ""; i.first == 0 {
				i.first = r.Cycle
			}
			i.last = r.Cycle
			return true
		}
	}
	return false
}

// held is a line for the cycles that are held back; "" if there are none.
func (i *idleCycles) held() string {
	switch {
	case i.first == 0:
		return ""
	case i.first == i.last:
		return fmt.Sprintf("cycle %d: nothing ran", i.first)
	}
	return fmt.Sprintf("cycles %d to %d: nothing ran", i.first, i.last)
}

// unfold gives the lines of what was held back.
func (i *idleCycles) unfold() (lines []string) {
	for _, line := range []string{i.held(), i.begun} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	i.first, i.begun = 0, ""
	return lines
}
