package machine

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// parent is a machine whose node runs a graph, after its first attempt has begun.
type parent struct {
	t        *testing.T
	m        *Machine
	tasks    []Task
	children []string
	records  []journal.Record
}

func newParent(t *testing.T, with, node string) *parent {
	t.Helper()
	var def graph.Def
	err := json.Unmarshal([]byte(`{"graphrun": 1, "name": "outer", "state": [{"name": "got", "type": "any"}],
		"nodes": [{"id": "sub", "uses": "graph", "with": {"file": "inner.yaml" `+with+`}, "writes": [{"key": "got", "expr": "output"}] `+node+`,
			"graph": {"graphrun": 1, "name": "inner", "params": [{"name": "n", "type": "integer", "default": 1}],
				"state": [{"name": "v", "type": "integer"}], "nodes": [{"id": "w", "uses": "work"}]}}],
		"limits": {"cycles": 1, "failures": 1}}`), &def)
	if err != nil {
		t.Fatal(err)
	}
	g, problems := graph.Compile(def, testKinds{})
	if g == nil {
		t.Fatal(problems)
	}
	m, err := New(g, Options{}, journal.Identity{Stack: "s", Nonce: "x"}, nil, epoch)
	if err != nil {
		t.Fatal(err)
	}
	p := &parent{t: t, m: m}
	p.step(Woke{At: epoch})
	return p
}

// step feeds the machine, and begins what it starts at once.
func (p *parent) step(in Input) {
	p.t.Helper()
	for todo := []Input{in}; len(todo) > 0; todo = todo[1:] {
		if err := p.m.Step(todo[0]); err != nil {
			p.t.Fatal(err)
		}
		for rd, ok := p.m.Ready(); ok; rd, ok = p.m.Ready() {
			p.records = append(p.records, rd.Records...)
			p.children = append(p.children, rd.Children...)
			for _, task := range rd.Start {
				p.tasks = append(p.tasks, task)
				todo = append(todo, TaskRunning{At: epoch, Key: task.Key, Attempt: task.Attempt})
			}
			p.m.Advance()
		}
	}
}

// over reports the end of the child of the last task.
func (p *parent) over(end ChildDone) {
	p.t.Helper()
	last := p.tasks[len(p.tasks)-1]
	end.At, end.Key, end.Attempt = epoch, last.Key, last.Attempt
	p.step(end)
}

func (p *parent) finished() (ends []*journal.TaskFinished) {
	for _, r := range p.records {
		if b, ok := r.Body.(*journal.TaskFinished); ok {
			ends = append(ends, b)
		}
	}
	return ends
}

func TestWhatAChildBeginsWith(t *testing.T) {
	t.Parallel()
	p := newParent(t, `, "params": {"n": 7}, "state": {"v": 3}, "until": "state.v > 5", "max_cycles": 4`, "")
	want := &Child{ID: "s.sub.1.1", Parent: "s.x/1/1/sub/", Cycles: 4,
		Params: map[string]any{"n": int64(7)}, State: map[string]any{"v": int64(3)}}
	if diff := cmp.Diff(want, p.tasks[0].Child); diff != "" {
		t.Error(diff)
	}
}

