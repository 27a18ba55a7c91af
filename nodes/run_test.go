package nodes_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

type nodeFunc func(ctx context.Context, t nodes.Task) (nodes.Result, error)

func (f nodeFunc) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) { return f(ctx, t) }

func spec(f nodeFunc) nodes.Spec {
	return nodes.Spec{Kind: graph.Kind{Name: "test"}, Node: f}
}

func failing(err error) nodes.Spec {
	return spec(func(context.Context, nodes.Task) (nodes.Result, error) { return nodes.Result{}, err })
}

func TestRunGivesFailuresAKind(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spec nodes.Spec
		want nodes.Error
	}{
		"plain":            {failing(errors.New("no luck")), nodes.Error{Kind: "error", Message: "no luck"}},
		"own kind":         {failing(nodes.Errorf("model", "refused")), nodes.Error{Kind: "model", Message: "refused"}},
		"wrapped":          {failing(fmt.Errorf("asking: %w", nodes.Errorf("model", "refused"))), nodes.Error{Kind: "model", Message: "asking: refused"}},
		"without a kind":   {failing(&nodes.Error{Message: "m"}), nodes.Error{Kind: "error", Message: "m"}},
		"permanent":        {failing(nodes.Permanent(errors.New("never"))), nodes.Error{Kind: "error", Message: "never", Permanent: true}},
		"own time limit":   {failing(fmt.Errorf("dial: %w", context.DeadlineExceeded)), nodes.Error{Kind: "timeout", Message: "dial: context deadline exceeded"}},
		"nothing to run":   {nodes.Spec{Kind: graph.Kind{Name: "agent", Missing: true}}, nodes.Error{Kind: "config", Permanent: true, Message: `kind "agent" has no work to run`}},
		"output no JSON":   {giving(make(chan int)), nodes.Error{Kind: "output", Message: "the output is no JSON value: "}},
		"output too large": {giving(strings.Repeat("x", nodes.MaxOutput)), nodes.Error{Kind: "output", Message: "the output has 67108866 bytes, at most 67108864 are allowed"}},
		"a message that is no UTF-8": {spec(func(context.Context, nodes.Task) (nodes.Result, error) {
			return nodes.Result{}, errors.New("a\xffb")
		}), nodes.Error{Kind: "error", Message: "a\uFFFDb"}},
		"a long message": {spec(func(context.Context, nodes.Task) (nodes.Result, error) {
			return nodes.Result{}, errors.New(strings.Repeat("x", nodes.MaxMessage-1) + "éé")
		}), nodes.Error{Kind: "error", Message: strings.Repeat("x", nodes.MaxMessage-1) + "…"}},
		"spent all the same": {spec(func(ctx context.Context, _ nodes.Task) (nodes.Result, error) {
			nodes.Spend(ctx, 5, 1)
			return nodes.Result{}, &nodes.Error{Kind: "model", Message: "m", Tokens: 2, Cost: 0.5}
		}), nodes.Error{Kind: "model", Message: "m", Tokens: 7, Cost: 1.5}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, fail := nodes.Run(t.Context(), tt.spec, nodes.Task{})
			if fail == nil {
				t.Fatal("no failure")
			}
			got := *fail
			if strings.HasSuffix(tt.want.Message, ": ") && strings.HasPrefix(got.Message, tt.want.Message) {
				got.Message = tt.want.Message
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func giving(v any) nodes.Spec {
	return spec(func(context.Context, nodes.Task) (nodes.Result, error) { return nodes.Result{Output: v}, nil })
}

func TestRunMakesOutputCanonical(t *testing.T) {
	t.Parallel()
	res, fail := nodes.Run(t.Context(), giving(map[string]any{"n": 3, "l": []string{"a"}}), nodes.Task{})
	if fail != nil {
		t.Fatal(fail)
	}
	if diff := cmp.Diff(map[string]any{"n": int64(3), "l": []any{"a"}}, res.Output); diff != "" {
		t.Error(diff)
	}
	if v := res.Value(); !value.Same(v.Any(), res.Output) || v.Size() != len(`{"l":["a"],"n":3}`) {
		t.Errorf("Value is %v with %d bytes", v.Any(), v.Size())
	}
}

func TestRunRecoversPanics(t *testing.T) {
	t.Parallel()
	_, fail := nodes.Run(t.Context(), spec(explode), nodes.Task{})
	if fail == nil || fail.Kind != "panic" {
		t.Fatalf("got %v, want kind panic", fail)
	}
	first, stack, _ := strings.Cut(fail.Message, "\n")
	if first != "panic: boom" {
		t.Errorf("message %q, want it to begin with the panic's value", first)
	}
	if !strings.Contains(strings.SplitN(stack, "\n", 2)[0], "explode") {
		t.Errorf("the stack does not begin where it panicked:\n%s", stack)
	}
	if n := strings.Count(stack, "\n"); n > 12 {
		t.Errorf("the stack has %d lines, want a short one", n)
	}
}

// trap panics where it is made text or JSON of.
type trap struct{ at *int }

func (t *trap) Error() string                { return fmt.Sprint(*t.at) }
func (t *trap) MarshalJSON() ([]byte, error) { panic(t.at) }

// TestRunRecoversPanicsOfWhatItWasGiven: an error that is a nil pointer, an
// output that cannot be written.
func TestRunRecoversPanicsOfWhatItWasGiven(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]nodes.Spec{
		"error": spec(func(context.Context, nodes.Task) (nodes.Result, error) {
			var none *trap
			return nodes.Result{}, none
		}),
		"output": giving(&trap{}),
	} {
		if _, fail := nodes.Run(t.Context(), s, nodes.Task{}); fail == nil || fail.Kind != "panic" {
			t.Errorf("%s: got %v, want kind panic", name, fail)
		}
	}
	none := spec(func(context.Context, nodes.Task) (nodes.Result, error) {
		var e *nodes.Error
		return nodes.Result{Output: "done"}, e
	})
	if res, fail := nodes.Run(t.Context(), none, nodes.Task{}); fail != nil || res.Output != "done" {
		t.Errorf("a nil *Error: got %v, %v, want a success", res.Output, fail)
	}
}

// untidy panics while it cleans up.
type untidy struct{ nodes.Node }

func (untidy) CleanUp(context.Context, nodes.Task) error { panic("boom") }

func TestCleanUp(t *testing.T) {
	t.Parallel()
	if err := nodes.CleanUp(t.Context(), nodes.Spec{Node: untidy{}}, nodes.Task{}); err == nil || !strings.HasPrefix(err.Error(), "panic: boom") {
		t.Errorf("a panic: %v", err)
	}
	if err := nodes.CleanUp(t.Context(), spec(explode), nodes.Task{}); err != nil {
		t.Errorf("a kind that leaves nothing: %v", err)
	}
}

func explode(context.Context, nodes.Task) (nodes.Result, error) { panic("boom") }

// blocked fails once its context has ended, as a client of some service does.
func blocked(ctx context.Context, _ nodes.Task) (nodes.Result, error) {
	<-ctx.Done()
	return nodes.Result{}, &nodes.Error{Kind: "http", Message: "connection torn down", Tokens: 3}
}

func TestRunWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		timed, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		caused, stop2 := context.WithTimeoutCause(t.Context(), time.Second, nodes.Errorf("timeout", "timed out after 1s"))
		defer stop2()
		for _, tt := range []struct {
			ctx  context.Context
			want nodes.Error
		}{
			{timed, nodes.Error{Kind: "timeout", Message: "timed out", Tokens: 3}},
			{cancelled, nodes.Error{Kind: "cancelled", Message: "cancelled", Tokens: 3}},
			{caused, nodes.Error{Kind: "timeout", Message: "timed out after 1s", Tokens: 3}},
		} {
			_, fail := nodes.Run(tt.ctx, spec(blocked), nodes.Task{})
			if diff := cmp.Diff(&tt.want, fail); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	})
}

