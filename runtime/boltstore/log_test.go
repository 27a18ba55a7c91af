package boltstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/commitlog"
)

// copyStore copies files of a store as a crash would leave them, to another path.
func copyStore(t *testing.T, from, to string) {
	t.Helper()
	names := commitlog.Files(to)
	for i, name := range append(commitlog.Files(from), from) {
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(append(names, to)[i], b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// commitsOf opens a store and counts the commits of a stack.
func commitsOf(t *testing.T, path string, opts Options) int {
	t.Helper()
	s := openAt(t, path, opts)
	w, err := resume(s, "s")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return w.n
}

// What was acknowledged is there after a crash, wherever it lies. A database without its log,
// or with one that does not fit, is refused.
func TestLogAndDatabaseFit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	s := openAt(t, at("s.db"), Options{})
	w := &wave{stack: "s"}
	mustCommit(t, s, w.create())
	for range 10 {
		mustCommit(t, s, w.next())
	}
	copyStore(t, s.Path(), at("early.db"))
	mustFlush(t, s)
	mustFlush(t, s)
	for range 15 {
		mustCommit(t, s, w.next())
	}
	copyStore(t, s.Path(), at("late.db"))
	for range 3 {
		mustFlush(t, s)
		mustCommit(t, s, w.next())
	}
	copyStore(t, s.Path(), at("later.db"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	copyStore(t, s.Path(), at("closed.db"))
	if left, _ := filepath.Glob(at("closed.db.*")); len(left) > 0 {
		t.Errorf("a closed store has %q beside it", left)
	}
	other := openAt(t, at("other.db"), Options{})
	mustCommit(t, other, (&wave{stack: "s"}).create())
	copyStore(t, other.Path(), at("foreign.db"))

	join := func(name, db, log string) string {
		copyStore(t, at(log), at(name))
		b, err := os.ReadFile(at(db))
		if err == nil {
			err = os.WriteFile(at(name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return at(name)
	}
	for _, test := range []struct {
		db, log string
		want    string // in the error
		commits int
	}{
		{"early.db", "early.db", "", 10},
		{"late.db", "late.db", "", 25},
		{"closed.db", "closed.db", "", 28},
		{"closed.db", "early.db", "", 28}, // all of it is in the database
		{"late.db", "closed.db", "misses its log", 0},
		{"late.db", "early.db", "the log is older", 0},
		{"early.db", "late.db", "", 25}, // the log reaches so far back
		{"early.db", "later.db", "the database is an older copy", 0},
		{"late.db", "foreign.db", "log", 0},
		{"closed.db", "foreign.db", "log", 0},
	} {
		name := test.db + " with the log of " + test.log
		path := join(strings.ReplaceAll(name, " ", "-"), test.db, test.log)
		before := filesOf(t, path)
		for _, opts := range []Options{{ReadOnly: true}, {}} {
			if test.want != "" {
				if _, err := Open(path, opts); err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s: %v, want %q", name, err, test.want)
				}
			} else if n := commitsOf(t, path, opts); n != test.commits {
				t.Errorf("%s: %d commits, want %d", name, n, test.commits)
			}
			if (opts.ReadOnly || test.want != "") && filesOf(t, path) != before {
				t.Errorf("%s: the files changed", name)
			}
		}
	}
}

// filesOf is all bytes of a store's files.
func filesOf(t *testing.T, path string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range append(commitlog.Files(path), path) {
		b, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		all.WriteString(name + "\n" + string(b))
	}
	return all.String()
}

// A backup, a check and a compaction know what is only in the log.
func TestLogIsPartOfTheStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	s := openAt(t, at("s.db"), Options{})
	w := &wave{stack: "s"}
	mustCommit(t, s, w.create())
	mustFlush(t, s)
	for range 20 {
		mustCommit(t, s, w.next())
	}
	if err := s.Backup(ctx, at("backup.db")); err != nil {
		t.Fatal(err)
	}
	copyStore(t, s.Path(), at("crashed.db"))
	copyStore(t, s.Path(), at("compacted.db"))
	copyStore(t, s.Path(), at("torn.db"))
	copyStore(t, s.Path(), at("lost.db"))
	if n := commitsOf(t, at("backup.db"), Options{}); n != 20 {
		t.Errorf("the backup has %d commits", n)
	}
	if report := mustCheck(t, at("crashed.db")); len(report.Problems) > 0 || report.Stacks != 1 {
		t.Errorf("%+v", report)
	}
	if n := commitsOf(t, at("crashed.db"), Options{}); n != 20 {
		t.Errorf("after the check: %d commits", n)
	}
	if _, _, err := Compact(ctx, at("compacted.db")); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(at("compacted.db.*")); len(left) > 0 {
		t.Errorf("compacting left %q", left)
	}
	if n := commitsOf(t, at("compacted.db"), Options{}); n != 20 {
		t.Errorf("compacted: %d commits", n)
	}

	// A damaged log is refused; what lies before the damage is saved.
	log := ""
	for _, name := range commitlog.Files(at("torn.db")) {
		if b, err := os.ReadFile(name); err == nil && strings.Contains(string(b), "message 10") {
			log = name
			b[strings.Index(string(b), "message 10")] ^= 1
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if log == "" {
		t.Fatal("no segment has the commit")
	}
	if _, err := Open(at("torn.db"), Options{}); err == nil || !strings.Contains(err.Error(), filepath.Base(log)) {
		t.Errorf("a damaged log: %v", err)
	}
	if report := mustCheck(t, at("torn.db")); len(report.Problems) != 1 {
		t.Errorf("%+v", report)
	}
	for name, want := range map[string]int{"torn.db": 10, "lost.db": 0} {
		if name == "lost.db" {
			if err := commitlog.Remove(at(name)); err != nil {
				t.Fatal(err)
			}
		}
		report, err := Repair(ctx, at(name), at(name+".kept"))
		if err != nil || report.Stacks != 1 || len(report.Problems) != 1 {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
		if n := commitsOf(t, at(name), Options{}); n != want {
			t.Errorf("%s: %d commits were saved, want %d", name, n, want)
		}
	}
	if _, err := os.Stat(strings.Replace(log, "torn.db", "torn.db.kept", 1)); err != nil {
		t.Errorf("the damaged log was not kept: %v", err)
	}
}

// Readers see each commit whole and none go back, while the tail is brought into bbolt again
// and again.
func TestReadersAreConsistent(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "s.db"), Options{Durability: runtime.DurabilityNone})
	w := &wave{stack: "s"}
	mustCommit(t, s, w.create())
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			last := 0
			for {
				select {
				case <-done:
					return
				default:
				}
				snap, err := s.Load(ctx, "s")
				if err != nil {
					t.Error(err)
					return
				}
				list, _ := snap.State["messages"].([]any)
				if n := len(list); n < last || snap.Cursor.Seq != uint64(1+4*n) {
					t.Errorf("%d messages after %d, at record %d", n, last, snap.Cursor.Seq)
					return
				}
				last = len(list)
				next := uint64(1)
				err = s.Records(ctx, "s", journal.Want{}, func(r journal.Record) error {
					if r.Seq != next {
						return errors.New("a record is missing")
					}
					next++
					return nil
				})
				if err != nil || next <= snap.Cursor.Seq {
					t.Errorf("%d records, %v", next-1, err)
					return
				}
			}
		})
	}
	for i := range 300 {
		mustCommit(t, s, w.next())
		if i%5 == 0 {
			mustFlush(t, s)
		}
	}
	close(done)
	wg.Wait()
}
