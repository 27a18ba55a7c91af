//go:build unix

package std

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/graphrun/graphrun/nodes"
)

// quick does not wait for the five seconds that a program has to end.
var quick = execNode{killAfter: 150 * time.Millisecond, want: 300 * time.Millisecond, drain: 100 * time.Millisecond}

// soon is well beyond what a test with quick may take, and well below what the
// programs that hang would take.
const soon = 10 * time.Second

func TestExecOutput(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 100_000)
	for name, tt := range map[string]struct {
		child string
		with  map[string]any
		want  any
	}{
		"json":                               {`print "{\"a\": 9007199254740993}\n"`, nil, map[string]any{"a": int64(1<<53 + 1)}},
		"nothing is null":                    {`print " \n"`, nil, nil},
		"text":                               {`print "a\n"`, map[string]any{"parse": "text"}, "a\n"},
		"a byte order mark before json":      {`print "\xef\xbb\xbf{\"a\":1}"`, nil, map[string]any{"a": int64(1)}},
		"a byte order mark alone is null":    {`print "\xef\xbb\xbf\n"`, nil, nil},
		"base64":                             {`print "a\xff\x00"`, map[string]any{"parse": "base64"}, "Yf8A"},
		"lines":                              {`print "a\n\nb\r\n"`, map[string]any{"parse": "lines"}, []any{"a", "", "b"}},
		"no lines":                           {`print ""`, map[string]any{"parse": "lines"}, []any{}},
		"stdin text":                         {"cat", map[string]any{"parse": "text", "stdin": "as it is\n"}, "as it is\n"},
		"stdin value":                        {"cat", map[string]any{"stdin": map[string]any{"b": int64(1), "a": []any{nil, 0.5}}}, map[string]any{"a": []any{nil, 0.5}, "b": int64(1)}},
		"stdin null":                         {"cat", map[string]any{"parse": "text", "stdin": nil}, "null"},
		"stdin empty":                        {"cat", map[string]any{"parse": "text", "stdin": ""}, ""},
		"stdin larger than any pipe, unread": {`print "1"`, map[string]any{"stdin": strings.Repeat(long, 20)}, int64(1)},
		"no stdin":                           {"cat", map[string]any{"parse": "text"}, ""},
		"shell":                              {"", map[string]any{"command": nil, "shell": `printf '"%s"' "$A"`, "env": map[string]any{"A": "x y"}}, "x y"},
		"at the limit":                       {`print "12345"`, map[string]any{"max_output": int64(5)}, int64(12345)},
		"a child holds the pipe":             {"daemon", nil, "left one behind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.child == "daemon" {
				path, pid := fifo(t)
				tt.child += " " + path
				defer func() { syscall.Kill(pid(), syscall.SIGKILL) }()
			}
			res, fail := run(t.Context(), task(t, tt.child, tt.with))
			if fail != nil {
				t.Fatal(fail)
			}
			if diff := cmp.Diff(tt.want, res.Output); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestExecArguments(t *testing.T) {
	t.Parallel()
	odd := "a b'c\"$(id);\n*"
	tk := task(t, "args", map[string]any{"parse": "text"})
	with := tk.With.(map[string]any)
	with["command"] = append(with["command"].([]any), odd, int64(3), 0.5, true, "", "-x")
	res, fail := run(t.Context(), tk)
	if fail != nil {
		t.Fatal(fail)
	}
	if diff := cmp.Diff(fmt.Sprintf("%q", []string{odd, "3", "0.5", "true", "", "-x"}), res.Output); diff != "" {
		t.Error(diff)
	}
}

func TestExecEnvironmentIsTheAllowList(t *testing.T) {
	t.Setenv("STD_TEST_PRIVATE", "not for programs")
	t.Setenv("PATH", os.Getenv("PATH"))
	t.Setenv("HOME", "/home/test")
	t.Setenv("LANG", "C.UTF-8")
	t.Setenv("TMPDIR", t.TempDir())
	tk := task(t, "env", map[string]any{"parse": "text"})
	maps.Copy(tk.With.(map[string]any)["env"].(map[string]any), map[string]any{
		"OWN": "two\nlines", "NUMBER": int64(3), "LANG": "de", "GRAPHRUN_KEY": "stolen",
	})
	res, fail := run(t.Context(), tk)
	if fail != nil {
		t.Fatal(fail)
	}
	want := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/home/test", "TMPDIR=" + os.Getenv("TMPDIR"),
		"LANG=de", "OWN=two\nlines", "NUMBER=3",
		"GRAPHRUN_STACK=s", "GRAPHRUN_GRAPH=g", "GRAPHRUN_CYCLE=2", "GRAPHRUN_WAVE=3", "GRAPHRUN_NODE=n",
		"GRAPHRUN_ITEM=i", "GRAPHRUN_ATTEMPT=4", "GRAPHRUN_KEY=" + tk.Key,
	}
	slices.Sort(want)
	if diff := cmp.Diff(fmt.Sprintf("%q", want), res.Output); diff != "" {
		t.Error(diff)
	}
}

