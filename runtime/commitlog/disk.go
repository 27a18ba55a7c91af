package commitlog

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// disk is what a log needs of a file system. Tests put one in its place that fails, or
// that remembers what a crash could leave.
type disk interface {
	create(path string) (file, error) // there must be none
	remove(path string) error
	syncDir(path string) error // makes the entries of a folder durable
}

type file interface {
	WriteAt(b []byte, at int64) (int, error)
	Truncate(size int64) error
	Stat() (os.FileInfo, error)
	Sync() error
	force() error // Sync for data alone: the size and the blocks have been synced before
	Close() error
}

// system is the file system as it is.
type system struct{}

type systemFile struct{ *os.File }

func (system) create(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return systemFile{f}, err
}

func (system) remove(path string) error { return os.Remove(path) }

func (system) syncDir(path string) error {
	if runtime.GOOS == "windows" { // where folders cannot be synced
		return nil
	}
	d, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
