//go:build !linux

package std

import (
	"context"
	"time"
)

// endLeftovers can do nothing here: only Linux shows the environment of other
// processes, by which leftovers are known. What a crashed engine left running
// runs beside the new attempt; its idempotency key is the same.
func endLeftovers(context.Context, string, time.Duration, <-chan struct{}) error { return nil }

// groupRuns takes a process that has ended but was not yet reaped for a running one.
func groupRuns(int) bool { return true }
