package runtimetest

import (
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/trial"
)

// Suite runs the tests of a suite, each as a subtest with its name. Nothing is run but the
// graph, without a runtime and in virtual time. What package testfiles reads from a file is a
// suite; a program can make one without YAML. A suite that does not fit the graph fails t, and
// none of its tests runs.
func Suite(t *testing.T, g *graph.Graph, s *trial.Suite, o trial.Options) {
	t.Helper()
	if problems := trial.Check(s, g); problems.HasErrors() {
		t.Fatalf("the tests do not fit graph %q:\n%v", g.Name, problems.Err())
	}
	for i := range s.Tests {
		one := &s.Tests[i]
		t.Run(one.Name.Value, func(t *testing.T) {
			var r trial.Report
			r.Add(s.File, one.Name.Value, trial.Run(g, one, o), 0)
			for _, f := range r.Tests[0].Failures {
				message := strings.ReplaceAll(f.Message, "\n", "\n  ")
				if f.Line > 0 {
					t.Errorf("%s:%d:%d: %s", s.File, f.Line, f.Column, message)
				} else {
					t.Error(message)
				}
			}
		})
	}
}
