package program

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/graphrun/graphrun/nodes"
)

// WantTime is how long an attempt waits for what the machine is out of.
const WantTime = time.Minute

// isWant says whether an error is a want of descriptors, processes, memory or buffers:
// it passes, and is nobody's mistake.
func isWant(err error) bool {
	for _, want := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN, syscall.ENOMEM, syscall.ENOBUFS} {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

// Patiently calls fn until it does not fail for want of something, for at most the
// given time; then the failure is kind "error". It uses up no attempt of the task. The
// waits grow from 20 ms to 2 s.
func Patiently(ctx context.Context, most time.Duration, fn func() error) error {
	began := time.Now()
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := fn()
		if err == nil || !isWant(err) {
			return err
		}
		left := most - time.Since(began)
		if left <= 0 {
			return nodes.Errorf("error", "%v, for %s", err, most)
		}
		again := time.NewTimer(min(wait, left))
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return context.Cause(ctx)
		}
	}
}
