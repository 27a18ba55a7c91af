package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/machine"
)

// view shows the records of a running stack to a person. Records come in
// order, from one goroutine, after the store has them; the other methods are
// called from another one.
type view interface {
	record(machine.Record)
	// stopping: no wave begins any more, running tasks have grace to finish.
	stopping(grace time.Duration)
	// close leaves the terminal as it was. It may be called twice.
	close()
}

// viewFor is a live table on a terminal and plain lines elsewhere; both go to
// standard error, so that standard output holds data alone. Where a program
// reads standard output as it comes, standard error stays quiet. A log and a
// live table do not fit on one terminal.
func (a *app) viewFor(f runFlags) view {
	switch {
	case a.json() || f.trace == "-":
		return silentView{}
	case isTerminal(a.err) && os.Getenv("TERM") != "dumb" && !a.verbose:
		return newLiveView(a, f.stack)
	}
	return &plainView{w: a.err}
}

// silentView is for -o json and --trace -, whose readers are programs.
type silentView struct{}

func (silentView) record(machine.Record)  {}
func (silentView) stopping(time.Duration) {}
func (silentView) close()                 {}

// taskName names a task in a line: node, or node[item].
func taskName(node, item string) string {
	if item == "" {
		return node
	}
	return node + "[" + fit(oneLine(item), 30) + "]"
}

// oneLine makes one short line of any text: what an agent says must not be
// able to write on the terminal.
func oneLine(s string) string {
	return fit(diag.Clean(strings.Join(strings.Fields(s), " ")), 300)
}

// fit cuts a line to so many columns.
func fit(s string, columns int) string { return runewidth.Truncate(s, columns, "…") }

// brief rounds a duration to what a person reads at a glance.
func brief(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// finished tells how one attempt ended.
func finished(b *machine.TaskFinished, at time.Time) string {
	if b.Error == nil {
		return "succeeded in " + brief(b.Duration)
	}
	s := fmt.Sprintf("failed after %s (%s): %s", brief(b.Duration), b.Error.Kind, oneLine(b.Error.Message))
	if !b.RetryAt.IsZero() {
		s += fmt.Sprintf("; attempt %d in %s", b.Attempt+1, brief(b.RetryAt.Sub(at)))
	}
	return s
}

// failedAtCommit tells that a node failed although its work came out well.
func failedAtCommit(s *machine.Settled) string {
	return fmt.Sprintf("failed at the commit (%s): %s", s.Error.Kind, oneLine(s.Error.Message))
}

// plural counts things: "1 wave", "2 waves".
func plural[N int | uint64](n N, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
