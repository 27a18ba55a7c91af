package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/script"
	"github.com/graphrun/graphrun/nodes/memory"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/temporaldriver"
	"github.com/graphrun/graphrun/runtime/temporaldriver/blob"
)

// agentKinds are the kinds of the program, with models that answer from files.
func agentKinds(t *testing.T) *nodes.Registry {
	t.Helper()
	k, memories := std.Registry(), &memory.Memories{}
	agents := agent.New(agent.Config{Memory: memories})
	memories.Embed = agents.Embed
	if err := agents.Register("script", script.Open); err != nil {
		t.Fatal(err)
	}
	specs := []nodes.Spec{agents.Spec(), memories.Spec(),
		nodes.Func("big", func(_ context.Context, in struct{ Size int }) (string, error) {
			return strings.Repeat("x", in.Size), nil
		})}
	for _, s := range specs {
		if err := k.Register(s); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// inProcess starts a worker in this process, whose large values have a store.
func inProcess(t *testing.T, o temporaldriver.Options) (*stacks, *nodes.Registry) {
	t.Helper()
	folder, err := blob.Folder(filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Dial(client.Options{HostPort: sharedCluster(t).Address(), ExternalStorage: blob.ExternalStorage(folder), Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if o.Kinds == nil {
		o.Kinds = agentKinds(t)
	}
	o.LargeValues = true
	o.TaskQueue = strings.ReplaceAll(t.Name(), "/", "-")
	w, err := temporaldriver.NewWorker(c, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
	})
	return stacksOf(t, c, o), o.Kinds
}

// quiet is a log that nobody reads.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

// run starts a stack of a graph in a folder of its own, whose files are given by name.
func (s *stacks) run(t *testing.T, k *nodes.Registry, id string, files map[string]string, o runtime.StartOptions) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	src, problems := dsl.Load(filepath.Join(dir, "main.graphrun.yaml"), k)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	o.ID = id
	if err := s.Start(t.Context(), src.Graph, o); err != nil {
		t.Fatal(err)
	}
	return dir
}

// until waits until something holds of a stack, and returns where it stands then.
func (s *stacks) until(t *testing.T, id, what string, holds func(journal.Summary, map[string]any) bool) map[string]any {
	t.Helper()
	var last journal.Summary
	var state map[string]any
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
		snap, err := s.State(t.Context(), id)
		if err == nil {
			last, state = journal.Summary{Identity: snap.Identity, Cursor: snap.Cursor}, journal.Visible(snap.State)
			if holds(last, state) {
				return state
			}
			if last.Cursor.Status.Ended() {
				break
			}
		}
		<-time.After(50 * time.Millisecond)
	}
	b, _ := json.Marshal(state)
	records, _ := s.records(t.Context(), id)
	for _, r := range records[max(0, len(records)-12):] {
		t.Logf("%s", journal.AppendRecord(nil, r, false))
	}
	t.Fatalf("%s: it is not true that %s: %s %s, %.500s", id, what, last.Cursor.Status, last.Cursor.Reason, b)
	return nil
}

func completed(s journal.Summary, _ map[string]any) bool { return s.Cursor.Status == journal.Completed }

// TestMemories: what one stack writes to a memory that a graph's stacks share, the next node and
// another stack find.
func TestMemories(t *testing.T) {
	t.Parallel()
	s, k := inProcess(t, temporaldriver.Options{})
	suffix := fmt.Sprint(time.Now().UnixNano()) // the server outlives the test
	for n, word := range []string{"lamps", "bulbs"} {
		id := fmt.Sprintf("memories-%d-%s", n, suffix)
		s.run(t, k, id, map[string]string{"main.graphrun.yaml": `
graphrun: 1
name: memories` + suffix + `
params: {word: {type: string}}
state: {found: {type: any}}
memories: {notes: {scope: graph, keep: 10}}
nodes:
  write: {uses: memory, with: {memory: notes, op: write, id: "${{ params.word }}", text: "all about ${{ params.word }}"}}
  find: {uses: memory, with: {memory: notes, op: search, query: all about, limit: 5}, writes: {found: output}}
edges: [{to: write}, {from: write, to: find}]
once: true
`}, runtime.StartOptions{Params: map[string]any{"word": word}})
		state := s.until(t, id, "it completes", completed)
		b, _ := json.Marshal(state["found"])
		if got := strings.Count(string(b), "all about"); got != n+1 {
			t.Errorf("stack %d finds %d items: %s", n, got, b)
		}
	}
}

// TestHooks: a hook hears of the end of a stack, also when it has to be asked again.
func TestHooks(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var heard []runtime.Notice
	s, k := inProcess(t, temporaldriver.Options{Post: func(_ context.Context, n runtime.Notice) error {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, n)
		if len(heard) == 1 {
			return fmt.Errorf("not now")
		}
		return nil
	}})
	s.run(t, k, "hooked", map[string]string{"main.graphrun.yaml": `
graphrun: 1
name: hooked
secrets: [HOOK]
hooks: [{url: "https://example.org/hook", secret: HOOK, on: [stack.ended]}]
nodes: {a: {uses: set}}
edges: [{to: a}]
once: true
`}, runtime.StartOptions{})
	s.until(t, "hooked", "it completes", completed)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); <-time.After(50 * time.Millisecond) {
		mu.Lock()
		n := len(heard)
		mu.Unlock()
		if n == 2 {
			break
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(heard) != 2 || heard[0].ID != heard[1].ID || heard[1].Event != "stack.ended" || !strings.Contains(string(heard[1].Body), `"hooked"`) {
		t.Errorf("it heard %+v", heard)
	}
}

// TestFiles: a wait for files is over when one is there, and again when it changes.
func TestFiles(t *testing.T) {
	t.Parallel()
	s, k := inProcess(t, temporaldriver.Options{})
	dir := s.run(t, k, "files", map[string]string{"main.graphrun.yaml": `
graphrun: 1
name: files
state: {seen: {type: list(any), reduce: append, keep: 10}}
nodes: {come: {uses: wait, with: {files: "in-*.txt", settle: 100ms}, writes: {seen: "map(output, .path)"}}}
edges: [{to: come}]
pause: 0s
stop: len(state.seen) >= 2
`}, runtime.StartOptions{})
	s.until(t, "files", "it waits", func(sum journal.Summary, _ map[string]any) bool { return len(sum.Cursor.Waiting) == 1 })
	for n, name := range []string{"in-a.txt", "in-b.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.until(t, "files", "the file was seen", func(_ journal.Summary, state map[string]any) bool {
			seen, _ := state["seen"].([]any)
			return len(seen) == n+1 && seen[n] == name
		})
	}
}

