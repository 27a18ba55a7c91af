package boltstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
)

// The test binary plays other processes when these are set.
const (
	roleEnv = "BOLTSTORE_TEST_ROLE"
	pathEnv = "BOLTSTORE_TEST_PATH"
)

// child plays the role that the environment asks for; false when none.
func child() bool {
	path := os.Getenv(pathEnv)
	switch os.Getenv(roleEnv) {
	case "own":
		s, err := Open(path, Options{})
		if err != nil {
			fmt.Println("failed", err)
			return true
		}
		fmt.Println("owned")
		_, _ = os.Stdin.Read(make([]byte, 1)) // until the parent closes it
		_ = s.Close()
	case "write":
		childWrites(path)
	case "lose":
		childLosesFile(path, runtime.DurabilityWave)
	case "lose unsynced":
		childLosesFile(path, runtime.DurabilityNone)
	default:
		return false
	}
	return true
}

const childStacks = 3

// childWrites commits to a few stacks as fast as it can, and says of each
// commit when it is acknowledged.
func childWrites(path string) {
	s, err := Open(path, Options{})
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range childStacks {
		wg.Go(func() {
			w, err := resume(s, fmt.Sprint("stack", i))
			for err == nil {
				if err = s.Commit(ctx, w.next()); err == nil {
					mu.Lock()
					fmt.Println("done", w.stack, w.n)
					mu.Unlock()
				}
				if err == nil && w.n%3 == 0 {
					err = forkAndForget(s, w)
				}
			}
			fmt.Println("failed", err)
		})
	}
	wg.Wait()
}

// forkAndForget makes a fork, and a fork of that, and removes the one between them and what
// an earlier call has left.
func forkAndForget(s *Store, w *wave) error {
	name := func(n int) string { return fmt.Sprint("fork of ", w.stack, " at ", n) }
	c, f := w.fork(name(w.n) + " between")
	steps := []func() error{
		func() error { return s.Commit(ctx, c) },
		func() error { return s.Commit(ctx, f.next()) },
		func() error {
			c, f = f.fork(name(w.n))
			return s.Commit(ctx, c)
		},
		func() error { return s.Commit(ctx, f.next()) },
		func() error { return s.Remove(ctx, name(w.n)+" between") },
		func() error { return s.Remove(ctx, name(w.n-3)) },
	}
	for _, step := range steps {
		if err := step(); err != nil && !errors.Is(err, runtime.ErrNotFound) {
			return err
		}
	}
	return nil
}

// resume continues a stack, or creates it.
func resume(s *Store, stack string) (*wave, error) {
	w := &wave{stack: stack}
	snap, err := s.Load(ctx, stack)
	if errors.Is(err, runtime.ErrNotFound) {
		return w, s.Commit(ctx, w.create())
	}
	w.cursor = snap.Cursor
	list, _ := snap.State["messages"].([]any)
	w.n = len(list)
	return w, err
}

// process is a child with its standard output line by line.
type process struct {
	*exec.Cmd
	out *bufio.Scanner
}

func startChild(t *testing.T, role, path string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"="+role, pathEnv+"="+path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &process{cmd, bufio.NewScanner(out)}
}

func (p *process) expect(t *testing.T, line string) {
	t.Helper()
	if !p.out.Scan() || p.out.Text() != line {
		t.Fatalf("the child says %q, want %q", p.out.Text(), line)
	}
}

