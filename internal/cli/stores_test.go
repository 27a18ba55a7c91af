package cli

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
)

const (
	storesDir   = "testdata/stores"
	storesToken = "a-secret-of-the-stores" // what STORE_TOKEN is for the stores
)

// TestStores: a store that a released version wrote is read, continued and
// brought to its end by this one. testdata/stores has three files of each:
//
//	VERSION.db.gz       the store, as kill -9 left it (0.0.0 is from before the first release,
//	                    and 0.2.0-format4 from before 0.2.0)
//	VERSION.said.gz     what that version printed about it: a JSON line a command
//	VERSION.journal.gz  its journals, `trace --journal` of every stack
//
// These files are never written again. To add those of a new version:
//
//	STORE_VERSION=0.2.0 go test ./internal/cli -run TestStores/make
//
// With GRAPHRUN=PATH they are made by that program instead of this one.
func TestStores(t *testing.T) {
	t.Parallel()
	if version := os.Getenv("STORE_VERSION"); version != "" {
		t.Run("make", func(t *testing.T) { makeStore(t, version) })
	}
	kept, err := filepath.Glob(filepath.Join(storesDir, "*.db.gz"))
	if err != nil || len(kept) == 0 {
		t.Fatalf("no stores: %v", err)
	}
	for _, file := range kept {
		name := strings.TrimSuffix(filepath.Base(file), ".db.gz")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("journal", func(t *testing.T) { t.Parallel(); readJournal(t, name) })
			t.Run("replay", func(t *testing.T) { t.Parallel(); replayStore(t, name) })
			t.Run("read", func(t *testing.T) { t.Parallel(); readStore(t, name) })
			t.Run("continue", func(t *testing.T) { t.Parallel(); continueStore(t, name) })
		})
	}
}

// keeper is a folder with the graphs, a store and a server.
type keeper struct {
	*process
	program string
}

// keep makes a folder with the graphs of the stores.
func keep(t *testing.T, program string) keeper {
	t.Helper()
	k := keeper{&process{t: t, dir: t.TempDir()}, program}
	if err := os.CopyFS(filepath.Join(k.dir, "graphs"), os.DirFS(filepath.Join(storesDir, "graphs"))); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k keeper) command(args ...string) *exec.Cmd {
	cmd := exec.Command(k.program, append(args, "--db", "s.db")...)
	cmd.Dir = k.dir
	cmd.Env = append(os.Environ(), "HOME="+k.dir, "STORE_TOKEN="+storesToken, "NO_COLOR=1")
	return cmd
}

// serve begins a server, which is killed when the test ends.
func (k keeper) serve() {
	k.t.Helper()
	log, err := os.Create(filepath.Join(k.dir, "stderr"))
	if err != nil {
		k.t.Fatal(err)
	}
	defer log.Close()
	k.cmd = k.command("serve", "graphs", "--listen", "off")
	k.cmd.Stderr = log
	if err := k.cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() {
		_ = k.cmd.Process.Kill()
		_ = k.cmd.Wait()
	})
	k.await("stderr", "msg=serving")
}

// must gives the standard output of a command that has to succeed.
func (k keeper) must(args ...string) string {
	k.t.Helper()
	cmd := k.command(args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		k.t.Fatalf("%q: %v\n%s%s\nthe server said:\n%s", args, err, out, &errs, k.read("stderr"))
	}
	return string(out)
}

// line is a stack in the output of `ps -o json`.
type line struct {
	Stack  string `json:"stack"`
	Status string `json:"status"`
	Cycle  uint64 `json:"cycle"`
	Note   string `json:"note"`
}

func (k keeper) stacks(flags ...string) []line {
	k.t.Helper()
	var ps struct{ Stacks []line }
	if err := json.Unmarshal([]byte(k.must(append([]string{"ps", "-o", "json"}, flags...)...)), &ps); err != nil {
		k.t.Fatal(err)
	}
	return ps.Stacks
}

// is waits until the status of a stack is one of these, as `status` tells it.
func (k keeper) is(stack string, texts ...string) {
	k.t.Helper()
	k.until(fmt.Sprintf("%s is %q", stack, texts), func() bool {
		out := k.must("status", stack)
		for _, text := range texts {
			if !strings.Contains(out, text) {
				return false
			}
		}
		return true
	})
}

