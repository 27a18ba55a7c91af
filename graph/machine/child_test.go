package machine

import (
	"encoding/json"
	"errors"
	"fmt"
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

func newParent(t *testing.T, with, node string, more ...string) *parent {
	rest := strings.Join(more, "")
	t.Helper()
	var def graph.Def
	err := json.Unmarshal([]byte(`{"graphrun": 1, "name": "outer", "state": [{"name": "got", "type": "any"}],
		"nodes": [{"id": "sub", "uses": "graph", "with": {"file": "inner.yaml" `+with+`}, "writes": [{"key": "got", "expr": "output"}] `+node+`,
			"graph": {"graphrun": 1, "name": "inner", "params": [{"name": "n", "type": "integer", "default": 1}],
				"state": [{"name": "v", "type": "integer"}], "nodes": [{"id": "w", "uses": "work"}]}}],
		"limits": {"cycles": 1, "failures": 1} `+rest+`}`), &def)
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
			p.records = append(p.records, journal.Singles(rd.Records)...)
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

// keeps are the children whose records the parent keeps.
func (p *parent) keeps() (ids []string) {
	p.t.Helper()
	s, _ := p.m.Snapshot()
	for _, c := range KeptChildren(s.State) {
		ids = append(ids, c.ID)
	}
	return ids
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
	want := &Child{ID: "s.sub.1.1", Parent: "s.x/1/1/sub/", MaxCycles: 4,
		Params: map[string]any{"n": int64(7)}, State: map[string]any{"v": int64(3)}}
	if diff := cmp.Diff(want, p.tasks[0].Child); diff != "" {
		t.Error(diff)
	}
}

// The machine decides what the end of a child means.
func TestWhatTheEndOfAChildMeans(t *testing.T) {
	t.Parallel()
	at := func(s journal.Status, reason string, f *journal.Failure) journal.Cursor {
		return journal.Cursor{Status: s, Reason: reason, Failure: f, Counts: journal.Counts{NodeRuns: 4, Tokens: 9, Cost: 0.5}}
	}
	code, said := int64(2), "no"
	for name, tt := range map[string]struct {
		end  ChildDone
		want string
	}{
		"completed": {ChildDone{Cursor: at(journal.Completed, "", nil)}, "succeeded"},
		"failed": {ChildDone{Cursor: at(journal.Failed, "w failed", &journal.Failure{
			Kind: "exit", Message: "code 2", Code: &code, Output: &said, Item: "k", Path: "w[k]", Limit: "tokens"})},
			"exit: code 2 at sub/w[k], 2, no"},
		"by a limit":     {ChildDone{Cursor: at(journal.Failed, "", &journal.Failure{Kind: "limit", Message: "until does not hold"})}, "limit: until does not hold"},
		"long ago":       {ChildDone{Cursor: at(journal.Failed, "failures limit", nil)}, `error: graph "inner" failed: failures limit`},
		"cancelled":      {ChildDone{Cursor: at(journal.Cancelled, "", nil)}, `cancelled: graph "inner" was cancelled`},
		"cancelled, why": {ChildDone{Cursor: at(journal.Cancelled, "enough", nil)}, `cancelled: graph "inner" was cancelled: enough`},
		"did not begin":  {ChildDone{Err: errors.New("params.n is text")}, "config: params.n is text"},
		"no JSON":        {ChildDone{Cursor: at(journal.Completed, "", nil), State: map[string]any{"v": "\xff"}}, "output: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newParent(t, "", "")
			if tt.end.State == nil {
				tt.end.State = map[string]any{"v": int64(6)}
			}
			p.over(tt.end)
			end := p.finished()[0]
			got := end.Status
			if end.Error != nil {
				got = end.Error.Kind + ": " + end.Error.Message
				if end.Error.Path != "" {
					got += fmt.Sprintf(" at %s, %d, %s", end.Error.Path, *end.Error.Code, *end.Error.Output)
				}
				if end.Error.Limit != "" {
					t.Errorf("the limit %q of a child is one of its parent", end.Error.Limit)
				}
			}
			if got != tt.want && (tt.want != "output: " || !strings.HasPrefix(got, tt.want)) {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
			if used := tt.end.Cursor.Counts; end.Tokens != used.Tokens || end.Cost != used.Cost || end.NodeRuns != used.NodeRuns {
				t.Errorf("used %d, %v and %d, want %+v", end.Tokens, end.Cost, end.NodeRuns, used)
			}
			if got := p.m.Cursor().Counts; got.NodeRuns != 1+tt.end.Cursor.Counts.NodeRuns {
				t.Errorf("%d node runs, want those of the child and one", got.NodeRuns)
			}
			if got := p.keeps(); len(p.children) > 0 || !slices.Equal(got, []string{"s.sub.1.1"}) {
				t.Errorf("%v are removed and %v are kept", p.children, got)
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
	p.step(Woke{At: epoch.Add(time.Second)})
	if len(p.tasks) != 2 {
		t.Fatalf("%d attempts, want 2", len(p.tasks))
	}
	first, second := p.tasks[0].Child, p.tasks[1].Child
	if first.ID != second.ID || first.Parent == second.Parent {
		t.Errorf("children %+v and %+v: want one id and two parents", first, second)
	}
	p.over(ChildDone{Cursor: journal.Cursor{Status: journal.Completed}, State: map[string]any{"v": int64(1)}})
	if got := p.keeps(); !slices.Equal(got, []string{"s.sub.1.1"}) {
		t.Errorf("%v are kept", got)
	}
}

// A stack that has ended keeps its children with its history.
func TestAnEndedStackKeepsItsChildren(t *testing.T) {
	t.Parallel()
	p := newParent(t, "", "")
	p.step(Cancel{At: epoch})
	p.step(TaskGone{At: epoch, Key: p.tasks[0].Key, Attempt: 1})
	if got := p.keeps(); !slices.Equal(got, []string{"s.sub.1.1"}) || !p.m.Cursor().Status.Ended() {
		t.Errorf("%v are kept; the stack is %s", got, p.m.Cursor().Status)
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
