package std

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/graphrun/graphrun/nodes"
)

// endLeftovers ends the processes of an earlier attempt that outlived the
// engine: every process whose environment holds the task's idempotency key,
// which no other task has. Their groups and sessions do not matter, so those
// that left the group are found too. It returns when they are gone.
//
// A process that wiped its environment, or belongs to another user, is not
// found.
func endLeftovers(ctx context.Context, key string, grace time.Duration, hurry <-chan struct{}) error {
	if key == "" {
		return nil
	}
	deadline := time.NewTimer(grace)
	defer deadline.Stop()
	giveUp := time.NewTimer(2*grace + time.Second)
	defer giveUp.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()

	sig := syscall.SIGTERM
	told := map[int]bool{}
	for {
		left := holders(key)
		if len(left) == 0 {
			return nil
		}
		for _, pid := range left {
			if sig == syscall.SIGKILL || !told[pid] {
				signalHolder(pid, key, sig)
				told[pid] = true
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline.C:
			sig = syscall.SIGKILL
		case <-hurry:
			sig, hurry = syscall.SIGKILL, nil
		case <-look.C:
		case <-giveUp.C:
			return nodes.Errorf("error", "process %d of an earlier attempt does not end", left[0])
		}
	}
}

// holders are the running processes with key in their environment.
func holders(key string) []int {
	var pids []int
	for _, pid := range processes() {
		if pid != os.Getpid() && holdsKey(pid, key) && !isZombie(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func holdsKey(pid int, key string) bool {
	env, err := os.ReadFile(procFile(pid, "environ"))
	if err != nil {
		return false // gone, or another user's
	}
	want := []byte(keyVariable + "=" + key)
	for v := range bytes.SplitSeq(env, []byte{0}) {
		if bytes.Equal(v, want) {
			return true
		}
	}
	return false
}

// signalHolder signals a process that still holds the key. The handle is taken
// first: a process that has meanwhile taken over the number is not hit.
func signalHolder(pid int, key string, sig os.Signal) {
	p, err := os.FindProcess(pid)
	if err != nil {
		return
	}
	defer p.Release()
	if holdsKey(pid, key) {
		p.Signal(sig) // an error means that it is gone
	}
}

// groupRuns reports whether a process of the group runs; one that has ended
// and waits to be reaped does not.
func groupRuns(group int) bool {
	for _, pid := range processes() {
		if state, pgrp := procStat(pid); pgrp == group && state != "Z" && state != "X" {
			return true
		}
	}
	return false
}

func isZombie(pid int) bool {
	state, _ := procStat(pid)
	return state == "Z" || state == "X" || state == ""
}

// procStat is the state letter and the process group; "" and 0 for a process
// that is gone.
func procStat(pid int) (state string, group int) {
	b, err := os.ReadFile(procFile(pid, "stat"))
	if err != nil {
		return "", 0
	}
	// pid (name) state ppid pgrp …; the name may hold anything, also a ")".
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 3 {
		return "", 0
	}
	group, _ = strconv.Atoi(f[2])
	return f[0], group
}

func processes() []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var pids []int
	for _, n := range names {
		if pid, err := strconv.Atoi(n); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func procFile(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }
