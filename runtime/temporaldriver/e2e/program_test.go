package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/api/workflowservice/v1"
)

// programs are graphrun and graphrun-temporal, built once.
var programs = sync.OnceValues(func() (built [2]string, err error) {
	for i, of := range []struct{ dir, name string }{{"../../..", "graphrun"}, {"..", "graphrun-temporal"}} {
		built[i] = filepath.Join(shared.dir, of.name)
		cmd := exec.Command("go", "build", "-trimpath", "-o", built[i], "./cmd/"+of.name)
		cmd.Dir, cmd.Env = of.dir, append(os.Environ(), "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			return built, fmt.Errorf("%s cannot be built: %w\n%s", of.name, err, out)
		}
	}
	return built, nil
})

// program is one of them, with the flags that say where its stacks are.
type program struct {
	path  string
	flags []string
}

// says runs a command, and gives what it wrote with its exit code.
func (p *program) says(t *testing.T, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path, append(args, p.flags...)...)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// begins starts a command that runs until a signal comes, and returns when it says that it works.
// end sends the signal, and gives the exit code.
func (p *program) begins(t *testing.T, works string, args ...string) (end func(os.Signal) int) {
	t.Helper()
	cmd := exec.Command(p.path, append(args, p.flags...)...)
	said := &watched{word: works, seen: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its exit code says it
		close(ended)
	}()
	end = func(s os.Signal) int {
		_ = cmd.Process.Signal(s) // one that has ended needs none
		select {
		case <-ended:
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			<-ended
			t.Errorf("%q does not end:\n%s", args, said)
		}
		return cmd.ProcessState.ExitCode()
	}
	t.Cleanup(func() {
		end(os.Kill)
		if t.Failed() {
			t.Logf("%q said:\n%s", args, said)
		}
	})
	select {
	case <-said.seen:
	case <-ended:
		t.Fatalf("%q ended with exit code %d:\n%s", args, cmd.ProcessState.ExitCode(), said)
	case <-time.After(time.Minute):
		t.Fatalf("%q does not work:\n%s", args, said)
	}
	return end
}

// watched is what a program writes, and tells when a word came.
type watched struct {
	mu   sync.Mutex
	b    bytes.Buffer
	word string
	seen chan struct{}
	once sync.Once
}

var _ io.Writer = (*watched)(nil)

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b.Write(p)
	if strings.Contains(w.b.String(), w.word) {
		w.once.Do(func() { close(w.seen) })
	}
	return len(p), nil
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// pair are both programs, with a stack of the same name in each.
type pair struct {
	t        *testing.T
	plain    program
	temporal program
}

// chance is what the two cannot have in common: times, nonces, and records' places in time.
var chance = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?|\b\d\d:\d\d:\d\d(\.\d+)?\b|("[a-z_]+_[mn]s":)\d+|("(?:nonce|id)":)"[^"]*"|(, id )[^\s,:]+|\b\d+(\.\d+)?(ns|µs|ms|s)\b`)

func (p *pair) common(text string, own *program) string {
	text = strings.ReplaceAll(text, " "+strings.Join(own.flags, " "), "")
	text = strings.ReplaceAll(text, "graphrun-temporal", "graphrun")
	return chance.ReplaceAllString(text, "$4$5$6…")
}

// both runs a command with each, which must say the same.
func (p *pair) both(args ...string) string {
	p.t.Helper()
	want, wanted := p.plain.says(p.t, args...)
	got, gave := p.temporal.says(p.t, args...)
	want, got = p.common(want, &p.plain), p.common(got, &p.temporal)
	if d := cmp.Diff(want, got); d != "" || wanted != gave {
		p.t.Errorf("%q: exit codes %d and %d (-graphrun +graphrun-temporal)\n%s", args, wanted, gave, d)
	}
	return got
}

// until waits until a stack stands in some way, in each.
func (p *pair) until(stack string, holds func(position) bool) {
	p.t.Helper()
	for _, one := range []*program{&p.plain, &p.temporal} {
		var last string
		var code int
		for end := time.Now().Add(time.Minute); ; <-time.After(50 * time.Millisecond) {
			last, code = one.says(p.t, "status", stack, "-o", "json")
			var at position
			if code == 0 && json.Unmarshal([]byte(last), &at) == nil && holds(at) {
				break
			}
			if time.Now().After(end) {
				p.t.Fatalf("%s: in vain (exit code %d): %s", one.path, code, last)
			}
		}
	}
}

