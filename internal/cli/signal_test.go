package cli

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// slowGraph has a node that is done at once and one that waits for the file
// `go`. Both note in `ledger` who they are.
const slowGraph = `graphrun: 1
name: slow
state: {sum: {type: integer, reduce: sum}}
nodes:
  quick:
    uses: exec
    with: {shell: 'echo "quick $GRAPHRUN_ATTEMPT $GRAPHRUN_KEY" >> ledger; echo 1'}
    writes: {sum: output}
  slow:
    uses: exec
    with: {shell: 'echo "slow $GRAPHRUN_ATTEMPT $GRAPHRUN_KEY" >> ledger; while [ ! -e go ]; do sleep 0.02; done; echo 1'}
    writes: {sum: output}
edges: [{to: quick}, {to: slow}]
pause: 0s
`

// slowRun is a `graphrun run` of slowGraph.
type slowRun struct{ *process }

// startSlow begins a run and returns when the result of `quick` is recorded
// and `slow` is at work.
func startSlow(t *testing.T, args ...string) slowRun {
	t.Helper()
	files := map[string]string{"slow.graphrun.yaml": slowGraph}
	r := slowRun{start(t, files, append([]string{"graphrun", "run", "slow.graphrun.yaml", "--once"}, args...)...)}
	t.Cleanup(r.release)
	r.await("stderr", "quick succeeded")
	r.await("ledger", "slow 1 ")
	return r
}

// release lets `slow` finish.
func (r slowRun) release() { r.write("go", "") }

// ledger is who ran, with attempts; keys must be the same for all attempts.
func (r slowRun) ledger() []string {
	r.t.Helper()
	keys := map[string]string{}
	var who []string
	for line := range strings.Lines(r.read("ledger")) {
		f := strings.Fields(line)
		if was, ok := keys[f[0]]; ok && was != f[2] {
			r.t.Errorf("%s ran with the keys %s and %s", f[0], was, f[2])
		}
		keys[f[0]] = f[2]
		who = append(who, f[0]+" "+f[1])
	}
	return who
}

func count(all []string, s string) (n int) {
	for _, x := range all {
		if x == s {
			n++
		}
	}
	return n
}

// TestGoesOnAfterAnEnd: whatever ends the process in the middle of a wave, what
// was recorded does not run again, what was running does, and its writes are
// applied once.
func TestGoesOnAfterAnEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		args   []string
		signal syscall.Signal
		code   int
	}{
		{"interrupt", []string{"--grace", "0s"}, syscall.SIGINT, exitInterrupted},
		{"terminate", []string{"--grace", "0s"}, syscall.SIGTERM, exitInterrupted},
		{"kill", nil, syscall.SIGKILL, -1},
		{"kill, not forced to disk", []string{"--durability", "none"}, syscall.SIGKILL, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := startSlow(t, tt.args...)
			r.signal(tt.signal)
			if code := r.wait(); code != tt.code {
				t.Fatalf("exit code %d, want %d", code, tt.code)
			}
			plan, code := r.graphrun("plan", "slow", "-o", "json")
			if want := `{"graph":"slow","stack":"slow","cycle":1,"waves":[{"wave":1,"nodes":["slow"]}],"nodes":[]}` + "\n"; code != 0 || plan != want {
				t.Errorf("the plan of an open wave is %s, want %s", plan, want)
			}
			r.release()
			out, code := r.graphrun("run", "slow.graphrun.yaml", "--once", "-o", "json")
			want := `{"stack":"slow","graph":"slow","status":"running","reason":"","cycles":1,"waves":1,"node_runs":2,"failures":0,"tokens":0,"cost":0,"state":{"sum":2}}` + "\n"
			if code != 0 || out != want {
				t.Errorf("the next run: exit code %d\n%s", code, cmp.Diff(want, out))
			}
			who := r.ledger()
			if count(who, "quick 1") != 1 || count(who, "slow 1") != 1 || count(who, "slow 2") != 1 || len(who) != 3 {
				t.Errorf("ran: %q, want quick once and slow twice", who)
			}
		})
	}
}

// TestInterruptLetsTasksFinish: without --grace 0s a running task may end, and
// the wave is committed.
func TestInterruptLetsTasksFinish(t *testing.T) {
	t.Parallel()
	r := startSlow(t)
	r.signal(syscall.SIGINT)
	r.await("stderr", "interrupted: 1 task may finish within 10s")
	r.release()
	if code := r.wait(); code != exitInterrupted {
		t.Fatalf("exit code %d, want %d", code, exitInterrupted)
	}
	out, _ := r.graphrun("state", "slow", "-o", "json")
	if want := `{"stack":"slow","cycle":1,"wave":1,"state":{"sum":2}}` + "\n"; out != want {
		t.Error(cmp.Diff(want, out))
	}
	if who := r.ledger(); len(who) != 2 {
		t.Errorf("ran: %q, want two tasks", who)
	}
}

// TestSecondInterrupt: a second interrupt ends at once, and the stack can be continued.
func TestSecondInterrupt(t *testing.T) {
	t.Parallel()
	r := startSlow(t, "--grace", "1h")
	r.signal(syscall.SIGINT)
	r.await("stderr", "interrupt again to end at once")
	r.signal(syscall.SIGTERM)
	if code := r.wait(); code != exitInterrupted {
		t.Fatalf("exit code %d, want %d", code, exitInterrupted)
	}
	r.release()
	if out, code := r.graphrun("run", "slow.graphrun.yaml", "--once"); code != 0 || !strings.Contains(out, "slow: running after 1 cycle (1 wave, 2 node runs, 0 failures)") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// TestSecondInterruptEndsPrograms: nobody is left behind who would end them.
func TestSecondInterruptEndsPrograms(t *testing.T) {
	t.Parallel()
	graph := strings.Replace(slowGraph, "while [", "echo $$ > pid; while [", 1)
	r := start(t, map[string]string{"slow.graphrun.yaml": graph}, "graphrun", "run", "slow.graphrun.yaml", "--grace", "1h")
	r.await("pid", "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(r.read("pid")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.write("go", "") })
	r.signal(syscall.SIGINT)
	r.await("stderr", "interrupt again to end at once")
	r.signal(syscall.SIGINT)
	if code := r.wait(); code != exitInterrupted {
		t.Errorf("exit code %d, want %d", code, exitInterrupted)
	}
	if other, err := os.FindProcess(pid); err == nil && other.Signal(syscall.Signal(0)) == nil {
		t.Errorf("process %d lives on", pid)
	}
}

// TestOneOwner: a second process hears who owns the store.
func TestOneOwner(t *testing.T) {
	t.Parallel()
	r := startSlow(t)
	owner := regexp.MustCompile(fmt.Sprintf(`^graphrun: database ".graphrun/graphrun.db" is in use by process %d\n$`, r.cmd.Process.Pid))
	for _, args := range [][]string{{"run", "slow.graphrun.yaml", "--stack", "other"}, {"serve", ".", "--listen", "off"}} {
		out, code := r.graphrun(args...)
		if code != exitStore || !owner.MatchString(out) {
			t.Errorf("%s: exit code %d, want %d: %s", args, code, exitStore, out)
		}
	}
	for _, args := range [][]string{{"state", "slow"}, {"plan", "slow"}, {"ps"}} {
		if out, code := r.graphrun(args...); code != 0 || !strings.Contains(out, "slow") {
			t.Errorf("%s asks the owner: exit code %d, want 0: %s", args, code, out)
		}
	}
	r.release()
	if code := r.wait(); code != 0 {
		t.Errorf("the owner ended with %d", code)
	}
}
