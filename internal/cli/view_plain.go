package cli

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
	self    itself
	stack   string
	running int               // tasks
	waits   map[string]string // nodes that hold nothing up, and what they do
	asked   []question        // that are open
	idle    idleCycles
}

func (v *plainView) begin()      {}
func (v *plainView) attach(door) {}

func (v *plainView) from(_ journal.Cursor, open []question) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked = open
	for _, q := range open {
		v.ask(q)
	}
}

func (v *plainView) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.unfold()
}

func (v *plainView) standing(open []question) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, q := range newWithin(v.asked, open) {
		v.ask(q)
	}
	v.asked = open
}

// ask writes a question with the command that answers it.
func (v *plainView) ask(q question) {
	v.unfold()
	printText(v.w, "    %s waits for an answer (approve or reject)\n", q.place())
	if q.prompt != "" {
		printText(v.w, "      %s\n", oneLine(q.prompt))
	}
	printText(v.w, "      %s\n", q.command(v.self, v.stack))
}

// unfold writes what was held back.
func (v *plainView) unfold() {
	for _, line := range v.idle.unfold() {
		printText(v.w, "%s\n", line)
	}
}

func (v *plainView) delta(feed.Delta) {} // what was said is in the logs

func (v *plainView) record(r journal.Record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.idle.fold(r) {
		return
	}
	switch b := r.Body.(type) {
	case *journal.TaskStarted:
		if what := v.waits[b.Node]; what != "" {
			if q, ok := questionOf(v.asked, b.Node, b.Item); ok {
				v.ask(q)
				break
			}
			v.unfold()
			printText(v.w, "    %s %s\n", taskName(b.Node, b.Item), what)
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
	s := plainLine(r)
	if b, ok := r.Body.(*journal.TaskWaiting); ok {
		s = strings.Join(askedLines(v.self, r.Stack, b), "\n")
	}
	if s != "" {
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
func askedLines(self itself, stack string, b *journal.TaskWaiting) (lines []string) {
	for _, c := range b.Calls {
		if !c.Answered {
			lines = append(lines, fmt.Sprintf("    %s wants to call %s %s (approve or reject)", taskName(b.Node, b.Item), oneLine(c.Tool), oneLine(value.String(c.Args))),
				"      "+self.answer(stack, b.Node, b.Item, c.ID))
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
