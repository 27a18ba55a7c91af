//go:build linux

package program

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const guardedVariable = "PROGRAM_TEST_GUARDED"

func TestMain(m *testing.M) {
	if os.Getenv(guardedVariable) != "" {
		guardedEngine()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// guardedEngine starts two stubborn groups, guards one of them, and waits to be killed.
func guardedEngine() {
	g, err := NewGuard()
	if err != nil {
		panic(err)
	}
	for _, guarded := range []bool{true, false} {
		c := Command{Path: "/bin/sh", Args: []string{"sh", "-c", `trap '' TERM; echo up; while :; do sleep 1000; done`}, Env: Inherited()}
		up, w := io.Pipe()
		p, err := c.Start(nil, w, io.Discard)
		if err != nil {
			panic(err)
		}
		if _, err := bufio.NewReader(up).ReadString('\n'); err != nil {
			panic(err)
		}
		g.Add(p.ID())
		if !guarded {
			g.Remove(p.ID())
		}
		os.Stdout.WriteString(strconv.Itoa(p.ID()) + "\n")
	}
	select {}
}

// TestGuardEndsGroupsOfAKilledProcess: KILL leaves a process no time to end its own.
func TestGuardEndsGroupsOfAKilledProcess(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), guardedVariable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var groups []int
	for lines := bufio.NewScanner(out); len(groups) < 2 && lines.Scan(); {
		group, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Kill(-group, syscall.SIGKILL) })
		groups = append(groups, group)
	}
	if len(groups) != 2 {
		t.Fatalf("got %v, want two groups", groups)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for look := time.NewTicker(20 * time.Millisecond); groupRuns(groups[0]); {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatal("the guarded group runs on")
		}
	}
	if !groupRuns(groups[1]) {
		t.Error("a group that was not guarded any more was ended")
	}
}
