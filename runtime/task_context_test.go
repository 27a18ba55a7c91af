package runtime

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// The context of an attempt ends as one of package context does, whenever somebody asks.
func TestTaskContext(t *testing.T) {
	t.Parallel()
	why := errors.New("why")
	type key struct{}
	base := context.WithoutCancel(context.WithValue(t.Context(), key{}, "value"))
	for name, use := range map[string]func(c *taskContext){
		"unused":           func(*taskContext) {},
		"its channel":      func(c *taskContext) { c.Done() },
		"its cause":        func(c *taskContext) { _ = context.Cause(c) },
		"a missing value":  func(c *taskContext) { c.Value("none") },
		"a context of it":  func(c *taskContext) { _, cancel := context.WithTimeout(c, time.Hour); defer cancel() },
		"a function after": func(c *taskContext) { context.AfterFunc(c, func() {})() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &taskContext{Context: base}
			use(c)
			if c.Err() != nil || context.Cause(c) != nil || c.Value(key{}) != "value" {
				t.Errorf("before its end: %v, cause %v, value %v", c.Err(), context.Cause(c), c.Value(key{}))
			}
			c = &taskContext{Context: base}
			use(c)
			c.end(why)
			c.end(nil)
			if !errors.Is(c.Err(), context.Canceled) || !errors.Is(context.Cause(c), why) {
				t.Errorf("after its end: %v, cause %v", c.Err(), context.Cause(c))
			}
			<-c.Done()
		})
	}
	c := &taskContext{Context: base}
	c.end(nil)
	if !errors.Is(context.Cause(c), context.Canceled) {
		t.Errorf("the cause of an end without one is %v", context.Cause(c))
	}
}

// What is made of the context of an attempt ends with it.
func TestTaskContextEndsItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		why := errors.New("why")
		c := &taskContext{Context: context.WithoutCancel(t.Context())}
		below, cancel := context.WithCancel(context.WithValue(c, key{}, "value"))
		defer cancel()
		called := false
		context.AfterFunc(c, func() { called = true })
		c.end(why)
		synctest.Wait()
		if !called || below.Err() == nil || !errors.Is(context.Cause(below), why) {
			t.Errorf("called: %v; below: %v, cause %v", called, below.Err(), context.Cause(below))
		}
	})
}