// TestLargeValues: values above the threshold go through the store for large values, also the
// state at the end of a history.
func TestLargeValues(t *testing.T) {
	t.Parallel()
	s, k := inProcess(t, temporaldriver.Options{EventsPerRun: 60})
	s.run(t, k, "large", map[string]string{"main.graphrun.yaml": `
graphrun: 1
name: large
state: {all: {type: list(string), reduce: append, keep: 4}, n: {type: integer, reduce: sum}}
nodes:
  grow: {uses: big, for_each: {in: "1..3", as: i}, with: {Size: 1500000}, writes: {all: "[output[0]]", n: "1"}}
  use: {uses: big, with: {Size: "${{ len(state.all[0]) / 1000 }}"}}
edges: [{to: grow}, {from: grow, to: use}]
pause: 0s
stop: state.n >= 6
`}, runtime.StartOptions{})
	state := s.until(t, "large", "it completes", completed)
	if all, _ := state["all"].([]any); len(all) != 4 || len(all[3].(string)) != 1_500_000 {
		t.Errorf("its state has %d texts", len(all))
	}
	if !s.continued(t, "large") {
		t.Error("it had one history only")
	}
}

// continued reports whether a stack has had more than one history.
func (s *stacks) continued(t *testing.T, id string) bool {
	t.Helper()
	d, err := s.c.DescribeWorkflowExecution(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	i := d.GetWorkflowExecutionInfo()
	return i.GetFirstRunId() != i.GetExecution().GetRunId()
}

// TestAgentsAndInnerGraphs: an agent calls a tool that is a graph, and one that needs a person's
// word; a node runs a graph that asks a person.
func TestAgentsAndInnerGraphs(t *testing.T) {
	t.Parallel()
	s, k := inProcess(t, temporaldriver.Options{})
	s.run(t, k, "desk", map[string]string{
		"main.graphrun.yaml": `
graphrun: 1
name: desk
params: {model: {type: string, default: stand-in/replies}}
providers: {stand-in: {api: script, file: replies.yaml}}
tools:
  double:
    description: Doubles a number.
    args: {type: object, required: [n], properties: {n: {type: integer}}}
    uses: graph
    with: {file: double.graphrun.yaml, params: {n: "${{ args.n }}"}}
  pay:
    description: Pays.
    args: {type: object, required: [sum], properties: {sum: {type: integer}}}
    uses: exec
    with: {command: [echo, "paid ${{ args.sum }}"], parse: text}
    approve: args.sum > 10
state: {said: {type: any}, word: {type: any}}
nodes:
  think:
    uses: agent
    with: {model: "${{ params.model }}", instructions: Pay twice of what is asked., input: "21", tools: [double, pay]}
    writes: {said: output}
  inner: {uses: graph, with: {file: ask.graphrun.yaml}, writes: {word: output.word}}
edges: [{to: think}, {from: think, to: inner}]
once: true
`,
		"double.graphrun.yaml": `
graphrun: 1
name: double
params: {n: {type: integer}}
state: {twice: {type: integer}}
nodes: {a: {uses: set, with: {v: "${{ params.n * 2 }}"}, writes: {twice: output.v}}}
edges: [{to: a}]
once: true
`,
		"ask.graphrun.yaml": `
graphrun: 1
name: ask
state: {word: {type: any}}
nodes: {ask: {uses: approval, with: {prompt: Is it right?}, writes: {word: output.comment}}}
edges: [{to: ask}]
once: true
`,
		"replies.yaml": `
- when: turn == 1
  calls: [{name: double, args: {n: 21}}]
- when: turn == 2
  calls: [{name: pay, args: {sum: 42}}]
- output: done
`}, runtime.StartOptions{})
	s.until(t, "desk", "the agent asks for a word", func(sum journal.Summary, _ map[string]any) bool {
		return len(sum.Cursor.Asking) == 1 && len(sum.Cursor.Asking[0].Calls) == 1
	})
	if err := s.AnswerWith(t.Context(), "desk", "think", runtime.AnswerOptions{Output: map[string]any{"approved": true}}); err != nil {
		t.Fatal(err)
	}
	var inner string
	s.until(t, "desk", "the inner graph rests", func(sum journal.Summary, _ map[string]any) bool {
		return len(sum.Cursor.Asking) == 1 && sum.Cursor.Asking[0].Node == "inner"
	})
	records, err := s.records(t.Context(), "desk")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if b, ok := r.Body.(*journal.TaskStarted); ok && b.Node == "inner" {
			key, _ := r.Task()
			inner = childOf("desk", key)
		}
	}
	if err := s.AnswerWith(t.Context(), inner, "ask", runtime.AnswerOptions{Output: map[string]any{"approved": true, "comment": "yes"}}); err != nil {
		t.Fatal(err)
	}
	state := s.until(t, "desk", "it completes", completed)
	b, _ := json.Marshal(state)
	if state["said"] != `"done"` || state["word"] != "yes" {
		t.Errorf("its state is %s", b)
	}
}