// position is what a test needs of `status -o json`.
type position struct {
	Status  string `json:"status"`
	Open    bool   `json:"open"`
	Driven  bool   `json:"driven"`
	WakeAt  string `json:"wake_at"`
	Inbox   int    `json:"inbox"`
	Waiting []struct {
		Path string `json:"path"`
	} `json:"waiting"`
	Tasks []struct {
		State string `json:"state"`
	} `json:"tasks"`
	Counts struct {
		NodeRuns int `json:"node_runs"`
	} `json:"counts"`
}

// rests reports that nothing moves by itself, and so many wait.
func (p *position) rests(waits int) bool {
	for _, t := range p.Tasks {
		if t.State != "waiting" && t.State != "finished" {
			return false
		}
	}
	return !p.Open && p.WakeAt == "" && p.Inbox == 0 && len(p.Waiting) == waits
}

// looks compares all that can be seen of a stack.
func (p *pair) looks(when, stack string, nodes ...string) {
	p.t.Helper()
	for _, args := range [][]string{
		{"status", stack}, {"state", stack}, {"state", stack, "--at", "1"}, append([]string{"explain", stack}, nodes...), {"explain", stack},
		{"history", stack}, {"history", stack, "--waves"}, {"logs", stack}, {"diff", stack, "0", "1"},
	} {
		p.both(args...)
		p.both(append(args, "-o", "json")...)
	}
	p.both("trace", stack)
	if p.t.Failed() {
		p.t.Fatal(when)
	}
}

// newPair has a cluster with a worker, and a server of graphrun. worker starts another worker.
func newPair(t *testing.T, graphs string) (p *pair, worker func(flags ...string) (end func(os.Signal) int)) {
	t.Helper()
	built, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "e2e") // t.TempDir has a path too long for a socket on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p = &pair{t: t,
		plain:    program{built[0], []string{"--db", filepath.Join(dir, "s.db")}},
		temporal: program{built[1], []string{"--address", sharedCluster(t).Address(), "--task-queue", strings.ReplaceAll(t.Name(), "/", "-"), "--blobs", filepath.Join(dir, "blobs")}},
	}
	end := p.plain.begins(t, "serving", "serve", graphs, "--listen", "off")
	t.Cleanup(func() { end(syscall.SIGTERM) })
	return p, func(flags ...string) func(os.Signal) int {
		t.Helper()
		return p.temporal.begins(t, "stacks and tasks are taken", append([]string{"worker", "--grace", "1s"}, flags...)...)
	}
}

const lettersGraph = `graphrun: 1
name: letters
params: {who: {type: string, default: ann}}
state: {got: {type: list(string), reduce: append}, sorted: {type: integer, default: 0}, last: {type: string, default: ""}, ok: boolean?}
events: {mail: {to: got}, note: {type: string, queue: 1}}
nodes:
  sort: {uses: set, with: {n: "${{ len(state.got) }}", text: "${{ params.who }}"}, writes: {sorted: output.n, last: output.text}}
  ask: {uses: approval, with: {prompt: Burn them?}, writes: {ok: output.approved}}
edges:
  - {to: sort, when: len(state.got) > state.sorted}
  - {to: ask, when: state.ok == nil}
pause: none
stop: state.ok != nil
`

