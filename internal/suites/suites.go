package suites

import (
	"os"
	"path/filepath"
	"testing"
)

// Variable names the folder that holds `suites`, when it is not the folder
// `shared` beside the repository.
const Variable = "GRAPHRUN_SHARED"

// Path returns the absolute path of a file or folder below `suites`, for
// example Path(t, "expr", "generated.txt"). It skips the test when the path
// does not exist.
func Path(t testing.TB, name ...string) string {
	t.Helper()
	shared := os.Getenv(Variable)
	if shared == "" {
		shared = filepath.Join(repository(t), "..", "shared")
	}
	path := filepath.Join(append([]string{shared, "suites"}, name...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIPPED, the conformance suite is absent: %v (set %s to the folder that holds suites/)", err, Variable)
	}
	return path
}

// repository returns the closest folder above the test's that has a go.mod.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no folder above the test's has a go.mod")
		}
		dir = up
	}
}
