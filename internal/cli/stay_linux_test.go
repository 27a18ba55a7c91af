package cli

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// stayGraph has a program that ignores TERM and the end of its input, and a node that
// does no work after the first cycle.
const stayGraph = `graphrun: 1
name: g
secrets: [TOKEN]
state: {said: any}
nodes:
  work:
    uses: exec
    with: {command: [sh, -c, "trap '' TERM; echo $$ > pid; env > env; while read -r line; do echo \"$line\" >> lines; key=${line#*:}; echo \"{\\\"key\\\":${key%%,*},\\\"output\\\":1}\"; done; while :; do sleep 1; done"], stay: true, env: {TOKEN: "${{ secrets.TOKEN }}"}}
    writes: {said: output}
edges:
  - to: work
    when: cycle.number == 1
pause: 1h
`

// TestProgramsThatStayOfAKilledEngine: the next engine on the store ends them, though no
// task was open. Commands that only look leave them alone.
func TestProgramsThatStayOfAKilledEngine(t *testing.T) {
	t.Parallel()
	p := start(t, map[string]string{"g.graphrun.yaml": stayGraph}, "env", "TOKEN=canary-of-the-store",
		"graphrun", "run", "g.graphrun.yaml", "--stack", "s")
	p.until("the task is done", func() bool { return strings.Contains(p.mustTry("state", "s", "-o", "json"), `"said":1`) })
	pid := strings.TrimSpace(p.read("pid"))
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
	runs := func() bool {
		b, err := os.ReadFile("/proc/" + pid + "/status")
		return err == nil && !strings.Contains(string(b), "\nState:\tZ")
	}
	p.must("ps")
	if !runs() {
		t.Fatal("the program did not outlive its engine: the test means nothing")
	}
	for _, name := range []string{"/proc/" + pid + "/environ", "/proc/" + pid + "/cmdline", p.dir + "/env", p.dir + "/stderr", p.dir + "/.graphrun/graphrun.db"} {
		b, err := os.ReadFile(name)
		if err != nil || strings.Contains(string(b), "canary") {
			t.Errorf("%s has the secret, or cannot be read (%v)", name, err)
		}
	}
	if !strings.Contains(p.read("lines"), "canary-of-the-store") {
		t.Error("the task lacks the secret")
	}
	p.begin("env", "TOKEN=canary-of-the-store", "graphrun", "run", "g.graphrun.yaml", "--stack", "s")
	p.until("the program is gone", func() bool { return !runs() })
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// mustTry is graphrun for what may fail for a while.
func (p *process) mustTry(args ...string) string {
	out, _ := p.graphrun(args...)
	return strings.Join(strings.Fields(out), "")
}
