//go:build unix

package std

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/internal/stay"
)

// quickStay is short of patience.
var quickStay = stay.Limits{Want: 300 * time.Millisecond, Leave: 200 * time.Millisecond, Kill: 150 * time.Millisecond,
	Drain: time.Second, Backoff: 20 * time.Millisecond, Longest: 200 * time.Millisecond}

// stayKit runs tasks of one node, whose program is the test binary.
type stayKit struct {
	testing.TB
	spec nodes.Spec
	with map[string]any
	dir  string
	mu   sync.Mutex
	n    int
	log  lockedLog
	kept map[string]string
}

type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// program is the command of a program of the tests.
func stayCommand(what string) []any {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return []any{"/usr/bin/env", childVariable + "=" + what, exe}
}

func newStayKit(t testing.TB, more map[string]any) *stayKit {
	k := &stayKit{TB: t, dir: t.TempDir(), kept: map[string]string{}, with: map[string]any{"stay": true, "command": stayCommand("stays")}}
	maps.Copy(k.with, more)
	k.spec = execKind(nil)
	node := quick
	node.stays = stay.New(quickStay, slog.New(slog.NewTextHandler(&k.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	k.spec.Node = node
	if err := node.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

// task is one with its own key.
func (k *stayKit) task(do, with string) nodes.Task {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.n++
	w := maps.Clone(k.with)
	w["stdin"] = map[string]any{"do": do, "with": with}
	return nodes.Task{
		Stack: "s", Graph: "g", Cycle: 2, Wave: 3, Node: "n", Item: "i", Attempt: 4, Key: fmt.Sprintf("%s/%d", k.Name(), k.n), With: w, Dir: k.dir,
		Keep: func(_ context.Context, name, text string) error { k.kept[name] = text; return nil },
		Kept: func(_ context.Context, name string) (string, error) { return k.kept[name], nil },
	}
}

func (k *stayKit) do(do, with string) (any, *nodes.Error) {
	return k.run(k.Context(), k.task(do, with))
}

func (k *stayKit) run(ctx context.Context, t nodes.Task) (any, *nodes.Error) {
	res, fail := nodes.Run(ctx, k.spec, t)
	return res.Output, fail
}

// must is do without a failure.
func (k *stayKit) must(do, with string) any {
	k.Helper()
	out, fail := k.do(do, with)
	if fail != nil {
		k.Fatalf("%s %q: %s: %s", do, with, fail.Kind, fail.Message)
	}
	return out
}

// begin starts a task and returns what becomes of it.
func (k *stayKit) begin(ctx context.Context, do, with string) (end func() (any, *nodes.Error)) {
	var out any
	var fail *nodes.Error
	done := make(chan struct{})
	t := k.task(do, with)
	go func() {
		defer close(done)
		out, fail = k.run(ctx, t)
	}()
	return func() (any, *nodes.Error) {
		k.Helper()
		select {
		case <-done:
		case <-time.After(2 * soon):
			k.Fatalf("%s %q does not end", do, with)
		}
		return out, fail
	}
}

func (k *stayKit) wantFailure(fail *nodes.Error, kind, message string) {
	k.Helper()
	if fail == nil || fail.Kind != kind || !strings.HasPrefix(fail.Message, message) {
		k.Errorf("got %+v, want %s: %s", fail, kind, message)
	}
}

func TestStayTask(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, map[string]any{"env": map[string]any{"A": "x", "N": int64(3)}})
	tk := k.task("whole", "\u2028 é\n")
	out, fail := k.run(t.Context(), tk)
	if fail != nil {
		t.Fatal(fail)
	}
	want := map[string]any{"key": tk.Key, "attempt": int64(4), "stack": "s", "graph": "g", "cycle": int64(2), "wave": int64(3), "node": "n",
		"item": "i", "input": map[string]any{"do": "whole", "with": "\u2028 é\n"}, "env": map[string]any{"A": "x", "N": "3"}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
	tk = k.task("whole", "")
	tk.With = map[string]any{"stay": true, "command": []any{"/bin/sh", "-c", `read -r line; printf '{"key":"k","output":%s}\n' "$line"; read -r line`}}
	tk.Key, tk.Item = "k", ""
	if out, fail = k.run(t.Context(), tk); fail != nil {
		t.Fatal(fail)
	}
	if m := out.(map[string]any); m["input"] != nil || m["item"] != nil || len(m["env"].(map[string]any)) != 0 || len(m) != 10 {
		t.Errorf("without input, item and env: got %v", m)
	}
}

func TestStayKeepsOneProcess(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, nil)
	first := k.must("pid", "")
	other := k.task("pid", "")
	other.Stack = "another"
	if out, fail := k.run(t.Context(), other); fail != nil || out != first {
		t.Errorf("another stack had process %v (%v), want %v", out, fail, first)
	}
	node := k.task("pid", "")
	node.Node = "another"
	if out, _ := k.run(t.Context(), node); out == first {
		t.Error("another node had the same process")
	}
	tool := k.task("pid", "")
	tool.Tool = "t"
	own, _ := k.run(t.Context(), tool)
	tool.Node, tool.Key = "another", "tool of another"
	if out, _ := k.run(t.Context(), tool); out != own || own == first {
		t.Errorf("a tool had processes %v and %v, and its node %v", own, out, first)
	}
}

func TestStayEnvironment(t *testing.T) {
	t.Setenv("STD_TEST_PRIVATE", "not for programs")
	k := newStayKit(t, map[string]any{"env": map[string]any{"TOKEN": "canary-of-the-environment"}})
	var names []string
	for _, v := range k.must("env", "").([]any) {
		name, _, _ := strings.Cut(v.(string), "=")
		names = append(names, name)
		if strings.Contains(v.(string), "canary") {
			t.Errorf("the environment has %s", v)
		}
	}
	for _, name := range names {
		if !slices.Contains([]string{"PATH", "HOME", "LANG", "TMPDIR", childVariable, "GRAPHRUN_STAY"}, name) {
			t.Errorf("the environment has %s", name)
		}
	}
	if !slices.Contains(names, "GRAPHRUN_STAY") {
		t.Errorf("the environment lacks GRAPHRUN_STAY: %v", names)
	}
}

func TestStayAnswers(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, map[string]any{"max_output": int64(1 << 19)})
	pid := k.must("pid", "")
	for name, tt := range map[string]struct {
		says string
		want any
		fail nodes.Error
	}{
		"null":              {`{"key":KEY,"output":null}`, nil, nodes.Error{}},
		"error null":        {`{"key":KEY,"output":1,"error":null}`, int64(1), nodes.Error{}},
		"more members":      {`{"key":KEY,"output":[1.5],"took":3}`, []any{1.5}, nodes.Error{}},
		"after a blank":     {"\n  \n\ufeff" + `{"key":KEY,"output":true}`, true, nodes.Error{}},
		"late and unknown":  {`{"key":"gone","output":1}` + "\n" + `{"key":"gone","error":{}}` + "\n" + `{"key":KEY,"output":2}` + "\n" + `{"key":KEY,"output":3}`, int64(2), nodes.Error{}},
		"a failure":         {`{"key":KEY,"error":{"kind":"http","message":"no such page","code":404,"permanent":true}}`, nil, nodes.Error{Kind: "http", Message: "no such page", Permanent: true, Code: new(int64(404))}},
		"a kind of its own": {`{"key":KEY,"error":{"kind":"quota","message":"used up"}}`, nil, nodes.Error{Kind: "quota", Message: "used up"}},
		"a bare failure":    {`{"key":KEY,"error":{"code":null}}`, nil, nodes.Error{Kind: "error", Message: "the program reports a failure"}},
	} {
		out, fail := k.do("say", tt.says)
		var got nodes.Error
		if fail != nil {
			got = nodes.Error{Kind: fail.Kind, Message: fail.Message, Permanent: fail.Permanent, Code: fail.Code}
		}
		if diff := cmp.Diff(tt.want, out) + cmp.Diff(tt.fail, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
	_, fail := k.do("large", "")
	k.wantFailure(fail, "output", "an output of more than 524288 bytes (max_output)")
	if got := k.must("pid", ""); got != pid {
		t.Error("the program did not survive these answers")
	}
}

func TestStayLinesThatAreNoAnswer(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, nil)
	for _, says := range []string{
		"listening on port 80", `{"key":KEY,"output":1} {}`, `{"key":KEY,"output":"caf` + "\xe9" + `"}`, `{"key":KEY}`, `{"key":1,"output":1}`, `[1]`, `{"output":1}`,
		`{"key":KEY,"output":1,"error":{}}`, `{"key":KEY,"error":"text"}`, `{"key":KEY,"error":{"kind":3}}`, `{"key":KEY,"error":{"kind":"a b"}}`,
		`{"key":KEY,"error":{"message":{}}}`, `{"key":KEY,"error":{"permanent":"yes"}}`, `{"key":KEY,"error":{"code":"4"}}`, `{"key":KEY,"log":3}`,
	} {
		if strings.Contains(says, "\xe9") {
			continue // cannot come through the input: see below
		}
		before := k.must("pid", "")
		_, fail := k.do("say", says)
		k.wantFailure(fail, "output", "the program wrote a line that is no answer: ")
		if after := k.must("pid", ""); after == before {
			t.Errorf("after %s the program stayed", says)
		}
	}
	_, fail := k.do("endless", "")
	k.wantFailure(fail, "output", "the program wrote a line that is no answer: it has more than 1310720 bytes")
}

// TestStayNoAnswerFailsTheOldest: the others are done again, and it is no failure.
func TestStayNoAnswerFailsTheOldest(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, map[string]any{"parallel": int64(3)})
	oldest, up := fifo(t)
	first := k.begin(t.Context(), "hang", oldest)
	pid := up()
	there, secondUp := fifo(t)
	path, release := fifo(t)
	second := k.begin(t.Context(), "both", there+" "+path)
	secondUp()
	third := k.begin(t.Context(), "once", t.TempDir()+"/once")
	_, fail := first()
	k.wantFailure(fail, "output", "the program wrote a line that is no answer: ")
	secondUp()
	next := release()
	for _, neighbour := range []func() (any, *nodes.Error){second, third} {
		if out, fail := neighbour(); fail != nil || out != int64(next) || next == pid {
			t.Errorf("a neighbour gave %v, %v; want process %d, and not %d", out, fail, next, pid)
		}
	}
}

func TestStayEnds(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, map[string]any{"parallel": int64(2)})
	path, up := fifo(t)
	neighbour := k.begin(t.Context(), "hang", path)
	pid := up()
	_, fail := k.do("exit", "")
	k.wantFailure(fail, "exit", "exit status 7: out of luck")
	if fail.Code == nil || *fail.Code != 7 {
		t.Errorf("the code is %v", fail.Code)
	}
	_, fail = neighbour()
	k.wantFailure(fail, "exit", "exit status 7: out of luck")
	gone(t, pid)
	if now := k.must("pid", ""); now == int64(pid) {
		t.Error("the same process")
	}
	_, fail = k.do("leave", "")
	k.wantFailure(fail, "exit", "exit status 0")
	_, fail = k.do("mute", "")
	k.wantFailure(fail, "exit", "it closed its standard output")
	k.with["command"] = stayCommand("stays dies")
	for range 3 {
		_, fail = k.do("pid", "")
		k.wantFailure(fail, "exit", "exit status 4: no licence")
	}
	k.with["command"] = []any{"./no-such-program"}
	_, fail = k.do("pid", "")
	k.wantFailure(fail, "config", `cannot start "./no-such-program": no such file or directory`)
	if !fail.Permanent {
		t.Error("it may be tried again")
	}
}

// TestStayBacksOff: a program that ends at once is not started as fast as it can be.
func TestStayBacksOff(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, map[string]any{"command": stayCommand("stays dies")})
	began := time.Now()
	for range 6 {
		_, fail := k.do("pid", "")
		k.wantFailure(fail, "exit", "exit status 4")
	}
	if d, least := time.Since(began), (20+40+80+160+200)*time.Millisecond; d < least {
		t.Errorf("six starts took %v, want at least %v", d, least)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, fail := k.run(ctx, k.task("pid", "")); fail == nil || fail.Kind != "cancelled" {
		t.Errorf("cancelled in the pause: %v", fail)
	}
}

// TestStayTimeout: the process of the task is ended with its group, and its other tasks
// are done again, which is no failure.
func TestStayTimeout(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"", " stubborn"} {
		t.Run("stays"+arg, func(t *testing.T) {
			t.Parallel()
			k := newStayKit(t, map[string]any{"parallel": int64(2), "command": stayCommand("stays" + arg)})
			path, up := fifo(t)
			there, neighbourUp := fifo(t)
			wait, release := fifo(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			stuck := k.begin(ctx, "hang", path)
			pid := up()
			neighbour := k.begin(t.Context(), "both", there+" "+wait)
			neighbourUp()
			began := time.Now()
			cancel(nodes.Errorf("timeout", "timed out after 1s"))
			_, fail := stuck()
			k.wantFailure(fail, "timeout", "timed out after 1s")
			if !ended(pid) {
				t.Error("the attempt is over and its program runs")
			}
			if d := time.Since(began); d > soon {
				t.Errorf("it took %v", d)
			}
			neighbourUp()
			release()
			if out, fail := neighbour(); fail != nil || out == int64(pid) {
				t.Errorf("the neighbour gave %v, %v; want the number of another process", out, fail)
			}
		})
	}
}

// TestStayCancelBeforeItIsSeen: a task that no program has read ends no program.
func TestStayCancelBeforeItIsSeen(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, nil)
	wait, release := fifo(t)
	first := k.begin(t.Context(), "until", wait)
	pid := release()
	if out, fail := first(); fail != nil || out != int64(pid) {
		t.Fatal(out, fail)
	}
	path, up := fifo(t)
	first = k.begin(t.Context(), "both", path+" "+wait)
	up()
	ctx, cancel := context.WithCancel(t.Context())
	queued := k.begin(ctx, "pid", "")
	cancel()
	if _, fail := queued(); fail == nil || fail.Kind != "cancelled" {
		t.Errorf("got %v, want cancelled", fail)
	}
	release()
	if out, fail := first(); fail != nil || out != int64(pid) {
		t.Errorf("the program was ended for a task that waited: %v, %v, want %d", out, fail, pid)
	}
}

