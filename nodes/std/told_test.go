//go:build unix

package std

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/nodes"
)

// shell is a task that runs a script.
func shell(key, script string, with map[string]any) nodes.Task {
	all := map[string]any{"shell": script}
	for k, v := range with {
		all[k] = v
	}
	return nodes.Task{Key: key, With: all}
}

func TestExecSaysWhatItPrinted(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2"
	for name, tt := range map[string]struct {
		script string
		with   map[string]any
		kind   string
		code   string // "" for none
		output string
	}{
		"exit":       {"echo found 3; exit 3", nil, "exit", "3", "found 3\n"},
		"signal":     {"echo a; kill -9 $$", nil, "exit", "", "a\n"},
		"not JSON":   {"echo nope", nil, "output", "0", "nope\n"},
		"not text":   {`printf 'a\377'`, map[string]any{"parse": "text"}, "output", "0", "a\uFFFD"},
		"unexpected": {"printf 1", map[string]any{"expect": []any{int64(1), int64(2)}}, "exit", "0", "1"},
		"the end": {"yes 1234567 | head -c 200000; printf " + secret + "; yes 1234567 | head -c 65530; exit 1", nil, "exit", "1",
			strings.Repeat("1234567\n", 65530/8) + "12"},
	} {
		tk := shell("told "+name, tt.script, tt.with)
		tk.Mask = func(s string) string { return strings.ReplaceAll(s, secret, "***") }
		_, fail := run(t.Context(), tk)
		if fail == nil || fail.Output == nil {
			t.Errorf("%s: %+v", name, fail)
			continue
		}
		code := ""
		if fail.Code != nil {
			code = strconv.FormatInt(*fail.Code, 10)
		}
		if fail.Kind != tt.kind || code != tt.code || *fail.Output != tt.output {
			t.Errorf("%s: kind %s, code %q, %d bytes: %.80q…", name, fail.Kind, code, len(*fail.Output), *fail.Output)
		}
	}
}

func TestExecSaysWhatItPrintedUntilItsEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, fail := run(ctx, shell("told late", "echo so far; sleep 60", nil))
	if fail == nil || fail.Kind != "timeout" || fail.Code != nil || fail.Output == nil || *fail.Output != "so far\n" {
		t.Errorf("%+v", fail)
	}
}

func TestExecExpectsCodes(t *testing.T) {
	t.Parallel()
	res, fail := run(t.Context(), shell("told codes", "echo differs; echo why >&2; exit 1", map[string]any{"expect": []any{int64(0), int64(1)}, "parse": "full"}))
	want := map[string]any{"code": int64(1), "stdout": "differs\n", "stderr": "why\n"}
	if d := cmp.Diff(want, res.Output); fail != nil || d != "" {
		t.Error(fail, d)
	}
	if _, fail := run(t.Context(), shell("told list", "exit 1", map[string]any{"expect": "1"})); fail == nil || fail.Kind != "config" {
		t.Error(fail)
	}
}

func TestHTTPSaysWhatCame(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, strings.Repeat("n", 100_000))
		case "/latin1":
			w.Header().Set("Content-Type", "text/plain; charset=iso-8859-1")
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, "caf\xe9")
		case "/json":
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, "{")
		}
	})
	for path, want := range map[string]struct {
		code   int64
		output string
	}{
		"/long":   {http.StatusTeapot, strings.Repeat("n", 64<<10)},
		"/latin1": {http.StatusTeapot, "café"},
		"/json":   {http.StatusOK, "{"},
	} {
		_, fail := ask(t, map[string]any{"url": s.URL + path})
		if fail == nil || fail.Code == nil || fail.Output == nil || *fail.Code != want.code || *fail.Output != want.output {
			t.Errorf("%s: %+v", path, fail)
		}
	}
}

func TestHTTPRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"30": 30 * time.Second, " 5 ": 5 * time.Second, "7200": time.Hour, strings.Repeat("9", 40): time.Hour,
		"Sun, 29 Nov 2026 12:01:00 GMT": time.Minute, "Sun, 29 Nov 2026 11:00:00 GMT": 0, "Sun, 29 Nov 2026 18:00:00 GMT": time.Hour,
		"soon": 0, "-5": 0, "": 0,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "90")
		status, _ := strconv.Atoi(r.URL.Query().Get("status"))
		w.WriteHeader(status)
	})
	for status, want := range map[string]time.Duration{"429": 90 * time.Second, "503": 90 * time.Second, "500": 0} {
		_, fail := ask(t, map[string]any{"url": s.URL + "?status=" + status})
		if fail == nil || fail.Wait != want {
			t.Errorf("%s: %+v", status, fail)
		}
	}
}
