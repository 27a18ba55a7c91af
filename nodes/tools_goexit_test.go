package nodes_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
)

// TestToolThatEndsItsGoroutine: the work of a tool that ends its goroutine has failed.
// Whoever called it continues, and the tool may be called again.
func TestToolThatEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	calls := 0
	b := box(t, func(ctx context.Context, _ nodes.Task) (nodes.Result, error) {
		if calls++; calls == 1 {
			nodes.Spend(ctx, 3, 0)
			runtime.Goexit()
		}
		return nodes.Result{Output: "x"}, nil
	})
	task := equipped(b, nodes.Task{}, bound(graph.Tool{Name: "find", Parallel: 1}, "work"))
	call := func() (res nodes.Result, err error) {
		err = errors.New("the call did not return")
		done := make(chan struct{})
		go func() {
			defer close(done)
			res, err = task.Tools[0].Call(t.Context(), 1, nil, false)
		}()
		<-done
		return res, err
	}
	_, err := call()
	var failed *nodes.Error
	if !errors.As(err, &failed) || failed.Kind != "panic" {
		t.Errorf("got %v, want a failure of kind panic", err)
	}
	if res, err := call(); err != nil || res.Output != "x" {
		t.Errorf("the next call: %v, %v", res.Output, err)
	}
}
