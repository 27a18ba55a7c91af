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

// The commands of authors that neither run nor store anything: graph, fmt,
// schema, kinds.

func graphCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "graph FILE",
		Short: "Draw a graph as Mermaid, DOT, JSON or text",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.json() && !cmd.Flags().Changed("format") {
				format = "json"
			}
			if !slices.Contains(render.Formats(), format) {
				return usagef("unknown format %q, expected one of %s", format, strings.Join(render.Formats(), ", "))
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
		Args:  cobra.MinimumNArgs(1),
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
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := a.out.Write([]byte{})
			return err
		},
	}
}

func kindsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "kinds [KIND]",
		Short: "List the kinds of nodes, or tell what one takes and gives",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			kinds := a.kinds()
			if len(args) == 0 {
				return a.listKinds()
			}
			k, ok := kinds.Kind(args[0])
			if !ok {
				return usagef("unknown kind %q, expected one of %s", args[0], strings.Join(kinds.Names(), ", "))
			}
			if a.json() {
				return a.printJSON(kindJSON(k))
			}
			fmt.Fprintf(a.out, "%s\n\n%s\n", k.Name, k.Doc)
			if k.Missing {
				fmt.Fprintln(a.out, "\nThis version checks it and cannot run it yet.")
			}
			if len(k.Fields) == 0 {
				return nil
			}
			fmt.Fprintln(a.out, "\nwith:")
			return table(a.out, func(row func(...any)) {
				for _, f := range k.Fields {
					note := ""
					if f.Required {
						note = "required; "
					}
					row("  "+f.Name, f.Type, note+f.Doc)
				}
			})
		},
	}
}

func (a *app) listKinds() error {
	kinds := a.kinds()
	if a.json() {
		all := []any{}
		for _, name := range kinds.Names() {
			k, _ := kinds.Kind(name)
			all = append(all, kindJSON(k))
		}
		return a.printJSON(map[string]any{"kinds": all})
	}
	return table(a.out, func(row func(...any)) {
		for _, name := range kinds.Names() {
			k, _ := kinds.Kind(name)
			first, _, _ := strings.Cut(k.Doc, ". ")
			if k.Missing {
				first += " (cannot run yet)"
			}
			row(name, strings.TrimSuffix(first, "."))
		}
	})
}
