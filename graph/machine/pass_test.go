package machine

import (
	"encoding/json"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// onceGraph has two questions and what follows them.
const onceGraph = `
graphrun: 1
name: pipeline
once: true
state: {log: {type: list(string), reduce: append}}
nodes:
  build: {uses: work}
  legal: {uses: approval, with: {prompt: "legal?"}}
  money: {uses: approval, with: {prompt: "money?"}}
  join: {uses: set, join: all, writes: {log: '["join"]'}}
edges:
  - {to: [build, legal, money]}
  - {from: [build, legal, money], to: join}
`

// afterOneAnswer is a stack of a graph that waits for its second answer.
func afterOneAnswer(t *testing.T, g *graph.Graph) *rig {
	t.Helper()
	r := newRig(t, g)
	for _, line := range []string{"start", "wake", "done build", `answer legal {"approved": true}`, "wake"} {
		do(r, line)
	}
	return r
}

// What a pass has settled is in the cursor by its names, and is no more than the graph.
func TestPassIsInTheCursor(t *testing.T) {
	t.Parallel()
	r := afterOneAnswer(t, compile(t, onceGraph))
	var c struct {
		Pass    json.RawMessage
		Latches json.RawMessage
	}
	if err := json.Unmarshal(r.cursor, &c); err != nil {
		t.Fatal(err)
	}
	if got, want := string(c.Pass), `{"nodes":[{"node":"build","status":"succeeded","attempts":1},{"node":"legal","status":"succeeded","attempts":1}]}`; got != want {
		t.Errorf("pass: got %s, want %s", got, want)
	}
	if got, want := string(c.Latches), `[{"from":"start","to":"money"},{"from":"build","to":"join","outcome":"success"},{"from":"legal","to":"join","outcome":"success"}]`; got != want {
		t.Errorf("latches: got %s, want %s", got, want)
	}
	do(r, `answer money {"approved": true}`)
	do(r, "wake")
	end := r.m.Cursor()
	if end.Status != journal.Completed || len(end.Pass.Nodes) != 4 || end.Latches != nil {
		t.Errorf("the end: %s, %+v, %+v", end.Status, end.Pass, end.Latches)
	}
}

// Other graphs write nothing more into their cursors.
func TestNoPassWithoutOnce(t *testing.T) {
	t.Parallel()
	g := *compile(t, onceGraph)
	g.Once = false
	r := newRig(t, &g)
	for _, line := range []string{"start", "wake", "done build"} {
		do(r, line)
	}
	if c := r.m.Cursor(); c.Pass != nil || c.Latches != nil {
		t.Errorf("got %+v, %+v", c.Pass, c.Latches)
	}
}

// A child that an earlier version let finish its one cycle is over when it is restored.
func TestOldChildIsOver(t *testing.T) {
	t.Parallel()
	for _, failed := range []int{0, 1} {
		once := compile(t, onceGraph)
		s := journal.Snapshot{
			Identity: journal.Identity{Stack: "s", Parent: "p/a", CreatedAt: epoch},
			Cursor: journal.Cursor{Status: journal.Running, Hash: once.Hash, Seq: 9, Cycle: 1, CycleSeq: 2, WakeAt: epoch,
				FailedInRow: failed, Counts: journal.Counts{Cycles: 1}},
			State: map[string]any{"log": []any{}},
		}
		want := journal.Completed
		if failed > 0 {
			want = journal.Failed
		}
		m, err := Restore(once, Options{}, s, epoch)
		if err != nil {
			t.Fatal(err)
		}
		if r, ok := m.Ready(); !ok || r.Outcome == nil || r.Outcome.Status != want {
			t.Errorf("restored: %+v, want %s", r.Outcome, want)
		}
		// Its definition of that time may have been another one.
		before := *once
		before.Once, before.Hash = false, "before"
		s.Cursor.Hash = "before"
		if m, err = Restore(&before, Options{}, s, epoch); err != nil {
			t.Fatal(err)
		}
		if err := m.Adopt(once, epoch); err != nil {
			t.Fatal(err)
		}
		if r, ok := m.Ready(); !ok || r.Outcome == nil || r.Outcome.Status != want {
			t.Errorf("adopted: %+v, want %s", r.Outcome, want)
		}
		// A stack of its own continues: its pass begins with the next cycle.
		s.Identity.Parent, s.Cursor.Hash = "", once.Hash
		if m, err = Restore(once, Options{}, s, epoch); err != nil {
			t.Fatal(err)
		}
		if r, _ := m.Ready(); r.Outcome != nil {
			t.Errorf("a stack of its own has ended: %+v", r.Outcome)
		}
	}
}

// A changed graph forgets verdicts over edges that it changed, and what it has no more.
func TestChangedGraphKeepsPass(t *testing.T) {
	t.Parallel()
	old := compile(t, onceGraph)
	r := afterOneAnswer(t, old)
	g := compile(t, `
graphrun: 1
name: pipeline
once: true
state: {log: {type: list(string), reduce: append}}
nodes:
  legal: {uses: approval, with: {prompt: "legal?"}}
  more: {uses: set, writes: {log: '["more"]'}}
  money: {uses: approval, with: {prompt: "money?"}}
  join: {uses: set, join: all, writes: {log: '["join"]'}}
edges:
  - {to: [legal, money]}
  - {from: money, to: join}
  - {from: legal, to: join, when: "len(state.log) > 0"}
  - {from: money, to: more}
`)
	if err := r.m.Adopt(g, r.clock); err != nil {
		t.Fatal(err)
	}
	c := r.m.Cursor()
	if len(c.Pass.Nodes) != 1 || c.Pass.Nodes[0].Node != "legal" || len(c.Latches) != 1 || c.Latches[0].To != "money" {
		t.Errorf("kept %+v, %+v", c.Pass, c.Latches)
	}
	r.g = g
	r.drain()
	do(r, `answer money {"approved": true}`)
	do(r, "wake")
	c = r.m.Cursor()
	if got, want := r.stateText(), "log = [\"more\"]\n"; got != want || c.Status != journal.Completed {
		t.Errorf("%s, state %s, want %s", c.Status, got, want)
	}
}

// A graph that is no pipeline any more continues with its cycles.
func TestOnceIsTakenAway(t *testing.T) {
	t.Parallel()
	g := compile(t, onceGraph)
	r := afterOneAnswer(t, g)
	cycles := *g
	cycles.Once, cycles.Hash = false, "cycles"
	if err := r.m.Adopt(&cycles, r.clock); err != nil {
		t.Fatal(err)
	}
	r.g = &cycles
	r.drain()
	if c := r.m.Cursor(); c.Pass != nil || c.Latches != nil || c.WakeAt.IsZero() {
		t.Errorf("got %+v, %+v, wake at %v", c.Pass, c.Latches, c.WakeAt)
	}
}