// The machine decides what the end of a child means.
func TestWhatTheEndOfAChildMeans(t *testing.T) {
	t.Parallel()
	at := func(s journal.Status, reason string, failed int) journal.Cursor {
		return journal.Cursor{Status: s, Reason: reason, FailedInRow: failed, Counts: journal.Counts{Tokens: 9, Cost: 0.5}}
	}
	until := `, "until": "state.v > 5", "max_cycles": 4`
	for name, tt := range map[string]struct {
		with string
		end  ChildDone
		want string
	}{
		"a cycle":        {"", ChildDone{Cursor: at(journal.Running, "", 0)}, "succeeded"},
		"a failed cycle": {"", ChildDone{Cursor: at(journal.Running, "", 1)}, `error: graph "inner": its cycle failed`},
		"and why": {"", ChildDone{Cursor: at(journal.Running, "", 1), Last: &ChildFailure{Cycle: 1, Node: "w", Item: "k", Failure: journal.Failure{Kind: "exit", Message: "code 2"}}},
			`error: graph "inner": its cycle failed (w[k] in cycle 1: exit: code 2)`},
		"failed": {"", ChildDone{Cursor: at(journal.Failed, "failures limit", 0), Last: &ChildFailure{Cycle: 3, Failure: journal.Failure{Kind: "expression", Message: "no"}}},
			`error: graph "inner" failed: failures limit (cycle 3: expression: no)`},
		"cancelled":      {"", ChildDone{Cursor: at(journal.Cancelled, "", 0)}, `cancelled: graph "inner" was cancelled`},
		"cancelled, why": {"", ChildDone{Cursor: at(journal.Cancelled, "enough", 0)}, `cancelled: graph "inner" was cancelled: enough`},
		"until":          {until, ChildDone{Cursor: at(journal.Completed, "", 0)}, "succeeded"},
		"never until":    {until, ChildDone{Cursor: at(journal.Running, "", 0)}, `limit: graph "inner": until does not hold after 4 cycles`},
		"did not begin":  {"", ChildDone{Err: errors.New("params.n is text")}, "config: params.n is text"},
		"no JSON":        {"", ChildDone{Cursor: at(journal.Running, "", 0), State: map[string]any{"v": "\xff"}}, "output: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newParent(t, tt.with, "")
			if tt.end.State == nil {
				tt.end.State = map[string]any{"v": int64(6)}
			}
			p.over(tt.end)
			end := p.finished()[0]
			got := end.Status
			if end.Error != nil {
				got = end.Error.Kind + ": " + end.Error.Message
			}
			if got != tt.want && (tt.want != "output: " || !strings.HasPrefix(got, tt.want)) {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
			if used := tt.end.Cursor.Counts; end.Tokens != used.Tokens || end.Cost != used.Cost {
				t.Errorf("used %d and %v, want %+v", end.Tokens, end.Cost, used)
			}
			if want := []string{"s.sub.1.1"}; !slices.Equal(p.children, want) {
				t.Errorf("children that nobody needs: %v, want %v once", p.children, want)
			}
		})
	}
}

// A child that has failed is not continued by the attempt that follows, and stays until
// its node is settled.
func TestAnotherAttemptHasAnotherChild(t *testing.T) {
	t.Parallel()
	p := newParent(t, "", `, "retry": {"attempts": 2, "backoff": 1000000}`)
	p.over(ChildDone{Cursor: journal.Cursor{Status: journal.Failed, Reason: "no"}})
	if len(p.children) > 0 {
		t.Errorf("not needed before the node is settled: %v", p.children)
	}
	p.step(Woke{At: epoch.Add(time.Second)})
	if len(p.tasks) != 2 {
		t.Fatalf("%d attempts, want 2", len(p.tasks))
	}
	first, second := p.tasks[0].Child, p.tasks[1].Child
	if first.ID != second.ID || first.Parent == second.Parent {
		t.Errorf("children %+v and %+v: want one id and two parents", first, second)
	}
	p.over(ChildDone{Cursor: journal.Cursor{Status: journal.Completed}, State: map[string]any{"v": int64(1)}})
	if want := []string{"s.sub.1.1"}; !slices.Equal(p.children, want) {
		t.Errorf("children that nobody needs: %v, want %v", p.children, want)
	}
}

// The end of a stack leaves no child.
func TestAnEndedStackNeedsNoChild(t *testing.T) {
	t.Parallel()
	p := newParent(t, "", "")
	p.step(Cancel{At: epoch})
	p.step(TaskGone{At: epoch, Key: p.tasks[0].Key, Attempt: 1})
	if want := []string{"s.sub.1.1"}; !slices.Equal(p.children, want) || !p.m.Cursor().Status.Ended() {
		t.Errorf("children that nobody needs: %v, want %v; the stack is %s", p.children, want, p.m.Cursor().Status)
	}
}

func TestChildID(t *testing.T) {
	t.Parallel()
	k := journal.TaskKey{Cycle: 2, Wave: 3, Node: "n", Item: "a/b"}
	if got := ChildID("s", k); !strings.HasPrefix(got, "s.n.2.3.") || strings.ContainsAny(got, "/ ") {
		t.Errorf("an element: %q", got)
	}
	if got := ChildID(strings.Repeat("s", 128), k); len(got) > 128 || !strings.HasPrefix(got, "inner.") {
		t.Errorf("a long name: %q", got)
	}
}