// makeStore brings stacks into every situation that a store can be in, kills
// the server, and writes down what the version says of it.
func makeStore(t *testing.T, version string) {
	k := keep(t, cmp.Or(os.Getenv("GRAPHRUN"), "graphrun"))
	k.serve()
	k.must("start", "inbox")
	k.is("inbox", "waits for an event")
	k.must("send", "inbox", "mail", `["one", "two"]`, "--id", "mail-1")
	for _, stack := range [][]string{
		{"work", "work-open", "held=true", "rest=1ms"},
		{"work", "work-resting"},
		{"work", "work-paused", `words=["zebra", "ox"]`},
		{"work", "work-mail"},
		{"work", "work-done", "rest=1ms"},
		{"desk", "desk"},
		{"desk", "desk-over"},
		{"outer", "outer"},
		{"fails", "fails-once"},
		{"fails", "fails-often", "attempts=5"},
		{"tail", "tail"},
		{"robin", "robin"},
		{"clock", "clock-1"},
		{"clock", "clock-2"},
	} {
		args := []string{"start", stack[0], "--stack", stack[1]}
		for _, param := range stack[2:] {
			args = append(args, "--param", param)
		}
		k.must(args...)
	}
	k.is("work-open", "cycle", "gate")
	k.until("one of two gates is through", func() bool {
		return strings.Contains(k.must("trace", "work-open"), `"type":"task.finished","stack":"work-open","cycle":2,"wave":2,"node":"gate","item":"now"`)
	})
	k.is("work-resting", "pause until")
	k.is("work-paused", "pause until")
	k.must("pause", "work-paused")
	k.is("work-mail", "pause until")
	k.must("pause", "work-mail")
	k.must("send", "work-mail", "note", `["first"]`, "--id", "n1")
	k.must("send", "work-mail", "note", `["second", "third"]`)
	k.must("send", "work-done", "finish", "true")
	k.is("work-done", "completed")
	k.is("desk", "review", "answer", "program")
	k.is("desk-over", "review")
	k.must("cancel", "desk-over", "--reason", "moved elsewhere")
	k.is("fails-once", "failed")
	k.is("fails-often", "often")
	k.is("tail", "completed")
	k.is("robin", "completed")
	k.is("clock-1", "pause until")
	k.is("clock-2", "pause until")
	k.until("the message of robin is read", func() bool { return strings.Contains(k.must("state", "inbox", "-o", "json"), `"read":3`) })
	k.until("the inner graph works", func() bool { return len(k.stacks("--children")) == 16 })
	_ = k.cmd.Process.Kill()
	_ = k.cmd.Wait()

	db, err := os.ReadFile(filepath.Join(k.dir, "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	var said, records bytes.Buffer
	note := func(args ...string) (out string) {
		out = k.must(args...)
		b, err := json.Marshal(saying{args, out})
		if err != nil {
			t.Fatal(err)
		}
		said.Write(append(b, '\n'))
		return out
	}
	note("ps", "-o", "json")
	for _, s := range k.stacks("--children") {
		note("state", s.Stack, "-o", "json")
		trace := note("trace", s.Stack)
		records.WriteString(k.must("trace", s.Stack, "--journal"))
		var whole bool
		var from uint64 // the cycle whose end is where the history begins
		for r := range strings.Lines(trace) {
			rec, err := journal.ParseRecord([]byte(r))
			if err != nil {
				t.Fatal(err)
			}
			whole = whole || rec.Seq == 1
			if from == 0 && rec.Seq > 1 && !whole {
				from = rec.Cycle
			}
			if b, is := rec.Body.(*journal.WaveCommitted); is && b.Wave > 0 && rec.Cycle > from {
				note("state", s.Stack, "-o", "json", "--at", journal.Point{Cycle: rec.Cycle, Wave: b.Wave}.String())
			}
		}
	}
	for name, b := range map[string][]byte{"db": db, "said": said.Bytes(), "journal": records.Bytes()} {
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(storesDir, version+"."+name+".gz"), packed.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// saying is a command, and what it printed.
type saying struct {
	Args []string
	Out  string
}

// unpack reads a kept file.
func unpack(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join(storesDir, name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readJournal: the lines of a journal are records still, and tell the same.
func readJournal(t *testing.T, name string) {
	n := 0
	for l := range bytes.Lines(unpack(t, name+".journal")) {
		rec, err := journal.ParseRecord(l)
		if err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		var was, is map[string]any
		if err := json.Unmarshal(l, &was); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(journal.AppendRecord(nil, rec, false), &is); err != nil {
			t.Fatal(err)
		}
		for key := range is {
			if !within(is[key], was[key]) && key != "failed" {
				t.Errorf("%s: %v, was %v", key, is[key], was[key])
			}
		}
		n++
	}
	if n < 200 {
		t.Errorf("only %d records", n)
	}
}

// readStore: this version prints of the store what the other one did, and
// perhaps more.
func readStore(t *testing.T, name string) {
	db := filepath.Join(t.TempDir(), "s.db")
	if err := os.WriteFile(db, unpack(t, name+".db"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	for l := range bytes.Lines(unpack(t, name+".said")) {
		var was saying
		if err := json.Unmarshal(l, &was); err != nil {
			t.Fatal(err)
		}
		if was.Args[0] == "ps" && !strings.Contains(was.Out, `"children":`) {
			was.Args = append(was.Args, "--children") // earlier versions listed them beside their parents
		}
		var out, errs bytes.Buffer
		if code := run(t.Context(), append(was.Args, "--db", db), strings.NewReader(""), &out, &errs); code != 0 {
			t.Errorf("%q: exit code %d: %s", was.Args, code, &errs)
			continue
		}
		want, got := values(t, was.Out), values(t, out.String())
		if !within(want, got) {
			t.Errorf("%q\nwas\n%s\nis\n%s", was.Args, was.Out, &out)
		}
		n++
	}
	if n < 80 {
		t.Errorf("only %d commands", n)
	}
}

// values are the JSON values of a text.
func values(t *testing.T, text string) (all []any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	for dec.More() {
		var v any
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		all = append(all, v)
	}
	return all
}

// within reports that got is want, or has more properties.
func within(want, got any) bool {
	switch want := want.(type) {
	case map[string]any:
		got, is := got.(map[string]any)
		if !is {
			return false
		}
		for key, v := range want {
			if other, has := got[key]; !has || !within(v, other) {
				return false
			}
		}
		return true
	case []any:
		got, is := got.([]any)
		return is && slices.EqualFunc(want, got, within)
	}
	return reflect.DeepEqual(want, got)
}

// continueStore serves the store and brings every stack to its end.
func continueStore(t *testing.T, name string) {
	k := keep(t, "graphrun")
	if err := os.WriteFile(filepath.Join(k.dir, "s.db"), unpack(t, name+".db"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.serve()
	k.write("open", "")
	if again := k.must("send", "work-mail", "note", `["first"]`, "--id", "n1"); !strings.Contains(again, "was sent before") {
		t.Errorf("the id of an event is forgotten: %s", again)
	}
	k.until("the gates are through", func() bool {
		return strings.Contains(k.must("trace", "work-open"), `"type":"cycle.finished","stack":"work-open","cycle":2`)
	})
	k.must("send", "work-open", "finish", "true")
	for _, stack := range []string{"fails-once", "tail"} {
		k.must("retry", stack)
	}
	for _, stack := range []string{"work-resting", "work-paused", "work-mail"} {
		k.must("resume", stack)
		k.must("wake", stack)
		k.until(stack+" has its second cycle", func() bool {
			return strings.Contains(k.must("trace", stack), `"type":"cycle.finished","stack":"`+stack+`","cycle":2`)
		})
		k.must("send", stack, "finish", "true")
	}
	k.must("send", "desk", "reply", `"yes"`)
	k.must("approve", "desk", "review")
	k.must("cancel", "fails-often")
	k.must("send", "inbox", "mail", `["four", "five", "six"]`)
	for _, clock := range []string{"clock-1", "clock-2"} {
		k.must("send", clock, "end", "true")
	}
	k.until("every stack has ended", func() bool {
		for _, s := range k.stacks() {
			if s.Status == "running" || s.Status == "paused" {
				return false
			}
		}
		return true
	})
	for _, s := range k.stacks() {
		want, has := ends[s.Stack]
		if !has {
			t.Errorf("stack %q has come to be", s.Stack)
			continue
		}
		status, state, _ := strings.Cut(want, " ")
		got := k.must("state", s.Stack, "-o", "json")
		if s.Status != status || !within(values(t, `{"state":`+state+"}"), values(t, got)) {
			t.Errorf("%s: %s %s, want %s", s.Stack, s.Status, got, want)
		}
	}
	// Commits say who changed the keys since 0.2.0, and those before do not.
	for r := range strings.Lines(k.must("trace", "work-mail")) {
		rec, err := journal.ParseRecord([]byte(r))
		if err != nil {
			t.Fatal(err)
		}
		if b, is := rec.Body.(*journal.WaveCommitted); is && ((rec.Cycle > 1 || name >= "0.2") && len(b.Changed) > 0) != (len(b.Writers) > 0) {
			t.Errorf("the writers of work-mail: %s", r)
		}
	}
	trace := k.must("trace", "work-open")
	for item, want := range map[string]int{"now": 2, "later": 3} { // the one that was cut off began twice
		if n := strings.Count(trace, `"node":"gate","item":"`+item+`","attempt"`); n != want {
			t.Errorf("%d records of the task gate[%s], want %d:\n%s", n, item, want, trace)
		}
	}
}

// ends is what becomes of the stacks: the status, and some keys of the state.
var ends = map[string]string{
	"clock-1":      `completed {"over":true}`,
	"clock-2":      `completed {"over":true}`,
	"desk":         `completed {"approved":true,"late":false,"reply":"yes","slow":"slow"}`,
	"desk-over":    `cancelled {"approved":null,"late":false,"reply":null,"slow":null}`,
	"fails-often":  `cancelled {"n":0}`,
	"fails-once":   `failed {"n":4}`,
	"inbox":        `completed {"mail":["one","two","from robin","four","five","six"],"read":6}`,
	"outer":        `completed {"from":"inner","n":7}`,
	"robin":        `completed {"trail":["a","b","a","b"]}`,
	"tail":         `completed {"last":{"line 1":1,"line 20":20,"line 40":40}}`,
	"work-done":    `completed {"deep":{"a":{"c":[1,2.5,null]}},"done":true,"hidden":"token ***","seen":["ant","bee","cat"]}`,
	"work-mail":    `completed {"done":true,"notes":["first","second","third"]}`,
	"work-open":    `completed {"done":true,"hidden":"token ***"}`,
	"work-paused":  `completed {"done":true,"seen":["zebra","ox"],"least":2,"most":2.5}`,
	"work-resting": `completed {"done":true,"seen":["ant","bee","cat"],"least":3}`,
}
