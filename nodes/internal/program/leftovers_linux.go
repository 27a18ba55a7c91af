package program

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/graphrun/graphrun/nodes"
)

// EndLeftovers ends the processes of an earlier attempt that outlived the
// engine: every process whose environment holds the task's idempotency key,
// which no other task has. Their groups and sessions do not matter, so those
// that left the group are found too. It returns when they are gone.
//
// A process that wiped its environment, or belongs to another user, is not
// found.
func EndLeftovers(ctx context.Context, key string, grace time.Duration, hurry <-chan struct{}) error {
	if key == "" {
		return nil
	}
	return EndAll(ctx, func(held string) bool { return held == key }, grace, hurry)
}

// EndAll is EndLeftovers for the processes whose keys are among those that are meant.
func EndAll(ctx context.Context, meant func(key string) bool, grace time.Duration, hurry <-chan struct{}) error {
	return endMarked(ctx, func(mark string) bool {
		key, ok := strings.CutPrefix(mark, KeyVariable+"=")
		return ok && meant(key)
	}, grace, hurry)
}

// EndStaying is EndLeftovers for programs that stay: the one whose StayVariable is id, or
// all of the store with this id.
func EndStaying(ctx context.Context, id string, grace time.Duration, hurry <-chan struct{}) error {
	if id == "" {
		return nil
	}
	return endMarked(ctx, func(mark string) bool {
		held, ok := strings.CutPrefix(mark, StayVariable+"=")
		return ok && (held == id || strings.HasPrefix(held, id+"/"))
	}, grace, hurry)
}

// endMarked ends the processes that have a mark that is meant: one of the variables that
// tell whose a process is, with its value.
func endMarked(ctx context.Context, meant func(mark string) bool, grace time.Duration, hurry <-chan struct{}) error {
	deadline := time.NewTimer(grace)
	defer deadline.Stop()
	giveUp := time.NewTimer(2*grace + time.Second)
	defer giveUp.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()

	sig := syscall.SIGTERM
	told := map[int]bool{}
	for {
		left, sure := processTable.holders(meant)
		if len(left) == 0 && sure {
			return nil
		}
		for _, pid := range left {
			if sig == syscall.SIGKILL || !told[pid] {
				signalHolder(pid, meant, sig)
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
			if len(left) == 0 {
				return nodes.Errorf("error", "cannot look for processes of an earlier attempt")
			}
			return nodes.Errorf("error", "process %d of an earlier attempt does not end", left[0])
		}
	}
}

// sweep looks at all processes for those that belong to tasks. After a crash many
// tasks look at the same time: whoever comes while one looks shares the next look.
type sweep struct {
	mu    sync.Mutex
	began time.Time
	found map[string][]int // process ids by mark
	sure  bool
}

var processTable sweep

// holders are the running processes with a mark that is meant in their environment. sure is false when
// the machine was too short of something to look at all of them.
func (s *sweep) holders(meant func(string) bool) (pids []int, sure bool) {
	asked := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.began.After(asked) { // what was found before says nothing of now
		s.began = time.Now()
		s.found, s.sure = look()
	}
	for mark, of := range s.found { // in any order
		if meant(mark) {
			pids = append(pids, of...)
		}
	}
	return pids, s.sure
}

func look() (found map[string][]int, sure bool) {
	all, err := processes()
	found, sure = map[string][]int{}, err == nil
	for _, pid := range all {
		if pid == os.Getpid() {
			continue
		}
		marks, err := marksOf(pid)
		sure = sure && !isWant(err) // else it is gone, or another user's
		if len(marks) > 0 && !isZombie(pid) {
			for _, mark := range marks {
				found[mark] = append(found[mark], pid)
			}
		}
	}
	return found, sure
}

// marksOf are the marks in the environment of a process.
func marksOf(pid int) (marks []string, err error) {
	env, err := os.ReadFile(procFile(pid, "environ"))
	if err != nil {
		return nil, err
	}
	for v := range bytes.SplitSeq(env, []byte{0}) {
		if bytes.HasPrefix(v, []byte(KeyVariable+"=")) || bytes.HasPrefix(v, []byte(StayVariable+"=")) {
			marks = append(marks, string(v))
		}
	}
	return marks, nil
}

// signalHolder signals a process that still has the mark. The handle is taken
// first: a process that has meanwhile taken over the number is not hit.
func signalHolder(pid int, meant func(string) bool, sig os.Signal) {
	p, err := os.FindProcess(pid)
	if err != nil {
		return
	}
	defer func() { _ = p.Release() }()
	if marks, _ := marksOf(pid); slices.ContainsFunc(marks, meant) {
		_ = p.Signal(sig) // an error means that it is gone
	}
}

// groupRuns reports whether a process of the group runs; one that has ended
// and waits to be reaped does not.
func groupRuns(group int) bool {
	all, err := processes()
	for _, pid := range all {
		if state, pgrp := procStat(pid); pgrp == group && state != "Z" && state != "X" {
			return true
		}
	}
	return err != nil // it cannot be seen: the group may run
}

func isZombie(pid int) bool {
	state, _ := procStat(pid)
	return state == "Z" || state == "X" || state == "" && !isAlive(pid)
}

// Runs reports whether a process runs; one that waits to be reaped does not.
func Runs(pid int) bool { return isAlive(pid) && !isZombie(pid) }

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

// isAlive says whether a process is there, or cannot be asked.
func isAlive(pid int) bool { return syscall.Kill(pid, 0) != syscall.ESRCH }

func processes() ([]int, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	var pids []int
	for _, n := range names {
		if pid, err := strconv.Atoi(n); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, err
}

func procFile(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }
