//go:build bbolttrace

package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/commitlog"
	"github.com/graphrun/graphrun/runtime/feed"
)

// op is one thing that was done to a file of the store, or to its folder.
type op struct {
	kind byte // c create, r remove, w write, t truncate, s sync a file, d sync the folder
	name string
	file int // 0 is the database; a file of the log has another number each time it is made
	at   int64
	data []byte
}

// recording is an engine's run: the store before, what was done to it, and after which
// operation each commit of a stack was acknowledged.
type recording struct {
	mu     sync.Mutex
	base   []byte // of the database, which is closed: there is no log
	ops    []op
	files  map[string]int
	count  int
	stacks map[string]*commits
}

// commits are those of one stack.
type commits struct {
	acked []int    // the number of operations when commit i was acknowledged
	seqs  []uint64 // its last record; [0]: before the first commit
}

const growing = `{"graphrun": 1, "name": "growing",
	"state": [
		{"name": "n", "type": "integer", "reduce": {"name": "sum"}},
		{"name": "log", "type": "list(string)", "reduce": {"name": "append"}, "keep": 30},
		{"name": "long", "type": "string", "default": "x"}],
	"nodes": [
		{"id": "add", "uses": "set", "with": {"one": 1, "line": "cycle ${{ cycle.number }}"},
			"writes": [{"key": "n", "expr": "output.one"}, {"key": "log", "expr": "[output.line]"}]},
		{"id": "grow", "uses": "set", "with": {"text": "${{ repeat(\"word \", 100 * (cycle.number % 13)) }}"}, "writes": [{"key": "long", "expr": "output.text"}]}],
	"edges": [{"from": ["add"], "to": ["grow"]}],
	"pause": {"set": true, "active": 0},
	"history": {"cycles": 8}}`

// trace adds an operation. The number of a file is that of its name at this time.
func (r *recording) trace(kind byte, path string, at int64, b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := filepath.Base(path)
	if kind == 'c' {
		r.count++
		r.files[name] = r.count
	}
	r.ops = append(r.ops, op{kind, name, r.files[name], at, bytes.Clone(b)})
}

// committed notes what is acknowledged.
func (r *recording) committed(c feed.Commit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.stacks[c.Stack]; len(c.Records) > 0 {
		s.seqs, s.acked = append(s.seqs, c.Cursor.Seq), append(s.acked, len(r.ops))
	}
}

// record runs stacks side by side, so that their commits share groups.
func record(t *testing.T, durability runtime.Durability, stacks, cycles int) *recording {
	t.Helper()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), databaseName)
	s, err := boltstore.Open(path, boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r := &recording{files: map[string]int{databaseName: 0}, stacks: map[string]*commits{}}
	if r.base, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	bolt.Trace = func(kind byte, at int64, b []byte) { r.trace(kind, databaseName, at, b) }
	commitlog.Trace = r.trace
	defer func() {
		bolt.Trace = func(byte, int64, []byte) {}
		commitlog.Trace = func(byte, string, int64, []byte) {}
	}()
	if s, err = boltstore.Open(path, boltstore.Options{Durability: durability}); err != nil {
		t.Fatal(err)
	}
	kinds := std.Registry()
	var def graph.Def
	if err := json.Unmarshal([]byte(growing), &def); err != nil {
		t.Fatal(err)
	}
	g, problems := graph.Compile(def, kinds)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	for i := range stacks {
		r.stacks[fmt.Sprint("s", i)] = &commits{seqs: []uint64{0}, acked: []int{0}}
	}
	rt, err := runtime.Open(ctx, runtime.Config{Store: s, Kinds: kinds, Feed: feed.Of(r.committed)})
	if err != nil {
		t.Fatal(err)
	}
	var running []*runtime.Stack
	for id := range r.stacks {
		stack, err := rt.Start(ctx, g, runtime.StartOptions{ID: id, StopAfter: runtime.StopAfter{Cycles: cycles}})
		if err != nil {
			t.Fatal(err)
		}
		running = append(running, stack)
	}
	for _, stack := range running {
		_, e := stack.Wait(ctx)
		err = errors.Join(err, e)
	}
	if err = errors.Join(err, rt.Close(ctx), s.Close()); err != nil {
		t.Fatal(err)
	}
	return r
}

// commit gives the number of the last commit of a stack that was acknowledged before an
// operation.
func (c *commits) commit(at int) int {
	last := 0
	for last+1 < len(c.acked) && c.acked[last+1] <= at {
		last++
	}
	return last
}

// sound reports what is wrong with the values that came back: they follow from the number
// of the cycle.
func sound(state map[string]any) error {
	n, _ := state["n"].(int64)
	list, _ := state["log"].([]any)
	if want := min(n, 30); int64(len(list)) != want {
		return fmt.Errorf("n is %d, and log has %d lines", n, len(list))
	}
	for i, line := range list {
		if want := fmt.Sprint("cycle ", n-int64(len(list)-1-i)); line != want {
			return fmt.Errorf("n is %d, and line %d is %q, not %q", n, i, line, want)
		}
	}
	long, _ := state["long"].(string)
	words := func(cycle int64) string { return strings.Repeat("word ", 100*int(max(cycle, 0)%13)) }
	if long != words(n) && long != words(n-1) && (long != "x" || n > 1) {
		return fmt.Errorf("n is %d, and long has %d bytes", n, len(long))
	}
	return nil
}
