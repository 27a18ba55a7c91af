package boltstore

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// What a view of bbolt and layers above it shows is what the writes of all of them have come
// to, whichever way a cursor walks.
func TestLayeredRows(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		path := filepath.Join(t.TempDir(), "rows.db")
		if err := build(path, "test"); err != nil {
			t.Fatal(err)
		}
		db, err := openNew(path)
		if err != nil {
			t.Fatal(err)
		}
		of := []table{stacksTable, blobsTable, countsTable}[seed%3]
		key := func() []byte { return fmt.Appendf(nil, "%0*d", 1+int(of), r.IntN(40)) }
		model := map[string]string{}
		layers := make([]*layer, 1+r.IntN(3))
		for i := range layers {
			layers[i] = &layer{}
		}
		write := func(put func(key, v []byte) error) {
			for range r.IntN(30) {
				k, v := key(), fmt.Append(nil, "value ", r.IntN(1000))
				if r.IntN(3) == 0 {
					v = nil
					delete(model, string(k))
				} else {
					model[string(k)] = string(v)
				}
				if err := put(k, v); err != nil {
					t.Fatal(err)
				}
			}
		}
		err = db.Update(func(tx *bolt.Tx) error {
			b := tx.Bucket(of.bucket())
			write(func(k, v []byte) error { return putBase(b, of, k, v) })
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range slices.Backward(layers) {
			var s stage
			s.begin()
			write(func(k, v []byte) error {
				if v == nil {
					s.delete(of, k)
				} else {
					s.put(of, k, v)
				}
				return nil
			})
			if err := l.replay(bytes.Clone(s.frame())); err != nil {
				t.Fatal(err)
			}
		}
		check := func(over ...*layer) {
			t.Helper()
			err := db.View(func(tx *bolt.Tx) error {
				txn, err := begin(tx, over...)
				if err != nil {
					return err
				}
				rows, err := txn.table(of)
				if err != nil {
					return err
				}
				compareRows(t, r, rows, model)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		check(layers...)
		err = db.Update(func(tx *bolt.Tx) error {
			for _, l := range slices.Backward(layers) {
				if err := l.into(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		check()          // bbolt has it all,
		check(layers...) // and a layer that it has already changes nothing
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// compareRows walks at random.
func compareRows(t *testing.T, r *rand.Rand, rows *rows, model map[string]string) {
	t.Helper()
	keys := slices.Sorted(maps.Keys(model))
	var seen []string
	_ = rows.ForEach(func(key, v []byte) error {
		seen = append(seen, string(key))
		if string(v) != model[string(key)] {
			t.Errorf("%q is %q, want %q", key, v, model[string(key)])
		}
		return nil
	})
	if !slices.Equal(seen, keys) {
		t.Fatalf("the keys are %q, want %q", seen, keys)
	}
	c := rows.Cursor()
	at := -1 // in keys; none yet
	for range 200 {
		var k, v []byte
		switch step := r.IntN(8); {
		case step == 0:
			k, v = c.First()
			at = 0
		case step == 1:
			k, v = c.Last()
			at = len(keys) - 1
		case step == 2 || at < 0 || at >= len(keys):
			to := fmt.Sprintf("%0*d", 1+r.IntN(3), r.IntN(42))
			k, v = c.Seek([]byte(to))
			at, _ = slices.BinarySearch(keys, to)
		case step < 6:
			k, v = c.Next()
			at++
		default:
			k, v = c.Prev()
			at--
		}
		if at < 0 || at >= len(keys) {
			if k != nil {
				t.Fatalf("beyond the ends: %q", k)
			}
			at = -1
			continue
		}
		if string(k) != keys[at] || string(v) != model[keys[at]] || !bytes.Equal(rows.Get(k), v) {
			t.Fatalf("at %q=%q, want %q=%q", k, v, keys[at], model[keys[at]])
		}
	}
}

// A request that is taken back leaves the rows of those before it.
func TestStageUndo(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var s stage
	model := map[string]string{}
	for range 500 {
		s.begin()
		kept := maps.Clone(model)
		for range r.IntN(5) {
			k := fmt.Append(nil, r.IntN(20))
			if r.IntN(3) == 0 {
				s.delete(stacksTable, k)
				kept[string(k)] = ""
			} else {
				v := bytes.Repeat([]byte{'v'}, r.IntN(5000)+1)
				s.put(stacksTable, k, v)
				kept[string(k)] = string(v)
			}
		}
		if r.IntN(2) == 0 {
			s.undo()
		} else {
			model = kept
		}
		for k, want := range model {
			got, known := s.layer.get(stacksTable, []byte(k))
			if !known || string(got) != want {
				t.Fatalf("%q is %.20q, want %.20q", k, got, want)
			}
		}
		if n := s.layer.rows[stacksTable].Len(); n != len(model) {
			t.Fatalf("%d rows, want %d", n, len(model))
		}
	}
}

// Bytes that are no frame are an error.
func FuzzReplay(f *testing.F) {
	var s stage
	s.begin()
	s.put(stacksTable, []byte("key"), []byte("value"))
	s.delete(indexTable, []byte("other"))
	f.Add(s.frame())
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		l := &layer{}
		if err := l.replay(b); err == nil && len(b) > 0 && l.empty() {
			t.Error("a frame without rows")
		}
	})
}
