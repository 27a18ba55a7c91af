package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl/testfile"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/explore"
	"github.com/graphrun/graphrun/graph/trial"
)

// testFlags are the flags of test.
type testFlags struct {
	run, junit       string
	from, cycles     string
	replay           string
	update, coverage bool
	least            float64 // percent of coverage; 0 asks for none
}

func testCommand(a *app) *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use:   "test [PATH...]",
		Short: "Run tests of graphs, in virtual time and without their programs",
		Args:  arguments(0, -1, "files and folders"),
		RunE: func(cmd *cobra.Command, paths []string) error {
			switch {
			case f.from == "" && f.cycles != "":
				return usagef("--cycles goes with --from STACK")
			case f.from != "" && len(paths) > 0:
				return usagef("--from writes a test, and runs none: give no PATH")
			case f.from != "":
				return a.testFrom(cmd.Context(), f.from, f.cycles)
			}
			return a.test(cmd.Context(), paths, &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.run, "run", "", "`REGEXP`: only tests whose names match")
	flags.StringVar(&f.junit, "junit", "", "`FILE` that gets the report as XML of JUnit")
	flags.StringVar(&f.replay, "replay", "", "answer agents and MCP servers without a reply from `FILE`, which run --record wrote")
	flags.StringVar(&f.from, "from", "", "write what this `STACK` did as a test, to standard output")
	flags.StringVar(&f.cycles, "cycles", "", "with --from: only these cycles, as `A..B`")
	flags.BoolVar(&f.coverage, "coverage", false, "say what the tests have not shown of their graphs")
	flags.Float64Var(&f.least, "coverage-min", 0, "fail when the coverage of a graph is below `N` percent")
	flags.BoolVar(&f.update, "update", false, "write what happened into expectations that are null")
	return cmd
}

// testSuffix is how the names of test files end.
const testSuffix = ".test.yaml"

// test runs the tests of some files.
func (a *app) test(ctx context.Context, paths []string, f *testFlags) error {
	named, err := regexp.Compile(f.run)
	if err != nil {
		return usagef("--run %q: %v", f.run, err)
	}
	files, err := testFiles(paths)
	if err != nil {
		return err
	}
	all, err := a.loadTests(files)
	if err != nil {
		return err
	}
	if f.least < 0 || f.least > 100 {
		return usagef("--coverage-min %v: expected a percentage from 0 to 100", f.least)
	}
	r := trial.Report{Tests: []trial.Tested{}, Coverage: []trial.Coverage{}}
	covers := covers{wanted: f.coverage || f.least > 0}
	for i, t := range all {
		if f.update {
			if t, err = a.updateTests(ctx, files[i], t, named, f.replay); err != nil {
				return err
			}
		}
		if err := a.runTests(ctx, files[i], t, named, f.replay, covers.of(t.Graph), &r); err != nil {
			return err
		}
	}
	if len(r.Tests) == 0 {
		return usagef("no test has a name that matches --run %q", f.run)
	}
	r.Coverage = covers.all()
	return a.reportTests(&r, f)
}

// covers gathers the coverage of graphs, by their files.
type covers struct {
	wanted bool
	files  []string
	each   []*trial.Cover
}

// of is the cover of a graph; nil if none is wanted.
func (c *covers) of(g *graph.Graph) *trial.Cover {
	if !c.wanted {
		return nil
	}
	i := slices.Index(c.files, g.Def.File)
	if i < 0 {
		i = len(c.files)
		c.files, c.each = append(c.files, g.Def.File), append(c.each, trial.NewCover(g))
	}
	return c.each[i]
}

func (c *covers) all() []trial.Coverage {
	out := []trial.Coverage{}
	for _, one := range c.each {
		out = append(out, one.Coverage())
	}
	return out
}

// testFiles finds the test files of some paths: files as they are named, and in folders all
// that end in testSuffix.
func testFiles(paths []string) ([]string, error) {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, usagef("no test file %s: %v", path, err)
		case !info.IsDir():
			files = append(files, path)
			continue
		}
		err = filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && file != path && strings.HasPrefix(entry.Name(), "."):
				return filepath.SkipDir
			case !entry.IsDir() && strings.HasSuffix(entry.Name(), testSuffix):
				files = append(files, file)
			}
			return nil
		})
		if err != nil {
			return nil, usagef("cannot look for test files in %s: %v", path, err)
		}
	}
	if len(files) == 0 {
		return nil, usagef("no file %s ends in %s", strings.Join(paths, ", "), testSuffix)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(files, func(file string) bool {
		twice := seen[filepath.Clean(file)]
		seen[filepath.Clean(file)] = true
		return twice
	}), nil
}

