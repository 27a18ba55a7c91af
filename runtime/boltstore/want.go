package boltstore

import (
	"context"
	"time"

	"github.com/graphrun/graphrun/runtime/internal/place"
)

// Want of a resource is passing: others give theirs back. It is waited for, but
// not for ever.
const (
	wantWait  = 100 * time.Millisecond
	wantLimit = time.Minute
)

// patiently calls try again while it fails for want of a resource, until ctx ends.
func patiently[T any](ctx context.Context, try func() (T, error)) (T, error) {
	again := time.NewTicker(wantWait)
	defer again.Stop()
	for end := time.Now().Add(wantLimit); ; {
		v, err := try()
		if !place.InWant(err) || time.Now().After(end) {
			return v, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}
