package torture

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// disk is a file system in a file of its own, whose power can be cut.
type disk struct {
	t          *testing.T
	image, dir string
}

// newDisk skips the test where it cannot have one.
func newDisk(t *testing.T) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: cutting the power needs root, for a loop device")
	}
	d := &disk{t, filepath.Join(t.TempDir(), "disk.img"), t.TempDir()}
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, 64<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", d.image).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: no ext4 image can be made: %v %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", d.image, d.dir).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: no loop device can be mounted: %v %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", d.dir).Run() })
	return d
}

// cut drops what the disk has not been forced to write, from one instant on.
func (d *disk) cut() {
	d.t.Helper()
	const (
		shutdown   = 0x8004587d // EXT4_IOC_SHUTDOWN
		noLogFlush = 2
	)
	f, err := os.Open(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	if err := unix.IoctlSetPointerInt(int(f.Fd()), shutdown, noLogFlush); err != nil {
		d.t.Skipf("SKIPPED: this ext4 cannot be shut down: %v", err)
	}
}

// again brings the power back.
func (d *disk) again() {
	d.t.Helper()
	for _, args := range [][]string{{"umount", d.dir}, {"mount", "-o", "loop", d.image, d.dir}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			d.t.Fatalf("%v: %v %s", args, err, out)
		}
	}
}

// cuts cuts the power of one life after the other. It is an error if the last life
// finds the store damaged.
func cuts(t *testing.T, role string, rounds int) (v verdict, err error) {
	t.Helper()
	d := newDisk(t)
	path, ledger := filepath.Join(d.dir, "graphrun.db"), filepath.Join(t.TempDir(), "ledger")
	rnd := rand.New(rand.NewPCG(9, 0))
	for i := range rounds {
		p := begin(t, role, path, ledger, i+1)
		long := time.Duration(40+rnd.IntN(300)) * time.Millisecond
		if i%3 == 1 { // the log is brought into the database every second
			long += time.Second
		}
		if err := p.live(i+1, long); err != nil {
			return v, fmt.Errorf("life %d %w", i+1, err)
		}
		d.cut()
		p.kill()
		d.again()
	}
	p := begin(t, "settle", path, ledger, rounds+1)
	if err := <-p.ended; err != nil {
		return v, fmt.Errorf("the last life: %w: %s", err, &p.out)
	}
	return judge(t, path, ledger), nil
}

// The power fails at any instant, again and again: nothing acknowledged is lost.
func TestPowerCut(t *testing.T) {
	rounds := 5
	if long {
		rounds = 30
	}
	v, err := cuts(t, "live", rounds)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(v)
	if v.faults() > 0 {
		t.Errorf("%d rounds: %s", rounds, v)
	}
	if v.acked == 0 || v.reruns == 0 {
		t.Errorf("too little happened for the test to mean anything: %s", v)
	}
}

// Without fsync the same test finds losses, or a store that is refused.
func TestPowerCutControl(t *testing.T) {
	ran, lost := 0, 0
	const tries = 4
	for i := range tries {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			v, err := cuts(t, "none", 2)
			t.Log(v, err)
			ran++
			if err != nil || v.faults() > 0 {
				lost++
			}
		})
	}
	if ran > 0 && lost < ran/2 {
		t.Errorf("without fsync only %d of %d tries lost something: the test cannot find what it looks for", lost, ran)
	}
}
