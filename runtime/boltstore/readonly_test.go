package boltstore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// A store that is only read answers as it did before, refuses what would change it, and
// leaves the file as it is.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	cursor := historyOf(t, s, "s", 5, 100, 2, 100)
	want, err := s.Load(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = Open(path, Options{ReadOnly: true}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Load(t.Context(), "s")
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	records := 0
	if err := s.Records(t.Context(), "s", journal.Want{Bulk: true}, func(journal.Record) error { records++; return nil }); err != nil || records != int(cursor.Seq) {
		t.Errorf("%d records, %v", records, err)
	}
	if err := s.Commit(t.Context(), runtime.Commit{Stack: "s", Cursor: cursor}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a commit: %v", err)
	}
	if _, err := Open(path, Options{LockTimeout: 1}); err == nil {
		t.Error("another owner came meanwhile")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the file changed (%v)", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.db"), Options{ReadOnly: true}); err == nil {
		t.Error("a file that is not there was opened")
	}
}
