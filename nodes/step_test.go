package nodes_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/nodes"
)

// recorder keeps the steps of a task over its attempts, as a driver does.
type recorder struct {
	mu    sync.Mutex
	steps []nodes.StepRecord
	err   error // of every step that follows
}

func (r *recorder) record(_ context.Context, s nodes.StepRecord) (any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return nil, r.err
	}
	s.Duration = 0
	r.steps = append(r.steps, s)
	return s.Content, nil
}

// attempt runs work with the steps of the attempts before.
func (r *recorder) attempt(t *testing.T, work func(context.Context) (any, error)) (nodes.Result, *nodes.Error) {
	t.Helper()
	spec := nodes.Func("k", func(ctx context.Context, _ struct{}) (any, error) { return work(ctx) })
	return nodes.Run(t.Context(), spec, nodes.Task{Steps: append([]nodes.StepRecord(nil), r.steps...), Record: r.record})
}

type turn struct {
	Say   string   `json:"say"`
	Count int64    `json:"count"`
	Tags  []string `json:"tags,omitempty"`
}

func TestStepRunsOncePerTask(t *testing.T) {
	t.Parallel()
	var r recorder
	calls := map[string]int{}
	fail := true
	work := func(ctx context.Context) (any, error) {
		var said []turn
		for n := range int64(3) { // the same name again is its next call
			got, err := nodes.Step(ctx, "turn", func(ctx context.Context) (turn, error) {
				calls["turn"]++
				nodes.Spend(ctx, 10, 0.5)
				return turn{Say: "hello", Count: n}, nil
			})
			if err != nil {
				return nil, err
			}
			said = append(said, got)
		}
		nodes.Spend(ctx, 1, 0)
		_, err := nodes.Step(ctx, "last", func(ctx context.Context) (*turn, error) {
			calls["last"]++
			nodes.Spend(ctx, 100, 0)
			if fail {
				return nil, errors.New("not yet")
			}
			return nil, nil
		})
		return said, err
	}
	if res, e := r.attempt(t, work); e == nil || e.Message != "not yet" || e.Tokens != 101 || e.Cost != 0 {
		t.Fatalf("first attempt: %+v, %+v: want the error of the step, which is not recorded, and what was spent outside of recorded steps", res, e)
	}
	fail = false
	res, e := r.attempt(t, work)
	if e != nil || res.Tokens != 1 {
		t.Fatalf("second attempt: %+v, %v", res, e)
	}
	want := []any{map[string]any{"say": "hello", "count": int64(0)}, map[string]any{"say": "hello", "count": int64(1)}, map[string]any{"say": "hello", "count": int64(2)}}
	if d := cmp.Diff(any(want), res.Output); d != "" {
		t.Errorf("output (-want +got)\n%s", d)
	}
	if d := cmp.Diff(map[string]int{"turn": 3, "last": 2}, calls); d != "" {
		t.Errorf("calls (-want +got)\n%s", d)
	}
	wantSteps := []nodes.StepRecord{
		{Name: "turn", Content: want[0], Tokens: 10, Cost: 0.5}, {Name: "turn", Content: want[1], Tokens: 10, Cost: 0.5},
		{Name: "turn", Content: want[2], Tokens: 10, Cost: 0.5}, {Name: "last", Tokens: 100},
	}
	if d := cmp.Diff(wantSteps, r.steps); d != "" {
		t.Errorf("steps (-want +got)\n%s", d)
	}
}

func TestStepsInParallel(t *testing.T) {
	t.Parallel()
	var r recorder
	names := []string{"a", "b", "c", "d"}
	work := func(calls *sync.Map) func(context.Context) (any, error) {
		return func(ctx context.Context) (any, error) {
			out := make([]string, len(names))
			var all sync.WaitGroup
			for i, name := range names {
				all.Go(func() {
					out[i], _ = nodes.Step(ctx, name, func(context.Context) (string, error) {
						calls.Store(name, true)
						return strings.ToUpper(name), nil
					})
				})
			}
			all.Wait()
			return out, nil
		}
	}
	for _, want := range []int{4, 0} {
		var calls sync.Map
		res, e := r.attempt(t, work(&calls))
		if d := cmp.Diff(any([]any{"A", "B", "C", "D"}), res.Output); e != nil || d != "" {
			t.Errorf("%v %s", e, d)
		}
		got := 0
		calls.Range(func(any, any) bool { got++; return true })
		if got != want {
			t.Errorf("%d calls, want %d", got, want)
		}
	}
}

