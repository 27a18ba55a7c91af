package boltstore

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// shaped is a stack whose commits have the shape of its definition.
type shaped struct {
	stack  string
	shape  *journal.Shape
	cursor journal.Cursor
	want   []journal.Record
}

func newShaped(stack string, nodes int) *shaped {
	names, joins := make([]string, nodes), make([][]uint64, nodes)
	edges := make([]journal.Verdict, nodes)
	for i := range names {
		names[i] = fmt.Sprint("node-", i)
		edges[i] = journal.Verdict{Edge: i, From: "start", When: fmt.Sprint("state.n == ", i)}
		joins[i] = []uint64{uint64(i)}
	}
	hash := strings.Repeat(fmt.Sprintf("%04x", nodes), 16)
	return &shaped{stack: stack, shape: journal.NewShape(hash, names, nil, edges, joins), cursor: journal.Cursor{Hash: hash, Status: journal.Running}}
}

// create brings the definition, or only its hash if the store has it.
func (w *shaped) create(def []byte) runtime.Commit {
	c := w.next()
	c.Create = &journal.Identity{Stack: w.stack, Graph: "g", Nonce: "n"}
	c.Changes = []graph.Change{{Name: "n", Value: int64(1), Whole: true}}
	c.Graph = &runtime.StoredGraph{Hash: w.shape.Hash, Name: "g", Def: def}
	return c
}

// next has a cycle that decides over all nodes at once.
func (w *shaped) next() runtime.Commit {
	c := runtime.Commit{Stack: w.stack, Shape: w.shape}
	w.cursor.Cycle++
	w.cursor.CycleSeq = w.cursor.Seq + 1
	add := func(b journal.Body) {
		r := journal.Record{Seq: w.cursor.Seq + 1, Time: time.Unix(int64(w.cursor.Seq), 0).UTC(), Stack: w.stack, Cycle: w.cursor.Cycle, Body: b}
		c.Records = append(c.Records, r)
		w.cursor.Seq = r.Last()
	}
	round := &journal.Round{}
	for i := range 20 {
		v := journal.Verdict{Edge: i, From: "start", When: fmt.Sprint("state.n == ", i), Live: i == 3}
		round.Decided = append(round.Decided, &journal.NodeDecided{Wave: 1, Node: fmt.Sprint("node-", i), Run: i == 3, Edges: []journal.Verdict{v}})
	}
	add(&journal.CycleStarted{Hash: w.shape.Hash})
	add(round)
	add(&journal.TaskFinished{Wave: 1, Node: "node-3", Attempt: 1, Status: "succeeded", Output: strings.Repeat("large ", 500)})
	add(&journal.CycleFinished{Waves: 1, NodeRuns: 1})
	w.want = append(w.want, journal.Singles(c.Records)...)
	c.Cursor = w.cursor
	return c
}

func expectRecords(t *testing.T, s *Store, stack string, want []journal.Record) {
	t.Helper()
	var got []journal.Record
	err := s.Records(ctx, stack, journal.Want{Bulk: true}, func(r journal.Record) error {
		got = append(got, r)
		return nil
	})
	if err != nil {
		t.Error(err)
		return
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("stack %q (-committed +read)\n%s", stack, d)
	}
}

