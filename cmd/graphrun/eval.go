package main

import (
	"errors"
	"strings"
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
				got, err := inspect.Eval(cmd.Context(), c.Store(), a.kinds(), args[0], expressionText(args[1]), point, time.Now())
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

// expressionFile is what an expression of the command line is called in messages.
const expressionFile = "expression"

// expressionText is an expression of the command line, with the places of its characters.
func expressionText(text string) diag.Text {
	span := diag.Span{File: expressionFile, Start: diag.Pos{Line: 1, Col: 1}}
	var runs []diag.Run
	line, n := 1, 0
	for part := range strings.Lines(text) {
		runs = append(runs, diag.Run{N: n, At: diag.Pos{Line: line, Col: 1}})
		count := len([]rune(part))
		n += count
		span.End = diag.Pos{Line: line, Col: count + 1}
		line++
	}
	if len(runs) == 0 {
		runs, span.End = []diag.Run{{N: 0, At: span.Start}}, span.Start
	}
	return diag.Mapped(text, span, runs)
}

// wrongExpression shows where an expression is wrong, or where it failed.
func (a *app) wrongExpression(text string, err error) error {
	var problems diag.List
	code := exitUsage
	if failed := (*cond.Error)(nil); errors.As(err, &failed) {
		problems, code = diag.List{{Severity: diag.Error, Span: failed.Span, Message: failed.Message}}, exitWorkFailed
	} else if !errors.As(err, &problems) {
		return err
	}
	if err := diag.Render(a.err, problems, map[string][]byte{expressionFile: []byte(text)}, diag.Options{Color: a.color(a.err)}); err != nil {
		return err
	}
	return &exitError{code: code}
}
