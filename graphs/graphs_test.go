package graphs_test

import (
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graphs"
	"github.com/graphrun/graphrun/nodes/std"
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
			dir := t.TempDir()
			folder, err := fs.Sub(graphs.Files, e.Name())
			if err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(dir, folder); err != nil {
				t.Fatal(err)
			}
			src, problems := dsl.Load(filepath.Join(dir, e.Name()+".graphrun.yaml"), std.Registry())
			if len(problems) > 0 { // not even warnings: people copy these
				t.Fatal(problems)
			}
			var records []journal.Record
			synctest.Test(t, func(t *testing.T) { records = run(t, src, people[e.Name()]) })
			golden(t, filepath.Join("testdata", e.Name()+".trace"), trace(t, records))
		})
	}
}

// people do what a graph waits for; most wait for nobody.
var people = map[string]func(t *testing.T, rt *runtime.Runtime){
	"helpdesk": func(t *testing.T, rt *runtime.Runtime) {
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
}

// run drives one stack to its end.
func run(t *testing.T, src *dsl.Source, people func(*testing.T, *runtime.Runtime)) (records []journal.Record) {
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: memstore.New(), Kinds: std.Registry(),
		Feed: feed.Of(func(c feed.Commit) { records = append(records, c.Records...) })})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close(t.Context())
	stack, err := rt.Start(t.Context(), src.Graph, runtime.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if people != nil {
		people(t, rt)
	}
	result, err := stack.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if result.Status != journal.Completed {
		t.Errorf("the stack ended %s: %s", result.Status, result.Reason)
	}
	return records
}

// trace is the records without what differs from run to run: numbers, times
// and durations, and the order in which the tasks of a wave come and go.
func trace(t *testing.T, records []journal.Record) string {
	var lines, tasks []string
	for _, r := range records {
		var fields map[string]any
		if err := json.Unmarshal(journal.AppendRecord(nil, r, false), &fields); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"seq", "time", "stack", "duration_ms", "hash"} {
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