// shapesIn counts the rows with shapes.
func shapesIn(t *testing.T, s *Store) (n int) {
	t.Helper()
	err := s.view(ctx, func(t *txn) error {
		if err := t.openGraphs(); err != nil {
			return err
		}
		return t.graphs.ForEach(func(key, _ []byte) error {
			if _, _, ok := shapeOwner(key); ok {
				n++
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A shape is stored once for all stacks of its definition, found by whoever reads their
// records, and deleted with the definition. It is in what is salvaged and compacted.
func TestShapes(t *testing.T) {
	t.Parallel()
	for name, nodes := range map[string]int{"small": 20, "apart": 300} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "graphrun.db")
			s := openAt(t, path, Options{})
			a, b := newShaped("a", nodes), newShaped("b", nodes)
			mustCommit(t, s, a.create([]byte("{}")))
			mustCommit(t, s, a.next())
			mustCommit(t, s, b.create(nil))
			expectRecords(t, s, "a", a.want)
			if n := shapesIn(t, s); n != 1 {
				t.Errorf("%d shapes", n)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openAt(t, path, Options{})
			mustCommit(t, s, b.next())
			expectRecords(t, s, "a", a.want)
			expectRecords(t, s, "b", b.want)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if r := mustCheck(t, path); len(r.Problems) > 0 {
				t.Errorf("%+v", r)
			}
			saved := filepath.Join(dir, "salvaged.db")
			if r, err := Salvage(ctx, path, saved); err != nil || len(r.Problems) > 0 {
				t.Fatal(r, err)
			}
			for _, path := range []string{path, saved} {
				s = openAt(t, path, Options{})
				expectRecords(t, s, "a", a.want)
				expectRecords(t, s, "b", b.want)
				for i, stack := range []string{"a", "b"} {
					if n := shapesIn(t, s); n != 1 {
						t.Errorf("%d shapes with %d of two stacks", n, 2-i)
					}
					if err := s.Remove(ctx, stack); err != nil {
						t.Fatal(err)
					}
				}
				if n := shapesIn(t, s); n != 0 {
					t.Errorf("%d shapes are left", n)
				}
				again := newShaped("again", nodes)
				mustCommit(t, s, again.create([]byte("{}")))
				expectRecords(t, s, "again", again.want)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if r := mustCheck(t, path); len(r.Problems) > 0 {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}

// A fork has some of the records of a row, and knows their shape when the other stack is gone.
func TestForkOfShapedRecords(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{})
	a := newShaped("a", 300)
	mustCommit(t, s, a.create([]byte("{}")))
	for range 2 {
		mustCommit(t, s, a.next())
	}
	from := uint64(10) // within the round of the first commit
	f := newShaped("f", 300)
	f.cursor = a.cursor
	base := a.cursor
	for i := range a.want {
		if r := a.want[i]; r.Seq >= from {
			r.Stack = "f"
			f.want = append(f.want, r)
		}
	}
	c := f.next()
	c.Graph = &runtime.StoredGraph{Hash: f.shape.Hash}
	c.Fork = &runtime.Fork{Stack: "a", Nonce: "n", From: from, To: base.Seq, Base: base.Seq, BaseCursor: &base, State: base.Seq, Now: true}
	c.Create = &journal.Identity{Stack: "f", Graph: "g", Nonce: "m", Origins: []journal.Origin{
		{From: journal.From{Stack: "a", Cycle: base.Cycle}, Nonce: "n", Seq: base.Seq + 1, First: from}}}
	mustCommit(t, s, c)
	if err := s.Remove(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	s.shapes = shapes{}
	expectRecords(t, s, "f", f.want)
}

// Records whose shape is lost are damaged, and nothing else is.
func TestLostShape(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{})
	a, b := newShaped("a", 20), newShaped("b", 21)
	mustCommit(t, s, a.create([]byte("{}")))
	mustCommit(t, s, b.create([]byte("{}")))
	err := s.submit(false, func(t *txn) error {
		if err := t.openGraphs(); err != nil {
			return err
		}
		t.writes++
		return t.graphs.Delete(shapeKey(a.shape.Hash, a.shape.ID()))
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Records(ctx, "a", journal.Want{}, func(journal.Record) error { return nil })
	if err == nil || !strings.Contains(err.Error(), `stack "a": damaged row`) || !strings.Contains(err.Error(), "shape") {
		t.Errorf("error %v", err)
	}
	expectRecords(t, s, "b", b.want)
}

// A store of an earlier version has records as JSON. They are read beside new ones.
func TestRecordsOfEarlierVersions(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{})
	a := newShaped("a", 20)
	for i := range 3 {
		c := a.next()
		if i == 0 {
			a = newShaped("a", 20)
			c = a.create([]byte("{}"))
		}
		e := newEncoder()
		ready, err := e.commit(c)
		if err != nil {
			t.Fatal(err)
		}
		if i < 2 {
			var lines []byte
			for r := range journal.EachRecord(c.Records) {
				apart := r.Bulk() != nil
				lines = journal.AppendRecord(lines, r.WithBulk(nil), true)
				if apart {
					lines = append(lines, '+')
				}
				lines = append(lines, '\n')
			}
			ready.records = newRow(bytes.Join([][]byte{{0}, lines, make([]byte, sumSize)}, nil))
			ready.shape = nil
			if ready.cursor, err = c.Cursor.MarshalJSON(); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.submit(false, ready.apply); err != nil {
			t.Fatal(err)
		}
	}
	expectRecords(t, s, "a", a.want)
	var got []uint64
	err := s.Records(ctx, "a", journal.Want{Last: 2, Types: []string{"cycle.started"}}, func(r journal.Record) error {
		got = append(got, r.Cycle)
		return nil
	})
	if d := cmp.Diff([]uint64{2, 3}, got); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
}