// TestStayAlone: a task that its neighbours cut off twice has a process for itself.
func TestStayAlone(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, map[string]any{"parallel": int64(4)})
	path, up := fifo(t)
	own, ownUp := fifo(t)
	victim := func() {}
	for i := range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		stuck := k.begin(ctx, "hang", path)
		pid := up()
		if i == 0 {
			ctx, cancel := context.WithCancel(t.Context())
			end := k.begin(ctx, "hang", own)
			victim = func() { cancel(); _, _ = end() }
		}
		if got := ownUp(); got != pid {
			t.Fatalf("the victim is in process %d, its neighbour in %d", got, pid)
		}
		cancel()
		_, _ = stuck()
	}
	alone := ownUp()
	other := k.begin(t.Context(), "pid", "")
	if !isPending(other) {
		t.Error("another task had the process at the same time")
	}
	if ended(alone) {
		t.Error("the process was ended")
	}
	victim()
	if out, fail := other(); fail != nil || out == int64(alone) {
		t.Errorf("the other gave %v, %v", out, fail)
	}
}

// isPending gives a task time to end.
func isPending(end func() (any, *nodes.Error)) bool {
	done := make(chan struct{})
	go func() { defer close(done); end() }()
	select {
	case <-done:
		return false
	case <-time.After(100 * time.Millisecond):
		return true
	}
}

