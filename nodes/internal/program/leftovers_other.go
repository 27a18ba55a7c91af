//go:build !linux

package program

import (
	"context"
	"time"
)

// EndLeftovers can do nothing here: only Linux shows the environment of other
// processes, by which leftovers are known. What a crashed engine left running
// runs beside the new attempt; its idempotency key is the same.
func EndLeftovers(context.Context, string, time.Duration, <-chan struct{}) error { return nil }

// EndAll can do nothing either.
func EndAll(context.Context, func(string) bool, time.Duration, <-chan struct{}) error { return nil }

// EndStaying can do nothing either.
func EndStaying(context.Context, string, time.Duration, <-chan struct{}) error { return nil }

// groupRuns takes a process that has ended but was not yet reaped for a running one.
func groupRuns(int) bool { return true }
