package cli

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A named pipe that nobody reads does not open: the command still ends by a signal.
func TestAPipeThatNobodyReadsCanBeInterrupted(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := openToWrite(ctx, pipe); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	reader, err := syscall.Open(pipe, syscall.O_RDONLY|syscall.O_NONBLOCK, 0) // lets the other end go
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(reader)
	f, err := openToWrite(t.Context(), pipe)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}
