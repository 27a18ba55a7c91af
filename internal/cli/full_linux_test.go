package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// growingGraph needs more room with every cycle, up to a list of 2 MB.
const growingGraph = `graphrun: 1
name: growing
state:
  text: {type: list(string), reduce: append, keep: 1000}
nodes:
  add:
    uses: exec
    with: {command: [printf, '["%2000s"]', x]}
    writes: {text: output}
pause: 0s
limits: {cycles: 100000}
`

// small begins a graphrun whose files may not grow beyond 400 KiB: what it
// gets then is what a full disk would answer.
func small(t *testing.T, args ...string) *process {
	t.Helper()
	files := map[string]string{"growing.graphrun.yaml": growingGraph}
	return start(t, files, append([]string{"sh", "-c", `ulimit -S -f 800; exec graphrun "$@"`, "sh"}, args...)...)
}

// TestRunOnFullDisk: a run that finds no room ends with 4, and continues when
// there is some.
func TestRunOnFullDisk(t *testing.T) {
	t.Parallel()
	p := small(t, "run", "growing.graphrun.yaml", "--cycles", "5000")
	if code := p.wait(); code != exitStore {
		t.Fatalf("exit code %d, want %d:\n%s", code, exitStore, p.read("stderr"))
	}
	if last := p.read("stderr"); !strings.Contains(last, "file too large") {
		t.Errorf("it does not say why:\n%s", last)
	}
	p.must("doctor")
	before := p.must("status", "growing", "-o", "json")
	p.must("run", "growing.graphrun.yaml", "--cycles", "3")
	if after := p.must("status", "growing", "-o", "json"); before == after {
		t.Errorf("it did not continue: %s", after)
	}
}

// TestOutputOnFullDisk: data that cannot be written is said, whichever command
// and however it prints.
func TestOutputOnFullDisk(t *testing.T) {
	t.Parallel()
	p := small(t, "run", "growing.graphrun.yaml", "--once")
	if code := p.wait(); code != exitDone {
		t.Fatalf("exit code %d:\n%s", code, p.read("stderr"))
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	db := filepath.Join(p.dir, defaultDB)
	for _, args := range [][]string{{"state", "growing"}, {"ps", "-o", "json"}, {"trace", "growing"}, {"--help"}} {
		var said strings.Builder
		code := run(t.Context(), append(args, "--db", db), nil, full, &said)
		if want := "graphrun: cannot write the output: write /dev/full: no space left on device\n"; code != exitStore || said.String() != want {
			t.Errorf("%v: exit code %d, said %q", args, code, said.String())
		}
	}
}

// TestServeOnFullDisk: a server that finds no room answers what it is asked,
// and continues by itself when there is some.
func TestServeOnFullDisk(t *testing.T) {
	t.Parallel()
	s := served{small(t, "serve", ".", "--listen", "off")}
	s.await("stderr", "msg=serving")
	s.must("start", "growing", "--stack", "a")
	s.await("stderr", "the store takes no commits")
	stood := s.must("state", "a", "-o", "json")
	s.must("ps")
	for _, command := range []string{"pause", "wake", "cancel"} {
		if text, code := s.graphrun(command, "a"); code != exitStore || !strings.Contains(text, "file too large") {
			t.Errorf("%s: exit code %d: %s", command, code, text)
		}
	}
	if again := s.must("state", "a", "-o", "json"); again != stood {
		t.Errorf("it continued without room:\n%s\n%s", stood, again)
	}
	if err := unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}, nil); err != nil {
		t.Fatal(err)
	}
	s.until("it continues", func() bool { return s.must("state", "a", "-o", "json") != stood })
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, s.read("stderr"))
	}
	s.must("doctor")
}

// breakFile makes all further writes of this process to a file fail, by putting
// another behind its descriptor. It reports whether the file is open.
func breakFile(t *testing.T, name string) bool {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range open {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err != nil || to != name {
			continue
		}
		var fd int
		if _, err := fmt.Sscan(e.Name(), &fd); err != nil {
			t.Fatal(err)
		}
		null, err := os.Open(os.DevNull) // not for writing
		if err != nil {
			t.Fatal(err)
		}
		defer null.Close()
		if err := unix.Dup3(int(null.Fd()), fd, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		return true
	}
	return false
}

// TestBrokenDisk: after a write that failed, nothing in memory is to be trusted.
// What runs ends with 4 by itself, and what it acknowledged is there.
func TestBrokenDisk(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"run", "serve"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			graph, db := filepath.Join(dir, "tick.graphrun.yaml"), filepath.Join(dir, "graphrun.db")
			if err := os.WriteFile(graph, []byte(tickGraph), 0o600); err != nil {
				t.Fatal(err)
			}
			cli := func(args ...string) (string, int) {
				var out, errs strings.Builder
				code := run(context.Background(), append(args, "--db", db), strings.NewReader(""), &out, &errs)
				return out.String() + errs.String(), code
			}
			if out, code := cli("run", graph, "--stack", "a", "--cycles", "2"); code != 0 {
				t.Fatal(code, out)
			}
			args := map[string][]string{
				"run": {"run", graph, "--stack", "a"}, "serve": {"serve", graph, "--listen", "off"},
			}[command]
			ended := make(chan int, 1)
			go func() {
				ended <- run(context.Background(), append(args, "--db", db), strings.NewReader(""), io.Discard, io.Discard)
			}()
			for deadline := time.After(20 * time.Second); !breakFile(t, db); {
				select {
				case <-time.After(10 * time.Millisecond):
				case <-deadline:
					t.Fatal("the store is not opened")
				}
			}
			select {
			case code := <-ended:
				if code != exitStore {
					t.Errorf("exit code %d, want %d", code, exitStore)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("it continues on a store that takes no writes")
			}
			if out, code := cli("doctor"); code != 0 {
				t.Errorf("afterwards: exit code %d\n%s", code, out)
			}
			if out, code := cli("status", "a"); code != 0 || !strings.Contains(out, "running") {
				t.Errorf("afterwards: exit code %d\n%s", code, out)
			}
		})
	}
}
