package cli

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// TestSuspendedOwner: an owner that was suspended keeps the store, and nobody
// waits for it for ever.
func TestSuspendedOwner(t *testing.T) {
	t.Parallel()
	r := startSlow(t)
	r.signal(syscall.SIGSTOP)
	for _, args := range [][]string{{"ps"}, {"doctor"}, {"run", "slow.graphrun.yaml", "--stack", "other"}} {
		want := fmt.Sprintf("is in use by process %d", r.cmd.Process.Pid)
		if out, code := r.graphrun(args...); code != exitStore || !strings.Contains(out, want) {
			t.Errorf("%s: exit code %d, want %d: %s", args, code, exitStore, out)
		}
	}
	r.signal(syscall.SIGCONT)
	r.must("ps")
	r.release()
	if code := r.wait(); code != 0 {
		t.Errorf("the owner ended with %d", code)
	}
}
