package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	folderMode = 0o700
	newPrefix  = ".put-"   // of a blob that is being written; the rest of its name is random
	sweptMark  = ".swept-" // between the hash and a random end: a blob that a sweep looks at
)

// FolderStore keeps blobs as files DIR/ab/abcdef…, which only their owner may read. Any
// number of processes may use the folder at once, also on a file system that is shared by
// machines, if renaming a file is atomic there. The modification time of a file is the time
// of its last Put.
type FolderStore struct {
	dir   string   // absolute: the process may change its folder
	limit int64    // MaxSize, less in tests
	known sync.Map // names of folders in dir whose entries are durable
}

// Folder is the store in a folder, which is created if it is missing.
func Folder(dir string) (*FolderStore, error) {
	abs, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(abs, folderMode)
	}
	if err == nil {
		err = syncDir(filepath.Dir(abs))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use %s for blobs: %w", dir, advised(err))
	}
	return &FolderStore{dir: abs, limit: MaxSize}, nil
}

func (f *FolderStore) path(hash string) string {
	return filepath.Join(f.dir, filepath.FromSlash(key(hash)))
}

// Put writes a temporary file, syncs it, and gives it its name, so that a crash never leaves
// a part of a blob under its name. Sweep removes the temporary files of crashes.
func (f *FolderStore) Put(ctx context.Context, b []byte) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if int64(len(b)) > f.limit {
		return "", tooLarge("a blob", int64(len(b)), f.limit)
	}
	hash := Hash(b)
	there, err := f.renew(hash, int64(len(b)))
	if err == nil && !there {
		err = f.write(hash, b)
	}
	if err != nil {
		return "", fmt.Errorf("cannot put a blob of %d bytes into %s: %w", len(b), f.dir, advised(err))
	}
	return hash, nil
}

// renew sets the time of a blob to now, and makes sure that the blob and its time survive a
// power cut: the process that wrote it may not have come that far. It reports false if the
// blob is missing or has another size.
func (f *FolderStore) renew(hash string, size int64) (bool, error) {
	path := f.path(hash)
	info, err := os.Lstat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() != size) {
		return false, nil
	}
	if err == nil {
		now := time.Now()
		err = os.Chtimes(path, now, now)
	}
	if err == nil {
		err = syncFile(path)
	}
	if errors.Is(err, fs.ErrNotExist) { // or a sweep moved it away in between
		return false, nil
	}
	if err == nil {
		err = f.durable(hash)
	}
	return err == nil, err
}

func (f *FolderStore) write(hash string, b []byte) error {
	path := f.path(hash)
	dir := filepath.Dir(path)
	// f.dir is not created again: when it is gone, its disk is, and what is written to
	// the place where the disk was is lost as soon as it is back.
	if err := os.Mkdir(dir, folderMode); err == nil {
		f.known.Delete(filepath.Base(dir))
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	tmp, err := os.CreateTemp(dir, newPrefix+"*") // 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // else a sweep removes it
		return err
	}
	return f.durable(hash)
}

// durable makes the entries durable that lead to a blob.
func (f *FolderStore) durable(hash string) error {
	dir := filepath.Dir(f.path(hash))
	if err := syncDir(dir); err != nil {
		return err
	}
	name := filepath.Base(dir)
	if _, ok := f.known.Load(name); ok {
		return nil
	}
	if err := syncDir(f.dir); err != nil {
		return err
	}
	f.known.Store(name, nil)
	return nil
}

// Get reads a blob. See Store.
func (f *FolderStore) Get(ctx context.Context, hash string) ([]byte, error) {
	if err := checkHash(hash); err != nil {
		return nil, err
	}
	path := f.path(hash)
	b, err := f.read(ctx, path)
	for tries := 0; tries < 3 && errors.Is(err, fs.ErrNotExist); tries++ {
		b, err = f.readSwept(ctx, path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, gone := os.Stat(f.dir); gone != nil {
			return nil, fmt.Errorf("cannot read the blob %s: %w", path, advised(gone))
		}
		return nil, notFound(path)
	case errors.Is(err, ErrTooLarge), errors.Is(err, ErrDamaged), err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("cannot read the blob %s: %w", path, advised(err))
	}
	return verified(b, hash, path)
}

// readSwept reads a blob that is not under its name. A sweep may just be looking at it, in
// this process or another one, or may have been killed while it did. Where several sweeps
// run, the blob may have another name again when this one looks, and is found the next time.
func (f *FolderStore) readSwept(ctx context.Context, path string) ([]byte, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filepath.Base(path)+sweptMark) {
			b, err := f.read(ctx, filepath.Join(filepath.Dir(path), e.Name()))
			if !errors.Is(err, fs.ErrNotExist) {
				return b, err
			}
		}
	}
	return f.read(ctx, path) // the sweep may have put it back
}

func (f *FolderStore) read(ctx context.Context, path string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, damaged(path, "it is not a file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info.Size() > f.limit {
		return nil, tooLarge(path, info.Size(), f.limit)
	}
	b := make([]byte, info.Size())
	if n, err := io.ReadFull(file, b); errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return b[:n], nil // which does not have the hash
	} else if err != nil {
		return nil, err
	}
	return b, nil
}

// advised is an error of the file system with what to do.
func advised(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; mount the disk with the folder again, or create the folder", err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w; make room on the disk, for example by a sweep of old blobs", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; let the user of this process read and write the folder and all that is in it", err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w; mount its disk for writing", err)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w; a file is in the way of a folder, move it", err)
	}
	return err
}

// syncFile makes the content and the time of a file durable. Windows syncs only what is
// open for writing.
func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// syncDir makes the entries of a folder durable.
func syncDir(path string) error {
	if runtime.GOOS == "windows" { // where folders cannot be synced
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
