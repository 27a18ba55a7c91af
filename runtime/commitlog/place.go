package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// place is where a file is and how large it has been. What is written to a file that was
// moved away, replaced or cut off is lost to whoever opens the database next.
type place struct {
	path string // absolute: the process may change its folder
	file os.FileInfo

	mu   *sync.Mutex
	size *int64
}

func placeOf(f file, path string) (p place, err error) {
	p = place{mu: new(sync.Mutex), size: new(int64)}
	if p.path, err = filepath.Abs(path); err != nil {
		return p, err
	}
	if p.file, err = f.Stat(); err == nil {
		*p.size = p.file.Size()
	}
	return p, err
}

func (p *place) grow(size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*p.size = max(*p.size, size)
}

func (p *place) shrink(size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*p.size = min(*p.size, size)
}

// check reports that the path does not lead to the file any more, or not to all of it. The
// error continues the sentence "database PATH …".
func (p *place) check() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, err := os.Stat(p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("has lost its log: %q was moved or deleted while it was in use", p.path)
	case inWant(err):
		return nil // the next look tells
	case err != nil:
		return fmt.Errorf("has a log that cannot be reached any more: %w", err)
	case !os.SameFile(info, p.file):
		return fmt.Errorf("has lost its log: %q was replaced by another file while it was in use", p.path)
	case info.Size() < *p.size:
		return fmt.Errorf("has lost a part of its log: %q was cut off while it was in use: %d bytes, %d before", p.path, info.Size(), *p.size)
	}
	return nil
}
