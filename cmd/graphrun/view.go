package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph/machine"
)

// view shows the records of a running stack to a person. Records come in
// order, from one goroutine, after the store has them.
type view interface {
	record(machine.Record)
	close()
}

// newView is a live table on a terminal and plain lines elsewhere; both go to
// standard error, so that standard output holds data alone.
func newView(a *app, stack string) view {
	if isTerminal(a.err) {
		return newLiveView(a, stack)
	}
	return &plainView{w: a.err}
}

// silentView is for -o json and --trace -, whose readers are programs.
type silentView struct{}

func (silentView) record(machine.Record) {}
func (silentView) close()                {}

// task names a task in a line: node, or node[item].
func taskName(node, item string) string {
	if item == "" {
		return node
	}
	return node + "[" + clean(item) + "]"
}

// clean makes one short line of any text, free of control characters: what an
// agent says must not be able to write on the terminal.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == '\r' {
			return ' '
		}
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == 0x202e || r == 0x2066 || r == 0x2067 {
			return -1
		}
		return r
	}, s)
	const most = 200
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most-1]) + "…"
	}
	return strings.TrimSpace(s)
}

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
	s := fmt.Sprintf("failed after %s (%s): %s", brief(b.Duration), b.Error.Kind, clean(b.Error.Message))
	if !b.RetryAt.IsZero() {
		s += fmt.Sprintf("; attempt %d in %s", b.Attempt+1, brief(b.RetryAt.Sub(at)))
	}
	return s
}
