package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl/testfile"
	"github.com/graphrun/graphrun/graph/trial"
	"github.com/graphrun/graphrun/runtime/api"
)

// testFrom prints what a stack did as a test.
func (a *app) testFrom(ctx context.Context, stack, cycles string) error {
	which, err := parseRange(cycles)
	if err != nil {
		return err
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
	s := trial.Suite{Graph: diag.Plain(filepath.ToSlash(file)), Tests: []trial.Test{trial.From("what "+h.Stack.Stack+" did", h)}}
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

// parseRange reads A..B, A.., ..B or A.
func parseRange(text string) (r trial.Range, err error) {
	if text == "" {
		return r, nil
	}
	from, to, both := strings.Cut(text, "..")
	number := func(s string) (n uint64) {
		if s == "" && both {
			return 0
		}
		if n, err = strconv.ParseUint(s, 10, 64); err != nil || n == 0 {
			err = usagef("--cycles %q: expected A..B, A.., ..B or A, counted from 1", text)
		}
		return n
	}
	if r.From = number(from); err != nil {
		return r, err
	}
	if r.To = r.From; both {
		r.To = number(to)
	}
	if err == nil && r.To > 0 && r.From > r.To {
		err = usagef("--cycles %q: the first cycle comes after the last one", text)
	}
	return r, err
}
