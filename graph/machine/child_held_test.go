package machine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// heldParent is a parent whose child waits for somebody: its task is held.
func heldParent(t *testing.T, node string, more ...string) *parent {
	t.Helper()
	p := newParent(t, "", node, more...)
	key := p.tasks[0].Key
	p.step(TaskWaits{At: epoch, Key: key, Attempt: 1})
	p.step(TaskHeld{At: epoch, Key: key, Attempt: 1})
	if c := p.m.Cursor(); c.Open || len(c.Asking) != 1 || !c.Asking[0].Held || len(c.Background) != 1 {
		t.Fatalf("a held child leaves the stack at %+v", c)
	}
	return p
}

// reload is the machine that another process has.
func (p *parent) reload() {
	p.t.Helper()
	s, ok := p.m.Snapshot()
	if !ok {
		p.t.Fatal("no snapshot within a cycle")
	}
	m, err := Restore(p.m.g, Options{}, s, epoch)
	if err != nil {
		p.t.Fatal(err)
	}
	p.m = m
}

const unlimited = `, "pause": {"none": true}, "limits": {"cycles": 9, "failures": 9 LIMITS}`

func goingOn(limits string) string { return strings.Replace(unlimited, "LIMITS", limits, 1) }

// A held task is over with its child, over restarts, and once.
func TestAHeldChildEnds(t *testing.T) {
	t.Parallel()
	for _, restarts := range []bool{false, true} {
		p := heldParent(t, "", goingOn(""))
		if restarts {
			p.reload()
		}
		h := p.m.HeldChildren()
		if len(h) != 1 || h[0].Child.ID != "s.sub.1.1" || h[0].Child.Parent != "s.x/1/1/sub/" || h[0].Ends {
			t.Fatalf("held children: %+v", h)
		}
		end := ChildDone{At: epoch, Key: h[0].Key, Attempt: h[0].Attempt, State: map[string]any{"v": int64(6)},
			Cursor: journal.Cursor{Status: journal.Completed, Counts: journal.Counts{NodeRuns: 2}}}
		p.step(end)
		p.step(end)
		if n := len(p.finished()); n != 1 || len(p.m.HeldChildren()) > 0 {
			t.Errorf("%d ends of the task, want 1", n)
		}
		p.step(Woke{At: epoch})
		if got := p.m.State()["got"]; got == nil {
			t.Errorf("the output is not applied: %v", p.m.State())
		}
	}
}

// What a held child uses counts once, and ends the stack by its limits.
func TestWhatAHeldChildUses(t *testing.T) {
	t.Parallel()
	p := heldParent(t, "", goingOn(`, "node_runs": 8`))
	key := p.tasks[0].Key
	use := func(runs uint64, tokens int64) {
		p.step(ChildUsed{At: epoch, Key: key, Attempt: 1, Counts: journal.Counts{NodeRuns: runs, Tokens: tokens}})
	}
	use(2, 10)
	use(2, 10)
	p.reload()
	use(5, 10)
	if c := p.m.Cursor().Counts; c.NodeRuns != 6 || c.Tokens != 10 {
		t.Fatalf("%d node runs and %d tokens, want 6 and 10", c.NodeRuns, c.Tokens)
	}
	use(7, 11)
	c := p.m.Cursor()
	if c.Closing == nil || !strings.Contains(c.Closing.Reason, "node_runs limit of 8") {
		t.Fatalf("the stack is not about to end: %+v", c)
	}
	if h := p.m.HeldChildren(); len(h) != 1 || !h[0].Ends {
		t.Errorf("the child is not to end: %+v", h)
	}
	p.step(ChildDone{At: epoch, Key: key, Attempt: 1, Cursor: journal.Cursor{Status: journal.Cancelled, Counts: journal.Counts{NodeRuns: 9, Tokens: 11}}})
	if c := p.m.Cursor(); c.Status != journal.Failed || c.Counts.NodeRuns != 10 || c.Children != nil {
		t.Errorf("the stack is %s with %d node runs and %v", c.Status, c.Counts.NodeRuns, c.Children)
	}
}

