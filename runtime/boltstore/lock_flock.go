//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"
)

var errLocked = syscall.EWOULDBLOCK

// lock takes the lock that bbolt takes too; taking it twice through one open
// file is the same as once.
func lock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// alive reports whether a process exists and has not ended.
func alive(pid int) bool {
	return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) && !ended(pid)
}

// ended tells a process that only waits for its parent to ask how it ended, which
// in a container may be for ever. Where there is no /proc, nobody knows.
func ended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// The name before the state is in parentheses, and may have some itself.
	return bytes.HasPrefix(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" Z"))
}
