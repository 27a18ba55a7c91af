//go:build bbolttrace

package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/feed"
)

// op is one thing that bbolt did to its file.
type op struct {
	kind byte // w, t, s
	at   int64
	data []byte
}

// recording is an engine's run: its file before, what was done to it, and after
// which operation each commit was acknowledged.
type recording struct {
	mu    sync.Mutex
	base  []byte
	ops   []op
	acked []int    // number of operations when commit i was acknowledged
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

func record(t *testing.T) *recording {
	t.Helper()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	s, err := boltstore.Open(path, boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r := &recording{seqs: []uint64{0}, acked: []int{0}}
	if r.base, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	bolt.Trace = func(kind byte, at int64, b []byte) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ops = append(r.ops, op{kind, at, bytes.Clone(b)})
	}
	defer func() { bolt.Trace = func(byte, int64, []byte) {} }()
	if s, err = boltstore.Open(path, boltstore.Options{}); err != nil {
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
	rt, err := runtime.Open(ctx, runtime.Config{Store: s, Kinds: kinds, Feed: feed.Of(func(c feed.Commit) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(c.Records) > 0 {
			r.seqs, r.acked = append(r.seqs, c.Cursor.Seq), append(r.acked, len(r.ops))
		}
	})})
	if err != nil {
		t.Fatal(err)
	}
	cycles := 12
	if long {
		cycles = 60
	}
	stack, err := rt.Start(ctx, g, runtime.StartOptions{StopAfter: runtime.StopAfter{Cycles: cycles}})
	if err == nil {
		_, err = stack.Wait(ctx)
	}
	if err = errors.Join(err, rt.Close(ctx), s.Close()); err != nil {
		t.Fatal(err)
	}
	return r
}

// do applies an operation to an image of the file. If torn is not 0, only so many
// bytes of a write are applied.
func do(image []byte, o op, torn int) []byte {
	switch o.kind {
	case 't':
		if grow := int(o.at) - len(image); grow > 0 {
			image = append(image, make([]byte, grow)...)
		}
	case 'w':
		data := o.data
		if torn > 0 {
			data = data[:min(torn, len(data))]
		}
		if grow := int(o.at) + len(data) - len(image); grow > 0 {
			image = append(image, make([]byte, grow)...)
		}
		copy(image[o.at:], data)
	}
	return image
}

// explore builds files as a crash can leave them: all synced operations are there,
// and none, all, the last, all with the last torn, or some of the later ones. lag is
// how many operations a disk that lies about syncs is behind; a lag of 0 is a disk
// that does not lie. explore counts the states, and those from which too little or too
// much came back.
func (r *recording) explore(t *testing.T, lag int) (states, bad int) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(7, 8))
	stable, from := slices.Clone(r.base), 0 // operations before from are in stable
	path := filepath.Join(t.TempDir(), "crashed.db")
	commit := 0
	for at := 0; at <= len(r.ops); at++ {
		for commit+1 < len(r.acked) && r.acked[commit+1] <= at {
			commit++
		}
		synced := at > 0 && r.ops[at-1].kind == 's'
		for lag == 0 && synced && from < at || lag > 0 && from < at-lag {
			stable = do(stable, r.ops[from], 0)
			from++
		}
		for _, image := range r.images(stable, r.ops[from:at], rnd) {
			states++
			if got, err := recovered(path, image); err != nil || !r.fits(got, commit) {
				if bad++; lag == 0 && bad < 10 {
					t.Errorf("after operation %d of %d: record %d came back, %d was acknowledged (%v)", at, len(r.ops), got, r.seqs[commit], err)
				}
			}
		}
	}
	return states, bad
}

// fits accepts the acknowledged commits, with or without the open one.
func (r *recording) fits(got uint64, commit int) bool {
	return got == r.seqs[commit] || commit+1 < len(r.seqs) && got == r.seqs[commit+1]
}

func (r *recording) images(stable []byte, loose []op, rnd *rand.Rand) [][]byte {
	images := [][]byte{stable}
	if len(loose) == 0 {
		return images
	}
	last := loose[len(loose)-1]
	all := slices.Clone(stable)
	for _, o := range loose[:len(loose)-1] {
		all = do(all, o, 0)
	}
	torn := 512 * (1 + rnd.IntN(7))
	images = append(images, do(slices.Clone(all), last, 0), do(slices.Clone(stable), last, 0), do(slices.Clone(all), last, torn))
	for range 3 {
		some := slices.Clone(stable)
		for _, o := range loose {
			if rnd.IntN(2) == 0 {
				some = do(some, o, 0)
			}
		}
		images = append(images, some)
	}
	return images
}

// recovered opens a file as the engine does and returns the number of the last
// record, or 0 if there is no stack.
func recovered(path string, image []byte) (uint64, error) {
	if err := os.WriteFile(path, image, 0o600); err != nil {
		return 0, err
	}
	s, err := boltstore.Open(path, boltstore.Options{})
	if err != nil {
		return 0, err
	}
	snap, err := s.Load(context.Background(), "growing")
	if errors.Is(err, runtime.ErrNotFound) {
		err = nil
	}
	return snap.Cursor.Seq, errors.Join(err, s.Close())
}

// From every state that a crash can leave, everything acknowledged comes back.
func TestExplore(t *testing.T) {
	r := record(t)
	states, bad := r.explore(t, 0)
	t.Logf("%d commits, %d operations, %d states, %d bad", len(r.seqs)-1, len(r.ops), states, bad)
	if want := 5000; states < want && long {
		t.Errorf("%d states, want %d", states, want)
	}
	lied, lost := r.explore(t, 25)
	t.Logf("control, a disk that lies about syncs: %d of %d states are bad", lost, lied)
	if lost < lied/10 {
		t.Errorf("a disk that lies about syncs: only %d of %d states are bad: the test cannot find what it looks for", lost, lied)
	}
}
