//go:build linux

package std

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/program"
)

// orphan is a program of an attempt whose engine was killed: it runs in a
// session of its own, and only its environment tells whose it was.
func orphan(t *testing.T, what, key string) (pid int, ended <-chan struct{}) {
	t.Helper()
	path, up := fifo(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{childVariable + "=" + what + " " + path, program.KeyVariable + "=" + key}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { cmd.Wait(); close(done) }()
	t.Cleanup(func() { cmd.Process.Kill(); <-done })
	return up(), done
}

func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestRerunEndsLeftovers(t *testing.T) {
	t.Parallel()
	tk := task(t, `print "1"`, nil)
	_, polite := orphan(t, "hang", tk.Key)
	_, stubborn := orphan(t, "stubborn", tk.Key)
	_, other := orphan(t, "hang", tk.Key+"2")

	if _, fail := run(t.Context(), tk); fail != nil {
		t.Fatal(fail)
	}
	if isDone(polite) || isDone(stubborn) {
		t.Fatal("a first attempt ended processes: it has no leftovers")
	}
	tk.Rerun = true
	if _, fail := run(t.Context(), tk); fail != nil {
		t.Fatal(fail)
	}
	<-polite
	<-stubborn
	if isDone(other) {
		t.Error("a process of another task was ended")
	}
}

// TestRerunEndsLeftoversFirst: the program must not start beside them.
func TestRerunEndsLeftoversFirst(t *testing.T) {
	t.Parallel()
	tk := task(t, "", map[string]any{"command": nil, "parse": "text"})
	pid, _ := orphan(t, "stubborn", tk.Key)
	tk.With.(map[string]any)["shell"] = `kill -0 "$OLD" 2>/dev/null && grep -q "^State:.[^Z]" /proc/$OLD/status && echo alive || echo gone`
	tk.With.(map[string]any)["env"] = map[string]any{"OLD": int64(pid)}
	tk.Rerun = true
	res, fail := run(t.Context(), tk)
	if fail != nil || strings.TrimSpace(res.Output.(string)) != "gone" {
		t.Errorf("the leftover was %v (%v) when the program started", res.Output, fail)
	}
}

func TestRerunCancelledWhileItWaits(t *testing.T) {
	t.Parallel()
	tk := task(t, `print "1"`, nil)
	orphan(t, "stubborn", tk.Key)
	tk.Rerun = true
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, fail := run(ctx, tk); fail == nil || fail.Kind != "cancelled" {
		t.Errorf("got %v, want kind cancelled", fail)
	}
}

func TestNoKeyNoLeftovers(t *testing.T) {
	t.Parallel()
	_, other := orphan(t, "hang", "")
	if err := program.EndLeftovers(t.Context(), "", quick.killAfter, nil); err != nil {
		t.Fatal(err)
	}
	if isDone(other) {
		t.Error("a process was ended for an empty key")
	}
}

// TestCleanUp: of a task that does not run again, too.
func TestCleanUp(t *testing.T) {
	t.Parallel()
	tk := task(t, `print "1"`, nil)
	_, mine := orphan(t, "hang", tk.Key)
	_, other := orphan(t, "hang", tk.Key+"2")
	if err := nodes.CleanUp(t.Context(), nodes.Spec{Node: quick}, nodes.Task{Key: tk.Key}); err != nil {
		t.Fatal(err)
	}
	<-mine
	if isDone(other) {
		t.Error("a process of another task was ended")
	}
}

// An attempt that is cut off is not over while a process that left its group runs.
func TestACutOffAttemptEndsWhatLeftItsGroup(t *testing.T) {
	t.Parallel()
	path, up := fifo(t)
	tk := task(t, "hang "+path, nil)
	away, _ := orphan(t, "stubborn", tk.Key)
	_, other := orphan(t, "hang", tk.Key+"2")
	ctx, cancel := context.WithCancel(t.Context())
	cancelled := make(chan struct{})
	go func() {
		defer close(cancelled)
		if _, fail := run(ctx, tk); fail == nil {
			t.Error("no error")
		}
	}()
	up()
	cancel()
	<-cancelled
	if program.Runs(away) {
		t.Error("the process that left the group runs on")
	}
	if isDone(other) {
		t.Error("a process of another task was ended")
	}
}

// TestLeftoversOfCalls: the programs of a task's calls are ended, and no others.
func TestLeftoversOfCalls(t *testing.T) {
	t.Parallel()
	tk := task(t, "", nil)
	_, call := orphan(t, "hang", nodes.CallKey(tk.Key, 2))
	_, below := orphan(t, "stubborn", nodes.CallKey(tk.Key, 1)+"#3")
	_, own := orphan(t, "hang", tk.Key)
	_, other := orphan(t, "hang", nodes.CallKey(tk.Key+"#2", 1))
	if err := (execNode{killAfter: quick.killAfter}).CleanUpCalls(t.Context(), tk); err != nil {
		t.Fatal(err)
	}
	<-call
	<-below
	if isDone(own) || isDone(other) {
		t.Error("a process that is of no call of the task was ended")
	}
}