func TestTaskOfOutsideAnAttempt(t *testing.T) {
	t.Parallel()
	nodes.Spend(t.Context(), 1, 1)
	if _, ok := nodes.TaskOf(t.Context()); ok {
		t.Error("there is no attempt, but TaskOf found one")
	}
}

// Permanent of no error is no error, and an error that wraps a nil *Error has no kind.
func TestNilErrors(t *testing.T) {
	t.Parallel()
	var none *nodes.Error
	for _, err := range []error{nil, none} {
		if got := nodes.Permanent(err); got != nil {
			t.Errorf("Permanent(%T) is %v", err, got)
		}
		spec := nodes.Func("k", func(context.Context, struct{}) (int, error) { return 1, nodes.Permanent(err) })
		if res, e := nodes.Run(t.Context(), spec, nodes.Task{}); e != nil || res.Output != int64(1) {
			t.Errorf("got %v, %v", res.Output, e)
		}
	}
	spec := nodes.Func("k", func(context.Context, struct{}) (int, error) { return 1, wrapsNone{} })
	if _, e := nodes.Run(t.Context(), spec, nodes.Task{}); e == nil || e.Kind != "error" || e.Message != "around none" {
		t.Errorf("an error around a nil *Error: %+v", e)
	}
}

type wrapsNone struct{}

func (wrapsNone) Error() string { return "around none" }
func (wrapsNone) Unwrap() error { return (*nodes.Error)(nil) }

// A journal cannot hold a cost that is not finite, and it would pass every limit.
func TestRunRefusesCostThatIsNotFinite(t *testing.T) {
	t.Parallel()
	for _, cost := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for name, work := range map[string]func(context.Context) error{
			"spent": func(ctx context.Context) error { nodes.Spend(ctx, 7, cost); return nil },
			"in a step": func(ctx context.Context) error {
				_, err := nodes.Step(ctx, "s", func(ctx context.Context) (int, error) { nodes.Spend(ctx, 7, cost); return 1, nil })
				return err
			},
		} {
			spec := nodes.Func("k", func(ctx context.Context, _ struct{}) (int, error) { return 1, work(ctx) })
			var r recorder
			_, e := nodes.Run(t.Context(), spec, nodes.Task{Record: r.record})
			if e == nil || e.Kind != "output" || e.Cost != 0 || e.Tokens != 7 || len(r.steps) > 0 {
				t.Errorf("%v %s: %+v, with %d steps", cost, name, e, len(r.steps))
			}
		}
	}
}
