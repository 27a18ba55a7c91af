package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary serve as `graphrun` too, for scripts and for
// the commands in the docs.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"graphrun": main})
}

// TestScripts drives the program as its users do: testdata/script/*.txtar.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			return os.CopyFS(filepath.Join(env.WorkDir, "graphs"), os.DirFS("../../graphs"))
		},
	})
}
