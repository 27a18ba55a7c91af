package runtime_test

import (
	"testing"
	"time"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

const asksEach = `{"graphrun": 1, "name": "asks", "pause": {"set": true, "active": 3600000000000}, "limits": {"cycles": 9},
	"state": [{"name": "who", "type": {"type": "array", "items": "string"}, "default": ["ann", "bob"]}],
	"nodes": [
		{"id": "ask", "uses": "approval", "with": {"prompt": "Well?"}},
		{"id": "each", "uses": "approval", "for_each": {"in": "state.who", "as": "p", "key": "p"}, "with": {"prompt": "Well?"}},
		{"id": "other", "uses": "set"}],
	"edges": [{"to": ["ask", "each", "other"], "when": "cycle.number == 1"}]}`

// A question keeps its id over restarts, that of an element too, and no two have one id.
func TestQuestionsKeepTheirIDs(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Start(k.Compile(def(k.T, asksEach)), runtime.StartOptions{})
		k.Forward(time.Second)
		ids := func() map[string]string {
			st, err := k.Runtime.Status(k.T.Context(), "asks")
			if err != nil {
				k.T.Fatal(err)
			}
			all := map[string]string{}
			for _, w := range st.Cursor.Questions() {
				all[w.ID()] = w.Place()
			}
			return all
		}
		began := ids()
		if len(began) != 3 {
			k.T.Fatalf("ids %v, want three", began)
		}
		for range 3 {
			k.Crash()
			k.Resume("asks", runtime.ResumeOptions{})
			k.Forward(10 * time.Minute)
			now := ids()
			for id, place := range began {
				if now[id] != place {
					k.T.Errorf("after a restart the ids are %v, were %v", now, began)
				}
			}
		}
	})
}

// A changed graph that lacks a node which waits cancels its wait, and that ends the pause
// as any end of a wait does; one that has the node leaves both.
func TestACancelByAChangedGraphEndsThePause(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		changed string
		cycle   uint64
	}{
		"without the node": {`{"graphrun": 1, "name": "asks", "pause": {"set": true, "active": 3600000000000}, "limits": {"cycles": 9},
			"state": [{"name": "who", "type": {"type": "array", "items": "string"}, "default": ["ann", "bob"]}],
			"nodes": [{"id": "other", "uses": "set"}], "edges": [{"to": ["other"], "when": "cycle.number == 1"}]}`, 2},
		"with the node": {asksEach[:len(asksEach)-1] + `, "description": "changed"}`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Start(k.Compile(def(k.T, asksEach)), runtime.StartOptions{})
				k.Forward(time.Second)
				k.Crash()
				s := k.Resume("asks", runtime.ResumeOptions{Graph: k.Compile(def(k.T, test.changed))})
				k.Forward(time.Second)
				if snap, err := s.Snapshot(k.T.Context()); err != nil || snap.Cursor.Cycle != test.cycle || (len(snap.Cursor.Waiting) == 0) != (test.cycle == 2) {
					k.T.Errorf("%v: cycle %d, want %d; waiting %v", err, snap.Cursor.Cycle, test.cycle, snap.Cursor.Waiting)
				}
			})
		})
	}
}
