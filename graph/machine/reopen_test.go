package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
)

// endlessGraph counts, and fails in every third cycle.
const endlessGraph = `
graphrun: 1
name: endless
state: {n: {type: integer, reduce: sum}, log: {type: list(integer), reduce: append}}
nodes:
  a: {uses: work, writes: {n: "1"}}
  b: {uses: work, with: {n: "${{ state.n }}"}, writes: {log: "[state.n]"}}
edges: [{to: a}, {from: a, to: b}]
pause: 1s
limits: {cycles: %d}
`

// goThrough goes through n cycles.
func goThrough(r *rig, n int) {
	for range n {
		do(r, "wake")
		do(r, "done a")
		if r.m.Cursor().Counts.Cycles%3 == 2 {
			do(r, "fail b exit")
		} else {
			do(r, "done b")
		}
	}
}

// A stack that its limit of cycles ended, and that is reopened, comes to what one comes to with a
// higher limit.
func TestReopenedIsAsOneRun(t *testing.T) {
	t.Parallel()
	for k := 1; k <= 4; k++ {
		for n := 1; n <= 4; n++ {
			one := newRig(t, compile(t, fmt.Sprintf(endlessGraph, k+n)))
			do(one, "start")
			goThrough(one, k+n)
			two := newRig(t, compile(t, fmt.Sprintf(endlessGraph, k)))
			do(two, "start")
			goThrough(two, k)
			do(two, fmt.Sprintf(`retry {"cycles": %d}`, n))
			if n%2 == 0 {
				do(two, "crash")
			}
			goThrough(two, n)
			a, b := one.m.Cursor(), two.m.Cursor()
			if a.Status != journal.Failed || b.Status != journal.Failed || a.Counts != b.Counts || a.Cycle != b.Cycle {
				t.Errorf("%d and %d: %+v and %+v", k, n, a, b)
			}
			if d := cmp.Diff(one.stateText(), two.stateText()); d != "" {
				t.Errorf("%d and %d (-one run +reopened)\n%s", k, n, d)
			}
		}
	}
}

// A stack of an earlier version has nothing of what came since in its cursor.
func TestReopenOfEarlierVersions(t *testing.T) {
	t.Parallel()
	g := compile(t, fmt.Sprintf(endlessGraph, 3))
	var s journal.Snapshot
	if err := json.Unmarshal([]byte(`{"status":"failed","reason":"cycles limit of 3 reached","hash":"`+g.Hash+`","seq":20,"cycle":3,"wave":2,"open":false,"cycle_seq":14,
		"idle_in_row":0,"failed_in_row":1,"counts":{"cycles":3,"waves":6,"node_runs":6,"failures":1},"clean":true}`), &s.Cursor); err != nil {
		t.Fatal(err)
	}
	s.Identity = journal.Identity{Stack: "s", Nonce: "n", Graph: "endless", Params: map[string]any{}, CreatedAt: epoch}
	s.State = map[string]any{"n": int64(3), "log": []any{}}
	m, err := Restore(g, Options{}, s, epoch)
	if err != nil {
		t.Fatal(err)
	}
	at := epoch.Add(time.Hour)
	if err := m.Step(Reopen{At: at, By: "me"}); err != nil {
		t.Fatal(err)
	}
	ready, ok := m.Ready()
	if c := ready.Cursor; !ok || len(ready.Records) != 1 || ready.Records[0].Body.Type() != "stack.reopened" || ready.Outcome != nil ||
		c.Status != journal.Running || c.Reason != "" || c.FailedInRow != 0 || !c.WakeAt.Equal(at) || c.Reopened.Before.Cycles != 3 {
		t.Fatalf("got %+v", ready)
	}
	m.Advance()
	if err := m.Step(Woke{At: at}); err != nil || !m.Cursor().Open {
		t.Fatalf("no cycle began: %v, %+v", err, m.Cursor())
	}
	if err := m.Step(Reopen{At: at}); !errors.Is(err, ErrNotEnded) {
		t.Errorf("while it runs: %v", err)
	}
}

// What a changed graph says of limits counts, but for those that were set.
func TestLimitsOfAReopenedStack(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, fmt.Sprintf(endlessGraph, 1)))
	do(r, "start")
	goThrough(r, 1)
	do(r, `retry {"failures": 7, "duration": "1h", "cost": 2}`)
	changed := compile(t, strings.Replace(fmt.Sprintf(endlessGraph, 2), "cycles: 2", "cycles: 2, failures: 1, duration: 3h, tokens: 5", 1))
	if err := r.m.Adopt(changed, r.clock); err != nil {
		t.Fatal(err)
	}
	l := r.m.Limits()
	if l.Cycles != 2 || l.Failures != 7 || l.Duration != time.Hour || l.Cost != 2 || l.Tokens != 5 {
		t.Errorf("got %+v", l)
	}
	r.g = changed
	r.drain()
	goThrough(r, 2)
	if c := r.m.Cursor(); c.Status != journal.Failed || c.Reason != "cycles limit of 2 reached" || !c.Expires.IsZero() {
		t.Errorf("got %+v", c)
	}
	do(r, "retry")
	if l := r.m.Limits(); l != changed.Limits {
		t.Errorf("reopened again: %+v", l)
	}
}

func TestReadLimits(t *testing.T) {
	t.Parallel()
	l, err := ReadLimits(map[string]any{"cycles": int64(50), "duration": "7d", "cost": int64(2), "failed_pause": "0s"})
	if err != nil || l.String() != "cycles=50, duration=168h0m0s, failed_pause=0s, cost=2" {
		t.Errorf("got %s, %v", l.String(), err)
	}
	for _, bad := range []map[string]any{
		{"cycles": "50"}, {"cycles": 2.5}, {"cycles": int64(-1)}, {"duration": int64(5)}, {"duration": "soon"}, {"cost": -1.5}, {"cost": "2"},
		{"failed_pause": nil}, {"wave": int64(1)}, {"": int64(1)},
	} {
		if _, err := ReadLimits(bad); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}
