package boltstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// Want of a resource is waited out for a minute; other errors are not.
func TestPatiently(t *testing.T) {
	t.Parallel()
	none := &os.PathError{Op: "open", Path: "f", Err: syscall.EMFILE}
	tests := []struct {
		name  string
		fails time.Duration // for so long
		err   error
		want  error
		least time.Duration
		most  time.Duration
	}{
		{"at once", 0, none, nil, 0, 0},
		{"descriptors come free", 20 * time.Second, none, nil, 20 * time.Second, 21 * time.Second},
		{"memory comes free", time.Second, fmt.Errorf("mmap: %w", syscall.ENOMEM), nil, time.Second, 2 * time.Second},
		{"never", time.Hour, none, syscall.EMFILE, time.Minute, time.Minute + time.Second},
		{"something else", time.Hour, os.ErrPermission, os.ErrPermission, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				v, err := patiently(t.Context(), func() (int, error) {
					if time.Since(began) < test.fails {
						return 0, test.err
					}
					return 7, nil
				})
				if !errors.Is(err, test.want) || err == nil && v != 7 {
					t.Errorf("got %d, %v, want %v", v, err, test.want)
				}
				if took := time.Since(began); took < test.least || took > test.most {
					t.Errorf("it took %s, want %s to %s", took, test.least, test.most)
				}
			})
		})
	}
}

// Whoever gives up waits no longer.
func TestPatientlyEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := patiently(ctx, func() (int, error) { return 0, syscall.EMFILE })
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("got %v after %s, want the end of the context after a second", err, took)
		}
	})
}
