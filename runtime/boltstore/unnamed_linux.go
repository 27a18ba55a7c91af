package boltstore

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// openUnnamed makes a file in a folder that has no name yet, so that nothing of
// it is left when the process is killed. Not every file system can.
func openUnnamed(dir string) (*os.File, error) {
	if _, err := os.Stat("/proc/self/fd"); err != nil { // which nameUnnamed needs
		return nil, err
	}
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), dir), nil
}

// unnamedPath is where such a file can be opened.
func unnamedPath(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }

// nameUnnamed gives such a file a name that nothing has yet.
func nameUnnamed(f *os.File, path string) error {
	from := unnamedPath(f)
	if err := unix.Linkat(unix.AT_FDCWD, from, unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW); err != nil {
		return &os.LinkError{Op: "link", Old: from, New: path, Err: err}
	}
	return nil
}