func TestExecPaths(t *testing.T) {
	t.Parallel()
	tk := task(t, "dir", map[string]any{"parse": "text"})
	real, err := filepath.EvalSymlinks(tk.Dir)
	if err != nil {
		t.Fatal(err)
	}
	exe := tk.With.(map[string]any)["command"].([]any)[0].(string)
	if err := os.Mkdir(filepath.Join(tk.Dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, filepath.Join(tk.Dir, "tool")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ command, dir, want string }{
		{exe, "", real},
		{exe, "sub", filepath.Join(real, "sub")},
		{exe, "/", "/"},
		{"./tool", "sub", filepath.Join(real, "sub")}, // relative to the graph file, not to dir
	} {
		with := maps.Clone(tk.With.(map[string]any))
		with["command"], with["dir"] = []any{tt.command}, tt.dir
		tk := tk
		tk.With = with
		res, fail := run(t.Context(), tk)
		if fail != nil || res.Output != tt.want {
			t.Errorf("%s in %q: ran in %v (%v), want %q", tt.command, tt.dir, res.Output, fail, tt.want)
		}
	}
}

func TestExecFailures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/plain.txt", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		child   string
		with    map[string]any
		kind    string
		message string // how it begins
	}{
		"exit code":         {"exit 3", nil, "exit", "exit status 3: reading plan\nno such plan"},
		"exit code 255":     {"exit 255", nil, "exit", "exit status 255"},
		"killed":            {"signal", nil, "exit", "signal: killed"},
		"not JSON":          {`print "{\n  \"a\": nope}"`, nil, "output", "standard output is not one JSON value: line 2, column 9: invalid character"},
		"two values":        {`print "{} {}"`, nil, "output", "standard output is not one JSON value: line 1, column 4"},
		"cut off":           {`print "[1,"`, nil, "output", "standard output is not one JSON value: line 1, column 4: unexpected end"},
		"text not UTF-8":    {`print "caf\xe9 \x80"`, map[string]any{"parse": "text"}, "output", "standard output is not text: byte 0xE9 at offset 3 is not UTF-8"},
		"lines not UTF-8":   {`print "ok\n\xff\n"`, map[string]any{"parse": "lines"}, "output", "standard output is not text: byte 0xFF at offset 3"},
		"JSON not UTF-8":    {`print "{\"a\": \"caf\xe9\"}"`, nil, "output", "standard output is not text: byte 0xE9 at offset 10"},
		"half a character":  {`print "\"\\ud83d\""`, nil, "output", `standard output is not one JSON value: JSON has \ud83d at byte 1`},
		"beyond the limit":  {`print "123456"`, map[string]any{"max_output": int64(5)}, "output", "more than 5 bytes on standard output (max_output)"},
		"flood":             {"flood", nil, "output", "more than 1048576 bytes"},
		"not in PATH":       {"", map[string]any{"command": []any{"no-such-program"}}, "config", `cannot start "no-such-program": executable file not found in $PATH`},
		"no such file":      {"", map[string]any{"command": []any{"./no-such-program"}}, "config", `cannot start "./no-such-program": no such file or directory`},
		"not executable":    {"", map[string]any{"command": []any{dir + "/plain.txt"}}, "config", "cannot start"},
		"no such folder":    {"cat", map[string]any{"dir": "/no/such"}, "config", "cannot start"},
		"too much argv":     {"", map[string]any{"command": []any{"/bin/true", strings.Repeat("x", 4<<20)}}, "config", `cannot start "/bin/true": argument list too long`},
		"null argument":     {"", map[string]any{"command": []any{"/bin/true", nil}}, "config", "argument 1 of the command is null"},
		"object argument":   {"", map[string]any{"command": []any{"/bin/true", map[string]any{}}}, "config", "argument 1 of the command is an object"},
		"zero byte":         {"", map[string]any{"command": []any{"/bin/true", "a\x00b"}}, "config", "argument 1 of the command holds a zero byte"},
		"null variable":     {"", map[string]any{"env": map[string]any{"A": nil}}, "config", `environment variable "A" is null`},
		"stdin not UTF-8":   {"cat", map[string]any{"stdin": map[string]any{"a": "caf\xe9"}}, "config", `"stdin": a text in it: byte 0xE9 at offset 3 is not UTF-8`},
		"bad variable":      {"", map[string]any{"env": map[string]any{"A=B": "c"}}, "config", `"A=B" cannot be the name`},
		"empty command":     {"", map[string]any{"command": []any{}}, "config", `"command" is empty`},
		"command as text":   {"", map[string]any{"command": "ls -l"}, "config", `"command" is a string, want a list`},
		"neither":           {"", map[string]any{"command": nil}, "config", `exec needs "command" or "shell"`},
		"both":              {"", map[string]any{"shell": "true"}, "config", `exec takes "command" or "shell", not both`},
		"max_output is 0":   {"", map[string]any{"max_output": int64(0)}, "config", `"max_output" is 0, want 1 to`},
		"unknown parse":     {"", map[string]any{"parse": "yaml"}, "config", `"parse" is "yaml"`},
		"shell with a code": {"", map[string]any{"command": nil, "shell": "echo >&2 no; exit 7"}, "exit", "exit status 7: no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			_, fail := run(t.Context(), task(t, tt.child, tt.with))
			if fail == nil {
				t.Fatal("no failure")
			}
			if fail.Kind != tt.kind || !strings.HasPrefix(fail.Message, tt.message) {
				t.Errorf("got %s: %s\nwant %s: %s", fail.Kind, fail.Message, tt.kind, tt.message)
			}
			if fail.Permanent != (tt.kind == "config") {
				t.Errorf("permanent: %v, for kind %s", fail.Permanent, fail.Kind)
			}
			if d := time.Since(began); d > soon {
				t.Errorf("took %v", d)
			}
		})
	}
}

