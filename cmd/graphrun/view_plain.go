package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime/feed"
)

// plainView writes a line per event: for pipes, logs and programs. It never
// writes an escape byte.
type plainView struct {
	mu      sync.Mutex
	w       io.Writer
	running int               // tasks
	waits   map[string]string // nodes that hold nothing up, and what they do
	asked   []question        // that are open
	begun   string            // the line of a cycle in which nothing has happened yet
	idle    idleCycles
}

// idleCycles are cycles in a row in which nothing happened, from the second one on: the
// first has lines of its own.
type idleCycles struct {
	seen        bool
	first, last uint64 // 0 for none
}

func (v *plainView) from(journal.Cursor) {}
func (v *plainView) begin()              {}
func (v *plainView) attach(door)         {}

func (v *plainView) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.unfold()
}

func (v *plainView) standing(c *journal.Cursor) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked = questionsOf(c)
}

// unfold writes what was held back.
func (v *plainView) unfold() {
	switch at := &v.idle; {
	case at.first == 0:
	case at.first == at.last:
		printText(v.w, "cycle %d: nothing ran\n", at.first)
	default:
		printText(v.w, "cycles %d to %d: nothing ran\n", at.first, at.last)
	}
	v.idle.first = 0
	if v.begun != "" {
		printText(v.w, "%s\n", v.begun)
		v.begun = ""
	}
}

// fold takes the beginning and the end of a cycle in which nothing happened. It reports
// whether there is nothing to write.
func (v *plainView) fold(r journal.Record) bool {
	switch b := r.Body.(type) {
	case *journal.CycleStarted:
		if !b.Finally && len(b.Faults) == 0 && v.idle.seen {
			v.begun = plainLine(r)
			return true
		}
	case *journal.CycleFinished:
		idle := !b.Active && !b.Failed && b.NodeRuns == 0 && len(b.Faults) == 0
		folds := idle && v.begun != ""
		v.idle.seen = idle
		if folds {
			if v.begun = ""; v.idle.first == 0 {
				v.idle.first = r.Cycle
			}
			v.idle.last = r.Cycle
			return true
		}
	}
	return false
}
func (v *plainView) delta(feed.Delta) {} // what was said is in the logs

func (v *plainView) record(r journal.Record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fold(r) {
		return
	}
	switch b := r.Body.(type) {
	case *journal.TaskStarted:
		if what := v.waits[b.Node]; what != "" {
			v.unfold()
			printText(v.w, "    %s %s\n", b.Node, what)
			if q := questionOf(v.asked, b.Node); q.prompt != "" {
				printText(v.w, "      %s\n      %s\n", oneLine(q.prompt), q.command(r.Stack))
			}
			break
		}
		v.running++
	case *journal.TaskFinished:
		if v.waits[b.Node] == "" {
			v.running--
		}
	case *journal.TaskHeld:
		v.running--
	}
	if s := plainLine(r); s != "" {
		v.unfold()
		printText(v.w, "%s\n", s)
	}
}

func (v *plainView) stopping(grace time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.running > 0 && grace > 0 {
		printText(v.w, "%s\n", stoppingLine(v.running, grace))
	}
}

// stoppingLine tells what an interrupt waits for.
func stoppingLine(running int, grace time.Duration) string {
	return fmt.Sprintf("interrupted: %s may finish within %s (interrupt again to end at once)", plural(running, "task"), brief(grace))
}

