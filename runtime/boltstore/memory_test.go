package boltstore

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

var (
	ofGraph = journal.MemoryRef{Graph: "g", Name: "facts"}
	onlyOfA = journal.MemoryRef{Stack: "a", Name: "own"}
)

// withMemories makes a file with a stack that has five items in a memory of its own and
// five in one of its graph, and a kept text.
func withMemories(t *testing.T, path string) {
	t.Helper()
	s := openAt(t, path, Options{})
	w := &wave{stack: "a"}
	mustCommit(t, s, w.create())
	vector := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0, 0, 128, 63}, 700))
	for i := range 5 {
		c := w.next()
		for _, ref := range []journal.MemoryRef{ofGraph, onlyOfA} {
			write := journal.MemoryWrite{Memory: ref.Name, ID: fmt.Sprint("id ", i), Text: strings.Repeat("t", i*100), Model: "p/m", Vector: vector}
			c.Memory = append(c.Memory, runtime.MemoryWrites{Ref: ref, Writes: []journal.MemoryWrite{write}})
		}
		mustCommit(t, s, c)
	}
	if err := s.Keep(ctx, "name", "text"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func itemsOf(t *testing.T, s *Store, ref journal.MemoryRef) (n int, state journal.MemoryState) {
	t.Helper()
	state, err := s.Memory(ctx, ref, 0, func(it journal.MemoryItem) error {
		if len(it.Vector) == 0 && state.Model != "" {
			t.Errorf("item %q has no vector", it.ID)
		}
		n++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n != state.Count {
		t.Errorf("%d items, and %+v", n, state)
	}
	return n, state
}

// A sound file with memories is sound to Check, and Compact, Backup and Salvage keep them.
func TestMemoriesAreKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	withMemories(t, path)
	copies := []string{path, filepath.Join(t.TempDir(), "backup.db"), filepath.Join(t.TempDir(), "salvaged.db")}
	s := openAt(t, path, Options{})
	if err := s.Backup(ctx, copies[1]); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := Salvage(ctx, path, copies[2]); err != nil || len(r.Problems) > 0 || r.Memories != 2 {
		t.Fatalf("salvaged: %+v, %v", r, err)
	}
	if _, _, err := Compact(ctx, path); err != nil {
		t.Fatal(err)
	}
	for _, path := range copies {
		r, err := Check(ctx, path)
		if err != nil || len(r.Problems) > 0 || r.Memories != 2 {
			t.Errorf("%s: %+v, %v", path, r, err)
		}
		s := openAt(t, path, Options{})
		for _, ref := range []journal.MemoryRef{ofGraph, onlyOfA} {
			if n, state := itemsOf(t, s, ref); n != 5 || state.Model != "p/m" || state.Dims != 700 || state.Seq != 5 {
				t.Errorf("%s: %d items, %+v", path, n, state)
			}
		}
		if text, err := s.Kept(ctx, "name"); err != nil || text != "text" {
			t.Errorf("%s: kept %q, %v", path, text, err)
		}
	}
}

// A damaged row of a memory is said, and salvage leaves out no more than its item.
func TestDamagedMemories(t *testing.T) {
	t.Parallel()
	flip := func(b *rows, key []byte) error {
		raw := bytes.Clone(b.Get(key))
		raw[0] ^= 1
		return b.Put(key, raw)
	}
	remove := func(b *rows, key []byte) error { return b.Delete(key) }
	for _, test := range []struct {
		name string
		key  func(n memoryNumber) []byte
		do   func(b *rows, key []byte) error
		want string // of the problem
		left int    // items that are salvaged
	}{
		{"item", func(n memoryNumber) []byte { return n.item(2) }, flip, "wrong checksum", 4},
		{"missing item", func(n memoryNumber) []byte { return n.item(2) }, remove, "counts 5 items", 4},
		{"id", func(n memoryNumber) []byte { return n.id("id 3") }, flip, "wrong checksum", 5},
		{"missing id", func(n memoryNumber) []byte { return n.id("id 3") }, remove, "leads to item 0", 5},
		{"head", memoryNumber.head, flip, "wrong checksum", 5},
		{"missing head", memoryNumber.head, remove, "missing", 5},
		{"another row", func(n memoryNumber) []byte { return append(n.all(), '?') }, func(b *rows, key []byte) error {
			return b.Put(key, sealed(memoryBucket, key, []byte("x")))
		}, "unknown form", 5},
		{"rows of nobody", func(memoryNumber) []byte { return memoryNumber(99).head() }, func(b *rows, key []byte) error {
			return b.Put(key, sealed(memoryBucket, key, []byte("{}")))
		}, "belongs to no memory", 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, ref := range []journal.MemoryRef{ofGraph, onlyOfA} {
				path := filepath.Join(t.TempDir(), "graphrun.db")
				withMemories(t, path)
				s := openAt(t, path, Options{})
				err := s.db.Update(func(tx *bolt.Tx) error {
					txn, err := begin(tx)
					if err != nil {
						return err
					}
					n, _, err := txn.memoryNumber(ref)
					if err != nil {
						return err
					}
					return test.do(txn.memories(), test.key(n))
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				report, err := Check(ctx, path)
				if err != nil || len(report.Problems) == 0 || !strings.Contains(fmt.Sprint(report.Problems), test.want) {
					t.Errorf("checked: %+v, %v; want %q", report, err, test.want)
				}
				to := filepath.Join(t.TempDir(), "saved.db")
				saved, err := Salvage(ctx, path, to)
				if err != nil || saved.Stacks != 1 || saved.Memories != 2 {
					t.Fatalf("salvaged: %+v, %v", saved, err)
				}
				if n, _ := itemsOf(t, openAt(t, to, Options{}), ref); n != test.left {
					t.Errorf("%d items were salvaged, want %d", n, test.left)
				}
			}
		})
	}
}

// Nothing is left of a removed stack's memory, however large it was.
func TestMemoriesAreCollected(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	withMemories(t, path)
	s := openAt(t, path, Options{Durability: runtime.DurabilityNone})
	w, err := resume(s, "a")
	if err != nil {
		t.Fatal(err)
	}
	c := w.next()
	many := runtime.MemoryWrites{Ref: journal.MemoryRef{Stack: "a", Name: "many"}}
	for i := range 3 * removeSlice {
		many.Writes = append(many.Writes, journal.MemoryWrite{ID: fmt.Sprint(i)})
	}
	c.Memory = []runtime.MemoryWrites{many}
	mustCommit(t, s, c)
	if err := s.Remove(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	rows := 0
	err = s.view(ctx, func(t *txn) error {
		return t.memories().ForEach(func([]byte, []byte) error { rows++; return nil })
	})
	if err != nil || rows != 1+1+2*5 { // what leads to the graph's memory, its head, items and ids
		t.Errorf("%d rows, %v", rows, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := Check(ctx, path); err != nil || len(r.Problems) > 0 || r.Memories != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A file of format 2 has neither bucket: it can be looked through as it is, and gets them
// when it is opened.
func TestFormat2HasNoMemories(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	s := openAt(t, path, Options{})
	w := &wave{stack: "a"}
	mustCommit(t, s, w.create())
	m, err := readMarker(s.db)
	if err != nil {
		t.Fatal(err)
	}
	err = s.db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{memoryBucket, keptBucket} {
			if err := tx.DeleteBucket(name); err != nil {
				return err
			}
		}
		mark := fmt.Appendf(nil, `{"magic":%q,"format":2,"id":%q}`, magic, m.ID)
		return tx.Bucket(markerBucket).Put(markerKey, sealed(markerBucket, markerKey, mark))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	saved := filepath.Join(t.TempDir(), "saved.db")
	if r, err := Salvage(ctx, path, saved); err != nil || len(r.Problems) > 0 || r.Stacks != 1 {
		t.Errorf("salvaged: %+v, %v", r, err)
	}
	for _, path := range []string{path, saved} {
		if r, err := Check(ctx, path); err != nil || len(r.Problems) > 0 {
			t.Errorf("%+v, %v", r, err)
		}
		s := openAt(t, path, Options{})
		w, err := resume(s, "a")
		if err != nil {
			t.Fatal(err)
		}
		c := w.next()
		c.Memory = []runtime.MemoryWrites{{Ref: ofGraph, Writes: []journal.MemoryWrite{{ID: "1"}}}}
		mustCommit(t, s, c)
		if n, _ := itemsOf(t, s, ofGraph); n != 1 {
			t.Errorf("%d items", n)
		}
		if m, err := readMarker(s.db); err != nil || m.Format != format {
			t.Errorf("format %d, %v", m.Format, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if r, err := Check(ctx, path); err != nil || len(r.Problems) > 0 {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// What a write of an item costs does not grow with the memory.
func TestMemorySize(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: runtime.DurabilityNone})
	w := &wave{stack: "a"}
	mustCommit(t, s, w.create())
	next := uint32(0)
	add := func(n int) {
		c := w.next()
		writes := runtime.MemoryWrites{Ref: ofGraph}
		for range n {
			next++
			v := binary.LittleEndian.AppendUint32(bytes.Repeat([]byte{1, 2, 3, 4}, 1535), next)
			writes.Writes = append(writes.Writes, journal.MemoryWrite{ID: fmt.Sprint("item ", next), Text: strings.Repeat("word ", 40), Model: "p/m", Vector: base64.StdEncoding.EncodeToString(v)})
		}
		c.Memory = []runtime.MemoryWrites{writes}
		mustCommit(t, s, c)
	}
	few := func() int64 {
		return written(t, s, 20, func() {
			for range 20 {
				add(1)
			}
		}) / 20
	}
	add(10)
	early := few()
	add(3000)
	late := few()
	t.Logf("%d bytes a commit with 10 items, %d with 3,000", early, late)
	if late > early+30_000 {
		t.Errorf("%d bytes a commit with 10 items, %d with 3,000", early, late)
	}
}
