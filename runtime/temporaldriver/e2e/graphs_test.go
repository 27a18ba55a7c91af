package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/temporaldriver"
)

// host is an engine with its stacks.
type host interface {
	Start(ctx context.Context, g *graph.Graph, o runtime.StartOptions) error
	Send(ctx context.Context, in runtime.Send) (duplicate bool, err error)
	AnswerWith(ctx context.Context, stack, node string, o runtime.AnswerOptions) error
	inspect.Reader
}

// inMemory is the embedded engine.
type inMemory struct {
	inspect.Reader
	rt *runtime.Runtime
}

func (h inMemory) Start(ctx context.Context, g *graph.Graph, o runtime.StartOptions) error {
	_, err := h.rt.Start(ctx, g, o)
	return err
}

func (h inMemory) Send(ctx context.Context, in runtime.Send) (bool, error) { return h.rt.Send(ctx, in) }

func (h inMemory) AnswerWith(ctx context.Context, stack, node string, o runtime.AnswerOptions) error {
	return h.rt.AnswerWith(ctx, stack, node, o)
}

// lives is what the graphs that come along need to live.
var lives = map[string]struct {
	events []runtime.Send
	files  map[string]string // that come while the stack waits
	left   string            // pattern of the files that it leaves
}{
	"helpdesk": {left: "desk/outbox/*", events: []runtime.Send{
		{Event: "message", Payload: []any{map[string]any{"id": "1", "text": "I forgot my password"}, map[string]any{"id": "2", "text": "It is broken"}}},
		{Event: "close", Payload: true},
	}},
	"inbox":               {files: map[string]string{"inbox/new.csv": "lamp,2,19.90\n"}, left: "ledger.txt", events: []runtime.Send{{Event: "close", Payload: true}}},
	"mapreduce":           {left: "texts/report.md"},
	"orchestrator":        {left: "project/artifacts/*"},
	"orchestrator-agents": {left: "project/*"},
	"orders": {left: "shipped/*", events: []runtime.Send{
		{Event: "order", Payload: map[string]any{"id": "A-1", "item": "desk lamp", "total": 290}},
		{Event: "order", Payload: map[string]any{"id": "A-2", "item": "bulb", "total": 3}},
		{Event: "close", Payload: true},
	}},
	"pipeline": {left: "report.txt"},
	"research": {},
	"router":   {},
	"supportdesk": {left: "desk/*", events: []runtime.Send{
		{Event: "ticket", Payload: []any{map[string]any{"id": "1", "from": "ada@example.org", "text": "The lamp arrived broken. I want my 90 euros back."}}},
		{Event: "close", Payload: true},
	}},
}

// TestGraphs: every graph that comes along ends on a real server as in the embedded engine, with
// the same state and the same files.
func TestGraphs(t *testing.T) {
	t.Parallel()
	root := "../../../graphs"
	names, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range names {
		name := entry.Name()
		if !entry.IsDir() || name == "testdata" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, known := lives[name]; !known {
				t.Fatal("a graph that this test does not know how to live")
			}
			store := memstore.New()
			rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: agentKinds(t)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = rt.Close(context.Background()) })
			want := live(t, inMemory{store, rt}, root, name)
			s, _ := inProcess(t, temporaldriver.Options{})
			got := live(t, s, root, name)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-embedded +Temporal)\n%s", diff)
			}
		})
	}
}

// life is what became of a stack.
type life struct {
	Status journal.Status
	Reason string
	State  string
	Counts journal.Counts
	Files  map[string]string
}

// live runs a stack of a graph in a copy of its folder until it has ended. Everybody who is asked
// agrees.
func live(t *testing.T, e host, root, name string) life {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, name))); err != nil {
		t.Fatal(err)
	}
	src, problems := dsl.Load(filepath.Join(dir, name+".graphrun.yaml"), agentKinds(t))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	if err := e.Start(t.Context(), src.Graph, runtime.StartOptions{ID: name}); err != nil {
		t.Fatal(err)
	}
	l := lives[name]
	rests := func(s journal.Snapshot) bool { return s.Cursor.Counts.NodeRuns > 1 && !s.Cursor.Open }
	for path, text := range l.files { // they come when what is there already was seen
		waitFor(t, e, name, rests)
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		waitFor(t, e, name, func(s journal.Snapshot) bool {
			b, err := json.Marshal(journal.Visible(s.State)["ledger"])
			return err == nil && strings.Contains(string(b), path) && rests(s)
		})
	}
	for _, event := range l.events {
		event.Stack = name
		if _, err := e.Send(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	end := waitFor(t, e, name, func(s journal.Snapshot) bool {
		agree(t, e, name)
		return s.Cursor.Status.Ended()
	})
	state, err := json.Marshal(journal.Visible(end.State))
	if err != nil {
		t.Fatal(err)
	}
	out := life{end.Cursor.Status, end.Cursor.Reason, strings.ReplaceAll(string(state), dir, "DIR"), end.Cursor.Counts, map[string]string{}}
	out.Counts.Cycles = 0 // how many answers and events a cycle applies is a matter of time
	out.Counts.Waves = 0
	paths, err := filepath.Glob(filepath.Join(dir, l.left))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if b, err := os.ReadFile(path); err == nil {
			rel, _ := filepath.Rel(dir, path)
			out.Files[rel] = strings.ReplaceAll(string(b), dir, "DIR")
		}
	}
	return out
}

// waitFor waits until something is true of a stack.
func waitFor(t *testing.T, e host, stack string, holds func(journal.Snapshot) bool) (last journal.Snapshot) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); <-time.After(100 * time.Millisecond) {
		s, err := e.State(t.Context(), stack)
		if err != nil {
			continue
		}
		if last = s; holds(s) {
			return s
		}
	}
	t.Fatalf("it does not come: %s in cycle %d, %v", last.Cursor.Status, last.Cursor.Cycle, journal.Visible(last.State))
	return last
}

// agree answers all questions of a stack and of those within it.
func agree(t *testing.T, e host, stack string) {
	t.Helper()
	sum, err := e.Stack(t.Context(), stack)
	if err != nil {
		return // it has not begun
	}
	yes := map[string]any{"approved": true, "comment": "", "by": "test"}
	say := func(w journal.Waiting, call string) {
		err := e.AnswerWith(t.Context(), stack, w.Node, runtime.AnswerOptions{Item: w.Item, For: w.ID(), Call: call, Output: yes})
		if err != nil && !errors.Is(err, runtime.ErrEnded) {
			t.Logf("%s, %s: %v", stack, w.Node, err)
		}
	}
	for _, w := range sum.Cursor.Waiting {
		if !w.Answered && w.Files == "" && w.Event == "" && len(w.Events) == 0 {
			say(w, "")
		}
	}
	for _, w := range sum.Cursor.Asking {
		for _, c := range w.Calls {
			if !c.Answered {
				say(w, c.ID)
			}
		}
		if len(w.Calls) == 0 {
			agree(t, e, childOf(stack, w.Task()))
		}
	}
}
