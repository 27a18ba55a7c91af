package cli

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/api"
)

func evalCommand(a *app) *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use:   "eval STACK EXPR",
		Short: "Evaluate an expression over a stack, now or at any wave of its history",
		Args:  arguments(2, 2, "STACK EXPR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			point, err := journal.ParsePoint(at)
			if err != nil {
				return usagef("--at %v", err)
			}
			return a.through(cmd.Context(), func(c *api.Client) error {
				got, err := inspect.Eval(cmd.Context(), c.Store(), a.kinds(), args[0], inspect.Expression(args[1]), point, time.Now())
				if err != nil {
					return a.wrongExpression(args[1], known(cmd.Context(), c, args[0], err))
				}
				if a.json() {
					return a.printJSON(got)
				}
				b, err := marshal(got.Value)
				if err != nil {
					return err
				}
				return a.writeJSON(append(b, '\n'))
			})
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "the end of this `CYCLE` or CYCLE.WAVE; 0 is the beginning, 3.0 how cycle 3 begins (default: now)")
	return cmd
}

// wrongExpression shows where an expression is wrong, or where it failed.
func (a *app) wrongExpression(text string, err error) error {
	var (
		wrong    *inspect.ExpressionError
		failed   *cond.Error
		problems diag.List
	)
	code := exitUsage
	switch {
	case errors.As(err, &wrong):
		problems = wrong.Problems
	case errors.As(err, &failed):
		problems, code = diag.List{{Severity: diag.Error, Span: failed.Span, Message: failed.Message}}, exitWorkFailed
	default:
		return err
	}
	if err := diag.Render(a.err, problems, map[string][]byte{inspect.ExpressionFile: []byte(text)}, diag.Options{Color: a.color(a.err)}); err != nil {
		return err
	}
	return &exitError{code: code}
}
