package serve

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/nodes/std"
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

// TestWarnings: a graph with warnings is served, and Warnings has them with their places.
func TestWarnings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "g.graphrun.yaml")
	text := "graphrun: 1\nname: g\nnodes:\n  a: {uses: set}\nedges:\n  - {to: a, when: 1 > 2}\nlimits: {cycles: 3}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := LoadGraphs([]string{file}, std.Registry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	problems, texts := s.Warnings("g")
	if len(problems) == 0 || problems[0].Code != diag.AlwaysFalse || problems[0].Span.Start.Line != 6 || string(texts[file]) != text {
		t.Errorf("%v %q", problems, texts)
	}
	if problems, _ := s.Warnings("other"); len(problems) > 0 {
		t.Errorf("of a graph that is not served: %v", problems)
	}
}