// A held task ends by its timeout, by a cancel and with its stack, when its child has.
func TestAHeldChildIsEnded(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]Input{
		"timeout": Woke{At: epoch.Add(time.Minute)},
		"cancel":  CancelTask{At: epoch, Node: "sub"},
		"stack":   Cancel{At: epoch, Reason: "enough"},
	} {
		for _, restarts := range []bool{false, true} {
			p := heldParent(t, `, "timeout": 60000000000`, goingOn(""))
			key := p.tasks[0].Key
			p.step(Woke{At: epoch}) // an idle cycle
			if due := p.m.WakeAt(); !due.Equal(epoch.Add(time.Minute)) {
				t.Errorf("%s: due %s", name, due)
			}
			p.step(in)
			if restarts {
				p.reload()
			}
			if h := p.m.HeldChildren(); len(h) != 1 || !h[0].Ends || !p.m.Ends(key, 1) || len(p.finished()) > 0 {
				t.Fatalf("%s: %+v with %d ends", name, h, len(p.finished()))
			}
			p.step(ChildDone{At: epoch.Add(time.Minute), Key: key, Attempt: 1, Cursor: journal.Cursor{Status: journal.Cancelled}})
			ends := p.finished()
			want := map[string]string{"timeout": "timeout"}[name]
			if want == "" {
				want = "cancelled"
			}
			if len(ends) != 1 || ends[0].Error == nil || ends[0].Error.Kind != want {
				t.Errorf("%s, restarts %v: %+v", name, restarts, ends)
			}
			if ended := p.m.Cursor().Status.Ended(); ended != (name == "stack") {
				t.Errorf("%s: the stack has ended: %v", name, ended)
			}
		}
	}
}

// A stop waits for held children, which end by themselves then, also over a restart.
func TestAStopWaitsForHeldChildren(t *testing.T) {
	t.Parallel()
	p := heldParent(t, "", goingOn(""))
	p.step(Stop{At: epoch, Reason: "stopped"})
	p.reload()
	p.step(Woke{At: epoch.Add(time.Hour)})
	if c := p.m.Cursor(); c.Stopping != "stopped" || c.Status.Ended() || c.Cycle != 1 || !p.m.WakeAt().IsZero() {
		t.Fatalf("it stands at %+v", c)
	}
	p.step(ChildDone{At: epoch, Key: p.tasks[0].Key, Attempt: 1, Cursor: journal.Cursor{Status: journal.Cancelled, Reason: "stopped"}})
	if c := p.m.Cursor(); c.Status != journal.Cancelled || c.Reason != "stopped" {
		t.Errorf("it ends as %s: %s", c.Status, c.Reason)
	}
}

// An attempt that follows a failed child begins another one, whose usage counts from zero.
func TestAHeldChildIsTriedAgain(t *testing.T) {
	t.Parallel()
	p := heldParent(t, `, "retry": {"attempts": 2, "backoff": 1000000}`, goingOn(""))
	key := p.tasks[0].Key
	p.step(ChildUsed{At: epoch, Key: key, Attempt: 1, Counts: journal.Counts{NodeRuns: 3}})
	p.step(ChildDone{At: epoch, Key: key, Attempt: 1, Cursor: journal.Cursor{Status: journal.Failed, Counts: journal.Counts{NodeRuns: 4}}})
	if c := p.m.Cursor(); len(c.Asking) > 0 || c.Children != nil {
		t.Errorf("it still waits: %+v", c)
	}
	p.step(Woke{At: epoch.Add(time.Second)})
	if len(p.tasks) != 2 || p.tasks[1].Child.Parent != "s.x/1/1/sub/#1" {
		t.Fatalf("attempts: %+v", p.tasks)
	}
	p.step(ChildDone{At: epoch, Key: key, Attempt: 2, State: map[string]any{"v": int64(1)},
		Cursor: journal.Cursor{Status: journal.Completed, Counts: journal.Counts{NodeRuns: 2}}})
	if n := p.m.Cursor().Counts.NodeRuns; n != 1+4+2 {
		t.Errorf("%d node runs, want 7", n)
	}
}

// Children leave the store with the cycle in which their node ended.
func TestChildrenGoWithTheHistory(t *testing.T) {
	t.Parallel()
	p := newParent(t, "", "", goingOn(""), `, "history": {"cycles": 2}`)
	for n := range 4 {
		if n > 0 {
			p.step(Woke{At: epoch})
		}
		p.over(ChildDone{Cursor: journal.Cursor{Status: journal.Completed}, State: map[string]any{"v": int64(1)}})
	}
	if want := []string{"s.sub.1.1", "s.sub.2.1"}; !slices.Equal(p.children, want) {
		t.Errorf("removed %v, want %v", p.children, want)
	}
	p.reload()
	if want := []string{"s.sub.3.1", "s.sub.4.1"}; !slices.Equal(p.keeps(), want) {
		t.Errorf("kept %v, want %v", p.keeps(), want)
	}
}
