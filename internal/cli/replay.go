package cli

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/api"
)

func replayCommand(a *app) *cobra.Command {
	var from uint64
	var file string
	cmd := &cobra.Command{
		Use:   "replay [STACK]",
		Short: "Decide the kept history of a stack again, and compare",
		Args:  arguments(0, 1, "STACK, or --journal FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			stack := ""
			if len(args) > 0 {
				stack = args[0]
			}
			var r inspect.Replay
			var err error
			switch {
			case file != "" && cmd.Flags().Changed("from"):
				return usagef("--from is for a stack of the store: a journal is decided again from where it begins")
			case file != "":
				r, err = a.replayJournal(cmd.Context(), file, stack)
			case stack == "":
				return usagef("expected STACK, or --journal FILE")
			default:
				err = a.through(cmd.Context(), func(c *api.Client) error {
					r, err = inspect.ReplayOf(cmd.Context(), c.Store(), a.kinds(), stack, from)
					return known(cmd.Context(), c, stack, err)
				})
			}
			if err != nil {
				return err
			}
			return a.printReplay(r)
		},
	}
	cmd.Flags().Uint64Var(&from, "from", 0, "the first `CYCLE` that is compared (default: all that are kept)")
	cmd.Flags().StringVar(&file, "journal", "", "a `FILE` that \"trace --journal\" wrote, in place of a stack of the store; - is standard input")
	return cmd
}

// replayJournal reads a journal from a file. A definition that it has not may be in the
// store.
func (a *app) replayJournal(ctx context.Context, file, stack string) (r inspect.Replay, err error) {
	in := a.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return r, usagef("--journal: %v", err)
		}
		defer f.Close()
		in = f
	}
	elsewhere := func(hash string) (g journal.StoredGraph, err error) {
		if _, err := os.Stat(a.db); err != nil {
			return g, usagef("%s: %v %.12s, and there is no store at %s (choose one with --db)", file, inspect.ErrNoDefinition, hash, a.db)
		}
		err = a.through(ctx, func(c *api.Client) error {
			if g, err = c.Store().Graph(ctx, hash); errors.Is(err, journal.ErrNotFound) {
				return usagef("%s: %v %.12s, nor has the store %s", file, inspect.ErrNoDefinition, hash, a.db)
			}
			return err
		})
		return g, err
	}
	r, err = inspect.ReplayJournal(in, a.kinds(), stack, elsewhere)
	if known := (*exitError)(nil); err != nil && !errors.As(err, &known) {
		return r, usagef("%s: %v", file, err)
	}
	return r, err
}

func (a *app) printReplay(r inspect.Replay) error {
	if a.json() {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		for _, d := range r.Differences {
			a.printf("record %d (%s, cycle %d): %s\n  recorded %s\n  decided  %s\n",
				d.Seq, d.Type, d.Cycle, diag.Clean(d.Field), shortValue(d.Recorded.Any()), shortValue(d.Decided.Any()))
		}
		line := plural(int(r.Records), "record") + " of " + plural(int(r.To+1-min(r.From, r.To+1)), "cycle")
		if len(r.Differences) == 0 {
			a.printf("%s: %s, decided again as they were recorded\n", r.Stack, line)
		} else {
			a.printf("%s: %s, %s\n", r.Stack, line, plural(len(r.Differences), "difference"))
		}
	}
	if len(r.Differences) > 0 {
		return &exitError{code: exitWorkFailed}
	}
	return nil
}

// journalLines prints records for `replay --journal`: with what a file needs beside them.
func (a *app) journalLines(ctx context.Context, c *api.Client) func(line []byte) error {
	j := inspect.NewJournalLines(c.Store())
	return func(line []byte) error {
		rec, err := journal.ParseRecord(line)
		if err != nil {
			return err
		}
		if line, err = j.Complete(ctx, line, rec); err != nil {
			return err
		}
		return a.writeJSON(append(line, '\n'))
	}
}
