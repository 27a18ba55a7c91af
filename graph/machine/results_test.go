package machine

import (
	"fmt"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
)

// TestUntilAtTheCommit: `until` is asked once more when the node is committed. It still
// sees the state of the moment in which the node was decided, also when another node of
// this moment is committed before.
func TestUntilAtTheCommit(t *testing.T) {
	t.Parallel()
	g := compile(t, `graphrun: 1
name: eager
waves: eager
state: {need: {type: list(integer), default: [5]}, out: list(string?)?}
nodes:
  less: {uses: work, writes: {need: output}}
  vote:
    uses: work
    for_each: {in: '["a"]', until: 'count(results, .status == "succeeded") >= state.need[0]'}
    writes: {out: output}
edges: [{to: [less, vote]}]
limits: {cycles: 1}
`)
	r := newRig(t, g)
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	r.done("less", []any{})
	r.done("vote/0", "x")
	r.drain()
	if got := string(r.state["out"]); got != `["x"]` {
		t.Errorf("out is %s", got)
	}
	checkReplay(t, r)
}

// TestUntilOfManyElements: `until` is asked a bounded number of times, and at the last
// element in any case.
func TestUntilOfManyElements(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ n, need, ends int }{
		{1000, 7, 7}, {2000, 7, 8}, {2001, 7, 9}, {2001, 2001, 2001},
	} {
		r := newRig(t, compile(t, fmt.Sprintf(`graphrun: 1
name: many
state: {out: integer}
nodes:
  vote:
    uses: work
    for_each: {in: '1..%d', until: 'count(results, .status == "succeeded") >= %d'}
    writes: {out: len(output)}
edges: [{to: vote}]
limits: {cycles: 1}
`, tt.n, tt.need)))
		r.unchecked = true
		if err := r.start(nil, nil); err != nil {
			t.Fatal(err)
		}
		do(r, "wake")
		ends := 0
		for ; r.m.Cursor().Open && ends < tt.n; ends++ {
			r.done(fmt.Sprintf("vote/%d", ends), nil)
			r.drain()
		}
		if out := string(r.state["out"]); ends != tt.ends || out != fmt.Sprint(tt.ends) {
			t.Errorf("%+v: over after %d elements, out is %s", tt, ends, out)
		}
	}
}

// A `join: first` node may run before anybody asks for the results of another source. When
// the stack is reopened and decides that node again, they are still known.
func TestResultsAreKnownAfterARetry(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, `graphrun: 1
name: again
once: true
nodes:
  vote: {uses: work, for_each: {in: '["a"]', as: x, key: x}}
  tell: {uses: work, join: first}
edges:
  - {to: [vote, tell]}
  - {from: vote, to: tell, when: 'results[0].status == "succeeded"'}
`))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"wake", "done vote/a 1", "fail tell exit no", "crash", "retry", "wake", "done tell 1"} {
		do(r, line)
	}
	if c := r.m.Cursor(); c.Status != journal.Completed {
		t.Errorf("%s: %s", c.Status, c.Reason)
	}
	checkReplay(t, r)
}
