package testfiles

import (
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl/testfile"
	"github.com/graphrun/graphrun/graph/explore"
	"github.com/graphrun/graphrun/graph/trial"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// Run runs the tests of a file, each as a subtest with its name. kinds are those of the
// graph. A file with problems fails t, with all of them at their places.
func Run(t *testing.T, kinds *nodes.Registry, file string) {
	t.Helper()
	tests, problems := testfile.Load(file, kinds)
	if problems.HasErrors() {
		var said strings.Builder
		if err := diag.Render(&said, problems, tests.Files, diag.Options{}); err != nil {
			t.Fatal(err)
		}
		t.Fatal(said.String())
	}
	runtimetest.Suite(t, tests.Graph, &tests.Suite, trial.Options{Stuck: explore.IsStuck})
}
