package memory_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/memory"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// notes writes six texts into a memory that keeps five, by for_each, then searches, writes
// and deletes.
const notes = `{"graphrun": 1, "name": "notes",
	"types": [{"name": "Letters", "schema": "list(string)"}],
	"state": [{"name": "list", "type": "list(string)", "default": ["f", "e", "d", "c", "b", "a"]}, {"name": "found", "type": "any"}, {"name": "gone", "type": "any"}],
	"memories": [{"name": "facts", "scope": "graph", "keep": 5}],
	"nodes": [
		{"id": "write", "uses": "memory", "for_each": {"in": "state.list", "as": "it"},
		 "with": {"memory": "facts", "op": "write", "text": "fact ${{ it }}", "data": {"letter": "${{ it }}"}}},
		{"id": "search", "uses": "memory", "with": {"memory": "facts", "op": "search", "query": "fact", "where": "data.letter != 'c'"}, "writes": [{"key": "found", "expr": "output"}]},
		{"id": "name", "uses": "memory", "with": {"memory": "facts", "op": "write", "id": "named", "text": "a name"}},
		{"id": "delete", "uses": "memory", "with": {"memory": "facts", "op": "delete", "id": "named"}, "writes": [{"key": "gone", "expr": "output.deleted"}]}],
	"edges": [{"to": ["write"]}, {"from": ["write"], "to": ["search"]}, {"from": ["search"], "to": ["name"]}, {"from": ["name"], "to": ["delete"]}],
	"pause": {"set": true}, "limits": {"cycles": 1}}`

func kinds(t testing.TB) *nodes.Registry {
	t.Helper()
	reg := std.Registry()
	if err := reg.Register((&memory.Memories{}).Spec()); err != nil {
		t.Fatal(err)
	}
	return reg
}

func compile(t testing.TB, kinds graph.Kinds, text string) *graph.Graph {
	t.Helper()
	var def graph.Def
	if err := json.Unmarshal([]byte(text), &def); err != nil {
		t.Fatal(err)
	}
	g, problems := graph.Compile(def, kinds)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return g
}

// crashing is a store that takes commits up to one, which it takes but does not
// acknowledge.
type crashing struct {
	runtime.Store
	left int
}

var errCrash = &runtime.StoreError{Err: errors.New("crashed"), Fatal: true}

func (c *crashing) Commit(ctx context.Context, commit runtime.Commit) error {
	if c.left <= 0 {
		return errCrash
	}
	if err := c.Store.Commit(ctx, commit); err != nil {
		return err
	}
	if c.left--; c.left == 0 {
		return errCrash
	}
	return nil
}

func texts(t testing.TB, s runtime.Store) (list []string) {
	t.Helper()
	_, err := s.Memory(t.Context(), journal.MemoryRef{Graph: "notes", Name: "facts"}, 0, func(it journal.MemoryItem) error {
		list = append(list, it.Text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func run(t testing.TB, s runtime.Store, resume bool) (runtime.Result, error) {
	t.Helper()
	reg := kinds(t)
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: s, Kinds: reg})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rt.Close(context.Background()) }()
	var st *runtime.Stack
	if resume {
		st, err = rt.Resume(t.Context(), "s", runtime.ResumeOptions{})
	} else {
		st, err = rt.Start(t.Context(), compile(t, reg, notes), runtime.StartOptions{ID: "s"})
	}
	if err != nil {
		return runtime.Result{}, err
	}
	return st.Wait(t.Context())
}

func found(r runtime.Result) (list []string) {
	all, _ := r.State["found"].([]any)
	for _, v := range all {
		list = append(list, v.(map[string]any)["text"].(string))
	}
	return list
}

// TestWritesComeWithTheirWave: whatever commit a crash comes after, each write is in the
// memory exactly once, in the order of the elements, and what a search found is the same.
func TestWritesComeWithTheirWave(t *testing.T) {
	t.Parallel()
	calm := memstore.New()
	want, err := run(t, calm, false)
	if err != nil || want.Failures > 0 {
		t.Fatalf("%+v, %v", want, err)
	}
	wantTexts := texts(t, calm)
	// The name took the place of the oldest, and is deleted.
	if d := cmp.Diff([]string{"fact d", "fact c", "fact b", "fact a"}, wantTexts); d != "" {
		t.Fatal(d)
	}
	if d := cmp.Diff([]string{"fact a", "fact b", "fact d", "fact e"}, found(want)); d != "" || want.State["gone"] != true {
		t.Error(d, want.State["gone"])
	}
	for name, open := range map[string]func() runtime.Store{
		"memory": func() runtime.Store { return memstore.New() },
		"file": func() runtime.Store {
			s, err := boltstore.Open(filepath.Join(t.TempDir(), "graphrun.db"), boltstore.Options{Durability: runtime.DurabilityNone})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	} {
		crashes := 0
		for n := 2; ; n++ {
			s := open()
			_, err := run(t, &crashing{s, n}, false)
			if err != nil {
				crashes++
				got, err := run(t, s, true)
				if err != nil {
					t.Fatalf("%s: crash after commit %d: %v", name, n, err)
				}
				if d := cmp.Diff(wantTexts, texts(t, s)); d != "" {
					t.Errorf("%s: crash after commit %d: %s", name, n, d)
				}
				if !slices.Equal(found(want), found(got)) || got.State["gone"] != true {
					t.Errorf("%s: crash after commit %d: found %v, deleted %v", name, n, found(got), got.State["gone"])
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err == nil {
				break
			}
		}
		if crashes < 5 {
			t.Errorf("%s: only %d crashes", name, crashes)
		}
	}
}

// TestAWriteWhoseWaveDidNotCommitIsNotThere: the result of a write is recorded while others
// of its wave still run, and the memory does not have it before the wave is committed.
func TestAWriteWhoseWaveDidNotCommitIsNotThere(t *testing.T) {
	t.Parallel()
	reg := kinds(t)
	store := memstore.New()
	written := make(chan struct{})
	listing := &observing{Store: store, see: func(r journal.Record) {
		if f, ok := r.Body.(*journal.TaskFinished); ok && f.Node == "write" {
			close(written)
		}
	}}
	wait := nodes.Func("wait-for-it", func(ctx context.Context, _ struct{}) (int, error) {
		<-written
		if list := texts(t, store); len(list) > 0 {
			return 0, fmt.Errorf("the memory has %v", list)
		}
		return 1, nil
	})
	if err := reg.Register(wait); err != nil {
		t.Fatal(err)
	}
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: listing, Kinds: reg})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rt.Close(context.Background()) }()
	g := compile(t, reg, `{"graphrun": 1, "name": "notes", "memories": [{"name": "facts", "scope": "graph"}],
		"nodes": [{"id": "write", "uses": "memory", "with": {"memory": "facts", "op": "write", "text": "one"}}, {"id": "wait", "uses": "wait-for-it"}],
		"edges": [{"to": ["write", "wait"]}], "limits": {"cycles": 1}, "pause": {"set": true}}`)
	st, err := rt.Start(t.Context(), g, runtime.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := st.Wait(t.Context())
	if err != nil || r.Failures > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if got := texts(t, store); !slices.Equal(got, []string{"one"}) {
		t.Errorf("got %v", got)
	}
}

type observing struct {
	runtime.Store
	see func(journal.Record)
}

func (o *observing) Commit(ctx context.Context, c runtime.Commit) error {
	err := o.Store.Commit(ctx, c)
	if err == nil {
		for _, r := range c.Records {
			o.see(r)
		}
	}
	return err
}
