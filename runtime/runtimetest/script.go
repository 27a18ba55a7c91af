package runtimetest

import (
	"context"
	"sync"
	"time"

	"github.com/graphrun/graphrun/nodes"
)

// Reply is what one run of a scripted node does.
type Reply func(ctx context.Context, t nodes.Task) (any, error)

// Returns succeeds with an output.
func Returns(output any) Reply {
	return func(context.Context, nodes.Task) (any, error) { return output, nil }
}

// Fails fails with an error of a kind: exit, http, error, …
func Fails(kind, message string) Reply {
	return func(context.Context, nodes.Task) (any, error) {
		return nil, &nodes.Error{Kind: kind, Message: message}
	}
}

// Panics panics.
func Panics(message string) Reply {
	return func(context.Context, nodes.Task) (any, error) { panic(message) }
}

// Takes lets d pass before it replies; it ends early when it is cancelled.
func Takes(d time.Duration, reply Reply) Reply {
	return func(ctx context.Context, t nodes.Task) (any, error) {
		select {
		case <-time.After(d):
			return reply(ctx, t)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Ignores lets d pass before it replies, whether it is cancelled or not.
func Ignores(d time.Duration, reply Reply) Reply {
	return func(ctx context.Context, t nodes.Task) (any, error) {
		<-time.After(d)
		return reply(ctx, t)
	}
}

// script hands out the replies of one node: one a run, the last one for all
// later runs. A run that repeats one that was cut off gets the same reply.
type script struct {
	mu      sync.Mutex
	replies []Reply
	next    int
	given   map[string]Reply // by idempotency key
	runs    []nodes.Task
}

func (s *script) reply(t nodes.Task) Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs = append(s.runs, t)
	if r, ok := s.given[t.Key]; ok && t.Rerun {
		return r
	}
	r := s.replies[min(s.next, len(s.replies)-1)]
	s.next++
	s.given[t.Key] = r
	return r
}