// TestStayParallel: answers come in any order, processes are as many as there may be, and
// no process holds more than it may.
func TestStayParallel(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, map[string]any{"parallel": int64(2), "processes": int64(2)})
	type held struct {
		end         func() (any, *nodes.Error)
		up, release func() int
	}
	var all []held
	for range 4 {
		up, isUp := fifo(t)
		path, release := fifo(t)
		all = append(all, held{k.begin(t.Context(), "both", up+" "+path), isUp, release})
	}
	seen := map[int]int{}
	for _, h := range all {
		seen[h.up()]++
	}
	for pid, n := range seen {
		if n != 2 {
			t.Errorf("process %v has %d of 4 tasks, want 2", pid, n)
		}
	}
	fifth := k.begin(t.Context(), "pid", "")
	if !isPending(fifth) {
		t.Error("a fifth task had a place")
	}
	for _, h := range slices.Backward(all) {
		pid := h.release()
		if out, fail := h.end(); fail != nil || out != int64(pid) {
			t.Errorf("got %v, %v, want %d", out, fail, pid)
		}
	}
	if out, fail := fifth(); fail != nil {
		t.Error(out, fail)
	}
}

func TestStayIdle(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, map[string]any{"idle": "50ms"})
	pid := int(k.must("pid", "").(int64))
	gone(t, pid)
	if now := int(k.must("pid", "").(int64)); now == pid {
		t.Error("the same process")
	}
}

