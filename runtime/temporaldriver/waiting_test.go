package temporaldriver

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/inspect"
)

// TestLimitersKnowWhoHasSlots: what a stack says of tasks that wait is completed by the limiters,
// each of which is asked once. One that does not answer changes nothing.
func TestLimitersKnowWhoHasSlots(t *testing.T) {
	t.Parallel()
	pool, lock, dead := poolPrefix+"g/llm", lockPrefix+"a/abc", lockPrefix+"b/bcd"
	asked := map[string]int{}
	ask := func(_ context.Context, workflow string, q readRequest) (readReply, error) {
		asked[workflow]++
		switch q.Name {
		case pool:
			return readReply{Pools: []poolUse{{Pool: pool, Limits: limits{Parallel: 3}, Taken: 3, Stacks: []poolUseStack{
				{Stack: "waits", Want: 2}, {Stack: "own", Has: 1}, {Stack: "other", Has: 2, Want: 5}}}}}, nil
		case lock:
			return readReply{Pools: []poolUse{{Pool: lock, Limits: limits{Parallel: 1}, Taken: 1, Stacks: []poolUseStack{{Stack: "other", Has: 1}}}}}, nil
		}
		return readReply{}, errors.New("no worker answers")
	}
	own := inspect.Behind{Stack: "own", Node: "a"}
	l := &live{
		Tasks: []inspect.TaskStatus{
			{Node: "a", Slot: &inspect.Slot{Pool: "llm", Running: 1, Parallel: 1, By: []inspect.Behind{own}}},
			{Node: "b", Slot: &inspect.Slot{Pool: "llm", Running: 1, Parallel: 1}},
			{Node: "c", Slot: &inspect.Slot{Lock: true}},
			{Node: "d", Slot: &inspect.Slot{Lock: true}},
			{Node: "e"},
		},
		Waits: []waitAt{{0, pool}, {1, pool}, {2, lock}, {3, dead}, {4, pool}, {9, pool}},
	}
	l.askLimiters(t.Context(), "q", ask)
	other := inspect.Behind{Stack: "other"}
	want := []*inspect.Slot{
		{Pool: "llm", Running: 3, Parallel: 3, By: []inspect.Behind{own, other}},
		{Pool: "llm", Running: 3, Parallel: 3, By: []inspect.Behind{{Stack: "own"}, other}},
		{Lock: true, By: []inspect.Behind{other}},
		{Lock: true},
		nil,
	}
	for i := range want {
		if d := cmp.Diff(want[i], l.Tasks[i].Slot); d != "" {
			t.Errorf("task %d: %s", i, d)
		}
	}
	if b := l.Tasks[2].Behind; b == nil || *b != other {
		t.Errorf("behind its lock is %v", b)
	}
	if d := cmp.Diff(map[string]int{"graphrun.pool@q/g/llm": 1, "graphrun.lock@q/a": 1, "graphrun.lock@q/b": 1}, asked); d != "" {
		t.Error(d)
	}
}
