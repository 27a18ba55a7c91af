package commitlog

import (
	"os"

	"golang.org/x/sys/unix"
)

// force brings the data of a file to disk. Its size and blocks have been there before, so
// nothing else has to be written.
func force(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		switch err {
		case nil:
			return nil
		case unix.EINTR:
			continue
		}
		return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
	}
}
