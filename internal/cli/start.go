package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/internal/late"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

func startCommand(a *app) *cobra.Command {
	var stack string
	var params, sets []string
	cmd := &cobra.Command{
		Use:   "start FILE|GRAPH",
		Short: "Start a stack and leave it to the process that runs the store",
		Args:  arguments(1, 1, "one FILE or GRAPH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := api.StartRequest{Stack: stack}
			var err error
			if r.State, err = parseSets(sets); err != nil {
				return err
			}
			if graphName().MatchString(args[0]) && !isFile(args[0]) {
				r.Graph = args[0]
				return a.startNamed(cmd.Context(), r, params)
			}
			if err := a.define(&r, args[0], params); err != nil {
				return err
			}
			c, err := a.connect(cmd.Context(), true)
			if err != nil {
				return err
			}
			return firstOf(a.start(cmd.Context(), c, r), c.Close())
		},
	}
	cmd.Flags().StringVar(&stack, "stack", "", "the stack's `ID` (default: the graph's name)")
	cmd.Flags().StringArrayVar(&params, "param", nil, "`K=V`: a parameter; V is text for a string, else JSON")
	cmd.Flags().StringArrayVar(&sets, "set", nil, "`K=JSON` or K=@FILE: the initial value of a state key")
	return cmd
}

var graphName = late.Regexp(`^[a-z][a-z0-9_-]*$`)

// isFile is true for what may hold a graph: a folder has none, and often the name
// of the graph within. "-" is standard input.
func isFile(name string) bool {
	if name == "-" {
		return true
	}
	info, err := os.Stat(name)
	return err == nil && !info.IsDir() || err != nil && !errors.Is(err, fs.ErrNotExist)
}

// define reads the graph file that a stack is started of.
func (a *app) define(r *api.StartRequest, file string, params []string) error {
	src, err := a.load(file)
	if err != nil {
		return err
	}
	if r.Params, err = parseParams(params, src.Graph.ReadParam); err != nil {
		return err
	}
	if r.Def, err = json.Marshal(src.Graph.Def); err != nil {
		return fmt.Errorf("graph %q: %w", src.Graph.Name, err)
	}
	r.Source = string(src.Text)
	return nil
}

// startNamed starts a stack of a graph that the owner of the store serves: what
// is no file may be its name.
func (a *app) startNamed(ctx context.Context, r api.StartRequest, params []string) error {
	if _, err := os.Stat(a.db); a.inFile() && errors.Is(err, fs.ErrNotExist) {
		return usagef("there is no file %s, and nobody serves graphs: there is no store at %s (choose another with --db)", r.Graph, a.db)
	}
	return a.through(ctx, func(c *api.Client) error {
		served, err := c.Graphs(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(served, func(g api.Graph) bool { return g.Graph == r.Graph })
		if i < 0 {
			var names []string
			for _, g := range served {
				names = append(names, g.Graph)
			}
			return usagef("there is no file %s, and no graph of that name is served (%s)", r.Graph, cmp.Or(strings.Join(names, ", "), "none is"))
		}
		if r.Params, err = parseParams(params, served[i].ReadParam); err != nil {
			return err
		}
		return a.start(ctx, c, r)
	})
}

func (a *app) start(ctx context.Context, c *api.Client, r api.StartRequest) error {
	s, err := c.Start(ctx, r)
	if errors.Is(err, runtime.ErrExists) {
		return usagef("%v (choose another --stack)", err)
	}
	if err != nil {
		return said(err)
	}
	if a.json() {
		return a.printJSON(s)
	}
	if !s.Driven {
		what := "stack"
		if a.inFile() {
			what = "store " + diag.Clean(a.db)
		}
		a.notef("nobody runs the %s: the stack begins when `%s` does\n", what, a.self().Runner)
	}
	a.printf("%s: started (graph %s)\n", s.Stack, s.Graph)
	return nil
}
