package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graphs"
)

const defaultTemplate = "orchestrator"

func initCommand(a *app) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "init [TEMPLATE]",
		Short: "Write an example graph with its programs into a new folder",
		Long: "Write an example graph with its programs and its tests into a new folder. Nothing that exists is overwritten.\n\n" +
			"The templates are " + strings.Join(templates(), ", ") + "; the default is " + defaultTemplate + ".",
		Args: arguments(0, 1, "at most one TEMPLATE"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return templates(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			name := defaultTemplate
			if len(args) == 1 {
				name = args[0]
			}
			if !slices.Contains(templates(), name) {
				return usagef("unknown template %q, expected one of %s", name, strings.Join(templates(), ", "))
			}
			if dir == "" {
				dir = name
			}
			return a.initTemplate(name, dir)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`FOLDER` to write into (default: the template's name)")
	return cmd
}

// templates are the names of all example graphs, sorted.
func templates() []string {
	entries, err := graphs.Files.ReadDir(".")
	if err != nil {
		panic(err) // the files are part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// initTemplate copies a template's files. It looks at all targets first and
// writes nothing when one is there already.
func (a *app) initTemplate(name, dir string) error {
	var files []string
	if err := fs.WalkDir(graphs.Files, name, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, p)
		}
		return err
	}); err != nil {
		return err
	}
	target := func(file string) string {
		return filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(file, name+"/")))
	}
	for _, f := range files {
		if _, err := os.Lstat(target(f)); !errors.Is(err, fs.ErrNotExist) {
			return usagef("%s is there already: nothing was written", target(f))
		}
	}
	for _, f := range files {
		b, err := graphs.Files.ReadFile(f)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(target(f)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target(f), b, 0o644); err != nil {
			return err
		}
	}
	graph := target(path.Join(name, name+".graphrun.yaml"))
	if a.json() {
		return a.printJSON(map[string]any{"template": name, "graph": graph, "tests": target(path.Join(name, name+testSuffix))})
	}
	a.printf("wrote %[1]s, its tests and what it needs. Next:\n\n  graphrun validate %[1]s\n  graphrun test %[2]s\n  graphrun run %[1]s\n", diag.Clean(graph), diag.Clean(dir))
	return nil
}
