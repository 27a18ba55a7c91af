package commitlog

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// ErrNoRoom is in the error of a call that found no room on the disk, or no room below
// Options.MaxSize. Such a call has changed nothing and may be tried again.
var ErrNoRoom = errors.New("there is no room for its log")

// ErrBehind is in the error of a call that would need a file whose segment the database
// does not have yet. Such a call has changed nothing.
var ErrBehind = errors.New("the segment before the current one is not released")

// ErrClosed is what a log gives after Close.
var ErrClosed = errors.New("the log is closed")

// Damage is a segment that is not what was written: bytes are broken that had been
// forced to disk. Its message continues the sentence `database "PATH" …`.
type Damage struct {
	File string
	Byte int64 // where the first frame that is broken begins; 0 is the header
	What string
}

func (d *Damage) Error() string {
	return fmt.Sprintf("is damaged: its log %q is broken at byte %d: %s", d.File, d.Byte, d.What)
}

// Missing is a segment that the database needs and that is in none of the files. Its
// message continues the sentence `database "PATH" …`.
type Missing struct {
	Epoch uint64
	Files []string // where it could be
}

func (m *Missing) Error() string {
	return fmt.Sprintf("misses its log: acknowledged commits may be in it (segment %d, in one of %q to %q)", m.Epoch, m.Files[0], m.Files[len(m.Files)-1])
}

// Foreign is a file that does not fit the database: it is no log, a log of another store,
// or one of another time. Its message continues the sentence `database "PATH" …`.
type Foreign struct {
	File string
	Why  string
}

func (f *Foreign) Error() string { return fmt.Sprintf("and the log %q do not fit: %s", f.File, f.Why) }

// noRoom tells a full disk from other failures.
func noRoom(err error) bool {
	full := []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}
	if runtime.GOOS == "windows" {
		full = append(full, syscall.Errno(39), syscall.Errno(112)) // ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL
	}
	for _, cause := range full {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}
