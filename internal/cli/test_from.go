package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/graphrun/graphrun/dsl/testfile"
	"github.com/graphrun/graphrun/graph/trial"
	"github.com/graphrun/graphrun/runtime/api"
)

// testFrom prints what a stack did as a test.
func (a *app) testFrom(ctx context.Context, stack, cycles string) error {
	which, err := trial.ParseRange(cycles)
	if err != nil {
		return usagef("--cycles %v", err)
	}
	return a.through(ctx, func(c *api.Client) error {
		h, err := trial.ReadHistory(ctx, c.Store(), a.kinds(), stack, which)
		if wrong := (*trial.RangeError)(nil); errors.As(err, &wrong) {
			return usagef("%v", err)
		}
		if err != nil {
			return known(ctx, c, stack, err)
		}
		return a.printTestFrom(h)
	})
}

func (a *app) printTestFrom(h *trial.History) error {
	file := h.Graph.Def.File
	if file == "" {
		return usagef("the graph of the stack %q comes from no file, which a test could name", h.Stack.Stack)
	}
	if here, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(here, file); err == nil {
			file = rel
		}
	}
	s := trial.SuiteFrom(h, filepath.ToSlash(file))
	text := s.YAML()
	if _, err := a.out.Write(text); err != nil {
		return err
	}
	return a.tryTest(text)
}

// tryTest says when a test that was written does not pass, because the graph file has
// changed since, or the stack did what no test can say.
func (a *app) tryTest(text []byte) error {
	t, problems := testfile.Compile("stdout", text, a.kinds())
	if problems.HasErrors() {
		return &exitError{exitWorkFailed, fmt.Errorf("the test does not fit the graph file: %w", problems.Err())}
	}
	for i := range t.Suite.Tests {
		for _, f := range trial.Run(t.Graph, &t.Suite.Tests[i], trial.Options{}).Failures {
			return &exitError{exitWorkFailed, fmt.Errorf("the test does not pass as it is: line %d: %s", f.At.Start.Line, f.Message)}
		}
	}
	return nil
}
