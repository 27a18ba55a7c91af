package graphs_test

import (
	"encoding/json"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graphs"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/feed"
	"github.com/graphrun/graphrun/runtime/memstore"
)

var update = flag.Bool("update", false, "write the golden traces anew")

// TestGraphs runs every graph with its real programs in a copy of its folder,
// pauses in fake time, and compares the trace with a golden file.
func TestGraphs(t *testing.T) {
	t.Parallel()
	entries, err := graphs.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			t.Parallel()
			src := load(t, folderOf(t, e.Name()), e.Name(), kindsOf{})
			var records []journal.Record
			synctest.Test(t, func(t *testing.T) { records = run(t, src, newKinds(t, kindsOf{}), options{}, people[e.Name()]) })
			golden(t, filepath.Join("testdata", e.Name()+".trace"), trace(t, records))
		})
	}
}

// people do what a graph waits for; most wait for nobody.
var people = map[string]func(t *testing.T, rt *runtime.Runtime, store *memstore.Store){
	"helpdesk": func(t *testing.T, rt *runtime.Runtime, _ *memstore.Store) {
		message := func(id, text string) any { return []any{map[string]any{"id": id, "text": text}} }
		send := func(event string, payload any) {
			t.Helper()
			synctest.Wait() // until the desk waits for somebody
			if _, err := rt.Send(t.Context(), runtime.Send{Stack: "helpdesk", Event: event, Payload: payload}); err != nil {
				t.Fatal(err)
			}
		}
		answer := func(approved bool) {
			t.Helper()
			<-time.After(3 * time.Second) // an answer that comes sooner could be meant for the question before
			synctest.Wait()
			err := rt.Answer(t.Context(), "helpdesk", "review", map[string]any{"approved": approved, "comment": nil, "by": "Ada"})
			if err != nil {
				t.Fatal(err)
			}
		}
		send("message", message("1", "I forgot my password"))
		send("message", message("2", "What is the meaning of it all?")) // while the first draft waits
		answer(true)
		send("close", true) // not before everything is answered
		answer(false)
	},
	"supportdesk": desk,
	"orders":      customers,
	"inbox":       bookkeepers,
}

// desk sends tickets to the support desk, and is the person whose word it needs: it pays
// for a broken lamp, and not a second time.
func desk(t *testing.T, rt *runtime.Runtime, _ *memstore.Store) {
	const ada, grace = "ada@example.org", "grace@example.org"
	send := func(event string, payload any) {
		t.Helper()
		synctest.Wait()
		if _, err := rt.Send(t.Context(), runtime.Send{Stack: "supportdesk", Event: event, Payload: payload}); err != nil {
			t.Fatal(err)
		}
	}
	ticket := func(id, from, text string) {
		t.Helper()
		send("ticket", []any{map[string]any{"id": id, "from": from, "text": text}})
	}
	word := func(output map[string]any) {
		t.Helper()
		<-time.After(time.Second)
		synctest.Wait() // until the desk waits for it
		status, err := rt.Status(t.Context(), "supportdesk")
		if err != nil {
			t.Fatal(err)
		}
		if len(status.Cursor.Asking) != 1 || len(status.Cursor.Asking[0].Calls) != 1 {
			t.Fatalf("the desk asks %v, want one call", status.Cursor.Asking)
		}
		err = rt.AnswerWith(t.Context(), "supportdesk", "triage", runtime.AnswerOptions{Call: status.Cursor.Asking[0].Calls[0].ID, Output: output})
		if err != nil {
			t.Fatal(err)
		}
	}
	ticket("1", ada, "The lamp arrived broken. I want my 90 euros back.")
	word(map[string]any{"approved": true, "comment": nil, "by": "Eve"})
	ticket("2", grace, "Which bulbs fit the desk lamp?")
	ticket("3", grace, "The cable was missing, it costs 12 euros. Can I have them back?") // nobody has to look
	ticket("4", ada, "Which bulbs fit the floor lamp?")                                   // the memory knows
	ticket("5", ada, "I want my 90 euros back.")
	send("close", true) // not before everything is answered
	word(map[string]any{"approved": false, "comment": "it was paid", "by": "Eve"})
}

