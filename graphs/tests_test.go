package graphs_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/dsl/testfile"
	"github.com/graphrun/graphrun/graph/trial"
	"github.com/graphrun/graphrun/graphs"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// TestTests runs the tests of each graph as `graphrun test` does. They show all that can be
// shown of it: each edge live, and dead where it can be, each node that runs and that fails,
// and each part of a condition as true and as false.
func TestTests(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(graphs.Files, "*/*.graphrun.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no graphs: %v", err)
	}
	for _, file := range files {
		file = strings.TrimSuffix(file, ".graphrun.yaml") + ".test.yaml"
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			tests, problems := testfile.Load(file, newKinds(t, kindsOf{}))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			cover := trial.NewCover(tests.Graph)
			runtimetest.Suite(t, tests.Graph, &tests.Suite, trial.Options{Cover: cover})
			for _, m := range cover.Coverage().Missing {
				t.Errorf("%s:%d:%d: %s %s%s %s", file, m.Line, m.Column, m.Kind, m.Node, m.Edge, m.Text)
			}
		})
	}
}