// TestStayChangedText: the old program ends, but not before its tasks have.
func TestStayChangedText(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, nil)
	path, up := fifo(t)
	wait, release := fifo(t)
	old := k.begin(t.Context(), "both", path+" "+wait)
	up()
	k.mu.Lock()
	k.with = maps.Clone(k.with)
	k.with["command"] = append(stayCommand("stays"), "another")
	k.mu.Unlock()
	now := k.must("pid", "")
	pid := release()
	if out, fail := old(); fail != nil || out != int64(pid) || out == now {
		t.Errorf("the old one gave %v, %v", out, fail)
	}
	gone(t, pid)
	if again := k.must("pid", ""); again != now {
		t.Error("the new one did not stay")
	}
}

func TestStayLogs(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, nil)
	tk := k.task("stderr", "canary-in-a-log "+strings.Repeat("x", 5000))
	var log lockedLog
	tk.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	tk.Mask = func(s string) string { return strings.ReplaceAll(s, "canary-in-a-log", "***") }
	if _, fail := k.run(t.Context(), tk); fail != nil {
		t.Fatal(fail)
	}
	_ = k.spec.Node.(execNode).Close() // all is read
	_ = k.spec.Node.(execNode).Open(t.Context())
	all := log.String() + k.log.String()
	for _, want := range []string{`msg=stderr (.* )?line="\*\*\* x`, `msg=log line="logged: canary-in-a-log x`} { // the driver masks what tasks log
		if !regexp.MustCompile(want).MatchString(all) {
			t.Errorf("the log lacks %s:\n%.300s", want, all)
		}
	}
	if strings.Contains(k.log.String(), "canary") || len(all) > 10<<10 {
		t.Errorf("the log has %d bytes, or a secret", len(all))
	}
}

