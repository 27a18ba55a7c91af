package boltstore

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// written is how many bytes of pages fn makes the store write, the meta page
// of each transaction included.
func written(t *testing.T, s *Store, commits int, fn func()) int64 {
	t.Helper()
	before := s.db.Stats().TxStats
	fn()
	after := s.db.Stats().TxStats
	return after.GetPageAlloc() - before.GetPageAlloc() + int64(commits*pageSize)
}

// A commit writes what changed, however large the state and however long the
// history.
func TestCommitSize(t *testing.T) {
	t.Parallel()
	elements := make([]any, 10_000)
	for i := range elements {
		elements[i] = map[string]any{"id": int64(i), "text": fmt.Sprint("message number ", i)}
	}
	medium := map[string]any{}
	for i := range 1000 {
		medium[fmt.Sprint("k", i)] = strings.Repeat(fmt.Sprint(i, " "), 2000)
	}
	tests := []struct {
		name  string
		state map[string]any
		most  int64 // bytes a commit
		next  func(w *wave) runtime.Commit
	}{
		{"append to a list of 10,000", map[string]any{"messages": elements}, 26_500, func(w *wave) runtime.Commit {
			w.n = max(w.n, len(elements))
			return w.next()
		}},
		{"10 MB in one key", map[string]any{"big": strings.Repeat("x", 10<<20)}, 25_000, (*wave).next},
		{"10 MB in a thousand keys", medium, 40_000, (*wave).next}, // the head lists the keys
		{"ten values just below a page", map[string]any{"messages": tenValues(4000)}, 25_000, func(w *wave) runtime.Commit {
			w.n = max(w.n, 10)
			return w.next()
		}},
		{"ten values just inline", map[string]any{"a": strings.Repeat("a", 2000), "b": strings.Repeat("b", 2000), "c": strings.Repeat("c", 2000)}, 25_000, (*wave).next},
		{"drop from the front", map[string]any{"messages": elements}, 36_000, func(w *wave) runtime.Commit {
			w.n = max(w.n, len(elements))
			c := w.next()
			c.Changes[1].Drop, c.Changes[1].Put[0].At = 1, len(elements)-1
			return c
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: runtime.DurabilityNone})
			w := &wave{stack: "size"}
			c := w.create()
			for name, v := range test.state {
				c.Changes = append(c.Changes, graph.Change{Name: name, Value: v, Whole: true})
			}
			if test.state["messages"] != nil {
				c.Changes = c.Changes[1:] // not the empty one of create
			}
			mustCommit(t, s, c)
			for part := range 10 {
				const commits = 50
				n := written(t, s, commits, func() {
					for range commits {
						mustCommit(t, s, test.next(w))
					}
				}) / commits
				if n > test.most {
					t.Errorf("commits %d to %d: %d bytes each, want at most %d", part*commits+1, (part+1)*commits, n, test.most)
				}
			}
		})
	}
}

func tenValues(size int) []any {
	list := make([]any, 10)
	for i := range list {
		list[i] = strings.Repeat("v", size)
	}
	return list
}

// flush has everything in bbolt that was acknowledged before.
func (s *Store) flush() error {
	if err := s.alone(s.freeze); err != nil {
		return err
	}
	// What was frozen before may have been only a part of it.
	if err := s.bring(); err != nil {
		return err
	}
	s.tail.mu.Lock()
	rest := !s.tail.active.empty()
	s.tail.mu.Unlock()
	if !rest {
		return nil
	}
	if err := s.alone(s.freeze); err != nil {
		return err
	}
	return s.bring()
}

// mustFlush has everything in bbolt.
func mustFlush(t testing.TB, s *Store) {
	t.Helper()
	if err := s.flush(); err != nil {
		t.Fatal(err)
	}
}

func mustCommit(t testing.TB, s *Store, c runtime.Commit) {
	t.Helper()
	if err := s.Commit(ctx, c); err != nil {
		t.Fatal(err)
	}
}

// A long history costs later commits nothing.
func TestJournalGrowth(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: runtime.DurabilityNone})
	w := &wave{stack: "long"}
	mustCommit(t, s, w.create())
	commits := func(n int) int64 {
		return written(t, s, n, func() {
			for range n {
				mustCommit(t, s, w.next())
			}
		}) / int64(n)
	}
	commits(100)
	early := commits(200)
	commits(9_500)
	late := commits(200)
	if late > early*3/2 {
		t.Errorf("%d bytes a commit after 100 commits, %d after 9,800", early, late)
	}
	t.Logf("%d bytes a commit after 100 commits, %d after 9,800", early, late)
}