// TestSupportDesk is what people get from the desk: a word of a person and a memory show
// in the answers, and money is paid twice, not three times.
func TestSupportDesk(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, "supportdesk")
	src := load(t, dir, "supportdesk", kindsOf{})
	synctest.Test(t, func(t *testing.T) { run(t, src, newKinds(t, kindsOf{}), options{}, desk) })
	got := textsIn(t, dir, "outbox/*.txt")
	maps.Copy(got, textsIn(t, dir, "paid/*/payment"))
	want := map[string]string{
		"paid/1/payment": "ada@example.org 90",
		"paid/3/payment": "grace@example.org 12",
		"outbox/1.txt":   "To: ada@example.org\n\nI am sorry that your lamp arrived broken. The 90 euros are on their way back to you.",
		"outbox/2.txt":   "To: grace@example.org\n\nThe desk lamp takes bulbs with an E27 socket, up to 40 watts.",
		"outbox/3.txt":   "To: grace@example.org\n\nI am sorry about the missing cable. The 12 euros are on their way back to you.",
		"outbox/4.txt":   "To: ada@example.org\n\nThe floor lamp takes the same bulbs as the desk lamp: E27, up to 40 watts.",
		"outbox/5.txt":   "To: ada@example.org\n\nWe paid for this lamp before and cannot pay for it again.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// folderOf is a copy of a graph's folder.
func folderOf(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	folder, err := fs.Sub(graphs.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, folder); err != nil {
		t.Fatal(err)
	}
	return dir
}

// load reads a graph of a folder. Not even warnings are allowed: people copy these.
func load(t *testing.T, dir, name string, kinds kindsOf) *dsl.Source {
	t.Helper()
	src, problems := dsl.Load(filepath.Join(dir, name+".graphrun.yaml"), newKinds(t, kinds))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return src
}

// options say how a stack is run; the zero value means without params and secrets.
type options struct {
	params map[string]any
	secret func(name string) (string, bool)
	ends   journal.Status // completed by default
}

// run drives one stack to its end.
func run(t *testing.T, src *dsl.Source, kinds *nodes.Registry, o options, people func(*testing.T, *runtime.Runtime, *memstore.Store)) (records []journal.Record) {
	store := &memstore.Store{Cycles: -1}
	var mu sync.Mutex // stacks within the stack commit beside it
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: kinds, Secret: o.secret,
		Feed: feed.Of(func(c feed.Commit) {
			mu.Lock()
			defer mu.Unlock()
			records = append(records, c.Records...)
		})})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close(t.Context())
	stack, err := rt.Start(t.Context(), src.Graph, runtime.StartOptions{Params: o.params})
	if err != nil {
		t.Fatal(err)
	}
	if people != nil {
		people(t, rt, store)
	}
	result, err := stack.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if o.ends == "" {
		o.ends = journal.Completed
	}
	if result.Status != o.ends {
		t.Errorf("the stack ended %s: %s", result.Status, result.Reason)
	}
	mu.Lock()
	defer mu.Unlock()
	return records
}

// trace is the records without what differs from run to run: numbers, times
// and durations, estimates of tokens, and the order in which tasks and tools of a wave
// come and go. Stacks within the first one follow it, each by itself: when they report to
// it differs as well.
func trace(t *testing.T, records []journal.Record) string {
	stacks := map[string][]journal.Record{}
	for _, r := range records {
		stacks[r.Stack] = append(stacks[r.Stack], r)
	}
	volatile := []string{"seq", "time", "stack", "duration_ms", "hash", "step", "tokens"}
	if len(stacks) > 1 {
		volatile = append(volatile, "node_runs", "task.used", "task.held")
	}
	top := traceOf(t, stacks[records[0].Stack], volatile)
	delete(stacks, records[0].Stack)
	var inner []string
	for _, own := range stacks {
		inner = append(inner, traceOf(t, own, volatile))
	}
	slices.Sort(inner)
	return top + strings.Join(inner, "")
}

// traceOf is the trace of one stack.
func traceOf(t *testing.T, records []journal.Record, volatile []string) string {
	var lines, tasks []string
	for _, r := range records {
		if slices.Contains(volatile, r.Body.Type()) {
			continue
		}
		var fields map[string]any
		if err := json.Unmarshal(journal.AppendRecord(nil, r, false), &fields); err != nil {
			t.Fatal(err)
		}
		for _, name := range volatile {
			delete(fields, name)
		}
		line, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(r.Body.Type(), "task.") {
			tasks = append(tasks, string(line))
			continue
		}
		slices.Sort(tasks)
		lines = append(append(lines, tasks...), string(line))
		tasks = nil
	}
	return strings.Join(lines, "\n") + "\n"
}

func golden(t *testing.T, file, got string) {
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-golden +run; -update writes it anew)\n%s", file, diff)
	}
}
