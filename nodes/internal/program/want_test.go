//go:build unix

package program

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graphrun/graphrun/nodes"
)

func TestPatiently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := Patiently(t.Context(), time.Minute, func() error {
			if time.Since(began) < 30*time.Second {
				return fmt.Errorf("cannot: %w", syscall.EAGAIN)
			}
			return nil
		})
		if took := time.Since(began); err != nil || took < 30*time.Second || took > 33*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
		began = time.Now()
		var failure *nodes.Error
		if err := Patiently(t.Context(), time.Minute, func() error { return syscall.ENOMEM }); !errors.As(err, &failure) || failure.Kind != "error" || time.Since(began) != time.Minute {
			t.Errorf("after %s: %v, want kind error after a minute", time.Since(began), err)
		}
		began = time.Now()
		if err := Patiently(t.Context(), time.Minute, func() error { return os.ErrNotExist }); err != os.ErrNotExist || time.Since(began) != 0 {
			t.Errorf("after %s: %v, want another error at once", time.Since(began), err)
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, nodes.Errorf("timeout", "too long"))
		defer cancel()
		if err := Patiently(ctx, time.Minute, func() error { return syscall.ENFILE }); err == nil || err.Error() != "too long" {
			t.Errorf("cancelled: %v", err)
		}
	})
}
