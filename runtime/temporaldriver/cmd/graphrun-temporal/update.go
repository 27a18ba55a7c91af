package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/internal/cli"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

func (c *cluster) updateCommand(s *cli.Shell) *cobra.Command {
	return &cobra.Command{
		Use:   "update STACK FILE",
		Short: "Offer a stack a changed graph",
		Long: `Offer a stack the graph of a file, of the same name as its own. The stack adopts it
when no cycle is open and the graph fits: params and state keys keep their values,
which must be of the new types. Otherwise the stack continues as it was, and the exit
code is 3, or "status" says why if that shows only at the end of the cycle.`,
		Example: `  graphrun-temporal update tuesday review.graphrun.yaml`,
		Args:    cli.Arguments(2, 2, "STACK FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			r, err := s.StartRequest(args[1], args[0], nil, nil)
			if err != nil {
				return err
			}
			var def graph.Def
			if err := json.Unmarshal(r.Def, &def); err != nil {
				return err
			}
			g, problems := graph.Compile(def, s.Kinds())
			if err := problems.Err(); err != nil {
				return err
			}
			stacks, gone, err := c.open(ctx, s)
			if err != nil {
				return err
			}
			defer gone()
			pending, err := stacks.Adopt(runtime.As(ctx, api.SystemUser()), args[0], g, []byte(r.Source))
			var adopt *runtime.AdoptError
			var store *runtime.StoreError
			switch {
			case errors.As(err, &adopt), errors.As(err, &store):
				return err // they have exit codes of their own
			case err != nil:
				return cli.Usagef("%s", strings.TrimPrefix(err.Error(), "runtime: "))
			}
			u := updated{Stack: args[0], Graph: g.Name, Hash: g.Hash, Done: "updated"}
			if pending {
				u.Done = "offered"
			}
			if s.JSON() {
				return s.PrintJSON(u)
			}
			s.Printf("%s\n", u)
			return nil
		},
	}
}

// updated is what `update` prints.
type updated struct {
	Stack string `json:"stack"`
	Graph string `json:"graph"`
	Hash  string `json:"hash"`
	Done  string `json:"done"` // updated, or offered: the stack tries it when its cycle has ended
}

func (u updated) String() string {
	if u.Done == "offered" {
		return fmt.Sprintf("%s: offered, for the end of the open cycle (graph %s)", u.Stack, u.Graph)
	}
	return fmt.Sprintf("%s: updated (graph %s)", u.Stack, u.Graph)
}
