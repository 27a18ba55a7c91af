package serve

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A folder stands for the graph files in it and below it, and for nothing that
// is hidden or reached by a link.
func TestFilesIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{
		"a.graphrun.yaml", "notes.yaml", "deep/er/b.graphrun.yml",
		".hidden/c.graphrun.yaml", "folder.graphrun.yaml/d.graphrun.yaml",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(dir, filepath.Join(dir, "deep", "again")); err != nil {
		t.Skip("no links here:", err)
	}
	got, err := filesIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range got {
		rel, _ := filepath.Rel(dir, file)
		got[i] = filepath.ToSlash(rel)
	}
	want := []string{"a.graphrun.yaml", "folder.graphrun.yaml/d.graphrun.yaml", "deep/er/b.graphrun.yml"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
