package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/graphrun/graphrun/runtime/api"
)

// served is a `graphrun serve`.
type served struct{ *process }

// startServe returns when the server has begun.
func startServe(t *testing.T, files map[string]string, args ...string) served {
	t.Helper()
	s := served{start(t, files, append([]string{"graphrun", "serve"}, args...)...)}
	s.await("stderr", "msg=serving")
	return s
}

// again begins another server in the same folder, after the end of this one.
func (s served) again(args ...string) served {
	s.t.Helper()
	s.begin(append([]string{"graphrun", "serve"}, args...)...)
	s.await("stderr", "msg=serving")
	return s
}

// end is how a server is ended, with its exit code.
func (s served) end() int {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	return s.wait()
}

// token is what the server lets clients in with.
func (s served) token() string {
	s.t.Helper()
	return strings.TrimSpace(s.read(".graphrun/graphrun.db.token"))
}

// url is where the server says that its API is.
func (s served) url() string {
	s.t.Helper()
	s.await("stderr", "msg=API")
	m := regexp.MustCompile(`url=(\S+)`).FindStringSubmatch(s.read("stderr"))
	if m == nil {
		s.t.Fatalf("no url in the log:\n%s", s.read("stderr"))
	}
	return m[1]
}

const (
	tickGraph = `graphrun: 1
name: tick
state: {n: {type: integer, reduce: sum}}
nodes:
  count: {uses: set, with: {n: 1}, writes: {n: output.n}}
edges: [{to: count}]
pause: 50ms
`
	outerGraph = `graphrun: 1
name: outer
state: {n: integer}
nodes:
  child:
    uses: graph
    with: {file: parts/child.yaml}
    writes: {n: output.n}
edges: [{to: child}]
pause: 50ms
`
	childGraph = `graphrun: 1
name: child
state: {n: integer}
nodes:
  set: {uses: set, with: {n: 1}, writes: {n: output.n}}
edges: [{to: set}]
pause: 0s
`
)

// TestWatchesInnerGraphs: a change of a graph within a graph is one of the graph
// that is served; a broken one is refused, and so is one that is gone. So it is with a file
// of types.
func TestWatchesInnerGraphs(t *testing.T) {
	t.Parallel()
	s := startServe(t, map[string]string{"outer.graphrun.yaml": outerGraph, "parts/child.yaml": childGraph},
		".", "--listen", "off")
	s.must("start", "outer", "--stack", "a")
	is := func(n string) func() bool {
		return func() bool { return strings.Contains(s.must("state", "a", "-o", "json"), `"n":`+n) }
	}
	s.until("the child's value arrives", is("1"))
	s.write("parts/child.yaml", strings.Replace(childGraph, "n: 1}", "n: 23}", 1))
	s.until("the changed child is adopted", is("23"))
	s.write("parts/child.yaml", strings.Replace(childGraph, "uses: set", "uses: sett", 1))
	s.await("stderr", "unknown-kind")
	if err := os.Remove(filepath.Join(s.dir, "parts/child.yaml")); err != nil {
		t.Fatal(err)
	}
	s.await("stderr", "there is no such file")
	if n := strings.Count(s.read("stderr"), "graph refused"); n != 2 {
		t.Errorf("refused %d times, want once for each mistake:\n%s", n, s.read("stderr"))
	}
	s.write("parts/child.yaml", strings.Replace(childGraph, "n: 1}", "n: 456}", 1))
	s.until("the child that came back is adopted", is("456"))
	s.write("parts/types.yaml", "N: integer\n")
	s.write("parts/child.yaml", strings.NewReplacer("n: 1}", "n: 789}", "n: integer", `n: {$ref: "types.yaml#/N"}`).Replace(childGraph))
	s.until("the child with a type of another file is adopted", is("789"))
	s.write("parts/types.yaml", "M: integer\n")
	s.await("stderr", `unknown type \"N\"`)
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestReadsAgainWhenTold: reading all files finds a change that cannot be seen from
// outside.
func TestReadsAgainWhenTold(t *testing.T) {
	t.Parallel()
	for name, tell := range map[string]func(*testing.T, served){
		"SIGHUP": func(_ *testing.T, s served) { s.signal(syscall.SIGHUP) },
		"POST": func(t *testing.T, s served) {
			r, err := api.NewClient(s.url(), s.token()).Reload(t.Context())
			if err != nil || len(r.Changed) != 1 || r.Changed[0] != "tick" || len(r.Refused) != 0 {
				t.Errorf("%+v: %v", r, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServe(t, map[string]string{"tick.graphrun.yaml": tickGraph}, ".", "--listen", "127.0.0.1:0")
			s.must("start", "tick", "--stack", "a")
			file := filepath.Join(s.dir, "tick.graphrun.yaml")
			before, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			other := file + ".new"
			s.write(filepath.Base(other), strings.Replace(tickGraph, "n: 1}", "n: 7}", 1))
			if err := os.Chtimes(other, before.ModTime(), before.ModTime()); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(other, file); err != nil {
				t.Fatal(err)
			}
			tell(t, s)
			s.until("the changed graph is adopted", func() bool {
				return strings.Contains(s.must("status", "a"), "running") && strings.Contains(s.read("stderr"), `msg="graph adopted" graph=tick`)
			})
		})
	}
}
