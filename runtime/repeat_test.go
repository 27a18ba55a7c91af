package runtime_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

const once = `{"graphrun": 1, "name": "once", "state": [{"name": "said", "type": "boolean?"}, {"name": "notes", "type": "list(string)", "reduce": {"name": "append"}}],
	"events": [{"name": "note", "to": "notes"}],
	"nodes": [{"id": "ask", "uses": "approval", "with": {"prompt": "Ship?"}, "writes": [{"key": "said", "expr": "output.approved"}]},
		{"id": "other", "uses": "approval", "with": {"prompt": "Really?"}}],
	"edges": [{"to": ["ask"]}, {"to": ["other"]}],
	"stop": [{"when": "state.said == true || len(state.notes) == 2"}], "pause": {"none": true}}`

func question(k *runtimetest.Kit, stack, node string) string {
	k.T.Helper()
	st, err := k.Runtime.Status(k.T.Context(), stack)
	if err != nil {
		k.T.Fatal(err)
	}
	for i := range st.Cursor.Waiting {
		if w := &st.Cursor.Waiting[i]; w.Node == node {
			return w.ID()
		}
	}
	k.T.Fatalf("%s: %s does not wait", stack, node)
	return ""
}

// The reply to an answer may be lost: whoever repeats it learns that it arrived, also
// when the stack has ended by it.
func TestAnAnswerThatEndedItsStackMayBeRepeated(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		start(k, def(k.T, once))
		k.Forward(time.Second)
		id := question(k, "once", "ask")
		give := func(node, id string, approved bool) error {
			return k.Runtime.AnswerWith(k.T.Context(), "once", node, runtime.AnswerOptions{For: id, Output: map[string]any{"approved": approved}})
		}
		if err := give("ask", id, true); err != nil {
			t.Fatal(err)
		}
		k.Forward(time.Second)
		for _, when := range []string{"at once", "after a crash"} {
			if err := give("ask", id, true); err != nil {
				t.Errorf("%s: the same answer again: %v", when, err)
			}
			for what, err := range map[string]error{
				"another answer": give("ask", id, false), "another node": give("other", id, true), "no question": give("ask", "", true),
			} {
				if !errors.Is(err, runtime.ErrEnded) {
					t.Errorf("%s: %s: %v, want ErrEnded", when, what, err)
				}
			}
			k.Crash()
		}
	})
}

func TestAnEventThatEndedItsStackMayBeRepeated(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		start(k, def(k.T, once))
		k.Forward(time.Second)
		give := func(id string) (bool, error) {
			return k.Runtime.Send(k.T.Context(), runtime.Send{Stack: "once", Event: "note", ID: id, Payload: []any{"a", "b"}})
		}
		if _, err := give("1"); err != nil {
			t.Fatal(err)
		}
		k.Forward(time.Second)
		if again, err := give("1"); !again || err != nil {
			t.Errorf("the same event again: duplicate %v, %v", again, err)
		}
		if _, err := give("2"); !errors.Is(err, runtime.ErrEnded) {
			t.Errorf("another event: %v, want ErrEnded", err)
		}
	})
}

// A stack that was removed and started again asks questions of its own.
func TestAnAnswerIsNotForTheQuestionOfAnotherStackOfTheSameName(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		g := def(k.T, once)
		start(k, g)
		k.Forward(time.Second)
		id := question(k, "once", "ask")
		if err := k.Runtime.Cancel(k.T.Context(), "once", ""); err != nil {
			t.Fatal(err)
		}
		if err := k.Runtime.Remove(k.T.Context(), "once"); err != nil {
			t.Fatal(err)
		}
		start(k, g)
		k.Forward(time.Second)
		if next := question(k, "once", "ask"); next == id {
			t.Errorf("both questions are %q", id)
		}
	})
}

// An answer to one node's question is no answer to another's.
func TestARepeatedAnswerNamesTheNodeToo(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		start(k, def(k.T, once))
		k.Forward(time.Second)
		id := question(k, "once", "ask")
		no := map[string]any{"approved": false}
		if err := k.Runtime.AnswerWith(k.T.Context(), "once", "ask", runtime.AnswerOptions{For: id, Output: no}); err != nil {
			t.Fatal(err)
		}
		if err := k.Runtime.AnswerWith(k.T.Context(), "once", "other", runtime.AnswerOptions{For: id, Output: no}); err == nil {
			t.Error("other was answered by the id of ask's question")
		}
	})
}

// A start that is refused changes nothing, also about the stack that has the id.
func TestAStartThatIsRefusedIsNoProblemOfTheStackThatIsThere(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		g := def(k.T, once)
		start(k, g)
		k.Forward(time.Second)
		if err := k.Runtime.Cancel(k.T.Context(), "once", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Runtime.Start(k.T.Context(), k.Compile(g), runtime.StartOptions{}); !errors.Is(err, runtime.ErrExists) {
			t.Fatalf("second start: %v, want ErrExists", err)
		}
		st, err := k.Runtime.Status(k.T.Context(), "once")
		if err != nil || st.Problem != nil {
			t.Errorf("problem %v, %v, want none", st.Problem, err)
		}
	})
}

// A changed graph may lack the event that a node waits for: nobody could end that wait.
func TestAWaitForAnEventThatAChangedGraphLacksIsCancelled(t *testing.T) {
	t.Parallel()
	const desk = `{"graphrun": 1, "name": "desk", "state": [{"name": "log", "type": "list(string)", "reduce": {"name": "append"}}],
		"events": [{"name": "%s", "to": "log"}], "nodes": [{"id": "w", "uses": "wait", "with": %s}], "edges": [{"to": ["w"]}], "pause": {"none": true}}`
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		start(k, def(k.T, fmt.Sprintf(desk, "go", `{"event": "go"}`)))
		k.Forward(time.Second)
		k.Crash()
		g := k.Compile(def(k.T, fmt.Sprintf(desk, "come", `{"event": "come"}`)))
		k.Resume("desk", runtime.ResumeOptions{Graph: g})
		k.Forward(time.Second)
		st, err := k.Runtime.Status(k.T.Context(), "desk")
		if err != nil {
			t.Fatal(err)
		}
		var events []string
		for _, w := range st.Cursor.Waiting {
			events = append(events, w.Event)
		}
		if diff := cmp.Diff([]string{"come"}, events); diff != "" {
			t.Errorf("awaited events (-want +got):\n%s", diff)
		}
	})
}