// What is not referred to any more is deleted, and its pages are used again.
func TestBlobsAreCollected(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: runtime.DurabilityNone})
	w := &wave{stack: "blobs"}
	mustCommit(t, s, w.create())
	for i := range 60 {
		c := w.next()
		c.Changes = append(c.Changes, graph.Change{Name: "big", Whole: true, Value: strings.Repeat(fmt.Sprint(i), 200_000)})
		mustCommit(t, s, c)
		mustFlush(t, s)
	}
	if now, value := pages(t, s), int64(400_000/pageSize); now > 10*value {
		t.Errorf("the file has %d pages, for one value of %d and those that it replaced last", now, value)
	}
	if n := blobs(t, s); n != 1 {
		t.Errorf("%d blobs, want 1", n)
	}
	if err := s.Remove(ctx, "blobs"); err != nil {
		t.Fatal(err)
	}
	if n := blobs(t, s); n != 0 {
		t.Errorf("%d blobs after their stack was removed", n)
	}
	err := s.view(ctx, func(t *txn) error {
		if key, _ := t.stacks.Cursor().First(); key != nil {
			return fmt.Errorf("row %q is left", key)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// An output that became a value is encoded once and kept once, and both rows of it can
// be read.
func TestOutputThatBecameAValue(t *testing.T) {
	t.Parallel()
	large := map[string]any{"text": strings.Repeat("x", 10*outOfLine)}
	w := &wave{stack: "once"}
	created, c := w.create(), w.next()
	output := journal.Record{Seq: c.Cursor.Seq + 1, Time: c.Records[0].Time, Stack: c.Stack,
		Body: &journal.TaskFinished{Wave: 1, Node: "a", Attempt: 1, Status: "succeeded", Output: large}}
	c.Records = append(c.Records, output)
	c.Cursor.Seq++
	c.Changes = append(c.Changes, graph.Change{Name: "big", Whole: true, Value: large})

	e := newEncoder()
	rows, err := e.commit(c)
	if err != nil {
		t.Fatal(err)
	}
	one := rows.changes[len(rows.changes)-1].one
	if b := rows.bulk[0]; &b.blob[0] != &one.blob[0] || &b.head[0] == &one.head[0] {
		t.Error("the value was encoded twice, or its rows share their checksum")
	}

	s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: runtime.DurabilityNone})
	mustCommit(t, s, created)
	mustCommit(t, s, c)
	if n := blobs(t, s); n != 1 {
		t.Errorf("%d blobs, want 1", n)
	}
	snap, err := s.Load(ctx, "once")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(any(large), snap.State["big"]); d != "" {
		t.Error(d)
	}
	var got any
	err = s.Records(ctx, "once", journal.Want{Bulk: true}, func(r journal.Record) error {
		if b, ok := r.Body.(*journal.TaskFinished); ok && r.Seq == output.Seq {
			got = b.Output
		}
		return nil
	})
	if d := cmp.Diff(any(large), got); err != nil || d != "" {
		t.Error(err, d)
	}
}

func pages(t *testing.T, s *Store) (n int64) {
	t.Helper()
	if err := s.view(ctx, func(t *txn) error { n = t.tx.Size() / pageSize; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func blobs(t *testing.T, s *Store) (n int) {
	t.Helper()
	err := s.view(ctx, func(t *txn) error {
		b, err := t.table(blobsTable)
		if err != nil {
			return err
		}
		return b.ForEach(func([]byte, []byte) error { n++; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The second start of a graph writes what a start is, and not the graph.
func TestStartSize(t *testing.T) {
	t.Parallel()
	start := func(def string) int64 {
		s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: runtime.DurabilityNone})
		create := func(name string, g runtime.StoredGraph) func() {
			c := (&wave{stack: name}).create()
			c.Cursor.Hash, c.Graph = g.Hash, &g
			return func() { mustCommit(t, s, c) }
		}
		whole := runtime.StoredGraph{Hash: "h", Name: "g", Def: []byte(def), Source: []byte(def)}
		create("first", whole)()
		second := written(t, s, 1, create("second", whole))
		third := written(t, s, 1, create("third", runtime.StoredGraph{Hash: "h"}))
		return max(second, third)
	}
	small, large := start("{}"), start(`"`+strings.Repeat("definition ", 100_000)+`"`)
	if large > 2*small {
		t.Errorf("a start of a small graph writes %d bytes, of a large one %d", small, large)
	}
}
