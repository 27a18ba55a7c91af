package cli

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/runtime/api"
)

func tokenCommand(a *app) *cobra.Command {
	const form = "add NAME --role ROLE, list, or revoke NAME"
	var r api.TokenRequest
	cmd := &cobra.Command{
		Use:       "token add|list|revoke [NAME]",
		Short:     "Make, list and revoke the tokens of the HTTP API",
		ValidArgs: []string{"add", "list", "revoke"},
		Args:      arguments(1, 2, form),
		RunE: func(cmd *cobra.Command, args []string) error {
			flagged := r.Role != "" || r.Graph != ""
			switch {
			case args[0] == "list" && len(args) == 1 && !flagged:
				return a.listTokens(cmd.Context())
			case args[0] == "revoke" && len(args) == 2 && !flagged:
				return a.revokeToken(cmd.Context(), args[1])
			case args[0] == "add" && len(args) == 2:
				if _, err := api.ParseRole(r.Role); err != nil {
					return usagef("--%v", err)
				}
				r.Name = args[1]
				return a.addToken(cmd.Context(), r)
			}
			return usagef("token: expected %s", form)
		},
	}
	cmd.Flags().StringVar(&r.Role, "role", "", "what it may do: read, operate or admin (`ROLE`)")
	cmd.Flags().StringVar(&r.Graph, "graph", "", "only for the stacks of this `GRAPH` (default: of all)")
	return cmd
}

// addToken prints the token alone, so that a script can take it.
func (a *app) addToken(ctx context.Context, r api.TokenRequest) error {
	c, err := a.connect(ctx, true)
	if err != nil {
		return err
	}
	t, err := c.AddToken(ctx, r)
	if err := firstOf(said(err), c.Close()); err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(t)
	}
	a.notef("this is the only time that the token %s is shown:\n", t.Name)
	a.printf("%s\n", t.Token)
	return nil
}

func (a *app) listTokens(ctx context.Context) error {
	var list []api.TokenInfo
	err := a.through(ctx, func(c *api.Client) (err error) {
		list, err = c.Tokens(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(map[string]any{"tokens": list})
	}
	printTable(a.out, func(row func(cells ...any)) {
		row("NAME", "ROLE", "GRAPH", "SINCE")
		for _, t := range list {
			row(t.Name, t.Role, cmp.Or(t.Graph, "all"), a.clock(t.CreatedAt))
		}
	})
	return nil
}

func (a *app) revokeToken(ctx context.Context, name string) error {
	if err := a.through(ctx, func(c *api.Client) error { return c.RevokeToken(ctx, name) }); err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(map[string]any{"name": name, "revoked": true})
	}
	a.printf("%s: revoked\n", name)
	return nil
}
