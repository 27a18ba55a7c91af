package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/render"
	"github.com/graphrun/graphrun/runtime/api"
)

func planCommand(a *app) *cobra.Command {
	var params, sets []string
	explain := false
	cmd := &cobra.Command{
		Use:   "plan FILE|STACK",
		Short: "Show which nodes would run next, and why the others would not",
		Args:  arguments(1, 1, "one FILE or STACK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var with []inspect.PlanOption
			if explain {
				with = append(with, inspect.WithReasons)
			}
			p, err := a.planOf(cmd.Context(), args[0], params, sets, with...)
			if err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(p)
			}
			return a.printPlan(p)
		},
	}
	cmd.Flags().StringArrayVar(&params, "param", nil, "`K=V`: a parameter, for a graph file")
	cmd.Flags().StringArrayVar(&sets, "set", nil, "`K=JSON` or K=@FILE: the value of a state key")
	cmd.Flags().BoolVar(&explain, "explain", false, "take the conditions of all edges apart, with their values")
	return cmd
}

// planOf plans for a file when there is one of that name, else for a stack.
func (a *app) planOf(ctx context.Context, target string, params, sets []string, with ...inspect.PlanOption) (p inspect.Plan, err error) {
	state, err := parseSets(sets)
	if err != nil {
		return p, err
	}
	if _, err := os.Stat(target); target == "-" || err == nil || !errors.Is(err, fs.ErrNotExist) || strings.HasSuffix(target, ".yaml") {
		src, err := a.load(target)
		if err != nil {
			return p, err
		}
		given, err := parseParams(params, src.Graph.ReadParam)
		if err != nil {
			return p, err
		}
		p, err = inspect.PlanGraph(src.Graph, given, state, time.Now(), with...)
		return p, wrongInput(err)
	}
	if len(params) > 0 {
		return p, usagef("--param is for a graph file: the stack %q has its own", target)
	}
	err = a.through(ctx, func(c *api.Client) error {
		p, err = inspect.PlanStack(ctx, c.Store(), a.kinds(), target, state, time.Now(), with...)
		if errors.Is(err, journal.ErrNotFound) {
			return unknownStack(ctx, c.Store(), target)
		}
		if errors.Is(err, inspect.ErrEnded) {
			return usagef("%v", err)
		}
		return wrongInput(err)
	})
	return p, err
}

// wrongInput makes a wrong param or state key wrong usage.
func wrongInput(err error) error {
	if wrong := (*inspect.InputError)(nil); errors.As(err, &wrong) {
		return usagef("%v", wrong)
	}
	return err
}

func (a *app) printPlan(p inspect.Plan) error {
	a.printf("cycle %d of %s, if every node succeeds and writes nothing:\n", p.Cycle, p.Graph)
	for _, w := range p.Waves {
		a.printf("  wave %d: %s\n", w.Wave, strings.Join(w.Nodes, ", "))
	}
	if len(p.Waves) == 0 {
		a.printf("%s\n", "  no node would run")
	}
	for _, n := range p.Nodes {
		if n.Explained != nil {
			said := "would not run"
			if n.Run {
				said = fmt.Sprintf("would run in wave %d", n.Wave)
			}
			if err := render.Decision(a.text(), n.Explained, said); err != nil {
				return err
			}
			continue
		}
		if n.Run {
			continue
		}
		a.printf("%s would not run: %s\n", n.Node, n.Reason)
		for _, e := range n.Edges {
			a.printf("  %s\n", edgeLine(e))
		}
	}
	return nil
}

// edgeLine is one edge: from where, under what condition, and the verdict.
func edgeLine(e inspect.PlannedEdge) string {
	s := "from " + e.From
	if e.After {
		s = "after " + e.From
	}
	if e.NextCycle {
		s += " in the cycle before"
	}
	if e.Outcome != "" && e.Outcome != "success" {
		s += " (" + e.Outcome + ")"
	}
	if e.When != "" {
		s += " when " + diag.Clean(strings.Join(strings.Fields(e.When), " "))
	}
	if e.Else {
		s += " else"
	}
	switch {
	case e.Error != "":
		return s + ": " + oneLine(e.Error)
	case e.Live:
		return s + ": live"
	}
	return s + ": dead"
}
