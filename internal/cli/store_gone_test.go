package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An owner whose file was emptied, replaced or deleted under it ends by itself
// with exit code 4, also when nothing happens.
func TestStoreIsGone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		away func(path string) error
		want string
	}{
		{"emptied", func(path string) error { return os.Truncate(path, 0) }, "was cut off"},
		{"replaced", func(path string) error { return os.Rename(filepath.Join(filepath.Dir(path), "old.db"), path) }, "was replaced"},
		{"deleted", os.Remove, "was moved or deleted"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := startServe(t, map[string]string{"slow.graphrun.yaml": strings.Replace(tickGraph, "50ms", "1h", 1)},
				"slow.graphrun.yaml", "--db", "s.db", "--listen", "off")
			s.must("start", "tick", "--db", "s.db")
			s.must("backup", "old.db", "--db", "s.db")
			if err := test.away(filepath.Join(s.dir, "s.db")); err != nil {
				t.Fatal(err)
			}
			if code := s.wait(); code != exitStore {
				t.Errorf("serve ended with %d, want %d; stderr has:\n%s", code, exitStore, s.read("stderr"))
			}
			if !strings.Contains(s.read("stderr"), test.want) {
				t.Errorf("stderr does not say %q:\n%s", test.want, s.read("stderr"))
			}
		})
	}
}
