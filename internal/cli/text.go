package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/render"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// The commands for a graph's text that neither run nor store anything: graph,
// fmt, schema.

func graphCommand(a *app) *cobra.Command {
	var format, stack string
	cmd := &cobra.Command{
		Use:   "graph FILE",
		Short: "Draw a graph as SVG, Mermaid, DOT, JSON or text",
		Args:  arguments(1, 1, "one FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.json() && !cmd.Flags().Changed("format") {
				format = "json"
			}
			if !slices.Contains(render.Formats(), format) {
				return usagef("--format %q: expected one of %s", format, strings.Join(render.Formats(), ", "))
			}
			if stack != "" && format != "svg" {
				return usagef("--stack needs --format svg: other formats have no states")
			}
			src, err := a.load(args[0])
			if err != nil {
				return err
			}
			if stack != "" {
				return a.drawStack(cmd.Context(), src.Graph, stack)
			}
			return render.Write(a.out, src.Graph, format)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "`FORMAT` of the drawing: "+strings.Join(render.Formats(), ", "))
	cmd.Flags().StringVar(&stack, "stack", "", "draw the states of nodes and edges of stack `ID` too, in svg")
	return cmd
}

// drawStack draws a graph with the states of one of its stacks, in its open or last cycle.
func (a *app) drawStack(ctx context.Context, g *graph.Graph, stack string) error {
	return a.toRead(ctx, func(r inspect.Reader, c *api.Client) error {
		sum, err := r.Stack(ctx, stack)
		if errors.Is(err, runtime.ErrNotFound) {
			return unknownStack(ctx, r, stack)
		}
		if err != nil {
			return err
		}
		if sum.Identity.Graph != g.Name {
			return usagef("stack %q runs the graph %q, and the file has %q", stack, sum.Identity.Graph, g.Name)
		}
		x, err := a.explain(ctx, r, c, stack, nil, 0)
		if err != nil {
			return err
		}
		return render.SVG(a.out, g, &x)
	})
}

func fmtCommand(a *app) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt FILE...",
		Short: "Format graph files in place",
		Args:  arguments(1, -1, "one FILE or more"),
		RunE: func(_ *cobra.Command, files []string) error {
			var problems diag.List
			sources, changed := map[string][]byte{}, false
			for _, file := range files {
				was, now, found := a.format(file)
				if len(found) > 0 {
					problems = append(problems, found...)
					sources[found[0].Span.File] = was
					continue
				}
				if !bytes.Equal(was, now) {
					changed = true
				}
				if err := a.putFormatted(file, was, now, check); err != nil {
					return err
				}
			}
			if len(problems) > 0 {
				problems.Sort()
				return a.invalid(&dsl.Source{Files: sources}, problems)
			}
			if check && changed {
				return &exitError{code: exitWorkFailed}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "only list files that are not formatted, exit 1 if there are any")
	return cmd
}

// format gives the text of a file as it is and as it should be.
func (a *app) format(file string) (was, now []byte, problems diag.List) {
	if file == "-" {
		file = "stdin"
		was, problems = dsl.ReadFrom(file, a.in)
	} else {
		was, problems = dsl.Read(file)
	}
	if len(problems) == 0 {
		now, problems = dsl.Format(file, was)
	}
	return was, now, problems
}

// putFormatted writes the text of a file, and says so. With check it says only
// that it would.
func (a *app) putFormatted(file string, was, now []byte, check bool) error {
	switch {
	case file == "-" && !check:
		_, err := a.out.Write(now)
		return err
	case bytes.Equal(was, now):
		return nil
	}
	a.printf("%s\n", diag.Clean(file))
	if check {
		return nil
	}
	if err := os.WriteFile(file, now, 0o644); err != nil {
		return usagef("cannot write %s: %v", file, err)
	}
	return nil
}

func schemaCommand(a *app) *cobra.Command {
	var tests bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of graph files, for editors",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			text := dsl.TestsJSONSchema()
			if !tests {
				text = dsl.JSONSchema(a.kinds())
			}
			_, err := a.out.Write(text)
			return err
		},
	}
	cmd.Flags().BoolVar(&tests, "tests", false, "that of test files")
	return cmd
}
