package cli

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/lsp"
	"github.com/graphrun/graphrun/runtime/api"
)

func lspCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lsp",
		Short: "Speak the Language Server Protocol with an editor",
		Args:  arguments(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if isTerminal(a.out.w) {
				return usagef("an editor starts this command and speaks with it over pipes: see docs/editors.md")
			}
			// A text is checked after each key: memory that is free sooner is not worth the wait.
			debug.SetGCPercent(400)
			log := a.logger()
			beside := !cmd.Flags().Changed("db")
			err := lsp.Serve(cmd.Context(), a.in, a.out, lsp.Options{
				Kinds: a.kinds(), Version: version,
				Log: func(text string) { log.Warn(text) },
				LastRun: func(ctx context.Context, ask lsp.RunOf) *lsp.Run {
					return a.lastRun(ctx, ask, beside)
				},
			})
			if errors.Is(err, lsp.ErrNoShutdown) {
				return &exitError{code: exitWorkFailed} // as the protocol has it
			}
			return err
		},
	}
	cmd.Flags().Bool("stdio", true, "over standard input and output, the only way there is")
	return cmd
}

// lookWithin is how long an editor waits for what a store knows.
const lookWithin = 150 * time.Millisecond

// lastRun asks the store for the stack of a graph that was created last: the one beside the
// file, unless --db names another. Its owner is asked where there is one. Whatever cannot be
// read at once is not shown.
func (a *app) lastRun(ctx context.Context, ask lsp.RunOf, beside bool) *lsp.Run {
	quiet := *a
	quiet.err, quiet.verbose = io.Discard, false
	if beside {
		quiet.db = filepath.Join(filepath.Dir(ask.File), defaultDB)
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	var run *lsp.Run
	_ = quiet.toRead(ctx, func(store inspect.Reader, _ *api.Client) error { // an editor has no place for errors
		last, err := lastOf(ctx, store, ask.Graph)
		if err != nil || last == nil {
			return err
		}
		snap, err := store.State(ctx, last.Identity.Stack)
		if err != nil {
			return err
		}
		found := &lsp.Run{Stack: last.Identity.Stack, Status: string(snap.Cursor.Status), Cycle: snap.Cursor.Cycle, State: journal.Visible(snap.State)}
		if ask.Node != "" {
			found.Node = quiet.becameOf(ctx, store, found.Stack, ask.Node)
		}
		run = found
		return nil
	})
	return run
}

// lastOf is the stack of a graph that was created last, nil if there is none.
func lastOf(ctx context.Context, store inspect.Reader, name string) (last *journal.Summary, err error) {
	err = store.Stacks(ctx, func(s journal.Summary) error {
		if s.Err == nil && s.Identity.Graph == name && s.Identity.Parent == "" &&
			(last == nil || last.Identity.CreatedAt.Before(s.Identity.CreatedAt)) {
			last = &s
		}
		return ctx.Err()
	})
	return last, err
}

// becameOf says what became of a node in the last cycle of a stack; "" when that is not known.
func (a *app) becameOf(ctx context.Context, store inspect.Reader, stack, node string) string {
	e, err := inspect.Explain(ctx, store, a.kinds(), stack, inspect.ExplainOptions{Nodes: []string{node}, Now: time.Now(), Compile: a.compile})
	if err != nil || len(e.Nodes) != 1 {
		return ""
	}
	n := e.Nodes[0]
	if n.Reason != "" {
		return n.Status + ": " + n.Reason
	}
	return n.Status
}
