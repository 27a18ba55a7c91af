package boltstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/commitlog"
	"github.com/graphrun/graphrun/runtime/internal/place"
)

// mustBeFatal checks an error of a store that has stopped.
func mustBeFatal(t *testing.T, err error, what string) {
	t.Helper()
	var fatal *runtime.StoreError
	if !errors.As(err, &fatal) || !fatal.Fatal || !strings.Contains(err.Error(), what) {
		t.Errorf("got %v, want a fatal error: %s", err, what)
	}
}

// Nothing is acknowledged once the path leads to another file, or to none; and
// nobody else owns the path while the store is open.
func TestFileGone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		away func(path, copied string) error
		want string
	}{
		{"replaced", func(path, copied string) error { return os.Rename(copied, path) }, "was replaced"},
		{"moved", func(path, _ string) error { return os.Rename(path, path+".away") }, "was moved or deleted"},
		{"deleted", func(path, _ string) error { return os.Remove(path) }, "was moved or deleted"},
		{"cut off", func(path, _ string) error { return os.Truncate(path, 4096) }, "was cut off"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path, copied := filepath.Join(dir, "graphrun.db"), filepath.Join(dir, "copy")
			s := openAt(t, path, Options{})
			w := &wave{stack: "s"}
			mustCommit(t, s, w.create())
			if err := s.Backup(ctx, copied); err != nil {
				t.Fatal(err)
			}
			mustCommit(t, s, w.next())
			if err := test.away(path, copied); err != nil {
				t.Fatal(err)
			}
			mustBeFatal(t, s.Commit(ctx, w.next()), test.want)
			_, err := s.Load(ctx, "s")
			mustBeFatal(t, err, test.want)
			if _, err := os.Stat(path); err == nil {
				if _, err := Open(path, Options{LockTimeout: 1}); err == nil || !strings.Contains(err.Error(), "in use") && test.name != "cut off" {
					t.Errorf("a second owner of the path got %v", err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if test.name == "replaced" { // the log knows commits that the copy does not
				if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "Move the log away") {
					t.Errorf("the copy was opened beside the log: %v", err)
				}
				if err := commitlog.Remove(path); err != nil {
					t.Fatal(err)
				}
				s := openAt(t, path, Options{})
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A file that was cut off stays cut off: no commit makes it as long as it was, and
// is acknowledged.
func TestCutOffBetweenCommits(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	s := openAt(t, path, Options{})
	w := &wave{stack: "s"}
	mustCommit(t, s, w.create())
	c := w.next()
	c.Changes = append(c.Changes, graph.Change{Name: "long", Whole: true, Value: strings.Repeat("x", 1<<20)})
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	mustBeFatal(t, s.Commit(ctx, c), "was cut off")
}

// Also a store that nobody uses stops when its file is gone, and says so.
func TestFileGoneWhileIdle(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	synctest.Test(t, func(t *testing.T) {
		s := openAt(t, path, Options{})
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		stopped := make(chan error)
		s.OnStop(func(err error) { stopped <- err })
		mustBeFatal(t, <-stopped, "was moved or deleted")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// childLosesFile has a file cut off under readers and writers in a way that
// only bbolt notices, which then leaves its locks taken. Everybody gets an
// answer, Close included.
func childLosesFile(path string, d runtime.Durability) {
	s, err := Open(path, Options{Durability: d})
	if err != nil {
		fmt.Println(err)
		return
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer null.Close()
	if s.at, err = place.Of(null, os.DevNull); err != nil { // what it looks at is not enough
		fmt.Println(err)
		return
	}
	var wg sync.WaitGroup
	for i := range 8 {
		w := &wave{stack: fmt.Sprint("s", i)}
		if err := s.Commit(ctx, w.create()); err != nil {
			fmt.Println(err)
			return
		}
		for _, use := range []func() error{
			func() error { return s.Commit(ctx, w.next()) },
			func() error { _, err := s.Load(ctx, w.stack); return err },
		} {
			wg.Go(func() {
				for err := error(nil); err == nil; {
					err = use()
				}
			})
		}
	}
	fmt.Println("cut", os.Truncate(path, 0))
	wg.Wait()
	var fatal *runtime.StoreError
	_, err = s.Load(ctx, "s0")
	fmt.Println("fatal", errors.As(err, &fatal) && fatal.Fatal)
	fmt.Println("closed", s.Close())
}

func TestCutOffUnderBolt(t *testing.T) {
	t.Parallel()
	for i := range 10 {
		p := startChild(t, []string{"lose", "lose unsynced"}[i%2], filepath.Join(t.TempDir(), "graphrun.db"))
		for _, line := range []string{"cut <nil>", "fatal true", "closed <nil>"} {
			p.expect(t, line)
		}
	}
}

// A store that is replaced is replaced under all its names: a link stays a link.
func TestALinkStaysALink(t *testing.T) {
	t.Parallel()
	real := filepath.Join(t.TempDir(), "real.db")
	want := lived(t, real)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(real, link); err != nil {
		t.Skip(err)
	}
	for name, replace := range map[string]func() error{
		"compact": func() error { _, _, err := Compact(ctx, link); return err },
		"repair":  func() error { _, err := Repair(ctx, link, real+".damaged"); return err },
	} {
		before, err := os.Stat(real)
		if err != nil {
			t.Fatal(err)
		}
		if err := replace(); err != nil {
			t.Fatal(name, err)
		}
		after, err := os.Stat(real)
		if err != nil || os.SameFile(before, after) {
			t.Errorf("%s has not replaced the file (%v)", name, err)
		}
		if linked, err := os.Stat(link); err != nil || !os.SameFile(linked, after) {
			t.Errorf("%s: the link leads to another file (%v)", name, err)
		}
	}
	expectContent(t, real, want)
}
