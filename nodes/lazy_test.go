package nodes_test

import (
	"context"
	"sync"
	"testing"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// late completes a task, and counts how often it is asked.
type late struct {
	mu    sync.Mutex
	asked int
	notes []string
}

func (l *late) Complete(t *nodes.Task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	t.Key, t.Attempt = "key", 3
	t.Mask = func(s string) string { return s }
	t.Note = func(text string) { l.notes = append(l.notes, text) }
	t.Steps = []nodes.StepRecord{{Name: "known", Content: int64(7)}}
}

// task is a lazy task with a secret in its `with`.
func (l *late) task() nodes.Task {
	return nodes.Task{With: map[string]any{"token": &value.Secret{Name: "token"}}, Lazy: l,
		Secret: func(string) (string, bool) { return "s3cret", true }}
}

// Nothing is made for a Go function that does not ask for its task, and all of it once for
// one that does, from any goroutine, also when the attempt is over.
func TestLazyTask(t *testing.T) {
	t.Parallel()
	type in struct{ Token string }
	var ctx context.Context
	for name, ask := range map[string]func(ctx context.Context) error{
		"nothing": nil,
		"its task": func(ctx context.Context) error {
			for range 2 {
				if task, ok := nodes.TaskOf(ctx); !ok || task.Key != "key" || task.Attempt != 3 || task.Lazy != nil || task.Secret != nil ||
					value.String(task.With) != `{"token":"s3cret"}` {
					t.Errorf("the task is %+v", task)
				}
			}
			return nil
		},
		"a step": func(ctx context.Context) error {
			n, err := nodes.Step(ctx, "known", func(context.Context) (int, error) { return 0, nil })
			if n != 7 {
				t.Errorf("the recorded step is %d", n)
			}
			return err
		},
		"a note":      func(ctx context.Context) error { nodes.Note(ctx, "turn %d", 1); return nil },
		"what it has": func(ctx context.Context) error { nodes.Spend(ctx, 5, 0.5); return nil },
	} {
		l := &late{}
		s := nodes.Func("f", func(c context.Context, i in) (string, error) {
			ctx = c //nolint:fatcontext // what was given is looked at after the end
			if ask == nil {
				return i.Token, nil
			}
			return i.Token, ask(c)
		})
		res, err := nodes.Run(t.Context(), s, l.task())
		if err != nil || res.Output != "s3cret" {
			t.Errorf("%s: %v, %v", name, res.Output, err)
		}
		want := 1
		if ask == nil || name == "what it has" {
			want = 0
		}
		if l.asked != want || name == "a note" && len(l.notes) != 1 || name == "what it has" && res.Tokens != 5 {
			t.Errorf("%s: its task was made %d times, want %d; notes %q, %d tokens", name, l.asked, want, l.notes, res.Tokens)
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if task, ok := nodes.TaskOf(ctx); !ok || task.Key != "key" {
					t.Errorf("%s: after its end the task is %+v", name, task)
				}
			})
		}
		all.Wait()
		if l.asked != 1 {
			t.Errorf("%s: its task was made %d times in all", name, l.asked)
		}
	}
}

// asks is a kind that reads its task.
type asks struct{ got *nodes.Task }

func (a asks) Run(_ context.Context, t nodes.Task) (nodes.Result, error) {
	*a.got = t
	return nodes.Result{}, nil
}

// A kind that is not lean gets the whole task.
func TestWholeTaskOfOtherKinds(t *testing.T) {
	t.Parallel()
	l, got := &late{}, nodes.Task{}
	if _, err := nodes.Run(t.Context(), nodes.Spec{Node: asks{&got}}, l.task()); err != nil {
		t.Fatal(err)
	}
	if got.Key != "key" || got.Lazy != nil || got.Secret != nil || value.String(got.With) != `{"token":"s3cret"}` || l.asked != 1 {
		t.Errorf("it got %+v, made %d times", got, l.asked)
	}
	s := nodes.Func("f", func(context.Context, struct{}) (int, error) { return 0, nil })
	if !s.Lean() {
		t.Error("a Go function is not lean")
	}
	if s.Secrets = true; s.Lean() {
		t.Error("a kind that asks for secrets by their names is lean")
	}
}
