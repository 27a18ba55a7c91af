package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/render"
	"github.com/graphrun/graphrun/runtime/api"
)

func historyCommand(a *app) *cobra.Command {
	var last int
	var waves, plot bool
	cmd := &cobra.Command{
		Use:   "history STACK",
		Short: "Show what a stack did, cycle by cycle",
		Args:  arguments(1, 1, "one STACK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if last < 0 {
				return usagef("--last %d: expected 1 or more", last)
			}
			if plot && (waves || a.json()) {
				return usagef("--plot draws text: --waves and -o json have nothing to add to it")
			}
			return a.through(cmd.Context(), func(c *api.Client) error {
				h, err := inspect.HistoryOf(cmd.Context(), c.Store(), a.kinds(), args[0], last)
				if err != nil {
					return known(cmd.Context(), c, args[0], err)
				}
				if plot {
					return a.plotHistory(cmd.Context(), c, h)
				}
				if a.json() {
					return a.printJSON(h)
				}
				return a.printHistory(h, waves)
			})
		},
	}
	cmd.Flags().IntVar(&last, "last", 0, "only the last `N` cycles")
	cmd.Flags().BoolVar(&waves, "waves", false, "also the nodes of each wave, and who wrote each key")
	cmd.Flags().BoolVar(&plot, "plot", false, "draw when each node ran, over time")
	return cmd
}

// plotHistory draws the cycles of a history.
func (a *app) plotHistory(ctx context.Context, c *api.Client, h inspect.History) error {
	if len(h.Cycles) == 0 {
		return a.printHistory(h, false)
	}
	var records []journal.Record
	err := c.Store().Records(ctx, h.Stack, journal.Want{Types: []string{"cycle.started", "cycle.finished", "task.started", "task.held", "task.finished", "stack.finished"}}, func(r journal.Record) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		return err
	}
	columns := terminalColumns(a.out)
	if columns == 0 {
		columns = pageColumns
	}
	return render.Timeline(a.text(), records, h.Cycles[0].StartedAt, columns)
}

func (a *app) printHistory(h inspect.History, waves bool) error {
	for i := range h.Cycles {
		c := &h.Cycles[i]
		if r := c.Reopened; r != nil {
			a.printf("%s\n", reopenedLine(h.Stack, r.By, &r.Limits))
		}
		a.printf("%s\n", a.historyLine(c, i+1 == len(h.Cycles)))
		if waves {
			for _, w := range c.Waves {
				a.printHistoryWave(w)
			}
		}
	}
	line := fmt.Sprintf("%s: %s", h.Stack, h.Status)
	if h.Reason != "" {
		line += ": " + oneLine(h.Reason)
	}
	a.printf("%s\n", line)
	return nil
}

// historyLine is what a cycle did.
func (a *app) historyLine(c *inspect.Cycle, last bool) string {
	line := fmt.Sprintf("cycle %d  %s  ", c.Cycle, a.clock(c.StartedAt))
	if c.Finally {
		line += "finally  "
	}
	line += a.lateText(c.Due, c.StartedAt)
	switch {
	case !c.Finished && !last:
		line += "not finished, "
	case !c.Finished:
		line += "open, "
	case c.Failed:
		line += "failed, "
	}
	waves := len(c.Waves)
	if waves > 0 && c.Waves[0].Wave == 0 {
		waves--
	}
	line += fmt.Sprintf("%s: %d ran", plural(waves, "wave"), c.Nodes.Ran)
	if c.Nodes.Failed > 0 {
		line += fmt.Sprintf(", %d failed%s", c.Nodes.Failed, firstFailure(c))
	}
	if c.Nodes.Skipped > 0 {
		line += fmt.Sprintf(", %d skipped", c.Nodes.Skipped)
	}
	if len(c.Changed) > 0 {
		line += "; changed " + strings.Join(c.Changed, ", ")
	}
	if s := spent(c.Tokens, c.Cost); s != "" {
		line += ";" + s[1:]
	}
	if len(c.Events) > 0 {
		line += "; events: " + strings.Join(c.Events, ", ")
	}
	return line + faultsText(c.Faults)
}

// firstFailure names the first node that failed in a cycle, and why.
func firstFailure(c *inspect.Cycle) string {
	for _, w := range c.Waves {
		for _, n := range w.Nodes {
			if n.Status == "failed" {
				return fmt.Sprintf(" (%s, %s)", n.Node, oneLine(n.Error))
			}
		}
	}
	return ""
}

func (a *app) printHistoryWave(w inspect.Wave) {
	var nodes []string
	for _, n := range w.Nodes {
		s := n.Node
		if n.Status != "succeeded" {
			s += " " + n.Status
		}
		if n.Of > 0 {
			s += ", " + failedElements(n.Failed, n.Of)
		}
		s += spent(n.Tokens, n.Cost)
		if n.Error != "" {
			s += " (" + oneLine(n.Error) + ")"
		}
		nodes = append(nodes, s)
	}
	switch {
	case len(nodes) > 0:
		a.printf("  wave %d: %s\n", w.Wave, strings.Join(nodes, ", "))
	default: // events alone
		a.printf("  wave %d\n", w.Wave)
	}
	for _, k := range w.Writes {
		by := slices.Clone(k.Nodes)
		for _, e := range k.Events {
			by = append(by, "event "+e)
		}
		a.printf("    %s written by %s\n", k.Key, strings.Join(by, ", "))
	}
}
