package suites_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/graphrun/graphrun/internal/suites"
)

func TestPath(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(suites.Variable, dir)
	want := filepath.Join(dir, "suites", "expr")
	if err := os.MkdirAll(want, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := suites.Path(t, "expr"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	skipped := false
	t.Run("absent", func(t *testing.T) {
		defer func() { skipped = t.Skipped() }()
		suites.Path(t, "absent")
	})
	if !skipped {
		t.Error("a test whose suite is absent must be skipped")
	}
}
