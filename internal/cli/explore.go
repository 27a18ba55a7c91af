package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/graph/explore"
)

func exploreCommand(a *app) *cobra.Command {
	o := explore.Options{Parallel: sideBySide, Workers: runtime.GOMAXPROCS(0)}
	var (
		length time.Duration
		dir    string
	)
	cmd := &cobra.Command{
		Use:   "explore FILE",
		Short: "Find out what could ever happen to the stacks of a graph",
		Args:  arguments(1, 1, "one FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			flags := cmd.Flags()
			switch {
			case o.Stacks < 1:
				return usagef("--stacks %d: expected 1 or more", o.Stacks)
			case o.Cycles < 1:
				return usagef("--cycles %d: expected 1 or more", o.Cycles)
			case length < 0 || length == 0 && flags.Changed("for"):
				return usagef("--for %s: expected a duration above 0", length)
			case length > 0 && !flags.Changed("stacks"):
				o.Stacks = 1 << 30
			}
			src, err := a.load(args[0])
			if err != nil {
				return err
			}
			if o.File, err = fileFrom(dir, args[0]); err != nil {
				return err
			}
			defer debug.SetGCPercent(debug.SetGCPercent(exploreGC)) // all is short-lived
			x, err := explore.New(src.Graph, o)
			if err != nil {
				return usagef("%v", err)
			}
			began := time.Now()
			report := x.Explore(func() bool {
				return cmd.Context().Err() != nil || length > 0 && time.Since(began) >= length
			})
			if err := a.explored(report, args[0], dir); err != nil {
				return err
			}
			if length > 0 && report.Stacks < o.Stacks {
				a.notef("stopped after %s: --stacks %d explores the same\n", length, report.Stacks)
			}
			a.notef("%s\n", exploredLine(report, time.Since(began)))
			switch {
			case cmd.Context().Err() != nil:
				return cmd.Context().Err()
			case report.Fails():
				return &exitError{code: exitWorkFailed}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.Stacks, "stacks", 1000, "explore `N` stacks; with --for no bound unless it is given")
	f.IntVar(&o.Cycles, "cycles", 200, "end each stack after `N` cycles")
	f.Uint64Var(&o.Seed, "seed", 1, "`N`: the same seed explores the same stacks on every machine")
	f.DurationVar(&length, "for", 0, "explore for a `DURATION`")
	f.StringVar(&dir, "out", "", "write the runs that show the findings into `DIR`, as GRAPH.KIND.test.yaml")
	return cmd
}

// exploreGC is how much garbage there may be for what is alive, in percent: it is a few MB.
const exploreGC = 800

// fileFrom is how a test file in a folder names a graph file.
func fileFrom(dir, file string) (string, error) {
	if dir == "" || file == "-" {
		return "", nil
	}
	from, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	if name, err := filepath.Rel(from, to); err == nil {
		return filepath.ToSlash(name), nil
	}
	return to, nil
}

// sideBySide calls work n times at the same time.
func sideBySide(n int, work func(int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { work(i) })
	}
	all.Wait()
}

// explored shows what was found.
func (a *app) explored(report explore.Report, file, dir string) error {
	if a.json() {
		if err := a.printJSON(report); err != nil {
			return err
		}
	} else {
		for i := range report.Findings {
			f := &report.Findings[i]
			a.printf("%s:%d:%d: %s: %s\n", file, f.Line, f.Column, f.Kind, findingText(f))
		}
		if len(report.Findings) == 0 {
			a.printf("%s", "nothing found\n")
		}
	}
	return writeFound(report, dir)
}

// findingText is a finding in one line, without its place and kind.
func findingText(f *explore.Finding) string {
	text := f.Message
	if f.Node != "" && f.Kind != explore.NeverRun {
		text = f.Node + ": " + text
	}
	if f.Text != "" {
		text += " (" + f.Text + ")"
	}
	return oneLine(text)
}

// writeFound writes a test file for each kind of finding that a run can show.
func writeFound(report explore.Report, dir string) error {
	if dir == "" {
		return nil
	}
	for _, file := range report.Files {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return usagef("--out: %v", err)
		}
		if err := os.WriteFile(filepath.Join(dir, file.Name), []byte(file.Text), 0o644); err != nil {
			return usagef("--out: %v", err)
		}
	}
	return nil
}

// exploredLine says how much was explored, and how fast.
func exploredLine(r explore.Report, took time.Duration) string {
	seconds := max(took.Seconds(), 0.001)
	return fmt.Sprintf("explored %d stacks, %d cycles in %.1f s (%.0f cycles a second), seed %d",
		r.Stacks, r.Cycles, seconds, float64(r.Cycles)/seconds, r.Seed)
}
