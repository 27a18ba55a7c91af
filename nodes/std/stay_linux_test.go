//go:build linux

package std

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/program"
)

// TestStayTimeoutEndsWhatLeftItsGroup: and no process of another program that stays.
func TestStayTimeoutEndsWhatLeftItsGroup(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, nil)
	other := k.task("pid", "")
	other.Node = "other"
	before, fail := k.run(t.Context(), other)
	if fail != nil {
		t.Fatal(fail)
	}
	path, up := fifo(t)
	ctx, cancel := context.WithCancel(t.Context())
	end := k.begin(ctx, "grandchild", path)
	grandchild := up()
	cancel()
	_, _ = end()
	gone(t, grandchild)
	if after, _ := k.run(t.Context(), other); after != before {
		t.Error("the program of another node was ended")
	}
}

// TestStayShowsNoSecret: neither the environment nor the arguments of the program have
// what only its tasks know.
func TestStayShowsNoSecret(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, map[string]any{"env": map[string]any{"TOKEN": "canary-of-proc"}})
	pid := int(k.must("pid", "").(int64))
	for _, name := range []string{"environ", "cmdline"} {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/" + name)
		if err != nil || strings.Contains(string(b), "canary") {
			t.Errorf("%s has a secret, or cannot be read (%v)", name, err)
		}
	}
}

// TestReap: the programs of a killed engine are known by the id that its store has kept,
// and those of other stores are left alone.
func TestReap(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, nil)
	k.must("pid", "")
	mark := func(id string) (int, <-chan struct{}) {
		path, up := fifo(t)
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{childVariable + "=stubborn " + path, program.StayVariable + "=" + id}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() { cmd.Wait(); close(done) }()
		t.Cleanup(func() { cmd.Process.Kill(); <-done })
		return up(), done
	}
	if len(k.kept) != 1 {
		t.Fatalf("the store keeps %v, want one text", k.kept)
	}
	var id string
	for _, id = range k.kept {
	}
	next := newStayKit(t, nil) // an engine on the same store
	_, left := mark(id + "/7")
	_, other := mark(id + "x/7")
	read := func(_ context.Context, name string) (string, error) { return k.kept[name], nil }
	mine := int(next.must("pid", "").(int64))
	reg := nodes.NewRegistry()
	if err := reg.Register(next.spec); err != nil {
		t.Fatal(err)
	}
	if err := nodes.Reap(t.Context(), reg, read); err != nil {
		t.Fatal(err)
	}
	<-left
	if isDone(other) || ended(mine) {
		t.Error("a program of another store was ended")
	}
	nothing := func(context.Context, string) (string, error) { return "", nil }
	if err := nodes.Reap(t.Context(), reg, nothing); err != nil || isDone(other) {
		t.Errorf("a store without programs: %v", err)
	}
}

// TestStayHasOneID: programs that start at the same time, as the first of a store, are all
// found by the id that the store has kept.
func TestStayHasOneID(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, map[string]any{"processes": int64(2)})
	var mu sync.Mutex
	kept := ""
	asked := make(chan struct{}, 2)
	both := time.After(100 * time.Millisecond) // as long as the first waits for a second to ask
	one := func(input string) func() (any, *nodes.Error) {
		task := k.task("pid", input)
		task.Kept = func(context.Context, string) (string, error) {
			mu.Lock()
			known := kept
			mu.Unlock()
			asked <- struct{}{}
			for known == "" && len(asked) < 2 {
				select {
				case <-both:
					return known, nil
				case <-time.After(time.Millisecond):
				}
			}
			return known, nil
		}
		task.Keep = func(_ context.Context, _, text string) error {
			mu.Lock()
			defer mu.Unlock()
			kept = text
			return nil
		}
		type end struct {
			out  any
			fail *nodes.Error
		}
		ends := make(chan end, 1)
		go func() {
			out, fail := k.run(t.Context(), task)
			ends <- end{out, fail}
		}()
		return func() (any, *nodes.Error) { e := <-ends; return e.out, e.fail }
	}
	for _, wait := range []func() (any, *nodes.Error){one("a"), one("b")} {
		pid, fail := wait()
		if fail != nil {
			t.Fatal(fail)
		}
		env, err := os.ReadFile("/proc/" + strconv.Itoa(int(pid.(int64))) + "/environ")
		mu.Lock()
		mark := program.StayVariable + "=" + kept + "/"
		mu.Unlock()
		if err != nil || !strings.Contains(string(env), mark) {
			t.Errorf("process %d is not marked with %s (%v)", pid, mark, err)
		}
	}
}
