package runtime_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// Who acts is in the records of what they do, also of a stack that nobody drives; without a name
// nothing is different.
func TestRecordsSayWhoActs(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		g := def(k.T, `{"graphrun": 1, "name": "one", "state": [{"name": "n", "type": "integer", "reduce": {"name": "sum"}}],
			"events": [{"name": "n", "to": "n"}],
			"nodes": [{"id": "ask", "uses": "approval", "with": {"prompt": "?"}}], "edges": [{"to": ["ask"]}], "pause": {"none": true}}`)
		ctx := runtime.As(k.T.Context(), "ada")
		rt := k.Runtime
		if _, err := rt.Start(ctx, k.Compile(g), runtime.StartOptions{ID: "one"}); err != nil {
			t.Fatal(err)
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		k.Forward(time.Minute)
		must(rt.Pause(k.T.Context(), "one"))
		must(rt.Unpause(k.T.Context(), "one"))
		must(rt.Pause(ctx, "one"))
		must(rt.Pause(ctx, "one"))
		must(rt.Unpause(runtime.As(ctx, "bob"), "one"))
		_, err := rt.Send(ctx, runtime.Send{Stack: "one", Event: "n", Payload: 1})
		must(err)
		k.Forward(time.Minute)
		must(rt.Wake(ctx, "one"))
		must(rt.AnswerWith(runtime.As(ctx, "bob"), "one", "ask", runtime.AnswerOptions{Output: map[string]any{"approved": true, "by": "the boss"}}))
		k.Forward(time.Minute)
		_, err = rt.Fork(ctx, "one", runtime.ForkOptions{ID: "two", Rest: true})
		must(err)
		must(rt.Pause(ctx, "one"))
		k.Reopen()
		rt = k.Runtime
		_, err = rt.Resume(runtime.As(ctx, "bob"), "one", runtime.ResumeOptions{})
		must(err)
		must(rt.End(ctx, "one"))
		must(rt.Cancel(runtime.As(ctx, "bob"), "two", "enough"))
		_, err = rt.Retry(ctx, "one", runtime.RetryOptions{Rest: true})
		must(err)
		want := map[string][]string{
			"one": {"started ada", "pause ada", "resume bob", "event ada", "wake ada", "answer bob", "pause ada", "resume bob", "stop ada", "finished ada", "reopened ada"},
			"two": {"forked ada", "cancel bob", "finished bob"},
		}
		for stack, list := range want {
			var got []string
			for _, r := range k.Records(stack) {
				switch b := r.Body.(type) {
				case *journal.StackStarted:
					if b.From != nil {
						got = []string{"forked " + b.By} // what came before is of the other stack
					} else {
						got = append(got, "started "+b.By)
					}
				case *journal.EventReceived:
					got = append(got, "event "+b.By)
				case *journal.StackControl:
					got = append(got, string(b.Action)+" "+b.By)
				case *journal.StackFinished:
					got = append(got, "finished "+b.By)
				case *journal.StackReopened:
					got = append(got, "reopened "+b.By)
				case *journal.TaskFinished:
					if b.By != "" {
						got = append(got, "answer "+b.By)
					}
				}
			}
			if d := cmp.Diff(list, got); d != "" {
				t.Errorf("%s (-want +got)\n%s", stack, d)
			}
		}
	})
}
