package render

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/journal"
)

// stretch is a time in which at least one task of a node ran, or waited.
type stretch struct {
	from, to time.Time
	failed   bool
}

// Timeline draws when the nodes of a stack ran: a line a node, in the order in which they
// began, from a moment to the last record, in so many columns. A full block is a column in
// which a task of the node ran or waited, ✗ one in which an attempt failed. Records are
// those of one stack, in their order; without any, nothing is drawn.
func Timeline(w io.Writer, records []journal.Record, since time.Time, columns int) error {
	if len(records) == 0 {
		return nil
	}
	first, last := since, records[len(records)-1].Time
	var nodes []string
	rows, open := map[string][]stretch{}, map[journal.TaskKey]time.Time{}
	ran := func(key journal.TaskKey, to time.Time, failed bool) {
		from, ok := open[key]
		if !ok { // it began before the first record
			from = first
		}
		delete(open, key)
		if to.Before(first) {
			return
		}
		if rows[key.Node] == nil {
			nodes = append(nodes, key.Node)
		}
		rows[key.Node] = append(rows[key.Node], stretch{from, to, failed})
	}
	type begin struct {
		cycle uint64
		at    time.Time
	}
	var cycles []begin
	for _, r := range records {
		key, _ := r.Task()
		switch b := r.Body.(type) {
		case *journal.CycleStarted:
			if !r.Time.Before(first) {
				cycles = append(cycles, begin{r.Cycle, r.Time})
			}
		case *journal.TaskStarted:
			open[key] = r.Time
		case *journal.TaskHeld:
			open[key] = r.Time // it waits, and has not ended
		case *journal.TaskFinished:
			ran(key, r.Time, b.Error != nil)
		}
	}
	for _, r := range records { // what has not ended, in the order in which it began
		if key, ok := r.Task(); ok {
			if _, runs := open[key]; runs {
				ran(key, last, false)
			}
		}
	}
	names := runewidth.StringWidth("cycle")
	for _, n := range nodes {
		names = max(names, min(columns/3, runewidth.StringWidth(diag.Clean(n))))
	}
	room := max(10, columns-names-2)
	step := max(last.Sub(first)/time.Duration(room)+1, 1)
	column := func(at time.Time) int { return min(room-1, max(0, int(at.Sub(first)/step))) }
	line := func(name string, cells []rune) error {
		name = runewidth.FillRight(runewidth.Truncate(diag.Clean(name), names, "…"), names)
		_, err := fmt.Fprintln(w, strings.TrimRight(name+"  "+string(cells), " "))
		return err
	}
	ruler, free := []rune(strings.Repeat(" ", room)), 0
	for _, c := range cycles {
		at, text := column(c.at), strconv.FormatUint(c.cycle, 10)
		if at < free || at+len(text) > room {
			continue
		}
		copy(ruler[at:], []rune(text))
		free = at + len(text) + 1
	}
	if err := line("cycle", ruler); err != nil {
		return err
	}
	for _, n := range nodes {
		cells := []rune(strings.Repeat(" ", room))
		for _, s := range rows[n] {
			for i := column(s.from); i <= column(s.to); i++ {
				if cells[i] == ' ' {
					cells[i] = '█'
				}
			}
		}
		for _, s := range rows[n] {
			if s.failed {
				cells[column(s.to)] = '✗'
			}
		}
		if err := line(n, cells); err != nil {
			return err
		}
	}
	digits := time.Duration(1)
	for step/digits >= 1000 { // three of them are enough
		digits *= 10
	}
	_, err := fmt.Fprintf(w, "a column is %s\n", step.Round(digits))
	return err
}
