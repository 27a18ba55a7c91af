package cli

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/mattn/go-runewidth"

	"github.com/graphrun/graphrun/graph/journal"
)

// liveRow is one node of the open cycle; under for_each it stands for all of
// the node's tasks.
type liveRow struct {
	node    string
	started time.Time            // of the first task
	running map[string]time.Time // tasks that hold a slot, by item
	waits   string               // what it waits for; "" if it works
	of      int                  // how many elements there were, where some failed; 0 before it is known
	items   bool                 // it is a for_each
	laid    int                  // how many elements there are; 0 before it is known
	attempt int                  // of the latest task
	done    int                  // tasks that succeeded
	failed  int                  // tasks that failed for good
	last    string               // how the latest task ended, while there is nothing newer
	again   bool                 // last tells of an attempt that comes again
	ended   time.Time
	agentRow
}

func (r *liveRow) start(b *journal.TaskStarted, at time.Time) {
	if r.started.IsZero() {
		r.started = at
	}
	r.items = r.items || b.Item != ""
	r.running[b.Item], r.attempt = at, b.Attempt
	delete(r.held, b.Item)
	if r.again {
		r.last, r.again = "", false
	}
}

// wait: a task waits since before the view began.
func (r *liveRow) wait(item string, since time.Time) {
	if r.started.IsZero() || since.Before(r.started) {
		r.started = since
	}
	r.items = r.items || item != ""
	r.running[item] = since
}

func (r *liveRow) finish(b *journal.TaskFinished, at time.Time) {
	delete(r.running, b.Item)
	r.over(b.Item)
	r.ended = at
	if r.started.IsZero() { // before this process
		r.started = at.Add(-b.Duration)
	}
	switch {
	case b.Error == nil:
		r.done++
		if r.failed == 0 {
			r.last = ""
		}
	case !b.RetryAt.IsZero():
		r.last, r.again = finished(b, at), true
	default:
		r.failed++
		r.last, r.again = finished(b, at), false
	}
	if r.items && r.last != "" && b.Error != nil {
		r.last = oneLine(b.Item) + " " + r.last
	}
}

// failAtCommit: what its tasks gave could not be joined to the state.
func (r *liveRow) failAtCommit(s *journal.Settled) {
	r.failed++
	r.last = failedAtCommit(s)
}

// busy: a task runs, or comes again.
func (r *liveRow) busy() bool { return len(r.running) > 0 || r.again || len(r.held) > 0 }

// text is what stands behind the node's name.
func (r *liveRow) text(now time.Time) string {
	var parts []string
	switch {
	case r.items:
		switch {
		case r.laid > 0:
			parts = append(parts, fmt.Sprintf("%d of %d done", r.done, r.laid))
		case r.done > 0:
			parts = append(parts, fmt.Sprintf("%d done", r.done))
		}
		if r.failed > 0 {
			text := fmt.Sprintf("%d failed", r.failed)
			if r.of > 0 && r.laid == 0 {
				text = failedElements(r.failed, r.of)
			}
			parts = append(parts, text)
		}
		if n := len(r.running); n > 0 {
			what := "running"
			if r.waits != "" {
				what = "waiting"
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
		if n := len(r.held); n > 0 && len(r.asked()) == 0 {
			parts = append(parts, fmt.Sprintf("%d waiting", n))
		}
		until := now
		if !r.busy() {
			until = r.ended
		}
		parts = append(parts, brief(max(0, until.Sub(r.started)).Round(100*time.Millisecond)))
	case len(r.running) > 0 && r.waits != "":
		parts = append(parts, r.waits+", "+brief(max(0, now.Sub(r.started)).Round(100*time.Millisecond)))
	case len(r.running) > 0:
		if r.attempt > 1 {
			parts = append(parts, fmt.Sprintf("attempt %d", r.attempt))
		}
		parts = append(parts, "running "+brief(max(0, now.Sub(r.running[""])).Round(100*time.Millisecond)))
	case len(r.held) > 0 && len(r.asked()) == 0:
		what := "waits"
		if r.within > 0 {
			what = "waits for an answer"
		}
		parts = append(parts, what+", "+brief(max(0, now.Sub(r.heldSince())).Round(100*time.Millisecond)))
	case len(r.held) > 0:
	case r.last == "":
		parts = append(parts, brief(r.ended.Sub(r.started)))
	}
	if r.last != "" {
		parts = append(parts, r.last)
	}
	return strings.Join(append(parts, r.parts()...), ", ")
}

// liveStyles are the colors of the table; the zero value has none.
type liveStyles struct{ title, good, bad, dim lipgloss.Style }

func newLiveStyles() liveStyles {
	return liveStyles{
		title: lipgloss.NewStyle().Bold(true),
		good:  lipgloss.NewStyle().Foreground(lipgloss.Color("2")),
		bad:   lipgloss.NewStyle().Foreground(lipgloss.Color("1")),
		dim:   lipgloss.NewStyle().Faint(true),
	}
}

// table renders rows for a terminal of so many columns. Names get a third of
// them at most. cut ends each row with the line, else it continues in the next:
// what scrolls up is there to stay, and to be read whole.
func (s liveStyles) table(rows []*liveRow, columns int, spinner string, now time.Time, cut bool) []string {
	names := 0
	for _, r := range rows {
		names = max(names, runewidth.StringWidth(r.node))
	}
	names = min(names, max(8, columns/3))
	room := max(10, columns-names-7)
	var lines []string
	for _, r := range rows {
		mark := s.good.Render("✓")
		switch {
		case r.busy() && (r.waits != "" || len(r.running) == 0 && len(r.held) > 0):
			mark = "·"
		case r.busy():
			mark = spinner
		case r.failed > 0:
			mark = s.bad.Render("✗")
		}
		name := runewidth.FillRight(fit(r.node, names), names)
		texts := []string{fit(r.text(now), room)}
		if !cut {
			texts = wrap(r.text(now), room, "")
		}
		for _, text := range texts {
			lines = append(lines, fmt.Sprintf("  %s %s  %s", mark, name, text))
			mark, name = " ", strings.Repeat(" ", names)
		}
		if said := r.saying(room); said != "" && cut {
			lines = append(lines, fmt.Sprintf("  %s %s  %s", mark, strings.Repeat(" ", names), s.dim.Render(said)))
		}
	}
	return lines
}
