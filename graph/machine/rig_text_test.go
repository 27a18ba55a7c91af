package machine

import (
	"fmt"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

func (r *rig) printReady(ready Ready) {
	for rec := range journal.EachRecord(ready.Records) {
		r.print(r.recordText(rec))
	}
	for _, c := range ready.Changes {
		if !strings.HasPrefix(c.Name, journal.SidecarMark) {
			r.print(changeText(c))
		}
	}
	for _, t := range ready.Start {
		line := fmt.Sprintf("start %s#%d", nameOf(t.Key), t.Attempt)
		if t.With != nil {
			line += " with " + value.String(t.With)
		}
		if t.Priority != 0 {
			line += fmt.Sprintf(" priority %d", t.Priority)
		}
		if t.Rerun {
			line += " rerun"
		}
		for _, w := range t.Words {
			line += " word " + wordText(w)
		}
		for i, s := range t.Steps {
			if i < t.Void {
				line += " void"
			}
			if s.Mark {
				line += fmt.Sprintf(" mark %s %s", s.Name, value.String(s.Content))
				continue
			}
			line += fmt.Sprintf(" step %d %s %s", s.Step, s.Name, value.String(s.Content))
		}
		r.print(line)
	}
	for _, k := range ready.Cancel {
		r.print("cancel " + nameOf(k))
	}
	for _, m := range ready.Send {
		r.print(fmt.Sprintf("send %s to %s: %s %s", m.ID, m.To, m.Event, value.String(m.Payload)))
	}
	for _, m := range ready.Lost {
		r.print(fmt.Sprintf("lost %s: %v", m.ID, m.Err))
	}
	if !ready.WakeAt.IsZero() {
		r.print("wake " + r.relative(ready.WakeAt))
	}
	for _, w := range ready.Cursor.Waiting {
		line := "waiting " + w.Place()
		if w.With != nil {
			line += " " + value.String(w.With)
		}
		for _, t := range []struct {
			name string
			at   time.Time
		}{{"due", w.Due}, {"until", w.Until}} {
			if !t.at.IsZero() {
				line += " " + t.name + " " + r.relative(t.at)
			}
		}
		if w.Answered {
			line += " answered"
		}
		r.print(line)
	}
	for _, q := range ready.Cursor.Queued {
		r.print(fmt.Sprintf("queued %s %d", q.Event, q.N))
	}
	for _, b := range ready.Cursor.Background {
		r.print(fmt.Sprintf("background %s over=%t", b.Node, b.Over))
	}
	for _, w := range ready.Cursor.Asking {
		line := "asking " + w.ID()
		for _, c := range w.Calls {
			line += fmt.Sprintf(" %s %s %s", c.ID, c.Tool, value.String(c.Args))
			if c.Answered {
				line += " answered"
			}
		}
		if !w.Until.IsZero() {
			line += " until " + r.relative(w.Until)
		}
		if w.Held {
			line += " held"
		}
		r.print(line)
	}
	for _, p := range ready.Cursor.Parked {
		r.print("parked " + nameOf(p.Key()) + " until " + r.relative(p.Until))
	}
	if ready.Cursor.Stopping != "" {
		r.print("stopping: " + ready.Cursor.Stopping)
	}
	if ready.Cursor.Status == journal.Paused {
		r.print("paused")
	}
}

// relative is a time as seconds since the test's beginning.
func (r *rig) relative(t time.Time) string { return "at " + t.Sub(epoch).String() }

func changeText(c graph.Change) string {
	if c.Whole {
		return fmt.Sprintf("%s = %s", c.Name, value.String(c.Value))
	}
	line := c.Name
	if c.Drop > 0 {
		line += fmt.Sprintf(" drop %d", c.Drop)
	}
	for _, p := range c.Set {
		line += fmt.Sprintf(" .%s=%s", p.Name, value.String(p.Value))
	}
	for _, p := range c.Put {
		line += fmt.Sprintf(" [%d]=%s", p.At, value.String(p.Value))
	}
	return line
}

func (r *rig) recordText(rec journal.Record) string {
	switch b := rec.Body.(type) {
	case *journal.StackStarted:
		return "stack.started" + byText(b.By)
	case *journal.EventReceived:
		return fmt.Sprintf("event.received %s %s", b.Event, value.String(b.Payload)) + byText(b.By)
	case *journal.CycleStarted:
		line := fmt.Sprintf("cycle.started %d", rec.Cycle)
		if b.Mode != "" {
			line += " " + b.Mode
		}
		if !b.Due.IsZero() {
			line += " due " + b.Due.Format("15:04:05")
		}
		if b.Finally {
			line += " finally " + string(b.Status)
		}
		return line + faultsText(b.Faults)
	case *journal.NodeDecided:
		return decidedText(b)
	case *journal.WaveStarted:
		line := fmt.Sprintf("wave.started %d: %s", b.Wave, strings.Join(b.Nodes, " "))
		if len(b.Early) > 0 {
			line += " early" + verdictText(b.Early)
		}
		return line
	case *journal.TaskStarted:
		return fmt.Sprintf("task.started %s#%d", nameOf(journal.TaskKey{Node: b.Node, Item: b.Item}), b.Attempt)
	case *journal.TaskFinished:
		line := fmt.Sprintf("task.finished %s#%d %s", nameOf(journal.TaskKey{Node: b.Node, Item: b.Item}), b.Attempt, b.Status) + byText(b.By)
		if b.Error != nil {
			line += fmt.Sprintf(" %s: %s", b.Error.Kind, b.Error.Message)
		}
		if b.Cached {
			line += " cached"
		}
		if !b.RetryAt.IsZero() {
			line += " retry " + r.relative(b.RetryAt)
		}
		return line
	case *journal.TaskWaiting:
		line := fmt.Sprintf("task.waiting %s#%d", nameOf(journal.TaskKey{Node: b.Node, Item: b.Item}), b.Attempt)
		for _, c := range b.Calls {
			line += " " + c.ID
		}
		return line
	case *journal.TaskAnswered:
		return fmt.Sprintf("task.answered %s#%d %s", nameOf(journal.TaskKey{Node: b.Node, Item: b.Item}), b.Attempt, wordText(b)) + byText(b.By)
	case *journal.TaskHeld:
		return fmt.Sprintf("task.held %s#%d", nameOf(journal.TaskKey{Node: b.Node, Item: b.Item}), b.Attempt)
	case *journal.TaskStep:
		if b.Mark {
			return fmt.Sprintf("task.mark %s#%d %s %s", nameOf(journal.TaskKey{Node: b.Node, Item: b.Item}), b.Attempt, b.Name, value.String(b.Content))
		}
		return fmt.Sprintf("task.step %s#%d %d %s %s", nameOf(journal.TaskKey{Node: b.Node, Item: b.Item}), b.Attempt, b.Step, b.Name, value.String(b.Content))
	case *journal.TaskUsed:
		return fmt.Sprintf("task.used %s#%d %d %g", nameOf(journal.TaskKey{Node: b.Node, Item: b.Item}), b.Attempt, b.Tokens, b.Cost)
	case *journal.WaveCommitted:
		line := fmt.Sprintf("wave.committed %d: %s", b.Wave, strings.Join(b.Changed, " "))
		if b.Commit > 0 {
			line = fmt.Sprintf("wave.committed %d, commit %d: %s", b.Wave, b.Commit, strings.Join(b.Changed, " "))
		}
		for _, s := range b.Settled {
			line += fmt.Sprintf(" (%s %s#%d", s.Node, s.Status, s.Attempts)
			if s.Error != nil {
				line += " " + s.Error.Kind
			}
			if s.AtCommit {
				line += " at commit"
			}
			line += ")"
		}
		return line
	case *journal.CycleFinished:
		return fmt.Sprintf("cycle.finished waves=%d runs=%d failed=%t active=%t pause=%s", b.Waves, b.NodeRuns, b.Failed, b.Active, b.Pause) + faultsText(b.Faults)
	case *journal.StackFinished:
		return fmt.Sprintf("stack.finished %s: %s", b.Status, b.Reason) + byText(b.By)
	case *journal.StackControl:
		return strings.TrimRight(fmt.Sprintf("stack.control %s by %s %s %s", b.Action, b.By, b.Node, b.Item), " ")
	case *journal.StackReopened:
		line := "stack.reopened"
		if l := b.Limits.String(); l != "" {
			line += " " + l
		}
		return line
	}
	return rec.Body.Type()
}

// byText says who did it, if somebody is known.
func byText(by string) string {
	if by == "" {
		return ""
	}
	return " by " + by
}

func faultsText(faults []string) (s string) {
	for _, f := range faults {
		s += fmt.Sprintf(" [%s]", f)
	}
	return s
}

func decidedText(b *journal.NodeDecided) string {
	line := fmt.Sprintf("node.decided %s run", b.Node)
	if !b.Run {
		line = fmt.Sprintf("node.decided %s %s", b.Node, b.Reason)
	}
	return line + verdictText(b.Edges)
}

func verdictText(all []journal.Verdict) (line string) {
	for _, v := range all {
		line += " [" + v.From
		if v.Outcome != "" && v.Outcome != "success" {
			line += " " + v.Outcome
		}
		for _, form := range []struct {
			on   bool
			name string
		}{{v.After, "after"}, {v.Else, "else"}, {v.NextCycle, "next_cycle"}} {
			if form.on {
				line += " " + form.name
			}
		}
		if v.When != "" {
			line += fmt.Sprintf(" %q", v.When)
		}
		switch {
		case v.Error != "":
			line += " error: " + v.Error
		case v.Live:
			line += " live"
		default:
			line += " dead"
		}
		line += "]"
	}
	return line
}

func wordText(b *journal.TaskAnswered) string {
	line := b.Call + " no"
	if b.Approved {
		line = b.Call + " yes"
	}
	if b.Args != nil {
		line += " " + value.String(b.Args)
	}
	if b.Comment != "" {
		line += " " + b.Comment
	}
	return line
}
