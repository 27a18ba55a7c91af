package cli

import (
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/graphrun/graphrun/graphs"
)

// TestTour is the tour of docs/operating.md: a server for all example graphs, a
// message, an approval, a `kill -9` in between, and the end.
func TestTour(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	err := fs.WalkDir(graphs.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := graphs.Files.ReadFile(name)
		files[filepath.FromSlash(name)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s := startServe(t, files, ".", "--listen", "off")
	s.must("start", "helpdesk") // the graph, though there is a folder of that name
	s.must("send", "helpdesk", "message", `[{"id": "1", "text": "I forgot my password"}]`, "--id", "mail-1")
	asks := func() bool { return strings.Contains(s.must("status", "helpdesk"), "Answer message 1 with: Choose") }
	s.until("the draft waits for a person", asks)

	s.signal(syscall.SIGKILL)
	if code := s.wait(); code != -1 {
		t.Fatalf("exit code %d of a killed server", code)
	}
	if !asks() {
		t.Error("what waits is not known while nobody runs the store")
	}
	s = s.again(".", "--listen", "off")
	if !strings.Contains(s.read("stderr"), "stacks=1") {
		t.Errorf("the stack was not taken over:\n%s", s.read("stderr"))
	}
	s.must("send", "helpdesk", "message", `[{"id": "1", "text": "I forgot my password"}]`, "--id", "mail-1") // the same once more
	s.must("approve", "helpdesk", "review")
	delivered := filepath.Join("helpdesk", "desk", "outbox", "1.txt")
	s.until("the answer is delivered", func() bool { return s.read(delivered) != "" })
	s.must("send", "helpdesk", "close", "true")
	s.until("the desk is closed", func() bool { return strings.Contains(s.must("status", "helpdesk"), "completed: the desk is closed") })

	trace := s.must("trace", "helpdesk")
	for what, want := range map[string]int{`"event.received"`: 2, `"node":"draft","item":"1","attempt"`: 2, `"node":"deliver","item":"1","attempt"`: 2} {
		if n := strings.Count(trace, what); n != want {
			t.Errorf("%d records with %s, want %d:\n%s", n, what, want, trace)
		}
	}
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