func TestStepsThatFail(t *testing.T) {
	t.Parallel()
	one := func(context.Context) (any, error) { return 1, nil }
	for name, tt := range map[string]struct {
		r    *recorder
		work func(context.Context) (any, error)
		kind string
	}{
		"refused": {&recorder{err: nodes.Permanent(nodes.Errorf("limit", "too many"))},
			func(ctx context.Context) (any, error) { return nodes.Step(ctx, "a", one) }, "limit"},
		"nested": {&recorder{}, func(ctx context.Context) (any, error) {
			return nodes.Step(ctx, "a", func(ctx context.Context) (any, error) { return nodes.Step(ctx, "b", one) })
		}, "config"},
		"no text": {&recorder{}, func(ctx context.Context) (any, error) { return nodes.Step(ctx, "a\xff", one) }, "config"},
		"no JSON": {&recorder{}, func(ctx context.Context) (any, error) {
			return nodes.Step(ctx, "a", func(context.Context) (func(), error) { return func() {}, nil })
		}, "output"},
		"of another type": {&recorder{steps: []nodes.StepRecord{{Name: "a", Content: "text"}}}, func(ctx context.Context) (any, error) {
			return nodes.Step(ctx, "a", func(context.Context) (int, error) { return 1, nil })
		}, "config"},
		"panic": {&recorder{}, func(ctx context.Context) (any, error) {
			return nodes.Step(ctx, "a", func(context.Context) (int, error) { panic("oh") })
		}, "panic"},
	} {
		if _, e := tt.r.attempt(t, tt.work); e == nil || e.Kind != tt.kind {
			t.Errorf("%s: got %v, want kind %s", name, e, tt.kind)
		}
	}
}

// A step that failed, and that its work recorded itself, is not what Step gives.
func TestStepPassesFailedStepsBy(t *testing.T) {
	t.Parallel()
	r := &recorder{steps: []nodes.StepRecord{{Name: "a", Error: nodes.Errorf("model", "busy")}}}
	res, e := r.attempt(t, func(ctx context.Context) (any, error) {
		return nodes.Step(ctx, "a", func(context.Context) (string, error) { return "done", nil })
	})
	if e != nil || res.Output != "done" || len(r.steps) != 2 {
		t.Errorf("%v, %v, %d steps", res.Output, e, len(r.steps))
	}
}

func TestStepOutsideOfAnAttempt(t *testing.T) {
	t.Parallel()
	if v, err := nodes.Step(t.Context(), "a", func(context.Context) (int, error) { return 7, nil }); v != 7 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
	nodes.Note(t.Context(), "nobody hears %s", "this")
}

// opener counts how often it is open.
type opener struct {
	mu             sync.Mutex
	opened, closed int
	fails          int
}

func (o *opener) Run(context.Context, nodes.Task) (nodes.Result, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return nodes.Result{Output: o.opened - o.closed}, nil
}

func (o *opener) Open(context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fails--; o.fails >= 0 {
		return errors.New("not yet")
	}
	o.opened++
	return nil
}

func (o *opener) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed++
	return errors.New("was slow")
}

func TestSessionOpensOnceAndCloses(t *testing.T) {
	t.Parallel()
	o := &opener{fails: 1}
	spec := nodes.Spec{Node: o}
	spec.Name = "k"
	s := nodes.NewSession(t.Context())
	if _, e := s.Run(t.Context(), spec, nodes.Task{}); e == nil || e.Message != "not yet" {
		t.Errorf("the first attempt: %v, want the error of Open", e)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if res, e := s.Run(t.Context(), spec, nodes.Task{}); e != nil || res.Output != int64(1) {
				t.Errorf("got %v, %v; want 1 open", res.Output, e)
			}
		})
	}
	all.Wait()
	if err := s.Close(); err == nil || err.Error() != "was slow" || o.opened != 1 || o.closed != 1 {
		t.Errorf("closed: %v; opened %d times, closed %d times", err, o.opened, o.closed)
	}
	if _, e := s.Run(t.Context(), spec, nodes.Task{}); e == nil || e.Kind != "cancelled" || o.opened != 1 {
		t.Errorf("after Close: %v", e)
	}
}

