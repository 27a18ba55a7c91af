package cli

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const asksWithin = `graphrun: 1
name: outer
state: {all: {type: list(any), default: []}}
stop: len(state.all) == 2
pause: none
nodes:
  each: {uses: graph, with: {file: inner.yaml}, for_each: {in: '["a b", "c"]', as: x, key: x}, writes: {all: output}}
edges: [{to: each}]
`

const asksInner = `graphrun: 1
name: inner
state: {ok: boolean?}
nodes: {ask: {uses: approval, with: {prompt: "Is it\nfine?"}, writes: {ok: output.approved}}}
`

// TestAsksWithin: a run shows the questions of inner graphs, once, also where it continues,
// each with a command that answers it when it is copied into a shell.
func TestAsksWithin(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	db := "my db/x's.db"
	run := []string{"graphrun", "run", "outer.yaml", "--db", db}
	p := start(t, map[string]string{"outer.yaml": asksWithin, "inner.yaml": asksInner}, run...)
	first := `    each["a b"]/ask waits for an answer (approve or reject)
      Is it fine?
      graphrun approve outer 'each["a b"]/ask' --db 'my db/x'\''s.db'
`
	second := `    each[c]/ask waits for an answer (approve or reject)
      Is it fine?
      graphrun approve outer 'each[c]/ask' --db 'my db/x'\''s.db'
`
	for range 2 {
		p.await("stderr", first)
		p.await("stderr", second)
		if n := strings.Count(p.read("stderr"), "/ask waits"); n != 2 {
			t.Errorf("%d questions are shown:\n%s", n, p.read("stderr"))
		}
		p.signal(os.Interrupt)
		if code := p.wait(); code != 130 {
			t.Fatalf("exit code %d", code)
		}
		p.begin(run...)
	}
	p.await("stderr", second)
	lines := regexp.MustCompile(`(?m)^ +graphrun approve .*$`).FindAllString(p.read("stderr"), -1)
	slices.Sort(lines)
	for _, line := range slices.Compact(lines) {
		cmd := exec.Command(bash, "-c", line)
		cmd.Dir = p.dir
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "/ask approved") {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.read("stderr"))
	}
	if out, _ := p.graphrun("run", "outer.yaml", "--db", db); !strings.Contains(out, "`graphrun retry outer --db 'my db/x'\\''s.db'` continues it") {
		t.Errorf("of a stack that has ended it says %s", out)
	}
}
