package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// sound makes a file with a few stacks and says what is in it.
func sound(t *testing.T) (file []byte, want map[string]string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	s := openAt(t, path, Options{})
	want = map[string]string{}
	for i := range 8 {
		w := &wave{stack: fmt.Sprint("stack", i)}
		mustCommit(t, s, w.create())
		for range 30 {
			mustCommit(t, s, w.next())
		}
		c := w.next()
		c.Changes[0].Value = strings.Repeat(fmt.Sprint("large ", i), 1000)
		mustCommit(t, s, c)
	}
	for i := range 8 {
		text, err := content(s, fmt.Sprint("stack", i))
		if err != nil {
			t.Fatal(err)
		}
		want[fmt.Sprint("stack", i)] = text
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file, want
}

// content is all of a stack as text.
func content(s *Store, stack string) (string, error) {
	snap, err := s.Load(ctx, stack)
	if err != nil {
		return "", err
	}
	b := fmt.Appendf(nil, "%+v %+v\n", snap.Identity, snap.Cursor)
	b = value.Append(b, snap.State)
	err = s.Records(ctx, stack, journal.Want{Bulk: true}, func(r journal.Record) error {
		b = journal.AppendRecord(append(b, '\n'), r, true)
		return nil
	})
	return string(b), err
}

// tally counts how a damaged file was met.
type tally struct{ refused, oneStack, intact int }

// examine opens a damaged file and reads everything: it must be refused, or
// each stack must be right or refused. The file must stay as it is.
func examine(t *testing.T, path string, want map[string]string, count *tally) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
			t.Errorf("the file was changed (%v)", err)
		}
	}()
	s, err := Open(path, Options{})
	if err != nil {
		var known *runtime.StoreError
		if !errors.As(err, &known) || !strings.Contains(err.Error(), path) {
			t.Errorf("got error %v, want a StoreError with the path", err)
		}
		count.refused++
		return
	}
	defer s.Close()
	whole := true
	for stack, text := range want {
		got, err := content(s, stack)
		if err != nil {
			whole = false
			continue
		}
		if got != text {
			t.Errorf("stack %q has a wrong value:\n got %s\nwant %s", stack, got, text)
		}
	}
	_, err = stacks(s)
	if whole && err == nil {
		count.intact++
	} else {
		count.oneStack++
	}
}

func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	file, want := sound(t)
	dir := t.TempDir()
	var count tally
	n := 0
	try := func(what string, b []byte) {
		t.Helper()
		path := filepath.Join(dir, fmt.Sprint(n, ".db"))
		n++
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		before := count
		examine(t, path, want, &count)
		if t.Failed() {
			t.Fatalf("%s (%+v, before %+v)", what, count, before)
		}
		_ = os.Remove(path)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 12 {
		cut := len(file) * (i + 1) / 13
		if i < 6 {
			cut = []int{1, 15, 100, 4095, 4096, 8192}[i]
		}
		try(fmt.Sprint("cut at ", cut), file[:cut])
	}
	used := usedPages(t, file)
	for i := range 40 {
		id := i * used / 40
		for _, how := range []string{"zeroed", "random"} {
			b := bytes.Clone(file)
			page := b[id*pageSize : (id+1)*pageSize]
			clear(page)
			if how == "random" {
				for j := range page {
					page[j] = byte(rnd.Uint32())
				}
			}
			try(fmt.Sprint("page ", id, " ", how), b)
		}
	}
	flips := 300
	if testing.Short() {
		flips = 50
	}
	for i := range flips {
		b := bytes.Clone(file)
		for range 20 {
			bit := rnd.IntN(used * pageSize * 8)
			b[bit/8] ^= 1 << (bit % 8)
		}
		try(fmt.Sprint("flips, round ", i), b)
	}
	t.Logf("%+v", count)
	if count.refused == 0 || count.oneStack == 0 || count.intact == 0 {
		t.Errorf("the test has lost its grip: %+v", count)
	}
}

