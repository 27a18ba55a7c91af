package boltstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/graphrun/graphrun/runtime/commitlog"
)

// lockRetry is how often a taken lock is tried again.
const lockRetry = 50 * time.Millisecond

// unsigned is how long a lock is waited for that no living process has signed for. A
// program that was being started when its owner ended may hold it until it is executed.
const unsigned = time.Second

// owned is a file that only this process owns. Two locks say so: one
// on the file, and one on the note beside it, which stays with the path when
// the file is moved away or replaced. A lock lives as long as its process: one
// that was killed blocks nobody.
type owned struct {
	*os.File
	path string
	note *os.File // nil where none can be written
}

// acquire opens the file at path and makes this process its only owner.
func acquire(path string, timeout time.Duration) (*owned, error) {
	deadline := time.Now().Add(timeout)
	f, err := lockFile(path, path, deadline, openFile)
	if errors.Is(err, errLocked) {
		return nil, inUse(path)
	}
	if err != nil {
		return nil, err
	}
	note, err := lockFile(path, ownerPath(path), deadline, openNote)
	switch {
	case errors.Is(err, errLocked):
		_ = f.Close() // gives the lock back
		return nil, inUse(path)
	case err != nil:
		note = nil // a folder that cannot be written to: the file's lock must do
	}
	return &owned{f, path, note}, nil
}

// release gives up the note; the file's lock goes when the file is closed.
func (o *owned) release() {
	if o.note != nil {
		if sameFile(o.note, ownerPath(o.path)) { // else it is another owner's
			_ = os.Remove(ownerPath(o.path))
		}
		_ = o.note.Close()
		o.note = nil
	}
}

// Close gives up the file.
func (o *owned) Close() error {
	o.release()
	return o.File.Close()
}

// lockFile opens and locks the file of a store at path that has this name then.
func lockFile(path, name string, deadline time.Time, open func(string) (*os.File, error)) (*os.File, error) {
	for began := time.Now(); ; time.Sleep(lockRetry) {
		f, err := patiently(context.Background(), func() (*os.File, error) { return open(name) })
		if err != nil {
			return nil, err
		}
		err = lock(f)
		if err == nil && sameFile(f, name) {
			return f, nil
		}
		_ = f.Close()
		switch {
		case err == nil:
			err = errors.New("is being replaced")
		case errors.Is(err, errLocked):
			err = errLocked
		default:
			return nil, fmt.Errorf("cannot be locked: %w", err)
		}
		now := time.Now()
		if now.After(deadline) && (now.Sub(began) > unsigned || Owner(path) > 0) {
			return nil, err
		}
	}
}

func openFile(path string) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot be opened: %w", err)
	case info.IsDir():
		return nil, errors.New("is a folder, expected a file")
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	case info.Size() == 0:
		return nil, errors.New("is empty: it was cut off or never written; remove it to start over")
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot be opened: %w", err)
	}
	return f, nil
}

func sameFile(f *os.File, path string) bool {
	a, errA := f.Stat()
	b, errB := os.Stat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// inUse names the owner.
func inUse(path string) error {
	if pid := Owner(path); pid > 0 {
		return fmt.Errorf("is in use by process %d", pid)
	}
	return errors.New("is in use by another process")
}

// Files lists the files of a store: the database at path, the note that names its owner, and
// its log, which is there while it is in use and after a crash.
func Files(path string) []string {
	return append([]string{path, ownerPath(path)}, commitlog.Files(path)...)
}

// ownerPath is the note: a file beside the database in which its owner says who
// it is.
func ownerPath(path string) string { return path + ".owner" }

func openNote(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
}

// sign writes into the note who owns the file, for the message that others get.
func (o *owned) sign() error {
	if o.note == nil {
		return fmt.Errorf("%s cannot be written", ownerPath(o.path))
	}
	text := fmt.Sprintf("%d\n%s\n", os.Getpid(), time.Now().UTC().Format(time.RFC3339))
	if err := o.note.Truncate(0); err != nil {
		return err
	}
	_, err := o.note.WriteAt([]byte(text), 0)
	return err
}

// Owner returns the process id that the owner of the store at path left beside it, or
// 0 if there is none. Only opening the store shows whether that process still owns it.
func Owner(path string) int {
	b, err := os.ReadFile(ownerPath(path))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil || pid <= 0 || !alive(pid) {
		return 0
	}
	return pid
}
