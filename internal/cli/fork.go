package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

func forkCommand(a *app) *cobra.Command {
	var r api.ForkRequest
	var sets []string
	cmd := &cobra.Command{
		Use:   "fork STACK --at CYCLE[.WAVE] --as ID",
		Short: "Make a new stack that continues from a moment of another one",
		Args:  arguments(1, 1, "one STACK"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			switch {
			case r.At == "":
				return usagef("--at is missing: expected the CYCLE or CYCLE.WAVE that the fork continues from")
			case r.As == "":
				return usagef("--as is missing: expected the ID of the fork")
			}
			if _, err := journal.ParsePoint(r.At); err != nil {
				return usagef("--at %v", err)
			}
			if r.Set, err = parseSets(sets); err != nil {
				return err
			}
			return a.through(cmd.Context(), func(c *api.Client) error { return a.fork(cmd.Context(), c, args[0], r) })
		},
	}
	cmd.Flags().StringVar(&r.At, "at", "", "the end of this `CYCLE` or CYCLE.WAVE, or the open cycle as it is")
	cmd.Flags().StringVar(&r.As, "as", "", "the new stack's `ID`")
	cmd.Flags().StringArrayVar(&sets, "set", nil, "`K=JSON` or K=@FILE: another value of a state key")
	return cmd
}

func (a *app) fork(ctx context.Context, c *api.Client, stack string, r api.ForkRequest) error {
	s, err := c.Fork(ctx, stack, r)
	switch {
	case errors.Is(err, runtime.ErrExists):
		return usagef("%v (choose another --as)", err)
	case err != nil:
		return known(ctx, c, stack, err)
	case a.json():
		return a.printJSON(s)
	}
	if !s.Driven {
		a.notef("nobody runs the store %s: the fork continues when `graphrun serve` does\n", diag.Clean(a.db))
	}
	a.printf("%s: forked from %s at %s (graph %s)\n", s.Stack, stack, r.At, s.Graph)
	return nil
}
