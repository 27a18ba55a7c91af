package boltstore

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A killed process whose parent has not asked for it is no process that still
// looks through its copy.
func TestCopyOfUnreapedProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	dead := exec.Command(os.Args[0])
	dead.Env = append(os.Environ(), roleEnv+"=own", pathEnv+"="+filepath.Join(t.TempDir(), "other.db"))
	if err := dead.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dead.Wait() }()
	if err := unix.Waitid(unix.P_PID, dead.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	copied := fmt.Sprint(path, unfinishedMark, "copy-", dead.Process.Pid)
	own := fmt.Sprint(path, unfinishedMark, "copy-", os.Getpid())
	for _, name := range []string{copied, own} {
		if err := os.WriteFile(name, []byte("left"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	CopyPath(path)
	if left, _ := filepath.Glob(path + ".*"); len(left) != 1 || left[0] != own {
		t.Errorf("left %q, want only %q", left, own)
	}
}