// plainLine is the line of one record, "" for records that people do not need.
func plainLine(r journal.Record) string {
	switch b := r.Body.(type) {
	case *journal.StackStarted:
		return fmt.Sprintf("stack %s started (graph %s)", r.Stack, b.Graph)
	case *journal.EventReceived:
		return "event " + b.Event
	case *journal.CycleStarted:
		line := fmt.Sprintf("cycle %d", r.Cycle)
		if b.Finally {
			line += " (finally)"
		}
		return line + faultsText(b.Faults)
	case *journal.WaveStarted:
		if len(b.Nodes) == 0 { // it keeps verdicts alone
			return ""
		}
		return fmt.Sprintf("  wave %d: %s", b.Wave, strings.Join(b.Nodes, ", "))
	case *journal.NodeDecided:
		if b.Reason == "condition-error" {
			return fmt.Sprintf("  %s did not run, a condition failed: %s", b.Node, verdictError(b))
		}
	case *journal.TaskWaiting:
		return strings.Join(askedLines(r.Stack, b), "\n")
	case *journal.TaskAnswered:
		did := "rejected"
		if b.Approved {
			did = "approved"
		}
		return fmt.Sprintf("    %s: call %s %s", taskName(b.Node, b.Item), oneLine(b.Call), did)
	case *journal.TaskFinished:
		return fmt.Sprintf("    %s %s", taskName(b.Node, b.Item), finished(b, r.Time))
	case *journal.WaveCommitted:
		return strings.Join(committedLines(b), "\n")
	case *journal.CycleFinished:
		return cycleLine(r.Cycle, b)
	case *journal.StackFinished:
		s := fmt.Sprintf("stack %s %s", r.Stack, b.Status)
		if b.Reason != "" {
			s += ": " + oneLine(b.Reason)
		}
		return s
	case *journal.StackControl:
		return controlLine(r.Stack, b)
	case *journal.StackReopened:
		return reopenedLine(r.Stack, b.By, &b.Limits)
	}
	return ""
}

// controlLine says who controlled the stack.
func controlLine(stack string, b *journal.StackControl) string {
	s := fmt.Sprintf("stack %s: %s by %s", stack, b.Action, oneLine(b.By))
	if b.Node != "" {
		s += ": " + taskName(b.Node, b.Item)
	}
	return s
}

// reopenedLine says that a stack continues that had ended.
func reopenedLine(stack, by string, limits *journal.Limits) string {
	s := fmt.Sprintf("stack %s reopened", stack)
	if by != "" {
		s += " by " + oneLine(by)
	}
	if l := limits.String(); l != "" {
		s += " (" + l + ")"
	}
	return s
}

// askedLines are the calls that need a word, each with the command that gives it.
func askedLines(stack string, b *journal.TaskWaiting) (lines []string) {
	for _, c := range b.Calls {
		if !c.Answered {
			lines = append(lines, fmt.Sprintf("    %s wants to call %s %s", taskName(b.Node, b.Item), oneLine(c.Tool), oneLine(value.String(c.Args))),
				"      "+answerWith(stack, b.Node, b.Item, c.ID))
		}
	}
	return lines
}

// committedLines are the nodes that failed by their writes, and what changed.
func committedLines(b *journal.WaveCommitted) (lines []string) {
	for i := range b.Settled {
		if s := &b.Settled[i]; s.AtCommit {
			lines = append(lines, fmt.Sprintf("    %s %s", s.Node, failedAtCommit(s)))
		}
		if s, e := &b.Settled[i], b.Settled[i].Elements(); e.Of > 0 {
			lines = append(lines, fmt.Sprintf("    %s: %s", s.Node, failedElements(e.Failed, e.Of)))
		}
	}
	if len(b.Changed) > 0 {
		lines = append(lines, "    changed: "+strings.Join(b.Changed, ", "))
	}
	return lines
}

// cycleLine sums up a finished cycle.
func cycleLine(cycle uint64, b *journal.CycleFinished) string {
	s := fmt.Sprintf("cycle %d finished: %s, %s", cycle, plural(b.Waves, "wave"), plural(b.NodeRuns, "node run"))
	if b.Failed {
		s += ", failed"
	}
	s += faultsText(b.Faults)
	if b.Pause > 0 {
		s += "; pause " + brief(b.Pause)
	}
	return s
}

// faultsText tells what failed while a cycle began or ended.
func faultsText(faults []string) string {
	if len(faults) == 0 {
		return ""
	}
	return " (" + oneLine(strings.Join(faults, "; ")) + ")"
}

// verdictError is the first condition of a decision that failed to evaluate.
func verdictError(b *journal.NodeDecided) string {
	for _, e := range b.Edges {
		if e.Error != "" {
			return oneLine(e.When + ": " + e.Error)
		}
	}
	return ""
}
