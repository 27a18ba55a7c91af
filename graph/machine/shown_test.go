package machine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// What a commit writes stays small however much the calls that wait are given: the cursor
// is in each of them.
func TestArgumentsInTheCursor(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, askingGraph))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	do(r, "running a")
	h := r.tasks["a"].task
	large := strings.Repeat("x", 600<<10)
	calls := []journal.Call{
		{ID: "small", Tool: "refund", Args: map[string]any{"amount": int64(1)}},
		{ID: "large", Tool: "write", Args: map[string]any{"path": "a.txt", "text": large}},
	}
	for i := range 300 {
		calls = append(calls, journal.Call{ID: fmt.Sprint("more", i), Tool: "write", Args: []any{strings.Repeat("é", 300)}})
	}
	r.step(TaskWaits{At: r.clock, Key: h.Key, Attempt: h.Attempt, Calls: calls})
	r.drain()
	c := r.m.Cursor()
	b, err := c.MarshalJSON()
	if err != nil || len(b) > 256<<10 {
		t.Errorf("the cursor has %d bytes (%v)", len(b), err)
	}
	got := c.Asking[0].Calls
	if value.String(got[0].Args) != `{"amount":1}` {
		t.Errorf("small arguments are %v", got[0].Args)
	}
	args, _ := got[1].Args.(map[string]any)
	text, _ := args["text"].(string)
	if args["path"] != "a.txt" || len(text) < 4<<10 || !strings.HasSuffix(text, "(cut: it has 614400 bytes)") {
		t.Errorf("large arguments have path %v and %d bytes of text", args["path"], len(text))
	}
	whole := false
	for _, rec := range r.records {
		if b, ok := rec.Body.(*journal.TaskWaiting); ok {
			args, _ := b.Calls[1].Args.(map[string]any)
			whole = args["text"] == large
		}
	}
	if !whole {
		t.Error("the record has not all of the arguments")
	}
	checkReplay(t, r)
}

func TestShown(t *testing.T) {
	t.Parallel()
	deep := any("x")
	for range 500 {
		deep = []any{deep}
	}
	for _, v := range []any{nil, int64(1), "x", strings.Repeat("\x00", 5000), []any{strings.Repeat("\U0001F600", 3000)}, deep, make([]any, 5000),
		map[string]any{strings.Repeat("k", 5000): int64(1)}} {
		got := shown(v, 512)
		if n := value.Size(got); n > 512 && n > value.Size(v) {
			t.Errorf("%d bytes of %d", n, value.Size(v))
		} else if n > 512 {
			t.Errorf("%d bytes", n)
		}
		if value.Size(v) <= 512 && !value.Equal(got, v) {
			t.Errorf("%v is shown as %v", v, got)
		}
	}
}
