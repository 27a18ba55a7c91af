package cli

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/runtime/api"
)

// TestMain makes the test binary serve as `graphrun` too, for scripts and for
// the commands in the docs.
func TestMain(m *testing.M) {
	// A program that the race detector watches sleeps for a second at its end;
	// the tests start hundreds.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	// Most of them wait for a program that waits: more of them than there are cores run at once.
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"graphrun": program, "sums": sumsServer})
}

func program() { os.Exit(Main("")) }

// TestScripts drives the program as its users do: testdata/script/*.txtar.
// Beside the commands of testscript there are
//
//	exits CODE ARGS…         run graphrun with these arguments, expect this exit code
//	json FILE PATH VALUE     the value at a dotted path (`a.0.b`, `.` for all) of a JSON file
//	                         or of stdout is this JSON; `! json FILE PATH` expects none
//	tame [TEXT]              neither output has anything that a terminal acts on, or a line
//	                         that begins with FORGED; one of them has the TEXT
//	short                    no line of stdout or stderr has more than 2 KiB
//	provider FILE…           start a provider of models; PROVIDER in the files is its base_url
//	settled FILE OUT         copy a trace without what differs from run to run
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			env.Setenv("GORACE", os.Getenv("GORACE"))
			return os.CopyFS(filepath.Join(env.WorkDir, "graphs"), os.DirFS("../../graphs"))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": scriptExits, "json": scriptJSON, "settled": scriptSettled, "short": scriptShort, "tame": scriptTame, "provider": scriptProvider,
		},
	})
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: exits CODE ARGS…")
	}
	code := 0
	if err := ts.Exec("graphrun", args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, expected %s\n%s", code, args[0], ts.ReadFile("stderr"))
	}
}

func scriptShort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: short")
	}
	for _, stream := range []string{"stdout", "stderr"} {
		for line := range strings.Lines(ts.ReadFile(stream)) {
			if len(line) > diag.MaxMessage {
				ts.Fatalf("%s has a line of %d bytes: %.200s…", stream, len(line), line)
			}
		}
	}
}

func scriptTame(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: tame [TEXT]")
	}
	found := len(args) == 0
	for _, stream := range []string{"stdout", "stderr"} {
		text := ts.ReadFile(stream)
		if safe := diag.CleanLines(text); safe != text {
			ts.Fatalf("%s has what a terminal acts on:\n%s", stream, cmp.Diff(safe, text))
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "FORGED") {
				ts.Fatalf("a text in %s begins a line: %s", stream, line)
			}
		}
		found = found || strings.Contains(text, args[0])
	}
	if !found {
		ts.Fatalf("neither output has %s:\n%s\n%s", args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg && len(args) != 2 || !neg && len(args) != 3 {
		ts.Fatalf("usage: json FILE PATH VALUE")
	}
	var got any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &got); err != nil {
		ts.Fatalf("%s is not JSON: %v", args[0], err)
	}
	got, ok := valueAt(got, args[1])
	if neg {
		if ok {
			ts.Fatalf("%s has %s", args[0], args[1])
		}
		return
	}
	var want any
	if err := json.Unmarshal([]byte(args[2]), &want); err != nil {
		ts.Fatalf("%s is not JSON: %v", args[2], err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		ts.Fatalf("%s of %s (-want +got)\n%s", args[1], args[0], diff)
	}
}

// valueAt finds the value at a dotted path.
func valueAt(v any, path string) (any, bool) {
	if path == "." {
		return v, true
	}
	for part := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[part]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(at) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, true
}

var (
	recordTime     = regexp.MustCompile(`"time":"[0-9TZ:.-]+"`)
	recordDuration = regexp.MustCompile(`"duration_ms":[0-9]+`)
	recordHash     = regexp.MustCompile(`"hash":"[0-9a-f]{64}"`)
)

func scriptSettled(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: settled FILE OUT")
	}
	text := ts.ReadFile(args[0])
	text = recordTime.ReplaceAllString(text, `"time":"TIME"`)
	text = recordDuration.ReplaceAllString(text, `"duration_ms":0`)
	text = recordHash.ReplaceAllString(text, `"hash":"HASH"`)
	text = strings.ReplaceAll(text, `"by":`+strconv.Quote(api.SystemUser()), `"by":"USER"`)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}