func usedPages(t *testing.T, file []byte) int {
	t.Helper()
	m, err := readMetas(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return int(m.high)
}

// Single bits in the pages' own bookkeeping: where a mistake kills.
func TestDamagedStructure(t *testing.T) {
	t.Parallel()
	file, want := sound(t)
	dir := t.TempDir()
	rnd := rand.New(rand.NewPCG(3, 4))
	var count tally
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	for i := range rounds {
		b := bytes.Clone(file)
		page := rnd.IntN(usedPages(t, file))
		at := page*pageSize + rnd.IntN(16+6*16) // header and first entries
		b[at] ^= 1 << rnd.IntN(8)
		path := filepath.Join(dir, "damaged.db")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		examine(t, path, want, &count)
		if t.Failed() {
			t.Fatalf("round %d: byte %d of page %d", i, at%pageSize, page)
		}
	}
	t.Logf("%+v", count)
}

func TestNotAStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.db")
	db, err := bolt.Open(foreign, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	future := filepath.Join(dir, "future.db")
	makeFuture(t, future)
	files := map[string]string{
		"empty.db": "",
		"text.db":  strings.Repeat("graphrun: 1\n", 1000),
		"short.db": "x",
		"zero.db":  strings.Repeat("\x00", 40_000),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"empty.db":       "is empty",
		"text.db":        "is no database of graphrun",
		"short.db":       "is no database of graphrun",
		"zero.db":        "is no database of graphrun",
		"folder.db":      "is a folder",
		"foreign.db":     "is a bbolt file, but not one of graphrun",
		"future.db":      "has format 99, made by graphrun 9.9; this program knows formats up to 5",
		"text.db/sub.db": "cannot be",
	}
	for name, message := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(dir, name)
			before, _ := os.ReadFile(path)
			_, err := Open(path, Options{})
			if !isStoreError(err) {
				t.Fatalf("got %v, want a StoreError", err)
			}
			if want := fmt.Sprintf("database %q %s", path, message); !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got %q, want %q", err, want)
			}
			if _, err := Salvage(ctx, path, filepath.Join(t.TempDir(), "saved.db")); !isStoreError(err) {
				t.Errorf("it was salvaged (%v)", err)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func isStoreError(err error) bool {
	var known *runtime.StoreError
	return errors.As(err, &known)
}

func makeFuture(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bolt.Tx) error {
		return fill(tx, []byte(`{"magic":"graphrun store","format":99,"created_by":"graphrun 9.9"}`))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNoPermission(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("SKIPPED: root may read everything; run the tests as another user too")
	}
	path := filepath.Join(t.TempDir(), "graphrun.db")
	if err := openAt(t, path, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

// A damaged row costs its stack, not the others.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "graphrun.db"), Options{})
	var waves []*wave
	for _, name := range []string{"a", "b", "c"} {
		w := &wave{stack: name}
		waves = append(waves, w)
		mustCommit(t, s, w.create())
	}
	mustFlush(t, s)
	err := s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(stacksBucket)
		key := stackNumber(2).row(headRow)
		raw := bytes.Clone(b.Get(key))
		raw[9] ^= 1
		return b.Put(key, raw)
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range waves {
		err := s.Commit(ctx, w.next())
		_, loadErr := s.Load(ctx, w.stack)
		if i != 1 {
			if err != nil || loadErr != nil {
				t.Errorf("stack %q: %v, %v", w.stack, err, loadErr)
			}
			continue
		}
		for _, err := range []error{err, loadErr} {
			var store *runtime.StoreError
			var d *Damage
			if !errors.As(err, &store) || store.Fatal || !errors.As(err, &d) || d.Stack != "b" || d.Bucket != "stacks" {
				t.Errorf("got %#v", err)
			}
		}
	}
	list, err := stacks(s)
	if err != nil || len(list) != 3 || list[0].Err != nil || list[1].Err == nil || list[2].Err != nil {
		t.Errorf("got %+v, %v", list, err)
	}
	if err := s.Remove(ctx, "b"); err != nil {
		t.Errorf("a damaged stack cannot be removed: %v", err)
	}
}

// A sound file of some size is looked through in a fraction of a second.
func TestCheckIsQuick(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("makes a file of 50 MB")
	}
	path := filepath.Join(t.TempDir(), "graphrun.db")
	s := openAt(t, path, Options{Durability: runtime.DurabilityNone})
	for i := range 50 {
		w := &wave{stack: fmt.Sprint(i)}
		c := w.create()
		list := make([]any, 10_000)
		for j := range list {
			list[j] = fmt.Sprint("an element of about fifty bytes or a bit more ", j)
		}
		c.Changes[0].Value = list
		mustCommit(t, s, c)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, _ := f.Stat()
	start := time.Now()
	if err := checkFile(f); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	t.Logf("%d MB in %v", info.Size()>>20, took)
	if took > 5*time.Second {
		t.Errorf("%d MB took %v", info.Size()>>20, took)
	}
}
