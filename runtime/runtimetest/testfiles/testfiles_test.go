package testfiles_test

import (
	"testing"

	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime/runtimetest/testfiles"
)

func TestRun(t *testing.T) {
	t.Parallel()
	testfiles.Run(t, std.Registry(), "../../../graphs/router/router.test.yaml")
}