// TestProgram: the commands of graphrun-temporal say of stacks on a real server what those of
// graphrun say, from the start of a stack to its removal.
func TestProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, changed := filepath.Join(dir, "letters.graphrun.yaml"), filepath.Join(t.TempDir(), "letters.graphrun.yaml")
	for path, text := range map[string]string{file: lettersGraph, changed: strings.Replace(lettersGraph, "Burn them?", "Keep them?", 1)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, worker := newPair(t, dir)

	// Nobody runs the stack yet.
	got, code := p.temporal.says(t, "start", file, "--stack", "s", "--param", "who=bob")
	if want := "nobody runs the stack: the stack begins when `graphrun-temporal worker` does\ns: started (graph letters)\n"; code != 0 || got != want {
		t.Errorf("exit code %d: %s", code, got)
	}
	if got, code := p.temporal.says(t, "state", "s"); code != 4 || !strings.Contains(got, "no worker answers for stack \"s\"") {
		t.Errorf("without a worker: exit code %d: %s", code, got)
	}
	end := worker("--search-attributes")
	if got, code := p.plain.says(t, "start", file, "--stack", "s", "--param", "who=bob"); code != 0 {
		t.Fatal(got)
	}
	p.until("s", func(at position) bool { return at.rests(1) })
	p.looks("after start", "s", "sort")
	p.both("start", file, "--stack", "s")
	p.both("pause", "s")
	p.both("send", "s", "mail", `["hi"]`, "--id", "1")
	p.both("send", "s", "mail", `["hi"]`, "--id", "1", "-o", "json")
	p.both("send", "s", "note", `"a"`)
	p.both("send", "s", "note", `"b"`)
	p.both("send", "s", "mail", `7`)
	p.both("send", "s", "male")
	p.both("status", "nobody")
	p.looks("after pause", "s", "sort")
	p.both("resume", "s")
	p.until("s", func(at position) bool { return at.Counts.NodeRuns == 2 && at.rests(1) })
	p.looks("after resume", "s", "ask")
	p.both("approve", "s", "sort")
	p.both("rm", "s")

	// Another worker takes over.
	if code := end(syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM ends a worker with exit code %d", code)
	}
	end = worker("--search-attributes")
	p.looks("with another worker", "s", "sort")
	if got, code := p.temporal.says(t, "update", "s", changed); code != 0 || got != "s: updated (graph letters)\n" {
		t.Errorf("a changed graph: exit code %d: %s", code, got)
	}
	if got, code := p.temporal.says(t, "update", "nobody", changed, "-o", "json"); code != 2 || !strings.Contains(got, "unknown stack") {
		t.Errorf("a changed graph for nobody: exit code %d: %s", code, got)
	}
	p.shows("GraphrunStatus = 'running' AND GraphrunGraph = 'letters'", "s")

	p.both("approve", "s", "ask", "--comment", "now", "-o", "json")
	p.until("s", func(at position) bool { return at.Status == "completed" && !at.Driven })
	p.both("state", "s")
	p.both("approve", "s", "ask")
	p.shows("GraphrunStatus = 'completed' AND GraphrunGraph = 'letters'", "s")
	p.both("start", file, "--stack", "again")
	p.both("cancel", "again", "--reason", "enough", "-o", "json")
	p.both("cancel", "again")
	p.both("history", "again")
	p.both("stop", "again")
	p.listed("again s")
	p.both("rm", "again", "s")
	p.listed("")
	if code := end(syscall.SIGINT); code != 130 {
		t.Errorf("SIGINT ends a worker with exit code %d", code)
	}
}

// listed waits until the cluster lists stacks: its list comes a moment later.
func (p *pair) listed(want string) {
	p.t.Helper()
	until(p.t, "ps lists "+want, func() bool {
		out, code := p.temporal.says(p.t, "ps", "-o", "json")
		var all struct {
			Stacks []struct{ Stack, Problem string }
		}
		if err := json.Unmarshal([]byte(out), &all); code != 0 || err != nil {
			p.t.Fatalf("exit code %d: %s", code, out)
		}
		var ids []string
		for _, s := range all.Stacks {
			ids = append(ids, s.Stack)
			if s.Problem != "" {
				p.t.Errorf("%s: %s", s.Stack, s.Problem)
			}
		}
		return strings.Join(ids, " ") == want
	})
}

// shows waits until a list of the cluster has a stack.
func (p *pair) shows(query, stack string) {
	p.t.Helper()
	c, err := dialAgain(p.t.Context(), sharedCluster(p.t).Address())
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	until(p.t, query, func() bool {
		r, err := c.ListWorkflow(p.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: query})
		return err == nil && len(r.GetExecutions()) == 1 && r.GetExecutions()[0].GetExecution().GetWorkflowId() == stack
	})
}

// TestProgramWithin: what is within nodes that run graphs is shown and answered in the same way.
func TestProgramWithin(t *testing.T) {
	t.Parallel()
	graphs := t.TempDir() // what is shipped is written there
	if err := os.CopyFS(graphs, os.DirFS("../../../graphs/orders")); err != nil {
		t.Fatal(err)
	}
	p, worker := newPair(t, graphs)
	worker()
	p.both("start", filepath.Join(graphs, "orders.graphrun.yaml"))
	p.both("send", "orders", "order", `{"id": "A-1", "item": "desk lamp", "total": 290}`)
	p.until("orders", func(at position) bool { return len(at.Waiting) >= 2 })
	p.both("status", "orders", "-o", "json")
	p.both("ps", "--children")
	p.both("explain", "orders", "handle[A-1]/ask[ann]")
	p.both("approve", "orders", "handle[A-1]/ask[ann]")
	p.both("approve", "orders", "handle[A-1]/ask[bob]")
	p.until("orders", func(at position) bool { return at.rests(1) && at.Counts.NodeRuns > 1 })
	p.both("send", "orders", "close", "true")
	p.until("orders", func(at position) bool { return at.Status == "completed" && !at.Driven })
	p.both("state", "orders", "-o", "json")
	p.both("history", "orders")
	p.both("rm", "orders")
	p.listed("")
}
