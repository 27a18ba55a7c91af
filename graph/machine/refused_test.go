package machine

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
)

// An input that is refused changes nothing: neither what a restart continues from nor
// what there is to do.
func TestRefusedInputsChangeNothing(t *testing.T) {
	t.Parallel()
	for _, file := range transcripts(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			s := readScript(t, file)
			r := newRig(t, compile(t, s.graph))
			r.o.Snapshots = true
			refused := 0
			for _, l := range s.commands() {
				do(r, l)
				if r.m == nil {
					continue // it could not start
				}
				for _, in := range wrong(r) {
					refused += refuse(r, in)
				}
			}
			if refused == 0 && r.m != nil {
				t.Error("nothing was refused")
			}
		})
	}
}

// refuse gives the machine an input, and counts a refusal.
func refuse(r *rig, in Input) int {
	if r.m == nil {
		return 0
	}
	before, ok := r.m.Snapshot()
	if !ok {
		return 0
	}
	wake := r.m.WakeAt()
	if err := r.m.Step(in); err == nil {
		r.drain() // it was none to refuse
		return 0
	}
	after, _ := r.m.Snapshot()
	if d := cmp.Diff(before, after); d != "" {
		r.t.Errorf("%T was refused and has changed the stack\n%s", in, d)
	}
	if _, more := r.m.Ready(); more {
		r.t.Errorf("%T was refused and there is something to do", in)
	}
	if !r.m.WakeAt().Equal(wake) {
		r.t.Errorf("%T was refused and moved the time to wake up", in)
	}
	return 1
}

// wrong are inputs that cannot be taken.
func wrong(r *rig) []Input {
	later := r.clock.Add(1)
	ins := []Input{
		Event{At: later, Name: "no such event"},
		Answer{At: later, Node: "no such node", Output: true},
		CancelTask{At: later, Node: "no such node"},
		TaskStep{At: later, Key: journal.TaskKey{Cycle: 99, Node: "x"}, Attempt: 1},
		TaskWaits{At: later, Key: journal.TaskKey{Cycle: 99, Node: "x"}, Attempt: 1},
	}
	for i := range r.g.Events {
		e := &r.g.Events[i]
		ins = append(ins, Event{At: later, ID: "wrong", Name: e.Name, Payload: func() {}})
		if q := r.m.queueOf(e.Name); q != nil && len(q.list) >= e.Queue {
			e, _ := q.list[0].([]any)
			ins = append(ins, Event{At: later, ID: "full", Name: r.g.Events[i].Name, Payload: e[2]})
		}
	}
	asked := slices.Concat(r.m.cur.Waiting, r.m.cur.Asking)
	for i := range asked {
		w := &asked[i]
		ins = append(ins,
			Answer{At: later, Node: w.Node, Item: w.Item, For: w.ID() + "x", Output: map[string]any{"approved": true}},
			Answer{At: later, Node: w.Node, Item: w.Item + "x", Output: map[string]any{"approved": true}})
		if w.Kind == "approval" {
			ins = append(ins, Answer{At: later, Node: w.Node, Item: w.Item, Output: fmt.Sprint(w.Node)})
		}
	}
	return ins
}
