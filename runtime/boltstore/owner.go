package boltstore

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// lockRetry is how often a taken lock is tried again.
const lockRetry = 50 * time.Millisecond

// acquire opens the file and makes this process its only owner. A lock lives
// as long as its process: one that was killed blocks nobody.
func acquire(path string, timeout time.Duration) (*os.File, error) {
	for deadline := time.Now().Add(timeout); ; time.Sleep(lockRetry) {
		f, err := openFile(path)
		if err != nil {
			return nil, err
		}
		err = lock(f)
		if err == nil && sameFile(f, path) {
			return f, nil
		}
		_ = f.Close()
		switch {
		case err == nil:
			err = errors.New("is being replaced")
		case errors.Is(err, errLocked):
			err = inUse(path)
		default:
			return nil, fmt.Errorf("cannot be locked: %w", err)
		}
		if time.Now().After(deadline) {
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
		return nil, errors.New("is empty: it was cut off or never written; remove it to begin anew")
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

// ownerPath is a file beside the database in which its owner says who it is.
// Only the lock decides who owns the store; this is for the message.
func ownerPath(path string) string { return path + ".owner" }

func writeOwner(path string) error {
	text := fmt.Sprintf("%d\n%s\n", os.Getpid(), time.Now().UTC().Format(time.RFC3339))
	return os.WriteFile(ownerPath(path), []byte(text), 0o600)
}

func removeOwner(path string) { _ = os.Remove(ownerPath(path)) }

// Owner is the process id of who owns the store at path, by its own word; 0 when
// it is not known. Only opening the store tells whether anybody does.
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
