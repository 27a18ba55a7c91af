package torture

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The disk is full again and again, now for the log and now for the database, and the
// process is killed then: nothing acknowledged is lost, and with room again the engine
// continues.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: a small disk needs root, for a mount")
	}
	dir := t.TempDir()
	mount := func(args ...string) error {
		if out, err := exec.Command("mount", append(args, "-t", "tmpfs", "tmpfs", dir)...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	size := 1200
	if err := mount("-o", fmt.Sprintf("size=%dk", size)); err != nil {
		t.Skipf("SKIPPED: no small disk can be mounted: %v", err)
	}
	t.Cleanup(func() { _ = exec.Command("umount", dir).Run() })
	path, ledger := filepath.Join(dir, databaseName), filepath.Join(t.TempDir(), "ledger")
	rounds, full := 3, 0
	if long {
		rounds = 10
	}
	for i := range rounds {
		p := begin(t, "live", path, ledger, i+1)
		err := p.live(i+1, 2*time.Second)
		for looks := 0; err == nil && !isFull(t, dir) && looks < 40; looks++ { // a slow machine writes less
			err = p.live(i+1, 250*time.Millisecond)
		}
		if err != nil && !strings.Contains(err.Error(), "no space left") {
			t.Fatalf("life %d %v", i+1, err)
		}
		if isFull(t, dir) {
			full++
		}
		if err == nil {
			p.kill()
		}
		size += 100 + 370*(i%3)
		if err := mount("-o", fmt.Sprintf("remount,size=%dk", size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := mount("-o", "remount,size=64m"); err != nil {
		t.Fatal(err)
	}
	p := begin(t, "settle", path, ledger, rounds+1)
	if err := <-p.ended; err != nil {
		t.Fatalf("the last life: %v: %s", err, &p.out)
	}
	v := judge(t, path, ledger)
	t.Logf("%d lives, in %d the disk was full: %s", rounds, full, v)
	if v.faults() > 0 {
		t.Errorf("%d lives: %s", rounds, v)
	}
	if full == 0 || v.acked == 0 {
		t.Errorf("too little happened for the test to mean anything: the disk was full %d times; %s", full, v)
	}
}

// isFull says that there is too little space for the next piece of a log or a database.
func isFull(t *testing.T, dir string) bool {
	t.Helper()
	var left unix.Statfs_t
	if err := unix.Statfs(dir, &left); err != nil {
		t.Fatal(err)
	}
	return left.Bavail*uint64(left.Bsize) < 64<<10
}
