//go:build unix

package mcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/nodes"
)

// fails checks the kind of a failure, and that its message has all pieces.
func fails(t *testing.T, err error, kind string, pieces ...string) {
	t.Helper()
	var e *nodes.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Errorf("got %v, want kind %s", err, kind)
		return
	}
	for _, p := range pieces {
		if !strings.Contains(e.Message, p) {
			t.Errorf("got %q, want %q in it", e.Message, p)
		}
	}
}

func call(t *testing.T, s *Servers, task nodes.Task, tool string, args any) any {
	t.Helper()
	out, err := s.Call(t.Context(), task, "it", tool, args)
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	return out
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	s, task := servers(t, nil), task(t, "standard", allTools...)
	where := call(t, s, task, "where", nil).(map[string]any)
	if where["big"] != int64(9007199254740993) || where["dir"] != task.Dir || where["pid"] != where["group"] {
		t.Errorf("got %v, want all digits, the graph's folder, and a group of its own", where)
	}
	for _, tt := range []struct {
		tool string
		args any
		want any
	}{
		{"echo", map[string]any{"a": int64(1)}, `{"a":1}`},
		{"echo", nil, `{}`},
		{"parts", nil, "[image left out: image/png, 3 bytes]"},
		{"parts", map[string]any{"texts": true}, "one\nfile:///a\ntwo"},
	} {
		if diff := cmp.Diff(tt.want, call(t, s, task, tt.tool, tt.args)); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", tt.tool, tt.args, diff)
		}
	}
	_, err := s.Call(t.Context(), task, "it", "fail", nil)
	fails(t, err, "error", "no such\ncustomer")
	_, err = s.Call(t.Context(), task, "it", "echo", "text")
	fails(t, err, "config", "no object")
	said := call(t, s, task, "ask", nil).(string)
	if strings.Count(said, "method not found") != 2 || !strings.Contains(said, "does not support elicitation") {
		t.Errorf("the server got %q, want three refusals", said)
	}
}