// slowOpener opens when it is let, or when its driver ends.
type slowOpener struct {
	let            chan struct{}
	opened, closed atomic.Int64
}

func (o *slowOpener) Run(context.Context, nodes.Task) (nodes.Result, error) {
	return nodes.Result{Output: "done"}, nil
}

func (o *slowOpener) Open(ctx context.Context) error {
	select {
	case <-o.let:
		o.opened.Add(1)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (o *slowOpener) Close() error { o.closed.Add(1); return nil }

// An attempt that ends while its kind is opened returns at once, and what it began to
// open serves the next attempt and is closed once.
func TestSessionDoesNotHoldAnAttemptThatEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &slowOpener{let: make(chan struct{})}
		spec := nodes.Spec{Node: o}
		spec.Name = "k"
		s := nodes.NewSession(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		over := make(chan *nodes.Error, 1)
		go func() {
			_, e := s.Run(ctx, spec, nodes.Task{})
			over <- e
		}()
		<-ctx.Done()
		synctest.Wait()
		select {
		case e := <-over:
			if e == nil || e.Kind != "timeout" {
				t.Errorf("got %v, want a timeout", e)
			}
		default:
			t.Error("the attempt is held by Open after its timeout")
		}
		close(o.let)
		synctest.Wait()
		if res, e := s.Run(t.Context(), spec, nodes.Task{}); e != nil || res.Output != "done" {
			t.Errorf("the next attempt: %v, %v", res.Output, e)
		}
		if err := s.Close(); err != nil || o.opened.Load() != 1 || o.closed.Load() != 1 {
			t.Errorf("closed: %v; opened %d times, closed %d times", err, o.opened.Load(), o.closed.Load())
		}
	})
}

// What the work does to the value of a step does not change what was recorded.
func TestStepValueIsTheWorksOwn(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	for i := range 2 {
		res, e := r.attempt(t, func(ctx context.Context) (any, error) {
			v, err := nodes.Step(ctx, "s", func(context.Context) (any, error) { return map[string]any{"list": []any{"a"}}, nil })
			before := fmt.Sprint(v)
			v.(map[string]any)["list"].([]any)[0] = "changed"
			return before, err
		})
		if e != nil || res.Output != "map[list:[a]]" {
			t.Errorf("attempt %d: %v, %v", i+1, res.Output, e)
		}
	}
}

// A value that is no JSON is not recorded.
func TestStepRefusesWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	var r recorder
	_, e := r.attempt(t, func(ctx context.Context) (any, error) {
		return nodes.Step(ctx, "odd", func(context.Context) (any, error) { return func() {}, nil })
	})
	if e == nil || e.Kind != "output" || len(r.steps) > 0 {
		t.Errorf("got %v, with %d steps", e, len(r.steps))
	}
}

// The record of a step has its name without secrets, and is found all the same.
func TestStepWithASecretInItsName(t *testing.T) {
	t.Parallel()
	mask := func(s string) string { return strings.ReplaceAll(s, "hunter2", "***") }
	calls := 0
	spec := nodes.Func("k", func(ctx context.Context, _ struct{}) (int, error) {
		return nodes.Step(ctx, "log in as hunter2", func(context.Context) (int, error) { calls++; return 1, nil })
	})
	task := nodes.Task{Mask: mask, Steps: []nodes.StepRecord{{Name: "log in as ***", Content: int64(7)}}}
	if res, e := nodes.Run(t.Context(), spec, task); e != nil || res.Output != int64(7) || calls != 0 {
		t.Errorf("got %v, %v after %d calls, want the recorded 7", res.Output, e, calls)
	}
}
