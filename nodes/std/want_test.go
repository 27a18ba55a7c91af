//go:build linux

package std

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graphrun/graphrun/nodes"
)

// starve runs a program in a process that has no descriptors left, for a while, and
// prints what comes of it.
func starve(text string) {
	blockingPipe() // Go itself needs descriptors for its first one
	enough, _ := time.ParseDuration(text)
	var was syscall.Rlimit
	_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was)
	none := was
	none.Cur = 0
	exe, _ := os.Executable()
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none)
	time.AfterFunc(enough, func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was) })
	res, fail := run(context.Background(), nodes.Task{Key: "starved", With: map[string]any{
		"command": []any{exe}, "env": map[string]any{childVariable: `print "\"fed\""`}}})
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was)
	if fail != nil {
		fmt.Printf("%s, permanent %t: %s", fail.Kind, fail.Permanent, fail.Message)
		return
	}
	fmt.Print(res.Output)
}

// TestExecWaitsForDescriptors: want of something passes, and uses up no attempt; for
// good it is kind error, which is tried again.
func TestExecWaitsForDescriptors(t *testing.T) {
	t.Parallel()
	for time, want := range map[string]string{
		"100ms": "fed",
		"1h":    "error, permanent false: ",
	} {
		res, fail := run(t.Context(), task(t, "starved "+time, map[string]any{"parse": "text"}))
		if got, _ := res.Output.(string); fail != nil || !strings.HasPrefix(got, want) || want != "fed" && !strings.Contains(got, "too many open files") {
			t.Errorf("%s without descriptors: %q, %v; want %q", time, got, fail, want)
		}
	}
}

// TestWantOfAConnectionKeepsTheQuery: what a request asks for is in no message.
func TestWantOfAConnectionKeepsTheQuery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", syscall.EMFILE)}
		}}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.com/a?token=private", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := sent(t.Context(), client, req)
		if err == nil {
			_ = resp.Body.Close()
			t.Fatal("got an answer without a connection")
		}
		if text := requestError(t.Context(), req, err).Error(); strings.Contains(text, "private") || !strings.Contains(text, "too many open files") {
			t.Errorf("got %q, want the reason without the query", text)
		}
	})
}