// loadTests reads all test files, and reports what is wrong with any of them.
func (a *app) loadTests(files []string) ([]*testfile.Tests, error) {
	var problems diag.List
	sources := map[string][]byte{}
	var all []*testfile.Tests
	for _, file := range files {
		t, found := testfile.Load(file, a.kinds())
		problems, all = append(problems, found...), append(all, t)
		for name, text := range t.Files { // in any order: a copy
			if text != nil || sources[name] == nil {
				sources[name] = text
			}
		}
	}
	if !problems.HasErrors() {
		return all, nil
	}
	problems = slices.DeleteFunc(problems, func(d diag.Diagnostic) bool { return d.Severity != diag.Error })
	problems.Sort()
	if err := a.report(problems, sources, "", false); err != nil {
		return nil, err
	}
	return nil, &exitError{code: exitInvalid}
}

// runTests runs the tests of a file.
func (a *app) runTests(ctx context.Context, file string, t *testfile.Tests, named *regexp.Regexp, replay string, cover *trial.Cover, r *trial.Report) error {
	return a.eachTest(ctx, t, named, replay, func(one *trial.Test, o trial.Options) {
		o.Cover, o.Stuck = cover, explore.IsStuck
		begun := time.Now()
		came := trial.Run(t.Graph, one, o)
		r.Add(file, one.Name.Value, came, float64(time.Since(begun).Microseconds())/1000)
	})
}

// eachTest calls do for the tests of a file, with what answers their agents. Each has the
// whole recording.
func (a *app) eachTest(ctx context.Context, t *testfile.Tests, named *regexp.Regexp, replay string, do func(*trial.Test, trial.Options)) error {
	for i := range t.Suite.Tests {
		one := &t.Suite.Tests[i]
		if !named.MatchString(one.Name.Value) {
			continue
		}
		if replay == "" {
			do(one, trial.Options{})
			continue
		}
		w, err := a.openReplayed(ctx, replay, t.Graph)
		if err != nil {
			return err
		}
		do(one, trial.Options{Work: w.do})
		w.close()
	}
	return nil
}

// updateTests fills the empty expectations of a file, and reads it again.
func (a *app) updateTests(ctx context.Context, file string, t *testfile.Tests, named *regexp.Regexp, replay string) (*testfile.Tests, error) {
	var fills []trial.Fill
	err := a.eachTest(ctx, t, named, replay, func(one *trial.Test, o trial.Options) {
		fills = append(fills, trial.Run(t.Graph, one, o).Fills...)
	})
	if err != nil || len(fills) == 0 {
		return t, err
	}
	text := testfile.Fill(t.Text, fills)
	again, problems := testfile.Compile(file, text, a.kinds())
	if problems.HasErrors() {
		return nil, fmt.Errorf("%s: what happened cannot be written as a test: %w", file, problems.Err())
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, usagef("%v", err)
	}
	if err := os.WriteFile(file, text, info.Mode().Perm()); err != nil {
		return nil, usagef("%v", err)
	}
	return again, nil
}

// reportTests prints how the tests came out, and gives the exit code.
func (a *app) reportTests(r *trial.Report, f *testFlags) error {
	if f.junit != "" {
		if err := writeJUnit(f.junit, r); err != nil {
			return err
		}
	}
	if a.json() {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		a.printTests(r)
	}
	if r.Failed > 0 {
		return &exitError{code: exitWorkFailed}
	}
	for i := range r.Coverage {
		if c := &r.Coverage[i]; c.Percent < f.least {
			return &exitError{exitWorkFailed, fmt.Errorf("the tests cover %v%% of graph %q, and --coverage-min asks for %v%%", c.Percent, c.Graph, f.least)}
		}
	}
	return nil
}

func writeJUnit(file string, r *trial.Report) error {
	var b strings.Builder
	if err := r.JUnit(&b); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o666); err != nil {
		return usagef("--junit: %v", err)
	}
	return nil
}

func (a *app) printTests(r *trial.Report) {
	file := ""
	for i := range r.Tests {
		t := &r.Tests[i]
		if t.File != file {
			file = t.File
			a.printf("%s\n", file)
		}
		word := "ok  "
		if !t.Passed {
			word = "FAIL"
		}
		a.printf("  %s  %s\n", word, t.Name)
		for _, f := range t.Failures {
			first, rest, more := strings.Cut(f.Message, "\n")
			a.printf("        %d:%d: %s\n", f.Line, f.Column, first)
			if more {
				for line := range strings.Lines(rest) {
					a.printf("          %s\n", strings.TrimRight(line, "\n"))
				}
			}
		}
	}
	for i := range r.Coverage {
		a.printCoverage(&r.Coverage[i])
	}
	a.printf("%s: %d passed, %d failed\n", plural(len(r.Tests), "test"), r.Passed, r.Failed)
}

func (a *app) printCoverage(c *trial.Coverage) {
	a.printf("coverage of %s: %v%% (%d of %d)\n", c.Graph, c.Percent, c.Covered, c.Of)
	for _, m := range c.Missing {
		what := m.Node
		switch {
		case strings.HasSuffix(m.Kind, "true"), strings.HasSuffix(m.Kind, "false"):
			what = m.Text
		case what == "" && m.Text != "":
			what = m.Edge + " when " + m.Text
		case what == "":
			what = m.Edge
		}
		a.printf("  %d:%d: %s  %s\n", m.Line, m.Column, m.Kind, what)
	}
}
