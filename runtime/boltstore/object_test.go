package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
)

// withObjects makes a file with two stacks that have an object of five
// properties each, one of them large.
func withObjects(t *testing.T, path string) {
	t.Helper()
	s := openAt(t, path, Options{})
	for _, name := range []string{"a", "b"} {
		w := &wave{stack: name}
		c := w.create()
		c.Changes = append(c.Changes, graph.Change{Name: "object", Whole: true, Value: map[string]any{}})
		mustCommit(t, s, c)
		for i := range 5 {
			c := w.next()
			c.Changes = append(c.Changes, graph.Change{Name: "object", Set: []graph.Property{{Name: fmt.Sprint(name, i), Value: strings.Repeat("v", i*1000)}}})
			mustCommit(t, s, c)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A property that is damaged, missing or too many costs its stack, and is said.
func TestDamagedProperties(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		do   func(b *rows, key []byte) error
		want string
	}{
		{"sound", func(*rows, []byte) error { return nil }, ""},
		{"damaged", func(b *rows, key []byte) error {
			raw := bytes.Clone(b.Get(key))
			raw[5] ^= 1
			return b.Put(key, raw)
		}, "wrong checksum"},
		{"missing", func(b *rows, key []byte) error { return b.Delete(key) }, "4 properties, expected 5"},
		{"too many", func(b *rows, key []byte) error {
			more := append(bytes.Clone(key), '+')
			return b.Put(more, sealed(stacksBucket, more, []byte("\x00{\"more\":1}")))
		}, "6 properties, expected 5"},
		{"of another name", func(b *rows, key []byte) error {
			return b.Put(key, sealed(stacksBucket, key, []byte("\x00{\"a2\":1}")))
		}, "the rows do not hold a property each"},
		{"no property", func(b *rows, key []byte) error {
			return b.Put(key, sealed(stacksBucket, key, []byte("\x00[]")))
		}, "the rows do not hold a property each"},
		{"none", func(b *rows, key []byte) error {
			return b.Put(key, sealed(stacksBucket, key, []byte{noRow}))
		}, "4 properties, expected 5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "graphrun.db")
			withObjects(t, path)
			s := openAt(t, path, Options{})
			err := s.db.Update(func(tx *bolt.Tx) error {
				n := stackNumber(1)
				txn, err := begin(tx)
				if err != nil {
					return err
				}
				h, err := txn.head(n)
				if err != nil {
					return err
				}
				k := h.keys[h.key("object")]
				return test.do(txn.stacks, n.property(k.number, k.base, "a1"))
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"a", "b"} {
				_, err := s.Load(ctx, name)
				if name == "b" || test.want == "" {
					if err != nil {
						t.Errorf("stack %q: %v", name, err)
					}
					continue
				}
				var d *Damage
				if !errors.As(err, &d) || d.Stack != "a" || d.What != test.want {
					t.Errorf("got %v, want a damage: %s", err, test.want)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			report, err := Check(ctx, path)
			if err != nil || (len(report.Problems) > 0) != (test.want != "") {
				t.Errorf("checked: %+v, %v", report, err)
			}
			saved, err := Salvage(ctx, path, filepath.Join(t.TempDir(), "saved.db"))
			if want := map[bool]int{true: 2, false: 1}[test.want == ""]; err != nil || saved.Stacks != want {
				t.Errorf("salvaged: %+v, %v; want %d stacks", saved, err, want)
			}
		})
	}
}

// What a replaced object had is deleted, blobs included, and the rest of a
// stack goes with it.
func TestPropertiesAreCollected(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	withObjects(t, path)
	s := openAt(t, path, Options{})
	w, err := resume(s, "a")
	if err != nil {
		t.Fatal(err)
	}
	c := w.next()
	c.Changes = append(c.Changes, graph.Change{Name: "object", Value: map[string]any{}, Whole: true})
	mustCommit(t, s, c)
	rows := func(n stackNumber) (count int) {
		err := s.view(ctx, func(t *txn) error {
			cursor := t.stacks.Cursor()
			prefix := n.row(propertyRow)
			for key, _ := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = cursor.Next() {
				count++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return count
	}
	if a, b := rows(1), rows(2); a != 0 || b != 5 {
		t.Errorf("%d and %d properties are left, want 0 and 5", a, b)
	}
	if err := s.Remove(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	if b := rows(2); b != 0 {
		t.Errorf("%d properties are left of a removed stack", b)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	report, err := Check(ctx, path)
	if err != nil || len(report.Problems) > 0 || report.Blobs != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	if _, _, err := Compact(ctx, path); err != nil {
		t.Error(err)
	}
}

// One property of a large object writes that property, however large the rest.
func TestPropertySize(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{Durability: runtime.DurabilityNone})
	w := &wave{stack: "size"}
	object := map[string]any{"large": strings.Repeat("x", 10<<20)}
	for i := range 10_000 {
		object[fmt.Sprint("property number ", i)] = int64(i)
	}
	c := w.create()
	c.Changes = append(c.Changes, graph.Change{Name: "object", Whole: true, Value: object})
	mustCommit(t, s, c)
	const commits = 50
	n := written(t, s, commits, func() {
		for i := range commits {
			c := w.next()
			c.Changes = append(c.Changes, graph.Change{Name: "object", Set: []graph.Property{{Name: fmt.Sprint("property number ", i*199), Value: "new"}}})
			mustCommit(t, s, c)
		}
	}) / commits
	if n > 45_000 {
		t.Errorf("%d bytes a commit", n)
	}
	t.Logf("%d bytes a commit", n)
}
