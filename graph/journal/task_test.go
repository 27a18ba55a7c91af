package journal

import "testing"

func TestTheTaskOfARecord(t *testing.T) {
	t.Parallel()
	key := TaskKey{Cycle: 7, Wave: 2, Node: "a", Item: "x"}
	for _, r := range []Record{
		{Cycle: 7, Body: &TaskStarted{Wave: 2, Node: "a", Item: "x", Attempt: 1}},
		{Cycle: 9, Body: &TaskStep{Wave: 2, Began: 7, Node: "a", Item: "x"}}, // in the background
		{Cycle: 9, Body: &TaskFinished{Wave: 2, Began: 7, Node: "a", Item: "x"}},
	} {
		if got, ok := r.Task(); !ok || got != key {
			t.Errorf("%s: task %+v, %v; want %+v", r.Body.Type(), got, ok, key)
		}
	}
	r := Record{Cycle: 7, Body: &WaveCommitted{Wave: 2}}
	if got, ok := r.Task(); ok {
		t.Errorf("%s is said to be about task %+v", r.Body.Type(), got)
	}
}
