package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// MinAge is the least age that a sweep accepts. The shortest retention of a namespace
	// is one day too, so a lower one deletes blobs that are in use.
	MinAge = 24 * time.Hour

	// abandonedAge is when a temporary file belongs to no Put any more.
	abandonedAge = time.Hour
)

// Swept is what a sweep has deleted.
type Swept struct {
	Blobs int   `json:"blobs"`
	Bytes int64 `json:"bytes"`
}

// Sweep deletes the blobs whose last Put is longer ago than olderThan, and the temporary
// files of processes that were killed. The longest run of a stack plus the retention of the
// namespace is a safe age; see the package comment for what keeps a blob alive. Less than
// MinAge is an error.
//
// Puts, Gets and other sweeps may run meanwhile, in any process: a blob that is put while the
// sweep looks at it stays. Files that no store has written are left alone. After an error or
// when ctx ends, Swept is what was deleted so far, and another sweep does the rest.
func (f *FolderStore) Sweep(ctx context.Context, olderThan time.Duration) (Swept, error) {
	var swept Swept
	if olderThan < MinAge {
		return swept, fmt.Errorf("cannot sweep blobs that are older than %s: it has to be %s or more, for histories "+
			"refer to them; take the longest run of a stack plus the retention of the namespace", olderThan, MinAge)
	}
	now := time.Now()
	dirs, err := os.ReadDir(f.dir)
	for _, dir := range dirs {
		if err != nil {
			break
		}
		if len(dir.Name()) == 2 && dir.IsDir() {
			err = f.sweepFolder(ctx, dir.Name(), now, now.Add(-olderThan), &swept)
		}
	}
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("cannot sweep the blobs in %s: %w", f.dir, advised(err))
	}
	return swept, err
}

func (f *FolderStore) sweepFolder(ctx context.Context, name string, now, before time.Time, swept *Swept) error {
	entries, err := os.ReadDir(filepath.Join(f.dir, name))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() {
			err = f.sweepFile(filepath.Join(f.dir, name, e.Name()), info.ModTime(), now, before, swept)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // another sweep was here
			return err
		}
	}
	return nil
}

func (f *FolderStore) sweepFile(path string, modified, now, before time.Time, swept *Swept) error {
	name := filepath.Base(path)
	if strings.HasPrefix(name, newPrefix) {
		if modified.Before(now.Add(-abandonedAge)) {
			return os.Remove(path)
		}
		return nil
	}
	hash, _, moved := strings.Cut(name, sweptMark)
	if !isHash(hash) || hash[:2] != filepath.Base(filepath.Dir(path)) {
		return nil
	}
	if !moved && !modified.Before(before) {
		return nil
	}
	// A blob that a killed sweep has moved away is decided again, whatever its age.
	aside, err := f.setAside(path, hash)
	if err != nil {
		return err
	}
	size, err := f.decide(aside, hash, before)
	if err == nil && size >= 0 {
		swept.Blobs++
		swept.Bytes += size
	}
	return err
}

// setAside gives a blob a name that only this sweep knows. From now on a Put does not find
// the blob and writes it again, so that what is decided about it stays true.
func (f *FolderStore) setAside(path, hash string) (string, error) {
	aside := f.path(hash) + sweptMark + rand.Text()
	return aside, os.Rename(path, aside)
}

// decide deletes a blob that was set aside, and returns its size. One that was put after
// the sweep had looked gets its name back, and the size is -1.
func (f *FolderStore) decide(aside, hash string, before time.Time) (int64, error) {
	info, err := statOpen(aside)
	if err != nil {
		return -1, err
	}
	if info.ModTime().Before(before) {
		return info.Size(), os.Remove(aside)
	}
	// It may replace a file of a later Put. With the present time it is not older than that.
	now := time.Now()
	if err := os.Chtimes(aside, now, now); err != nil {
		return -1, err
	}
	return -1, os.Rename(aside, f.path(hash))
}

// statOpen looks at an open file. NFS may answer for a closed one from memory, with the time
// before another machine's Put.
func statOpen(path string) (os.FileInfo, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	return info, errors.Join(err, file.Close())
}
