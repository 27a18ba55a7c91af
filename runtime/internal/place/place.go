package place

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Place is where an open file is and how large it has been. It is safe for concurrent use.
type Place struct {
	Path string // absolute: the process may change its folder
	file os.FileInfo

	mu   sync.Mutex
	size int64
}

// Of is the place of an open file that was opened by a path.
func Of(f interface{ Stat() (os.FileInfo, error) }, path string) (*Place, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &Place{Path: path, file: info, size: info.Size()}, nil
}

// Grow says that the file has at least so many bytes from now on.
func (p *Place) Grow(size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size = max(p.size, size)
}

// Shrink says that the file was cut down to so many bytes on purpose.
func (p *Place) Shrink(size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size = min(p.size, size)
}

// Check returns the size of the file. The error says that the path does not lead to the file
// any more, or not to all of it, and continues the sentence "FILE …". For want of
// descriptors or memory nobody can say, and Check reports no error: the next look tells.
func (p *Place) Check() (size int64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, err := os.Stat(p.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, errors.New("was moved or deleted while it was in use")
	case InWant(err):
		return p.size, nil
	case err != nil:
		return 0, fmt.Errorf("cannot be reached any more: %w", err)
	case !os.SameFile(info, p.file):
		return 0, errors.New("was replaced by another file while it was in use")
	case info.Size() < p.size:
		return 0, fmt.Errorf("was cut off while it was in use: %d bytes, %d before", info.Size(), p.size)
	}
	return info.Size(), nil
}

// InWant reports that an error comes of too few descriptors or too little memory, which
// passes.
func InWant(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM)
}
