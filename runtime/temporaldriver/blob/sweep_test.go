package blob

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const month = 30 * 24 * time.Hour

func sweep(t *testing.T, f *FolderStore, want Swept) {
	t.Helper()
	if got, err := f.Sweep(t.Context(), month); err != nil || got != want {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	f := folder(t)
	old, young, again := put(t, f, "old"), put(t, f, "young"), put(t, f, "again")
	age(t, f.path(old), month+time.Hour)
	age(t, f.path(young), month-time.Hour)
	age(t, f.path(again), month+time.Hour)
	put(t, f, "again")
	foreign := filepath.Join(f.dir, "README")
	strange := filepath.Join(filepath.Dir(f.path(old)), "notes")
	misplaced := filepath.Join(filepath.Dir(f.path(old)), Hash([]byte("elsewhere")))
	for _, path := range []string{foreign, strange, misplaced} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		age(t, path, 2*month)
	}

	sweep(t, f, Swept{Blobs: 1, Bytes: 3})
	_, err := f.Get(t.Context(), old)
	wantError(t, err, ErrNotFound)
	wantBlob(t, f, young, "young")
	wantBlob(t, f, again, "again")
	for _, path := range []string{foreign, strange, misplaced} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	sweep(t, f, Swept{})
}

func TestSweepRefuses(t *testing.T) {
	t.Parallel()
	f := folder(t)
	for _, age := range []time.Duration{-time.Hour, 0, MinAge - 1} {
		_, err := f.Sweep(t.Context(), age)
		wantError(t, err, nil, "24h0m0s or more", "retention")
	}
	hash := put(t, f, "old")
	age(t, f.path(hash), month+time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.Sweep(ctx, month)
	wantError(t, err, context.Canceled)
	wantBlob(t, f, hash, "old")
}

// TestAbandonedFiles: what a killed Put leaves is no blob, and is removed when it is old.
func TestAbandonedFiles(t *testing.T) {
	t.Parallel()
	f := folder(t)
	hash := put(t, f, "whole")
	half := filepath.Join(filepath.Dir(f.path(hash)), newPrefix+"123")
	if err := os.WriteFile(half, []byte("who"), 0o600); err != nil {
		t.Fatal(err)
	}
	sweep(t, f, Swept{}) // it may be of a Put that is under way
	if _, err := os.Stat(half); err != nil {
		t.Fatal(err)
	}
	age(t, half, abandonedAge+time.Minute)
	sweep(t, f, Swept{})
	if all := names(t, f.dir); len(all) != 1 || all[0] != hash {
		t.Errorf("got %v", all)
	}
}

// TestPutWhileSwept: a sweep has seen an old blob, and then the blob is put.
func TestPutWhileSwept(t *testing.T) {
	t.Parallel()
	before := time.Now().Add(-month)
	old := func(t *testing.T) (*FolderStore, string) {
		f := folder(t)
		hash := put(t, f, "content")
		age(t, f.path(hash), month+time.Hour)
		return f, hash
	}
	decide := func(t *testing.T, f *FolderStore, aside, hash string, want int64) {
		t.Helper()
		if got, err := f.decide(aside, hash, before); err != nil || got != want {
			t.Fatalf("got %d (%v), want %d", got, err, want)
		}
	}
	setAside := func(t *testing.T, f *FolderStore, hash string) string {
		t.Helper()
		aside, err := f.setAside(f.path(hash), hash)
		if err != nil {
			t.Fatal(err)
		}
		wantBlob(t, f, hash, "content") // a reader does not notice
		return aside
	}
	t.Run("before it is set aside", func(t *testing.T) {
		t.Parallel()
		f, hash := old(t)
		put(t, f, "content")
		decide(t, f, setAside(t, f, hash), hash, -1)
		wantBlob(t, f, hash, "content")
		sweep(t, f, Swept{})
	})
	t.Run("after it is set aside", func(t *testing.T) {
		t.Parallel()
		f, hash := old(t)
		aside := setAside(t, f, hash)
		put(t, f, "content")
		decide(t, f, aside, hash, int64(len("content")))
		wantBlob(t, f, hash, "content")
		sweep(t, f, Swept{})
	})
	t.Run("before and after", func(t *testing.T) {
		t.Parallel()
		f, hash := old(t)
		put(t, f, "content")
		aside := setAside(t, f, hash)
		put(t, f, "content")
		decide(t, f, aside, hash, -1)
		wantBlob(t, f, hash, "content")
		if all := names(t, f.dir); len(all) != 1 {
			t.Errorf("got %v", all)
		}
	})
	t.Run("two sweeps", func(t *testing.T) {
		t.Parallel()
		f, hash := old(t)
		first := setAside(t, f, hash)
		second, err := f.setAside(first, hash)
		if err != nil {
			t.Fatal(err)
		}
		put(t, f, "content")
		_, err = f.decide(first, hash, before)
		wantError(t, err, fs.ErrNotExist)
		decide(t, f, second, hash, int64(len("content")))
		wantBlob(t, f, hash, "content")
	})
	t.Run("the sweep is killed", func(t *testing.T) {
		t.Parallel()
		f, hash := old(t)
		aside := setAside(t, f, hash)
		age(t, aside, month-time.Hour)
		sweep(t, f, Swept{})
		wantBlob(t, f, hash, "content")
		if all := names(t, f.dir); len(all) != 1 || all[0] != hash {
			t.Errorf("got %v", all)
		}
		age(t, f.path(hash), month+time.Hour)
		setAside(t, f, hash)
		sweep(t, f, Swept{Blobs: 1, Bytes: int64(len("content"))})
		_, err := f.Get(t.Context(), hash)
		wantError(t, err, ErrNotFound)
	})
}

// TestPutsBesideSweeps: a blob that was put is there, whatever sweeps run.
func TestPutsBesideSweeps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() *FolderStore {
		f, err := Folder(dir)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	content := strings.Repeat("content", 1000)
	hash := Hash([]byte(content))
	done := make(chan struct{})
	var sweeps sync.WaitGroup
	for range 2 {
		f := open()
		sweeps.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := f.Sweep(t.Context(), month); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	f := open()
	for range 200 {
		then := time.Now().Add(-2 * month)
		_ = os.Chtimes(f.path(hash), then, then) // it may be set aside
		put(t, f, content)
		wantBlob(t, f, hash, content)
		if t.Failed() {
			break
		}
	}
	close(done)
	sweeps.Wait()
	wantBlob(t, f, hash, content)
}
