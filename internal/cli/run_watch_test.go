package cli

import (
	"strings"
	"syscall"
	"testing"
)

// TestRunWatches: a change is checked and planned, also one of an inner graph, and nothing runs.
func TestRunWatches(t *testing.T) {
	t.Parallel()
	outer := strings.Replace(outerGraph, "parts/child.yaml", "child.yaml", 1)
	p := start(t, map[string]string{"outer.graphrun.yaml": outer, "child.yaml": childGraph},
		"sh", "-c", "exec graphrun run --watch outer.graphrun.yaml >out")
	p.await("out", "wave 1: child")
	p.write("child.yaml", strings.Replace(childGraph, "writes: {n:", "writes: {m:", 1))
	p.await("out", "child.yaml:5:")
	p.write("child.yaml", childGraph)
	p.until("the plan comes again", func() bool { return strings.Count(p.read("out"), "wave 1: child") == 2 })
	p.write("outer.graphrun.yaml", strings.Replace(outer, "{to: child}", "{to: child, when: state.n > 0}", 1))
	p.await("out", "child would not run")
	p.signal(syscall.SIGINT)
	if code := p.wait(); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.read("stderr"))
	}
	if out, _ := p.graphrun("ps"); !strings.Contains(out, "there is no store") {
		t.Errorf("something ran: %s", out)
	}
	for _, args := range [][]string{{"run", "--watch", "--once", "outer.graphrun.yaml"}, {"run", "--watch", "-"}} {
		if out, code := p.graphrun(args...); code != 2 || !strings.Contains(out, "--watch") {
			t.Errorf("%q: exit code %d, %s", args, code, out)
		}
	}
}
