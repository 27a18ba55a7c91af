package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/value"
)

// story is a task with all that an agent does: two turns of calls, a failed question, the
// question with the schema and a correction.
func story(t *testing.T) *rig {
	r := newRig(t, map[string]any{"output": verdict, "tools": []any{"look", "pay"}, "model": []any{"a/m", "b/m"}},
		calls(call("1", "look"), call("1", "pay", "amount", 1)),
		status(401))
	r.replies["b"] = []reply{calls(call("", "pay", "amount", 2), call("", "look")), text("It is a bug."), text(`{"kind":"bg"}`), text(`{"kind":"bug"}`)}
	r.tool("look", nil, graph.EffectsKeyed, nil, nil)
	r.tool("pay", nil, graph.EffectsOnce, nil, nil)
	return r
}

// TestCrashAfterEveryRecord: whatever is recorded is not asked or called again, and the
// result is the same.
func TestCrashAfterEveryRecord(t *testing.T) {
	t.Parallel()
	whole := story(t)
	want := whole.must()
	records := len(whole.steps)
	if records < 10 {
		t.Fatalf("only %d records: %s", records, whole.stepNames())
	}
	for stop := 1; stop <= records; stop++ {
		t.Run(fmt.Sprint(stop), func(t *testing.T) {
			t.Parallel()
			r := story(t)
			r.stopAfter = stop
			if _, e := r.run(); e == nil && stop < records {
				t.Fatal("it was not killed")
			}
			r.stopAfter, r.task.Rerun = 0, true
			asked, began := len(r.asked), strings.Join(r.called, " ")
			recorded := len(r.steps)
			res := r.must()
			if len(r.steps) < recorded || len(r.asked) != 6 {
				t.Errorf("asked %d and then %d times", asked, len(r.asked))
			}
			cut := strings.Contains(began, "pay#2") && !hasResult(r, recorded, 2) || strings.Contains(began, "pay#3") && !hasResult(r, recorded, 3)
			if !cut && value.String(res.Output) != value.String(want.Output) {
				t.Errorf("got %v", res.Output)
			}
			times := map[string]int{}
			for _, c := range r.called {
				times[strings.TrimSuffix(c, "!")]++
			}
			for c, n := range times {
				if strings.HasPrefix(c, "pay") && n > 1 {
					t.Errorf("%s was made %d times", c, n)
				}
			}
			if d := cmp.Diff(rolesOf(t, want.Talk.Messages), rolesOf(t, res.Talk.Messages)); d != "" {
				t.Error(d)
			}
			seen := map[string]bool{}
			for _, s := range r.steps {
				if isToolStep(&s) && !s.Mark {
					d, _ := ReadDone(s.Content)
					if seen[d.Call] {
						t.Errorf("call %s has two results", d.Call)
					}
					seen[d.Call] = true
				}
			}
		})
	}
}

// hasResult reports whether the first n records hold the result of a call.
func hasResult(r *rig, n, number int) bool {
	for _, s := range r.steps[:n] {
		if d, err := ReadDone(s.Content); err == nil && !s.Mark && isToolStep(&s) && d.Number == number {
			return true
		}
	}
	return false
}

// rolesOf is the shape of a conversation: what the model reads of a call that was cut
// off is another text.
func rolesOf(t *testing.T, messages any) (out []string) {
	for _, m := range val(t, messages).([]any) {
		m := m.(map[string]any)
		s := m["role"].(string) + " " + textOf(m["call"])
		if m["role"] != "tool" {
			s += " " + textOf(m["content"])
		}
		out = append(out, s)
	}
	return out
}

// TestCrashWithinAQuestion: it is asked again, once, and nothing before it.
func TestCrashWithinAQuestion(t *testing.T) {
	t.Parallel()
	for at := range 3 {
		r := newRig(t, map[string]any{"tools": []any{"look"}}, calls(call("1", "look")), calls(call("2", "look")), text("ok"))
		r.tool("look", nil, graph.EffectsKeyed, nil, nil)
		again := r.replies["a"][at]
		r.replies["a"] = append(r.replies["a"][:at], append([]reply{{res: again.res, check: func(*Request) { r.die(errKilled) }}}, r.replies["a"][at:]...)...)
		if _, e := r.run(); e == nil {
			t.Fatal("it was not killed")
		}
		r.must()
		if len(r.asked) != 4 || strings.Join(r.called, " ") != "look#1 look#2" {
			t.Errorf("killed in question %d: asked %d times, called %v", at+1, len(r.asked), r.called)
		}
	}
}

// TestCrashWithinACall: a call is repeated under its number and knows that it may have
// begun; with effects: once it is not repeated, and the model hears why.
func TestCrashWithinACall(t *testing.T) {
	t.Parallel()
	for effects, want := range map[graph.Effects]string{
		graph.EffectsKeyed: "look#1 look#1!",
		graph.EffectsNone:  "look#1 look#1!",
		graph.EffectsOnce:  "look#1",
	} {
		r := newRig(t, map[string]any{"tools": []any{"look"}}, calls(call("1", "look")), text("ok"))
		first := true
		r.tool("look", nil, effects, nil, func(ctx context.Context, _ any) (any, error) {
			if first {
				first = false
				r.die(errKilled)
				<-ctx.Done()
				return nil, errors.New("cut off")
			}
			return "done", nil
		})
		if _, e := r.run(); e == nil {
			t.Fatal("it was not killed")
		}
		r.must()
		if got := strings.Join(r.called, " "); got != want {
			t.Errorf("called %s, want %s", got, want)
		}
		got := r.asked[1].Messages[2].Content
		if effects == graph.EffectsOnce && !strings.Contains(got, "not known whether it took effect") || effects != graph.EffectsOnce && got != "done" {
			t.Errorf("result %q", got)
		}
	}
}

// TestMaskedAnswers: a later attempt and this one see the same, what the steps hold.
func TestMaskedAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{}, text("the word is sesame"))
	r.mask = func(v any) any {
		own, _ := value.Decode([]byte(strings.ReplaceAll(value.String(v), "sesame", "***")))
		return own
	}
	if res := r.must(); res.Output != "the word is ***" {
		t.Errorf("got %v", res.Output)
	}
	if res := r.must(); res.Output != "the word is ***" {
		t.Errorf("later: got %v", res.Output)
	}
}

// TestWithoutSteps: a driver that records none gets the usage with the result.
func TestWithoutSteps(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"tools": []any{"look"}}, calls(call("1", "look")), text("ok"))
	r.tool("look", nil, graph.EffectsOnce, nil, nil)
	r.noRecord = true
	if res := r.must(); res.Tokens != 30 || len(r.steps) != 0 {
		t.Errorf("%d tokens, %d steps", res.Tokens, len(r.steps))
	}
}