func TestExecErrorTail(t *testing.T) {
	t.Parallel()
	_, fail := run(t.Context(), task(t, "noise", nil))
	if fail == nil || !strings.HasPrefix(fail.Message, "exit status 1: the end \uFFFD") {
		t.Errorf("got %.200v, want the last line alone: the one before was cut", fail)
	}
}

// TestExecEndsTheGroup: whatever a program does, a timeout ends it and its
// children, soon.
func TestExecEndsTheGroup(t *testing.T) {
	t.Parallel()
	for _, child := range []string{"hang", "stubborn", "silent", "parent-hangs"} {
		t.Run(child, func(t *testing.T) {
			t.Parallel()
			path, pid := fifo(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			var last int
			go func() { // the time is over as soon as the program is what it is meant to be
				last = pid()
				cancel(nodes.Errorf("timeout", "timed out after 1s"))
			}()
			began := time.Now()
			_, fail := run(ctx, task(t, child+" "+path, nil))
			if fail == nil || fail.Kind != "timeout" {
				t.Fatalf("got %v, want kind timeout", fail)
			}
			if d := time.Since(began); d > soon {
				t.Errorf("returned after %v", d)
			}
			gone(t, last)
		})
	}
}

// TestExecLeavesNoChildren: also a program that ends well.
func TestExecLeavesNoChildren(t *testing.T) {
	t.Parallel()
	path, pid := fifo(t)
	ended := make(chan int)
	go func() { ended <- pid() }()
	tk := task(t, "parent "+path, nil)
	s := execKind(nil)
	s.Node = execNode{killAfter: quick.killAfter, drain: 2 * time.Second} // the grandchild has to get to its FIFO
	res, fail := nodes.Run(t.Context(), s, tk)
	if fail != nil || res.Output != "left one behind" {
		t.Fatalf("got %v, %v", res.Output, fail)
	}
	select {
	case p := <-ended:
		gone(t, p)
	case <-time.After(soon):
		t.Fatal("the grandchild did not come up")
	}
}

// gone waits for a process to end: one that was killed may take a moment.
func gone(t *testing.T, pid int) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	late := time.After(soon)
	for !ended(pid) {
		select {
		case <-look.C:
		case <-late:
			syscall.Kill(pid, syscall.SIGKILL)
			t.Fatalf("process %d is still there", pid)
		}
	}
}

// ended counts a process that waits to be reaped as ended.
func ended(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	out, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
	return err != nil || strings.HasPrefix(string(out), "Z")
}

func TestExecCancelledBeforeItStarts(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tk := task(t, "", map[string]any{"command": nil, "shell": "touch started"})
	if _, fail := run(ctx, tk); fail == nil || fail.Kind != "cancelled" {
		t.Errorf("got %v, want kind cancelled", fail)
	}
	if _, err := os.Stat(tk.Dir + "/started"); err == nil {
		t.Error("the program was started")
	}
}

// TestExecFloodMemory: what is beyond the limit is read and dropped.
func TestExecFloodMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, fail := run(t.Context(), task(t, "flood", map[string]any{"max_output": int64(64 << 10)})); fail == nil {
		t.Fatal("no failure")
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
		t.Errorf("allocated %d bytes for a flood of 100 MiB", n)
	}
}

func TestExecLogsStandardError(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	tk := task(t, "exit 0", nil)
	tk.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if _, fail := run(t.Context(), tk); fail != nil {
		t.Fatal(fail)
	}
	for _, line := range []string{`msg=stderr line="reading plan"`, `msg=stderr line="no such plan"`} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log lacks %s:\n%s", line, log.String())
		}
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	h := &head{max: 5, over: make(chan struct{})}
	for _, piece := range []string{"ab", "c\n", "defgh", "ij\nklm"} {
		if n, err := h.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Errorf("Write(%q) = %d, %v", piece, n, err)
		}
	}
	if string(h.kept) != "abc\nd" || !h.full {
		t.Errorf("kept %q (full: %v)", h.kept, h.full)
	}
}
