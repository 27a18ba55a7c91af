package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/script"
	"github.com/graphrun/graphrun/nodes/memory"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// tally counts what models are asked and what tools do.
type tally struct {
	mu    sync.Mutex
	times map[string]int
}

func (c *tally) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.times == nil {
		c.times = map[string]int{}
	}
	c.times[what]++
}

// counting is a Model that counts its questions.
type counting struct {
	agent.Model
	name string
	c    *tally
}

func (m counting) Ask(ctx context.Context, q *agent.Request, delta func(string)) (*agent.Response, error) {
	m.c.add(m.name)
	return m.Model.Ask(ctx, q, delta)
}

// agentKinds are agents with the api script, memories, and the kind pay.
func agentKinds(t testing.TB, c *tally) *nodes.Registry {
	t.Helper()
	memories := &memory.Memories{}
	agents := agent.New(agent.Config{Memory: memories})
	err := agents.Register(script.Name, func(p agent.ProviderConfig) (agent.Model, error) {
		m, err := script.Open(p)
		return counting{m, p.Name, c}, err
	})
	pay := nodes.Func("pay", func(ctx context.Context, in struct {
		Amount float64 `json:"amount"`
	}) (float64, error) {
		task, _ := nodes.TaskOf(ctx)
		c.add("pay " + task.Key)
		return in.Amount, nil
	})
	reg := std.Registry()
	for _, s := range []nodes.Spec{agents.Spec(), memories.Spec(), pay} {
		err = errors.Join(err, reg.Register(s))
	}
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

// files writes files of replies, and returns their folder.
func files(t testing.TB, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// nested is a graph whose agent calls another one, which pays with a person's word and
// keeps what it did; the agent itself keeps a note.
func nested(t testing.TB, effects string) graph.Def {
	dir := files(t, map[string]string{
		"outer": `
- {when: "turn == 1", calls: [{name: helper, args: {task: "Pay the bill."}}], usage: {input: 10, output: 1}}
- {when: "turn == 2", calls: [{name: note, args: {text: "the bill is paid"}}], usage: {input: 20, output: 1}}
- {when: "turn == 3", text: "It is paid.", usage: {input: 30, output: 1}}`,
		"inner": `
- {when: "turn == 1", calls: [{name: pay, args: {amount: 50}}, {name: memory/facts/write, args: {text: "a bill of 50"}}], usage: {input: 100, output: 10}}
- {when: "turn == 2", text: "Paid.", usage: {input: 200, output: 10}}`,
	})
	return definition(t, `{"graphrun": 1, "name": "g", "file": "`+dir+`/g.yaml",
		"providers": [{"name": "outer", "api": "script", "file": "outer.yaml", "prices": [{"model": "script", "input": 250000, "output": 0}]},
			{"name": "inner", "api": "script", "file": "inner.yaml", "prices": [{"model": "script", "input": 250000, "output": 0}]}],
		"memories": [{"name": "facts", "scope": "graph"}],
		"tools": [
			{"name": "helper", "uses": "agent", "effects": "`+effects+`", "args": {"type": "object", "required": ["task"], "properties": {"task": "string"}},
			 "with": {"model": "inner/x", "instructions": "Help.", "input": "${{ args.task }}", "tools": ["pay", "memory/facts/write"]}},
			{"name": "pay", "uses": "pay", "approve": "args.amount > 20", "args": {"type": "object", "required": ["amount"], "properties": {"amount": "number"}},
			 "with": {"amount": "${{ args.amount }}"}},
			{"name": "note", "uses": "memory", "args": {"type": "object", "required": ["text"], "properties": {"text": "string"}},
			 "with": {"memory": "facts", "op": "write", "text": "${{ args.text }}"}}],
		"state": [{"name": "answer", "type": "string?"}, {"name": "used", "type": "any"}],
		"nodes": [{"id": "a", "uses": "agent", "with": {"model": "outer/x", "instructions": "Work.", "input": "Begin.", "tools": ["helper", "note"]},
			"writes": [{"key": "answer", "expr": "output"}, {"key": "used", "expr": "usage"}]}],
		"edges": [{"to": ["a"]}], "stop": [{"when": "state.answer != nil"}]}`)
}

func definition(t testing.TB, text string) (d graph.Def) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// toTheEnd runs a stack to its end: it says yes to all calls that wait, and opens the store
// again after a crash. It says how often that was, and which calls waited.
func toTheEnd(k *runtimetest.Kit, def graph.Def) (r runtime.Result, crashes int, asked []string) {
	k.T.Helper()
	ctx := k.T.Context()
	s, err := k.Runtime.Start(ctx, k.Compile(def), runtime.StartOptions{})
	for range 100 {
		if err == nil {
			k.Forward(time.Second)
		}
		over := err != nil
		if !over {
			select {
			case <-s.Done():
				over = true
			default:
			}
		}
		if over {
			if err == nil {
				if r, err = s.Wait(ctx); err == nil {
					return r, crashes, asked
				}
			}
			crashes++
			k.Crash()
			s, err = k.Runtime.Resume(ctx, "g", runtime.ResumeOptions{})
			continue
		}
		st, failed := k.Runtime.Status(ctx, "g")
		if failed != nil {
			continue
		}
		for _, w := range st.Cursor.Asking {
			for _, c := range w.Calls {
				if c.Answered {
					continue
				}
				asked = append(asked, c.ID+" "+c.Tool)
				_ = k.Runtime.AnswerWith(ctx, "g", w.Node, runtime.AnswerOptions{Call: c.ID, Output: map[string]any{"approved": true}})
			}
		}
	}
	k.T.Fatal("it does not end")
	return r, crashes, asked
}

func remembered(k *runtimetest.Kit) (list []string) {
	_, err := k.Store.Memory(k.T.Context(), journal.MemoryRef{Graph: "g", Name: "facts"}, 0, func(it journal.MemoryItem) error {
		list = append(list, it.Text)
		return nil
	})
	if err != nil {
		k.T.Fatal(err)
	}
	return list
}

// TestAnAgentIsATool: whatever commit a crash comes after, its turns are not paid twice,
// what it uses counts in the usage of the agent that calls it, its calls get their words
// through the task, and what both keep is kept once.
func TestAnAgentIsATool(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) runtime.Store{
		"memory": func(*testing.T) runtime.Store { return memstore.New() },
		"file": func(t *testing.T) runtime.Store {
			s, err := boltstore.Open(filepath.Join(t.TempDir(), "graphrun.db"), boltstore.Options{Durability: runtime.DurabilityNone})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	} {
		for _, effects := range []string{"", "once"} {
			t.Run(name+effects, func(t *testing.T) {
				t.Parallel()
				crashes := 0
				for at := 1; at == 1 || crashes == at-1; at++ {
					c := &tally{}
					runtimetest.Run(t, agentKinds(t, c), func(k *runtimetest.Kit) {
						k.Store = open(t)
						k.Reopen()
						defer func() {
							_ = k.Runtime.Close(k.T.Context())
							_ = k.Store.Close()
						}()
						k.CrashAfter(at)
						r, n, asked := toTheEnd(k, nested(k.T, effects))
						crashes += n
						check(k, c, r, asked, effects == "once" && n > 0)
					})
					if t.Failed() {
						t.Fatalf("the crash came after commit %d", at)
					}
				}
				if crashes < 10 {
					t.Errorf("only %d crashes", crashes)
				}
			})
		}
	}
}

func check(k *runtimetest.Kit, c *tally, r runtime.Result, asked []string, mayBeCut bool) {
	t := k.T
	t.Helper()
	if c.times["outer"] != 3 {
		t.Errorf("asked %v", c.times)
	}
	delete(c.times, "outer")
	if r.State["answer"] != "It is paid." || r.Failures != 0 {
		t.Errorf("%v, %d failures", r.State["answer"], r.Failures)
	}
	facts := remembered(k)
	if mayBeCut && len(facts) == 1 {
		return // it was cut off, and not called again
	}
	want := map[string]any{"turns": int64(5), "calls": int64(4), "input_tokens": int64(360), "output_tokens": int64(23), "cost": int64(90), "estimated": false}
	if diff := cmp.Diff(want, r.State["used"]); diff != "" {
		t.Errorf("usage (-want +got)\n%s", diff)
	}
	if r.Cursor.Counts.Tokens != 383 {
		t.Errorf("%d tokens", r.Cursor.Counts.Tokens)
	}
	if c.times["inner"] != 2 || len(c.times) != 2 {
		t.Errorf("asked and paid %v", c.times)
	}
	if len(asked) == 0 || slices.ContainsFunc(asked, func(s string) bool { return s != asked[0] }) || asked[0] != "helper#1/call_1 pay" {
		t.Errorf("waited: %q", asked)
	}
	if diff := cmp.Diff([]string{"a bill of 50", "the bill is paid"}, facts); diff != "" {
		t.Errorf("memory (-want +got)\n%s", diff)
	}
}
