package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph/render"
)

// The commands for a graph's text that neither run nor store anything: graph,
// fmt, schema.

func graphCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "graph FILE",
		Short: "Draw a graph as Mermaid, DOT, JSON or text",
		Args:  arguments(1, 1, "one FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.json() && !cmd.Flags().Changed("format") {
				format = "json"
			}
			if !slices.Contains(render.Formats(), format) {
				return usagef("--format %q: expected one of %s", format, strings.Join(render.Formats(), ", "))
			}
			src, err := a.load(args[0])
			if err != nil {
				return err
			}
			return render.Write(a.out, src.Graph, format)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", strings.Join(render.Formats(), ", "))
	return cmd
}

func fmtCommand(a *app) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt FILE...",
		Short: "Format graph files in place",
		Args:  arguments(1, -1, "one FILE or more"),
		RunE: func(_ *cobra.Command, files []string) error {
			changed := 0
			for _, file := range files {
				was, err := os.ReadFile(file)
				if err != nil {
					return usagef("cannot read %s: %v", file, err)
				}
				formatted, err := dsl.Format(was)
				if err != nil {
					return &exitError{exitInvalid, fmt.Errorf("%s: %w", file, err)}
				}
				if bytes.Equal(was, formatted) {
					continue
				}
				changed++
				fmt.Fprintln(a.out, file)
				if check {
					continue
				}
				if err := os.WriteFile(file, formatted, 0o644); err != nil {
					return usagef("cannot write %s: %v", file, err)
				}
			}
			if check && changed > 0 {
				return &exitError{code: exitWorkFailed}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "only list files that are not formatted, exit 1 if there are any")
	return cmd
}

func schemaCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of graph files, for editors",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			_, err := a.out.Write(dsl.JSONSchema(a.kinds()))
			return err
		},
	}
}
