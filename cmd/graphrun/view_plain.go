package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/graphrun/graphrun/graph/machine"
)

// plainView writes a line per event: for pipes, logs and programs. It never
// writes an escape byte.
type plainView struct{ w io.Writer }

func (v *plainView) close() {}

func (v *plainView) record(r machine.Record) {
	if s := plainLine(r); s != "" {
		fmt.Fprintln(v.w, s)
	}
}

// plainLine is the line of one record, "" for records that people do not need.
func plainLine(r machine.Record) string {
	switch b := r.Body.(type) {
	case *machine.StackStarted:
		return fmt.Sprintf("stack %s started (graph %s)", r.Stack, b.Graph)
	case *machine.EventReceived:
		return "event " + b.Event
	case *machine.CycleStarted:
		return fmt.Sprintf("cycle %d", r.Cycle)
	case *machine.WaveStarted:
		return fmt.Sprintf("  wave %d: %s", b.Wave, strings.Join(b.Nodes, ", "))
	case *machine.NodeDecided:
		if b.Reason == "condition-error" {
			return fmt.Sprintf("  %s was not decided by its condition: %s", b.Node, verdictError(b))
		}
	case *machine.TaskFinished:
		return fmt.Sprintf("    %s %s", taskName(b.Node, b.Item), finished(b, r.Time))
	case *machine.WaveCommitted:
		if len(b.Changed) > 0 {
			return "    changed: " + strings.Join(b.Changed, ", ")
		}
	case *machine.CycleFinished:
		return cycleLine(r.Cycle, b)
	case *machine.StackFinished:
		s := fmt.Sprintf("stack %s %s", r.Stack, b.Status)
		if b.Reason != "" {
			s += ": " + clean(b.Reason)
		}
		return s
	}
	return ""
}

// cycleLine sums up a finished cycle.
func cycleLine(cycle uint64, b *machine.CycleFinished) string {
	s := fmt.Sprintf("cycle %d finished: %s, %s", cycle, plural(b.Waves, "wave"), plural(b.NodeRuns, "node run"))
	if b.Failed {
		s += ", failed"
	}
	if b.Pause > 0 {
		s += "; pause " + brief(b.Pause)
	}
	return s
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// verdictError is the first condition of a decision that failed to evaluate.
func verdictError(b *machine.NodeDecided) string {
	for _, e := range b.Edges {
		if e.Error != "" {
			return clean(e.When + ": " + e.Error)
		}
	}
	return ""
}
