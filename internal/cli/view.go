package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/feed"
)

// view shows the records of a running stack to a person. Records come in
// order, from one goroutine, after the store has them; the other methods are
// called from another one.
type view interface {
	// from shows where a stack of the store is about to continue, and what it asks.
	from(journal.Cursor, []question)
	// begin: the stack is being driven, whether there are records or not.
	begin()
	// attach gives it a way to the stack, before begin.
	attach(door)
	// standing are the open questions after the records that follow, also those of stacks
	// within the stack.
	standing([]question)
	record(journal.Record)
	// delta shows what a model says while it says it.
	delta(feed.Delta)
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
	return &plainView{w: a.err, self: a.itself(), stack: f.stack, waits: waitingNodes(g)}
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

func (silentView) from(journal.Cursor, []question) {}
func (silentView) begin()                          {}
func (silentView) attach(door)                     {}
func (silentView) standing([]question)             {}
func (silentView) record(journal.Record)           {}
func (silentView) delta(feed.Delta)                {}
func (silentView) stopping(time.Duration)          {}
func (silentView) close()                          {}

// taskName names a task in a line: node, or node[item], as commands take it; a long item
// is cut.
func taskName(node, item string) string {
	return oneLine(journal.Spot{Node: node, Item: fit(item, 30)}.String())
}

// placeName names a place in a line. Within the graphs that nodes run it is as commands
// take it: check/lint, each["a/b"]/lint.
func placeName(p journal.Place) string {
	if len(p) == 1 {
		return taskName(p[0].Node, p[0].Item)
	}
	return oneLine(p.String())
}

// entryName names an entry of a status: one of a child's by its path.
func entryName(child, path, node, item string) string {
	if child == "" {
		return taskName(node, item)
	}
	return oneLine(path)
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

// failedElements tells how many elements of a for_each failed.
func failedElements(failed, of int) string { return fmt.Sprintf("%d of %d failed", failed, of) }

// spent tells what models cost, as it continues a sentence; "" if none was asked.
func spent(tokens int64, cost float64) string {
	s := ""
	if tokens > 0 {
		s += ", " + plural(tokens, "token")
	}
	if cost > 0 {
		s += ", cost " + money(cost)
	}
	return s
}

// money is an amount in the unit of the graph's prices, to about three digits.
func money(cost float64) string {
	if cost == 0 {
		return "0"
	}
	digits := 2
	for small := cost; small < 1 && digits < 9; small *= 10 {
		digits++
	}
	text := strconv.FormatFloat(cost, 'f', digits, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// plural counts things: "1 wave", "2 waves".
func plural[N int | int64 | uint64](n N, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
