package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/render"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/serve"
)

func explainCommand(a *app) *cobra.Command {
	var cycle uint64
	cmd := &cobra.Command{
		Use:   "explain STACK [NODE...]",
		Short: "Say why nodes ran or did not run, and what a stack waits for",
		Args:  arguments(1, -1, "STACK [NODE...]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("cycle") && cycle == 0 {
				return usagef("--cycle 0: cycles are counted from 1")
			}
			var places []journal.Place
			for _, text := range args[1:] {
				p, err := readPlace(text, "")
				if err != nil {
					return err
				}
				places = append(places, p)
			}
			return a.toRead(cmd.Context(), func(r inspect.Reader, c *api.Client) error {
				x, err := a.explain(cmd.Context(), r, c, args[0], places, cycle)
				if err != nil {
					return err
				}
				if a.json() {
					return a.printJSON(x)
				}
				return render.Explanation(a.text(), &x, len(places) > 0)
			})
		},
	}
	cmd.Flags().Uint64Var(&cycle, "cycle", 0, "that cycle `N` of the stack (default: the open one, or the last)")
	cmd.ValidArgsFunction = a.byArgument(true, stackWords(nil), nodeWords)
	return cmd
}

// explain explains nodes at places, or all nodes of a stack. c is a client of the engine
// that owns the store, or nil.
func (a *app) explain(ctx context.Context, r inspect.Reader, c *api.Client, stack string, places []journal.Place, cycle uint64) (inspect.Explanation, error) {
	o := inspect.ExplainOptions{Cycle: cycle, Now: time.Now(), Compile: a.compile}
	if !a.inFile() {
		o.Program, o.Runner = a.name(), a.program.Runner
	}
	var live func(string) (*inspect.Live, error)
	if c != nil {
		live = func(stack string) (*inspect.Live, error) { return c.Live(ctx, stack) }
	}
	x, err := inspect.ExplainPlaces(ctx, r, a.kinds(), stack, places, o, live)
	var noCycle *inspect.UnknownCycleError
	var noNode *machine.UnknownNodeError
	switch {
	case errors.Is(err, journal.ErrNotFound):
		return x, unknownStack(ctx, r, stack)
	case errors.As(err, &noCycle), errors.As(err, &noNode):
		return x, usagef("%v", err)
	}
	return x, err
}

// compile makes a runnable graph of a stored one.
func (a *app) compile(kept journal.StoredGraph) (*graph.Graph, error) {
	return serve.Compile(kept, a.kinds())
}