// TestSends: a message of a node reaches another stack once.
func TestSends(t *testing.T) {
	t.Parallel()
	s, k := inProcess(t, temporaldriver.Options{})
	s.run(t, k, "receiver", map[string]string{"main.graphrun.yaml": `
graphrun: 1
name: receiver
state: {got: {type: list(integer), reduce: append, keep: 10}}
events: {number: {to: got}}
nodes: {a: {uses: set}}
edges: [{to: a, when: len(state.got) > 0}]
pause: none
stop: len(state.got) >= 3
`}, runtime.StartOptions{})
	s.run(t, k, "sender", map[string]string{"main.graphrun.yaml": `
graphrun: 1
name: sender
nodes:
  tell: {uses: send, for_each: {in: "1..3", as: n}, with: {to: receiver, event: number, payload: ["${{ n }}"]}}
  wrong: {uses: send, with: {to: receiver, event: nothing, payload: 1}}
edges: [{to: tell}, {from: tell, to: wrong}]
once: true
`}, runtime.StartOptions{})
	state := s.until(t, "receiver", "it completes", completed)
	if got, _ := state["got"].([]any); len(got) != 3 {
		t.Errorf("it got %v", got)
	}
	s.until(t, "sender", "its wrong message fails", func(sum journal.Summary, _ map[string]any) bool {
		return sum.Cursor.Counts.Failures == 1
	})
}

// childOf is the id of the stack of a task.
func childOf(stack string, key journal.TaskKey) string { return machine.ChildID(stack, key) }