// TestStayCloseEndsAll: with the engine, also a program that ignores TERM.
func TestStayCloseEndsAll(t *testing.T) {
	t.Parallel()
	k := newStayKit(t, map[string]any{"command": stayCommand("stays stubborn")})
	node := k.spec.Node.(execNode)
	_ = node.Open(t.Context())
	pid := int(k.must("pid", "").(int64))
	_ = node.Close()
	if ended(pid) {
		t.Error("the first of two users ended it")
	}
	_ = node.Close()
	if !ended(pid) {
		t.Error("it runs on")
	}
	_ = node.Open(t.Context())
	if now := int(k.must("pid", "").(int64)); now == pid {
		t.Error("the same process")
	}
}

// BenchmarkStay compares a task of 1 KiB through a program that echoes with a Go function.
func BenchmarkStay(b *testing.B) {
	text := strings.Repeat("a", 1000)
	b.Run("go", func(b *testing.B) {
		spec := nodes.Spec{Node: goEcho{}}
		for b.Loop() {
			if _, fail := nodes.Run(b.Context(), spec, nodes.Task{With: map[string]any{"stdin": text}}); fail != nil {
				b.Fatal(fail)
			}
		}
	})
	b.Run("program", func(b *testing.B) {
		k := newStayKit(b, nil)
		k.must("echo", text)
		b.ReportAllocs()
		for b.Loop() {
			k.must("echo", text)
		}
	})
	runtime.KeepAlive(text)
}

type goEcho struct{}

func (goEcho) Run(_ context.Context, t nodes.Task) (nodes.Result, error) {
	return nodes.Result{Output: t.With.(map[string]any)["stdin"]}, nil
}
