package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/dsl/testfile"
)

func validateCommand(a *app) *cobra.Command {
	var (
		format string
		strict bool
	)
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check graphs and report every problem at its place",
		Args:  arguments(1, -1, "one FILE or more"),
		RunE: func(cmd *cobra.Command, files []string) error {
			if !slices.Contains([]string{"", "sarif", "github"}, format) {
				return usagef("--format %q: expected sarif or github", format)
			}
			if format != "" && cmd.Flags().Changed("output") {
				return usagef("--format %s and --output are two formats: give one of them", format)
			}
			problems, sources := a.check(files)
			if err := a.report(problems, sources, format, strict); err != nil {
				return err
			}
			if problems.HasErrors() || strict && len(problems) > 0 {
				return &exitError{code: exitInvalid}
			}
			if format == "" && !a.json() && len(problems) == 0 {
				a.notef("no problems found\n")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "`FORMAT` for other tools: sarif or github")
	cmd.Flags().BoolVar(&strict, "strict", false, "warnings count as errors")
	return cmd
}

// check loads all files and gathers their problems, sorted by place.
func (a *app) check(files []string) (diag.List, map[string][]byte) {
	var problems diag.List
	sources := map[string][]byte{}
	var all []*dsl.Source
	for _, file := range files {
		src, found := a.readAny(file)
		problems, all = append(problems, found...), append(all, src)
		for name, text := range src.Files {
			if text != nil || sources[name] == nil {
				sources[name] = text
			}
		}
	}
	problems = append(problems, dsl.Together(all...)...)
	problems.Sort()
	return problems, sources
}

// read loads a graph from a file, or from standard input for "-".
func (a *app) read(file string) (*dsl.Source, diag.List) {
	if file == "-" {
		return dsl.LoadReader("stdin", a.in, a.kinds())
	}
	return dsl.Load(file, a.kinds())
}

// readAny is read for a graph or a test file.
func (a *app) readAny(file string) (*dsl.Source, diag.List) {
	if file != "-" {
		return testfile.Check(file, a.kinds())
	}
	const name = "stdin"
	text, problems := dsl.ReadFrom(name, a.in)
	if len(problems) > 0 {
		return &dsl.Source{File: name}, problems
	}
	return testfile.CheckText(name, text, a.kinds(), nil)
}

// report writes problems to standard output in the format that was asked for.
func (a *app) report(problems diag.List, sources map[string][]byte, format string, strict bool) error {
	switch {
	case format == "sarif":
		return diag.SARIF(a.out, problems, sources, version)
	case format == "github":
		return diag.GitHub(a.out, problems, sources)
	case a.json():
		return diag.JSON(a.out, problems, sources, strict)
	}
	return diag.Render(a.out, problems, sources, diag.Options{Color: a.color(a.out)})
}

// load reads a graph that a command needs to be valid: the files that validate
// takes, and no others. Problems go to standard error; warnings are not shown,
// `validate` is for those.
func (a *app) load(file string) (*dsl.Source, error) {
	src, problems := a.read(file)
	if problems.HasErrors() {
		return nil, a.invalid(src, problems)
	}
	return src, nil
}

// invalid shows the errors of a graph, and gives the exit code for them.
func (a *app) invalid(src *dsl.Source, problems diag.List) error {
	problems = slices.DeleteFunc(problems, func(d diag.Diagnostic) bool { return d.Severity != diag.Error })
	if err := diag.Render(a.err, problems, src.Files, diag.Options{Color: a.color(a.err)}); err != nil {
		return err
	}
	return &exitError{code: exitInvalid}
}
