package boltstore

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// Want of a resource is passing: others give theirs back. It is waited for, but
// not for ever.
const (
	wantWait  = 100 * time.Millisecond
	wantLimit = time.Minute
)

// inWant reports that an error comes of too few descriptors or too little memory.
func inWant(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM)
}

// patiently calls try again while it fails for want of a resource, until ctx ends.
func patiently[T any](ctx context.Context, try func() (T, error)) (T, error) {
	again := time.NewTicker(wantWait)
	defer again.Stop()
	for end := time.Now().Add(wantLimit); ; {
		v, err := try()
		if !inWant(err) || time.Now().After(end) {
			return v, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}
