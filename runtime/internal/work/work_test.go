package work

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/mask"
	"github.com/graphrun/graphrun/nodes"
)

// set looks up the secrets that have this value.
func set(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	inner := &graph.Graph{Name: "inner", Secrets: []string{"B", "C"}}
	outer := &graph.Graph{Name: "outer", Secrets: []string{"A", "B"}, Nodes: []graph.Node{{ID: "n", Inner: inner}}}
	other := &graph.Graph{Name: "other", Secrets: []string{"D"}}
	all := map[string]string{"A": "secret-a", "B": "secret-b", "C": "secret-c", "D": "secret-d", "E": "secret-e"}

	old, err := SecretsOf(set(all), nil, nil, outer)
	if err != nil {
		t.Fatal(err)
	}
	const text = "secret-a secret-b secret-c secret-d secret-e"
	if got := old.Masker().Text(text); got != "*** *** *** secret-d secret-e" {
		t.Errorf("masked: %q", got)
	}
	before, hide := old.Lookup([]string{"A", "D"}), old.Mask
	next, err := SecretsOf(set(all), nil, outer, other)
	if err != nil {
		t.Fatal(err)
	}
	old.Take(next)
	if got := hide(text); got != "*** *** *** *** secret-e" {
		t.Errorf("masked after Take: %q", got)
	}
	for name, tt := range map[string]struct {
		lookup func(string) (string, bool)
		name   string
		want   string // "" if there is none
	}{
		"declared and set":          {old.Lookup([]string{"A"}), "A", "secret-a"},
		"set and not declared":      {old.Lookup([]string{"A"}), "B", ""},
		"declared and not set":      {old.Lookup([]string{"F"}), "F", ""},
		"nothing is declared":       {old.Lookup(nil), "A", ""},
		"made before it was taken":  {before, "D", ""},
		"the same after it":         {before, "A", "secret-a"},
		"made after it was taken":   {old.Lookup([]string{"D"}), "D", "secret-d"},
		"a secret of an inner node": {old.Lookup([]string{"C"}), "C", "secret-c"},
	} {
		if got, ok := tt.lookup(tt.name); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
}

func TestMissingSecrets(t *testing.T) {
	t.Parallel()
	first := &graph.Graph{Name: "first", Secrets: []string{"A", "B", "A"}}
	second := &graph.Graph{Name: "second", Secrets: []string{"C"}}
	for name, lookUp := range map[string]func(string) (string, bool){"some": set(map[string]string{"B": "secret-b"}), "none": nil} {
		s, err := SecretsOf(lookUp, nil, first, second)
		var missing *SecretError
		want := &SecretError{"first", []string{"A"}}
		if lookUp == nil {
			want.Names = []string{"A", "B"}
		}
		if !errors.As(err, &missing) || !cmp.Equal(missing, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if _, ok := s.Lookup([]string{"B"})("B"); ok != (lookUp != nil) {
			t.Errorf("%s: B is there: %v", name, ok)
		}
	}
}

var masker = mask.New([]string{"hush-hush"})

func TestStep(t *testing.T) {
	t.Parallel()
	type content struct{ N int }
	r := nodes.StepRecord{Name: "a", Content: []any{content{3}, "it is hush-hush"}, Duration: time.Second, Tokens: 5, Cost: 0.5, Mark: true,
		Error: &nodes.Error{Kind: "http", Message: "bad", Permanent: true}}
	in, err := Step(masker, &r)
	if err != nil {
		t.Fatal(err)
	}
	masked := []any{map[string]any{"N": int64(3)}, "it is ***"}
	if d := cmp.Diff(masked, r.Content); d != "" {
		t.Errorf("what the work gets (-want +got)\n%s", d)
	}
	if d := cmp.Diff(masked, in.Content.Any()); d != "" || in.Content.Size() != value.Size(masked) {
		t.Errorf("what is recorded, of size %d (-want +got)\n%s", in.Content.Size(), d)
	}
	in.Content = value.Value{}
	want := machine.TaskStep{Name: "a", Duration: time.Second, Tokens: 5, Cost: 0.5, Mark: true,
		Error: &journal.Failure{Kind: "http", Message: "bad", Permanent: true}}
	if d := cmp.Diff(want, in, cmp.AllowUnexported(value.Value{})); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	bad := nodes.StepRecord{Name: "a", Content: make(chan int)}
	_, err = Step(masker, &bad)
	var failure *nodes.Error
	if !errors.As(err, &failure) || failure.Kind != "output" {
		t.Errorf("a content that is no value: %v", err)
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	got := Steps([]*journal.TaskStep{
		{Name: "a", Content: int64(1), Duration: time.Second, Tokens: 5, Cost: 0.5},
		{Name: "b", Mark: true, Error: &journal.Failure{Kind: "http", Message: "bad", Permanent: true}},
	}, 1)
	want := []nodes.StepRecord{
		{Name: "a", Content: int64(1), Duration: time.Second, Tokens: 5, Cost: 0.5, Void: true},
		{Name: "b", Mark: true, Error: &nodes.Error{Kind: "http", Message: "bad", Permanent: true}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestStepFailure(t *testing.T) {
	t.Parallel()
	why := nodes.Errorf("timeout", "too late")
	over, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	store := errors.New("the disk is full")
	for name, tt := range map[string]struct {
		ctx  context.Context
		err  error
		want error
	}{
		"none":                    {over, nil, nil},
		"refused":                 {t.Context(), &machine.StepError{Name: "a", Failure: journal.Failure{Kind: "limit", Message: "too many", Permanent: true}}, &nodes.Error{Kind: "limit", Message: "too many", Permanent: true}},
		"not running":             {t.Context(), machine.ErrNotRunning, nodes.Errorf("cancelled", "the attempt has ended")},
		"not running, cancelled":  {over, machine.ErrNotRunning, why},
		"another error":           {t.Context(), store, store},
		"another error, too late": {over, store, store},
	} {
		got := StepFailure(tt.ctx, tt.err)
		var a, b *nodes.Error
		if errors.As(tt.want, &b) {
			if !errors.As(got, &a) || !cmp.Equal(a, b) {
				t.Errorf("%s: %v, want %v", name, got, tt.want)
			}
		} else if !errors.Is(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	type args struct{ To string }
	given := []journal.Call{{ID: "hush-hush 1", Tool: "send", Args: args{"hush-hush"}}, {ID: "2"}}
	got, err := Calls(masker, given)
	want := []journal.Call{{ID: "*** 1", Tool: "send", Args: map[string]any{"To": "***"}}, {ID: "2"}}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
	if given[0].ID != "hush-hush 1" {
		t.Error("it has changed what it was given")
	}
	_, err = Calls(masker, []journal.Call{{Args: make(chan int)}})
	var failure *nodes.Error
	if !errors.As(err, &failure) || failure.Kind != "output" {
		t.Errorf("arguments that are no value: %v", err)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	if got := Words(nil); got != nil {
		t.Errorf("of no answers: %v", got)
	}
	got := Words([]*journal.TaskAnswered{{Call: "1", Approved: true, Args: int64(1), Comment: "fine", By: "ada"}, {Call: "2"}})
	want := []nodes.Word{{Call: "1", Approved: true, Args: int64(1), Comment: "fine", By: "ada"}, {Call: "2"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestTalkAndWrites(t *testing.T) {
	t.Parallel()
	if got := Talk(masker, nil); got != nil {
		t.Errorf("of no talk: %v", got)
	}
	got := Talk(masker, &journal.Talk{Messages: []any{"hush-hush"}, Usage: map[string]any{"hush-hush": int64(1)}})
	if d := cmp.Diff(&journal.Talk{Messages: []any{"***"}, Usage: map[string]any{"***": int64(1)}}, got); d != "" {
		t.Errorf("talk (-want +got)\n%s", d)
	}
	given := []journal.MemoryWrite{{Memory: "m", ID: "hush-hush", Text: "a hush-hush", Data: []any{"hush-hush"}, Vector: "abc"}}
	masked := Writes(masker, given)
	if d := cmp.Diff([]journal.MemoryWrite{{Memory: "m", ID: "***", Text: "a ***", Data: []any{"***"}, Vector: "abc"}}, masked); d != "" {
		t.Errorf("writes (-want +got)\n%s", d)
	}
	if given[0].ID != "hush-hush" {
		t.Error("it has changed what it was given")
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	id := journal.Identity{Stack: "s", Nonce: "x"}
	key := journal.TaskKey{Cycle: 2, Wave: 3, Node: "n", Item: "i"}
	written := &tree.Node{}
	var got nodes.Task
	Describe(&got, &id, &graph.Graph{Name: "g", Dir: "/srv"}, &graph.Node{ID: "n", Def: &graph.NodeDef{With: written}}, key, masker)
	if got.Mask("a hush-hush") != "a ***" {
		t.Error("its Mask hides nothing")
	}
	if got.Written != written {
		t.Error("it does not have what is written")
	}
	got.Mask, got.Written = nil, nil
	want := nodes.Task{Stack: "s", Graph: "g", Cycle: 2, Wave: 3, Node: "n", Item: "i", Key: id.TaskKey(key), Dir: "/srv"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestFailure(t *testing.T) {
	t.Parallel()
	code, output := int64(2), "out"
	got := Failure(&nodes.Error{Kind: "exit", Message: "m", Permanent: true, Wait: time.Second, Code: &code, Output: &output, Limit: "cost", Tokens: 1, Cost: 2})
	if d := cmp.Diff(journal.Failure{Kind: "exit", Message: "m", Permanent: true, Code: &code, Output: &output, Limit: "cost"}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestCheckStackID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a", "_", "7", "a-b.c_D", strings.Repeat("x", 128)} {
		if err := CheckStackID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", "-a", ".a", "a/b", "a b", "é", "a\n", strings.Repeat("x", 129)} {
		if CheckStackID(id) == nil {
			t.Errorf("%q is taken", id)
		}
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	list := []any{int64(1)}
	got, err := Canonical(map[string]any{"n": 1, "list": list})
	if err != nil || value.String(got) != `{"list":[1],"n":1}` {
		t.Errorf("%v, %v", got, err)
	}
	if list[0] = int64(2); value.String(got["list"]) != "[1]" {
		t.Error("a list is shared with the caller")
	}
	if _, err := Canonical(map[string]any{"f": func() {}}); err == nil || !strings.HasPrefix(err.Error(), `"f": `) {
		t.Errorf("the error does not name the value: %v", err)
	}
}