func TestOnlyListedToolsAreThere(t *testing.T) {
	t.Parallel()
	s, task := servers(t, nil), task(t, "standard", "parts", "echo")
	specs, err := s.Tools(t.Context(), task, "it")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, spec := range specs {
		names = append(names, spec.Name)
	}
	if diff := cmp.Diff([]string{"parts", "echo"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if specs[0].Description != "The tool parts." || specs[0].Args["type"] != "object" {
		t.Errorf("got %v", specs[0])
	}
	_, err = s.Call(t.Context(), task, "it", "env", nil)
	fails(t, err, "config", `"env"`, `"it"`)
	_, err = s.Tools(t.Context(), task, "other")
	fails(t, err, "config", `no server "other"`)

	task.Of.Servers[0].Tools[0].Name = "gone"
	_, err = s.Tools(t.Context(), task, "it")
	fails(t, err, "config", `server "it" has no tool "gone"`)
	_, err = s.Call(t.Context(), task, "it", "gone", nil)
	fails(t, err, "config", `server "it" has no tool "gone"`)
	if got := call(t, s, task, "echo", nil); got != "{}" {
		t.Errorf("got %v of a tool that is there", got)
	}
}

// TestEnvironment: a server sees what exec's programs see, and no more.
func TestEnvironment(t *testing.T) {
	t.Setenv("MCP_CANARY", "visible")
	s, task := servers(t, nil), task(t, "standard", "env")
	var names []string
	for line := range strings.SplitSeq(call(t, s, task, "env", nil).(string), "\n") {
		name, v, _ := strings.Cut(line, "=")
		names = append(names, name)
		if name == "TOKEN" && v != "hush-hush" {
			t.Errorf("TOKEN is %q, want the secret", v)
		}
	}
	want := []string{serverVariable, "TOKEN"}
	for _, name := range []string{"PATH", "HOME", "LANG", "TMPDIR"} {
		if _, ok := os.LookupEnv(name); ok {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	slices.Sort(names)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOneServerForAll: entries of the same command, environment and folder share it.
func TestOneServerForAll(t *testing.T) {
	t.Parallel()
	s := servers(t, nil)
	file := filepath.Join(t.TempDir(), "pids")
	one, two := task(t, "new "+file, "where"), task(t, "new "+file, "where", "echo")
	two.Dir, two.Graph = one.Dir, "another"
	two.Of.Servers[0].Name = "files"
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { call(t, s, one, "where", nil) })
		all.Go(func() {
			if _, err := s.Call(t.Context(), two, "files", "echo", nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	two.Dir = t.TempDir()
	if _, err := s.Call(t.Context(), two, "files", "where", nil); err != nil {
		t.Error(err)
	}
	if b, _ := os.ReadFile(file); strings.Count(string(b), "\n") != 2 {
		t.Errorf("started %q, want one for the first folder and one for the second", b)
	}
}

func TestSimpleServers(t *testing.T) {
	t.Parallel()
	s := servers(t, nil)
	task := task(t, `simple {"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}`, "say")
	if got := call(t, s, task, "say", nil); got != "a\nb" {
		t.Errorf("got %q", got)
	}
}

func TestServersThatPrintOnStdout(t *testing.T) {
	t.Parallel()
	log, logger := logBook(slog.LevelWarn)
	s, task := servers(t, logger), task(t, "chatty", "echo")
	if got := call(t, s, task, "echo", nil); got != "{}" {
		t.Errorf("got %q", got)
	}
	if n := strings.Count(log.String(), "no message"); n != 1 {
		t.Errorf("said %d times that it prints: %s", n, log)
	}
}

func TestServersThatDoNotStart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		what   string
		kind   string
		pieces []string
	}{
		{"exit hush-hush", "config", []string{`server "it"`, "exit status 3", "no licence for ***"}},
		{"silent", "config", []string{`server "it"`, "no answer to initialize within 1s"}},
		{"flood", "config", []string{`server "it"`, "message of more than"}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			s := servers(t, nil)
			s.limits.start = time.Minute
			s.limits.message = 1 << 20
			if tt.what == "silent" {
				s.limits.start = time.Second
			}
			_, err := s.Tools(t.Context(), task(t, tt.what, "echo"), "it")
			fails(t, err, tt.kind, tt.pieces...)
		})
	}
	s := servers(t, nil)
	for _, command := range []any{[]any{"no-such-server-anywhere"}, []any{"./missing"}} {
		_, err := s.Tools(t.Context(), taskWith(t, map[string]any{"command": command}, "echo"), "it")
		fails(t, err, "config", `server "it"`, "cannot start")
	}
}

// TestRestarts: a call that ran when the server died has failed, once; the next one
// starts it again, five times.
func TestRestarts(t *testing.T) {
	t.Parallel()
	s := servers(t, nil)
	file, calls := filepath.Join(t.TempDir(), "runs"), filepath.Join(t.TempDir(), "calls")
	task := task(t, "new "+file, "die", "echo")
	for range 1 + maxRestarts {
		_, err := s.Call(t.Context(), task, "it", "die", map[string]any{"file": calls})
		fails(t, err, "error", `server "it" ended while tool "die" ran: exit status 7: out of luck`)
	}
	for range 2 {
		_, err := s.Call(t.Context(), task, "it", "echo", nil)
		fails(t, err, "error", `server "it"`, "not started again", "exit status 7")
	}
	if runs, died := len(running(t, file, 6)), len(running(t, calls, 6)); runs != 6 || died != 6 {
		t.Errorf("%d runs and %d calls, want 6 and 6", runs, died)
	}
}

// TestAServerThatRanLongHasAllRestarts: five are not for ever.
func TestAServerThatRanLongHasAllRestarts(t *testing.T) {
	t.Parallel()
	s := servers(t, nil)
	s.limits.steady = 0
	task := task(t, "standard", "die", "echo")
	for range 2 + maxRestarts {
		_, err := s.Call(t.Context(), task, "it", "die", nil)
		fails(t, err, "error", "exit status 7")
	}
	if got := call(t, s, task, "echo", nil); got != "{}" {
		t.Errorf("got %v", got)
	}
}

// TestAStartThatFailsCounts: a call waits for one start, and six are all there are.
func TestAStartThatFailsCounts(t *testing.T) {
	t.Parallel()
	s := servers(t, nil)
	task := task(t, "exit me", "echo")
	for range 1 + maxRestarts {
		_, err := s.Tools(t.Context(), task, "it")
		fails(t, err, "config", "no licence")
	}
	_, err := s.Tools(t.Context(), task, "it")
	fails(t, err, "error", `server "it"`, "no licence")
}

func TestCancelledCalls(t *testing.T) {
	t.Parallel()
	s, task := servers(t, nil), task(t, "standard", "hang", "echo")
	file := filepath.Join(t.TempDir(), "calls")
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		running(t, file, 1)
		cancel(why)
	}()
	if _, err := s.Call(ctx, task, "it", "hang", map[string]any{"file": file}); !errors.Is(err, why) {
		t.Errorf("got %v, want the cause", err)
	}
	running(t, file, 2) // the server hears of it
	if got := call(t, s, task, "echo", nil); got != "{}" {
		t.Errorf("got %v after a cancelled call", got)
	}
}

func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	s, task := servers(t, nil), task(t, "standard", "large", "echo")
	s.limits.output, s.limits.message = 1<<16, 1<<17
	_, err := s.Call(t.Context(), task, "it", "large", map[string]any{"bytes": int64(1 << 16)})
	fails(t, err, "output", "more than")
	_, err = s.Call(t.Context(), task, "it", "large", map[string]any{"bytes": int64(1 << 17)})
	fails(t, err, "output", "more than")
	if got := call(t, s, task, "echo", nil); got != "{}" {
		t.Errorf("got %v after a message that was too long", got)
	}
}

func TestProgressIsShown(t *testing.T) {
	t.Parallel()
	s, task := servers(t, nil), task(t, "standard", "steps")
	seen := filepath.Join(t.TempDir(), "seen")
	task.Note = func(text string) {
		if err := os.WriteFile(seen, []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
	call(t, s, task, "steps", map[string]any{"until": seen})
	if got, _ := os.ReadFile(seen); string(got) != "half of it" {
		t.Errorf("got %q", got)
	}
}

// TestStderr goes to the log, within bounds and without secrets.
func TestStderr(t *testing.T) {
	t.Parallel()
	log, logger := logBook(slog.LevelDebug)
	s, task := servers(t, logger), task(t, "noisy", "echo")
	for range 20 {
		call(t, s, task, "echo", nil)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	got := log.String()
	if !strings.Contains(got, "secret ***") || strings.Contains(got, "hush-hush") {
		t.Errorf("got %.300q, want masked lines", got)
	}
	if n := strings.Count(got, "msg=stderr"); n > 20*maxLines {
		t.Errorf("%d lines", n)
	}
}

func TestChangedTools(t *testing.T) {
	t.Parallel()
	log, logger := logBook(slog.LevelWarn)
	var mu sync.Mutex
	store := map[string]string{}
	use := func(tools, listed string) {
		t.Helper()
		s := servers(t, nil)
		task := task(t, "other "+tools, listed)
		task.Logger = logger
		task.Keep = func(_ context.Context, name, text string) error {
			mu.Lock()
			defer mu.Unlock()
			store[name] = text
			return nil
		}
		task.Kept = func(_ context.Context, name string) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			return store[name], nil
		}
		if _, err := s.Tools(t.Context(), task, "it"); err != nil {
			t.Fatal(err)
		}
	}
	tool := func(name, about string) string {
		return fmt.Sprintf(`{"name":%q,"description":%q,"inputSchema":{"type":"object"}}`, name, about)
	}
	a, b, c := tool("a", "1"), tool("b", "1"), tool("c", "1")
	use("["+a+","+b+","+c+"]", "a")
	use("["+c+","+b+","+a+"]", "a")
	if log.String() != "" {
		t.Fatalf("warned of what did not change: %s", log)
	}
	use("["+tool("a", "2")+","+b+","+tool("d", "1")+"]", "a")
	got := log.String()
	for _, want := range []string{"has changed", "tool=a", "no longer", "tool=c", "did not have", "tool=d"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	if strings.Contains(got, "tool=b") || strings.Count(got, "level=WARN") != 3 {
		t.Errorf("got %s, want one warning each of a, c and d", got)
	}
	if len(store) != 1 {
		t.Errorf("kept %v", store)
	}
}

// TestAListThatChangesMeanwhile is read again when the server says so.
func TestAListThatChangesMeanwhile(t *testing.T) {
	t.Parallel()
	log, logger := logBook(slog.LevelWarn)
	s, task := servers(t, nil), task(t, "standard", "grow", "echo")
	task.Logger = logger
	call(t, s, task, "grow", map[string]any{"description": "Sends your keys along."})
	for look := time.NewTicker(5 * time.Millisecond); ; <-look.C {
		specs, err := s.Tools(t.Context(), task, "it")
		if err != nil {
			t.Fatal(err)
		}
		if specs[1].Description == "Sends your keys along." {
			break
		}
	}
	if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "tool=echo") {
		t.Errorf("got %q, want one warning", got)
	}
}

func TestLongListsAreBounded(t *testing.T) {
	t.Parallel()
	s := servers(t, nil)
	long := strings.Repeat("é", 4<<10)
	tools := fmt.Sprintf(`[{"name":"a","description":%q,"inputSchema":{"type":"object","description":"short"}},{"name":"b","inputSchema":{"type":"object","description":%q}},{"name":"c","inputSchema":{"type":"object"}}]`,
		long, strings.Repeat("x", maxSchema))
	specs, err := s.Tools(t.Context(), task(t, "other "+tools, "a", "b", "c"), "it")
	if err != nil {
		t.Fatal(err)
	}
	if got := specs[0].Description; len(got) > maxDescription || !strings.HasSuffix(got, "é … [cut: 8192 bytes in all]") {
		t.Errorf("%d bytes that end with %q", len(got), got[len(got)-50:])
	}
	if diff := cmp.Diff(map[string]any{"type": "object", "description": "short"}, specs[0].Args); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"type": "object"}, specs[1].Args); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestContentThatNobodyKnows: a call whose result has a part of an unknown type fails and
// says so, because what is left out may be what matters. The server stays.
func TestContentThatNobodyKnows(t *testing.T) {
	t.Parallel()
	s := servers(t, nil)
	task := task(t, `simple {"content":[{"type":"text","text":"a"},{"type":"hologram","name":"x"}]}`, "say")
	for range 2 {
		_, err := s.Call(t.Context(), task, "it", "say", nil)
		fails(t, err, "error", `server "it"`, `content type "hologram"`)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.all {
		if v.runs != 1 {
			t.Errorf("the server was started %d times", v.runs)
		}
	}
}
