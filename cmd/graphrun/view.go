package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// view shows the records of a running stack to a person. Records come in
// order, from one goroutine, after the store has them; the other methods are
// called from another one.
type view interface {
	// from shows where a stack of the store is about to continue.
	from(journal.Cursor)
	// begin: the stack is being driven, whether there are records or not.
	begin()
	record(journal.Record)
	// stopping: no wave begins any more, running tasks have grace to finish.
	stopping(grace time.Duration)
	// close leaves the terminal as it was. It may be called twice.
	close()
}

// viewFor is a live table on a terminal and plain lines elsewhere; both go to
// standard error, so that standard output holds data alone. Where a program
// reads standard output as it comes, standard error stays quiet. A log and a
// live table do not fit on one terminal.
func (a *app) viewFor(f runFlags, g *graph.Graph) view {
	switch {
	case a.json() || f.trace == "-":
		return silentView{}
	case isTerminal(a.err) && os.Getenv("TERM") != "dumb" && !a.verbose:
		return newLiveView(a, f.stack, g)
	}
	return &plainView{w: a.err, waits: waitingNodes(g)}
}

// waitingNodes are those that wait for something outside, and what for: of them
// records tell no more than that they began and ended.
func waitingNodes(g *graph.Graph) map[string]string {
	waits := map[string]string{}
	for i := range g.Nodes {
		switch n := &g.Nodes[i]; {
		case n.Kind.Waits && n.Kind.Name == "wait":
			waits[n.ID] = "waits"
		case n.Kind.Waits:
			waits[n.ID] = "waits for an answer"
		}
	}
	return waits
}

// silentView is for -o json and --trace -, whose readers are programs.
type silentView struct{}

func (silentView) from(journal.Cursor)    {}
func (silentView) begin()                 {}
func (silentView) record(journal.Record)  {}
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
func finished(b *journal.TaskFinished, at time.Time) string {
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
func failedAtCommit(s *journal.Settled) string {
	return fmt.Sprintf("failed at the commit (%s): %s", s.Error.Kind, oneLine(s.Error.Message))
}

// plural counts things: "1 wave", "2 waves".
func plural[N int | uint64](n N, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
