package cli

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/docs"
	"github.com/graphrun/graphrun/graphs"
)

const defaultTemplate = "orchestrator"

func initCommand(a *app) *cobra.Command {
	var (
		dir      string
		forAgent bool
	)
	cmd := &cobra.Command{
		Use:   "init [TEMPLATE]",
		Short: "Write an example graph with its programs into a new folder",
		Long: "Write an example graph with its programs and its tests into a new folder. Nothing that exists is overwritten.\n\n" +
			"The templates are " + strings.Join(templates(), ", ") + "; the default is " + defaultTemplate + ".\n\n" +
			"--agents writes " + agentsFile + " too, which teaches a coding agent the language of graphs. Without a TEMPLATE it writes that file alone, into this folder.",
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
			if forAgent && len(args) == 0 {
				return a.initAgents(cmp.Or(dir, "."))
			}
			return a.initTemplate(name, cmp.Or(dir, name), forAgent)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`FOLDER` to write into (default: the template's name)")
	cmd.Flags().BoolVar(&forAgent, "agents", false, "write "+agentsFile+" for coding agents")
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

// agentsFile is the name under which coding agents look for what they should know of a folder.
const agentsFile = "AGENTS.md"

// starter is one file that init writes.
type starter struct {
	path string
	text []byte
}

// initAgents writes the page for coding agents beside graphs that are there.
func (a *app) initAgents(dir string) error {
	page := starter{filepath.Join(dir, agentsFile), []byte(docs.Language)}
	if err := writeNew([]starter{page}); err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(map[string]any{"agents": page.path})
	}
	a.printf("wrote %s\n", diag.Clean(page.path))
	return nil
}

// initTemplate copies a template's files.
func (a *app) initTemplate(name, dir string, forAgent bool) error {
	target := func(file string) string {
		return filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(file, name+"/")))
	}
	var files []starter
	if err := fs.WalkDir(graphs.Files, name, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := graphs.Files.ReadFile(p)
		files = append(files, starter{target(p), b})
		return err
	}); err != nil {
		return err
	}
	graph := target(path.Join(name, name+".graphrun.yaml"))
	told := map[string]any{"template": name, "graph": graph, "tests": target(path.Join(name, name+testSuffix))}
	if forAgent {
		files = append(files, starter{filepath.Join(dir, agentsFile), []byte(docs.Language)})
		told["agents"] = filepath.Join(dir, agentsFile)
	}
	if err := writeNew(files); err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(told)
	}
	a.printf("wrote %[1]s, its tests and what it needs.\n\nNext:\n  graphrun validate %[1]s\n  graphrun test %[2]s\n  graphrun run %[1]s\n", diag.Clean(graph), diag.Clean(dir))
	return nil
}

// writeNew looks at all files first and writes nothing when one is there already.
func writeNew(files []starter) error {
	for _, f := range files {
		if _, err := os.Lstat(f.path); !errors.Is(err, fs.ErrNotExist) {
			return usagef("%s is there already: nothing was written", f.path)
		}
	}
	for _, f := range files {
		if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(f.path, f.text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
