package runtime

import (
	"context"
	"sync"
)

// taskContext is the context of an attempt: the values of another one that never ends, and
// an end of its own. Most work asks neither for its channel nor for a value that nobody has:
// the context of package context that can give both is made when it is needed. It is safe
// for concurrent use.
type taskContext struct {
	context.Context // the values

	mu    sync.Mutex
	made  context.Context // nil until it is needed
	stop  context.CancelCauseFunc
	ended bool
	cause error
}

// end ends the context. Only the first call counts; a nil cause is context.Canceled.
func (c *taskContext) end(cause error) {
	c.mu.Lock()
	stop := c.stop
	if !c.ended {
		c.ended, c.cause = true, cause
	}
	c.mu.Unlock()
	if stop != nil {
		stop(cause)
	}
}

// full is the context of package context, with the same values and the same end.
func (c *taskContext) full() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil {
		c.made, c.stop = context.WithCancelCause(c.Context)
		if c.ended {
			c.stop(c.cause)
		}
	}
	return c.made
}

func (c *taskContext) Done() <-chan struct{} { return c.full().Done() }

func (c *taskContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return context.Canceled
	}
	return nil
}

// Value also finds what package context looks for behind a context, as context.Cause does.
func (c *taskContext) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.full().Value(key)
}
