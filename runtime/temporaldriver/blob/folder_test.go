package blob

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func folder(t *testing.T) *FolderStore {
	t.Helper()
	f, err := Folder(filepath.Join(t.TempDir(), "below", "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func put(t *testing.T, s Store, content string) string {
	t.Helper()
	hash, err := s.Put(t.Context(), []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func wantBlob(t *testing.T, s Store, hash, content string) {
	t.Helper()
	if b, err := s.Get(t.Context(), hash); err != nil || string(b) != content {
		t.Errorf("got %.40q (%v), want %.40q", b, err, content)
	}
}

// wantError wants a kind of error, unless it is nil, and all texts in its message.
func wantError(t *testing.T, err, is error, texts ...string) {
	t.Helper()
	if err == nil || (is != nil && !errors.Is(err, is)) {
		t.Errorf("got %v, want %v", err, is)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("got %q, want %q in it", err, text)
		}
	}
}

func age(t *testing.T, path string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

// names are the names of all files in a folder and below.
func names(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFolderLayout(t *testing.T) {
	t.Parallel()
	f := folder(t)
	hash := put(t, f, "abc")
	const known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // of FIPS 180-2
	if hash != known || Hash([]byte("abc")) != known {
		t.Errorf("got the hash %s", hash)
	}
	path := filepath.Join(f.dir, "ba", known)
	for _, at := range []struct {
		path string
		mode os.FileMode
	}{{f.dir, 0o700}, {filepath.Dir(path), 0o700}, {path, 0o600}} {
		if info, err := os.Stat(at.path); err != nil || info.Mode().Perm() != at.mode {
			t.Errorf("%s: got %v (%v), want %v", at.path, info.Mode().Perm(), err, at.mode)
		}
	}
	wantBlob(t, f, hash, "abc")
	wantBlob(t, f, put(t, f, ""), "")
}

func TestPutAgainRenews(t *testing.T) {
	t.Parallel()
	f := folder(t)
	hash := put(t, f, "content")
	before, err := os.Stat(f.path(hash))
	if err != nil {
		t.Fatal(err)
	}
	age(t, f.path(hash), 48*time.Hour)
	put(t, f, "content")
	after, err := os.Stat(f.path(hash))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) {
		t.Error("the second Put wrote the blob again")
	}
	if time.Since(after.ModTime()) > time.Hour {
		t.Errorf("the second Put did not renew the time: %s", after.ModTime())
	}
	if all := names(t, f.dir); len(all) != 1 {
		t.Errorf("got %v", all)
	}
}

func TestPutMendsASize(t *testing.T) {
	t.Parallel()
	f := folder(t)
	hash := put(t, f, "content")
	if err := os.Truncate(f.path(hash), 3); err != nil {
		t.Fatal(err)
	}
	_, err := f.Get(t.Context(), hash)
	wantError(t, err, ErrDamaged, f.path(hash), "backup")
	put(t, f, "content")
	wantBlob(t, f, hash, "content")
}

func TestFolderRefuses(t *testing.T) {
	t.Parallel()
	f := folder(t)
	f.limit = 10
	good := put(t, f, "ten bytes.")
	wantBlob(t, f, good, "ten bytes.")

	_, err := f.Put(t.Context(), []byte("eleven byte"))
	wantError(t, err, ErrTooLarge, "11 bytes", "at most 10", "write the value to a file")
	_, err = f.Get(t.Context(), Hash([]byte("never put")))
	wantError(t, err, ErrNotFound, "same store", f.dir)
	for _, hash := range []string{"", "ab", "../../etc/passwd", strings.Repeat("A", 64), strings.Repeat("g", 64), "../" + good[3:]} {
		_, err = f.Get(t.Context(), hash)
		wantError(t, err, ErrNotFound, "is not a SHA-256")
	}

	flipped := put(t, f, "flip")
	if err := os.WriteFile(f.path(flipped), []byte("flop"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = f.Get(t.Context(), flipped)
	wantError(t, err, ErrDamaged, f.path(flipped), "delete it")

	grown := put(t, f, "grown")
	if err := os.Truncate(f.path(grown), 1<<40); err != nil { // sparse; reading it takes a TiB
		t.Fatal(err)
	}
	_, err = f.Get(t.Context(), grown)
	wantError(t, err, ErrTooLarge, f.path(grown))

	linked := put(t, f, "linked")
	if err := os.Rename(f.path(linked), f.path(linked)+".elsewhere"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(f.path(linked)+".elsewhere", f.path(linked)); err != nil {
		t.Fatal(err)
	}
	_, err = f.Get(t.Context(), linked)
	wantError(t, err, ErrDamaged, "not a file")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = f.Put(ctx, []byte("late"))
	wantError(t, err, context.Canceled)
	_, err = f.Get(ctx, good)
	wantError(t, err, context.Canceled)
}

func TestFolderSaysWhatToDo(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Folder(filepath.Join(file, "blobs"))
	wantError(t, err, nil, "in the way")

	f := folder(t)
	hash := put(t, f, "content")
	if err := os.Rename(f.dir, f.dir+".away"); err != nil {
		t.Fatal(err)
	}
	_, err = f.Put(t.Context(), []byte("content"))
	wantError(t, err, fs.ErrNotExist, "mount the disk")
	_, err = f.Get(t.Context(), hash)
	wantError(t, err, fs.ErrNotExist, "mount the disk")
	if errors.Is(err, ErrNotFound) {
		t.Error("a blob in a folder that is away counts as deleted")
	}
	_, err = f.Sweep(t.Context(), MinAge)
	wantError(t, err, fs.ErrNotExist, "mount the disk")
}

// TestFolderShared: stores of the same folder, as of several processes, with the same blobs.
func TestFolderShared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	contents := []string{strings.Repeat("a", 100_000), strings.Repeat("b", 100_000), "c"}
	var all sync.WaitGroup
	for range 4 {
		f, err := Folder(dir)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			for range 5 {
				for _, content := range contents {
					hash, err := f.Put(t.Context(), []byte(content))
					if err != nil {
						t.Error(err)
						return
					}
					wantBlob(t, f, hash, content)
				}
			}
		})
	}
	all.Wait()
	if got := names(t, dir); len(got) != len(contents) {
		t.Errorf("got the files %v", got)
	}
}

// TestFolderProperty: whatever is put, aged and swept, a folder holds what a map holds that
// knows the ages.
func TestFolderProperty(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(root, "") //nolint:usetesting // a rapid.T has no TempDir
		if err != nil {
			t.Fatal(err)
		}
		f, err := Folder(dir)
		if err != nil {
			t.Fatal(err)
		}
		type blob struct {
			content []byte
			age     time.Duration
		}
		model := map[string]*blob{}
		contents := rapid.SampledFrom([][]byte{{}, {0}, []byte("x"), []byte("y"), bytes.Repeat([]byte("long "), 1000)})
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				b := contents.Draw(t, "content")
				hash, err := f.Put(context.Background(), b)
				if err != nil || hash != Hash(b) {
					t.Fatalf("got %s (%v)", hash, err)
				}
				model[hash] = &blob{content: b}
			},
			"age": func(t *rapid.T) {
				by := time.Duration(rapid.IntRange(1, 60).Draw(t, "hours")) * time.Hour
				for hash, b := range model {
					b.age += by
					then := time.Now().Add(-b.age)
					if err := os.Chtimes(f.path(hash), then, then); err != nil {
						t.Fatal(err)
					}
				}
			},
			"sweep": func(t *rapid.T) {
				// A half hour beside the ages, so that the time the test takes does not count.
				limit := time.Duration(rapid.IntRange(24, 60).Draw(t, "hours"))*time.Hour + 30*time.Minute
				var want Swept
				for hash, b := range model {
					if b.age > limit {
						want.Blobs++
						want.Bytes += int64(len(b.content))
						delete(model, hash)
					}
				}
				if got, err := f.Sweep(context.Background(), limit); err != nil || got != want {
					t.Fatalf("got %+v (%v), want %+v", got, err, want)
				}
			},
			"": func(t *rapid.T) {
				for _, b := range [][]byte{{}, {0}, []byte("x"), []byte("y"), bytes.Repeat([]byte("long "), 1000)} {
					got, err := f.Get(context.Background(), Hash(b))
					if model[Hash(b)] == nil {
						if !errors.Is(err, ErrNotFound) {
							t.Fatalf("got %v, want %v", err, ErrNotFound)
						}
					} else if err != nil || !bytes.Equal(got, b) {
						t.Fatalf("got %.20q (%v), want %.20q", got, err, b)
					}
				}
			},
		})
	})
}