// A second process learns who owns the store, also when the
// owner does nothing, and gets it as soon as the owner is dead.
func TestOwnership(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	owner := startChild(t, "own", path)
	owner.expect(t, "owned")
	for _, stopped := range []bool{false, true} {
		if stopped && stopSignal != nil {
			if err := owner.Process.Signal(stopSignal); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Open(path, Options{})
		var known *runtime.StoreError
		want := fmt.Sprintf("database %q is in use by process %d", path, owner.Process.Pid)
		if !errors.As(err, &known) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	s := openAt(t, path, Options{})
	if _, err := Open(path, Options{LockTimeout: time.Millisecond}); err == nil || !strings.HasSuffix(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("got %v for a second store in one process", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ownerPath(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the owner's note is still there: %v", err)
	}
}

// Many that make one new store at the same moment: all get the same one, in turn.
func TestCreateAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b", "graphrun.db")
	ids := make([]string, 12)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			s, err := Open(path, Options{LockTimeout: time.Minute})
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = s.ID()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Fatalf("different stores: %q", ids)
		}
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(files) != 1 {
		t.Errorf("files are left behind: %q", files)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): os.ModeDir | 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
}

// What a crash leaves while a store is made is in nobody's way, and cleaned up.
func TestUnfinishedCreation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	for i, text := range []string{"", "half", strings.Repeat("\x00", 16384)} {
		if err := os.WriteFile(path+unfinishedMark+strconv.Itoa(i), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	openAt(t, path, Options{})
	if left, _ := filepath.Glob(path + unfinishedMark + "*"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// Killed at any instant, a store has every acknowledged commit, at most one
// more of each stack, and continues.
func TestKill(t *testing.T) {
	t.Parallel()
	kills := 20
	if testing.Short() {
		kills = 4
	}
	path := filepath.Join(t.TempDir(), "graphrun.db")
	ledger := map[string]int{}
	for kill := range kills {
		p := startChild(t, "write", path)
		for lines := 0; p.out.Scan(); lines++ {
			word, rest, _ := strings.Cut(p.out.Text(), " ")
			if word != "done" {
				t.Fatalf("kill %d: %s", kill, p.out.Text())
			}
			stack, n, _ := strings.Cut(rest, " ")
			count, err := strconv.Atoi(n)
			if err != nil {
				t.Fatal(err)
			}
			ledger[stack] = max(ledger[stack], count)
			if lines == 7*kill%50 {
				if err := p.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = p.Wait()
		checkLedger(t, path, ledger)
		if report := mustCheck(t, path); len(report.Problems) > 0 {
			t.Fatalf("kill %d: %v", kill, report.Problems)
		}
	}
	if ledger["stack0"] == 0 {
		t.Error("nothing was ever acknowledged")
	}
}

func checkLedger(t *testing.T, path string, ledger map[string]int) {
	t.Helper()
	s := openAt(t, path, Options{})
	defer s.Close()
	for stack, acknowledged := range ledger {
		w, err := resume(s, stack)
		if err != nil {
			t.Fatal(err)
		}
		if w.n < acknowledged || w.n > acknowledged+1 {
			t.Errorf("stack %q has %d commits, %d were acknowledged", stack, w.n, acknowledged)
		}
		if _, err := content(s, stack); err != nil {
			t.Error(err)
		}
		ledger[stack] = w.n
	}
}

// A full disk: the commit fails, the store does not; when there is room again
// the same commit succeeds, and nothing acknowledged is lost.
func TestMaxSize(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	s := openAt(t, path, Options{MaxSize: 1 << 20})
	w := &wave{stack: "full"}
	mustCommit(t, s, w.create())
	for i := range 10_000 {
		c := w.next()
		c.Changes = append(c.Changes, graph.Change{Name: fmt.Sprint("k", i), Whole: true, Value: strings.Repeat(fmt.Sprint(i), 5000)})
		err := s.Commit(ctx, c)
		if err == nil {
			continue
		}
		var full *runtime.StoreError
		if !errors.As(err, &full) || full.Fatal {
			t.Fatalf("got %v", err)
		}
		if err := s.Commit(ctx, c); err == nil {
			t.Fatal("there was room all of a sudden")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openAt(t, path, Options{})
		mustCommit(t, s, c)
		snap, err := s.Load(context.Background(), "full")
		if err != nil || len(snap.State) != i+3 || snap.Cursor.Seq != w.cursor.Seq {
			t.Errorf("%d keys, seq %d, %v", len(snap.State), snap.Cursor.Seq, err)
		}
		return
	}
	t.Fatal("the limit does not hold")
}
