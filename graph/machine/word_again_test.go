package machine

import (
	"errors"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
)

// A word that names the question and no call is for what is open: the same word on
// another call of the question does not stand for it.
func TestWordForWhatIsOpen(t *testing.T) {
	t.Parallel()
	r := asking(t, compile(t, askingGraph))
	do(r, `asks a [{"id": "2", "tool": "mail"}, {"id": "3", "tool": "post"}]`)
	do(r, "held a")
	id := r.m.Cursor().Asking[1].ID()
	do(r, `word a {"approved": true} call 2 for `+id)
	do(r, `word a {"approved": true} for `+id)
	if open := r.m.Cursor().Asking; len(open) != 1 || open[0].Calls[0].ID != "1" {
		t.Fatalf("open: %+v, want call 1 of the first question alone", open)
	}
	if err := r.m.Step(r.word("a", `{"approved": true} for `+id)); err != nil {
		t.Errorf("the word again, when the question is over: %v", err)
	}
	checkReplay(t, r)
}

// The same word again is no error, also with arguments, and when it is a failure.
func TestWordAgain(t *testing.T) {
	t.Parallel()
	g := compile(t, askingGraph)
	g.Tools = []graph.Tool{{Name: "refund", Args: schema.ObjectOf(schema.Prop{Name: "amount", Type: schema.IntegerType, Required: true})}}
	for _, text := range []string{
		`{"approved": true, "args": {"amount": 20.0}}`,
		`{"approved": false, "args": {"amount": 20}}`,
		`{"approved": true, "args": {"amount": 1e2}, "by": "me"}`,
	} {
		r := asking(t, g)
		id := r.m.Cursor().Asking[0].ID()
		do(r, "word a "+text)
		for _, more := range []string{" call 1", " call 1 for " + id, " for " + id} {
			if err := r.m.Step(r.word("a", text+more)); err != nil {
				t.Errorf("%s%s again: %v", text, more, err)
			}
		}
		if err := r.m.Step(r.word("a", `{"approved": true, "comment": "else"} call 1 for `+id)); !errors.Is(err, ErrNotWaiting) {
			t.Errorf("another word: %v", err)
		}
	}
}
