package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/render"
	"github.com/graphrun/graphrun/runtime/api"
)

func backtestCommand(a *app) *cobra.Command {
	var from uint64
	cmd := &cobra.Command{
		Use:   "backtest FILE STACK...",
		Short: "Show what a changed graph would have decided in recorded cycles",
		Args:  arguments(2, -1, "FILE and one STACK or more"),
		RunE: func(cmd *cobra.Command, args []string) error {
			src, err := a.load(args[0])
			if err != nil {
				return err
			}
			return a.through(cmd.Context(), func(c *api.Client) error {
				b, err := inspect.BacktestOf(cmd.Context(), c.Store(), a.kinds(), src.Graph, args[1:], from)
				var other *inspect.OtherGraphError
				var unfit *inspect.UnfitError
				switch {
				case errors.Is(err, journal.ErrNotFound):
					for _, stack := range args[1:] {
						if _, err := c.Store().Stack(cmd.Context(), stack); errors.Is(err, journal.ErrNotFound) {
							return unknownStack(cmd.Context(), c.Store(), stack)
						}
					}
					return err
				case errors.As(err, &other):
					return usagef("%v", err)
				case errors.As(err, &unfit):
					return &exitError{exitInvalid, err}
				case err != nil:
					return err
				}
				return a.printBacktest(b)
			})
		},
	}
	cmd.Flags().Uint64Var(&from, "from", 0, "the first `CYCLE` (default: all that are kept)")
	return cmd
}

func (a *app) printBacktest(b inspect.Backtest) error {
	if a.json() {
		if err := a.printJSON(b); err != nil {
			return err
		}
	} else if err := a.printBacktested(b); err != nil {
		return err
	}
	if b.Differ > 0 {
		return &exitError{code: exitWorkFailed}
	}
	return nil
}

func (a *app) printBacktested(b inspect.Backtest) error {
	var changes []string
	for _, s := range b.Stacks {
		name := ""
		if len(b.Stacks) > 1 {
			name = s.Stack + " "
		}
		for _, c := range s.Cycles {
			a.printBacktestedCycle(name, c)
		}
		for _, c := range s.Changes() {
			would := "would have run"
			if !c.Runs {
				would = "would not have run"
			}
			in := name
			for i, n := range c.Cycles {
				if i > 0 {
					in += ", "
				}
				in += fmt.Sprint(n)
			}
			changes = append(changes, c.Node+" "+would+" in "+in)
		}
		for _, c := range s.Cycles {
			if c.End != nil {
				would := "would have ended"
				if c.End.Decided == nil {
					would = "would not have ended"
				}
				changes = append(changes, fmt.Sprintf("the stack %s in %s%d", would, name, c.Cycle))
			}
		}
	}
	line := fmt.Sprintf("%s: %d the same, %d %s", plural(b.Cycles, "cycle"), b.Same, b.Differ, map[bool]string{true: "differs", false: "differ"}[b.Differ == 1])
	if b.Unknown > 0 {
		line += fmt.Sprintf(", %d not known", b.Unknown)
	}
	if len(changes) > 0 {
		line += ": " + strings.Join(changes, "; ")
	}
	a.printf("%s\n", line)
	return nil
}

func (a *app) printBacktestedCycle(name string, c inspect.BacktestedCycle) {
	a.printf("%scycle %d\n", name, c.Cycle)
	for _, n := range c.Nodes {
		said := "would have run"
		if n.Decided == nil || !n.Decided.Run {
			said = "would not have run"
		}
		if n.Explained == nil {
			a.printf("  %s %s: it is not in the graph\n", n.Node, said)
			continue
		}
		var text strings.Builder
		_ = render.Decision(&text, n.Explained, said) // a builder takes everything
		for line := range strings.Lines(text.String()) {
			a.printf("  %s", line)
		}
	}
	if e := c.End; e != nil && e.Decided != nil {
		a.printf("  the stack would have ended: %s: %s\n", e.Decided.Status, oneLine(e.Decided.Reason))
	} else if e != nil {
		a.printf("  the stack would not have ended (%s: %s)\n", e.Recorded.Status, oneLine(e.Recorded.Reason))
	}
	if len(c.Unknown) > 0 {
		a.printf("  not known: %s\n", strings.Join(c.Unknown, ", "))
	}
}
