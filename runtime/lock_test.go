package runtime_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// begins notes when the nodes of a test begin: "SECONDS STACK NODE".
type begins struct {
	mu    sync.Mutex
	from  time.Time
	lines []string
}

func newBegins(k *runtimetest.Kit, takes time.Duration, nodeIDs ...string) *begins {
	b := &begins{from: time.Now()}
	for _, id := range nodeIDs {
		k.Node(id, func(ctx context.Context, t nodes.Task) (any, error) {
			b.note(t)
			return runtimetest.Takes(takes, runtimetest.Returns(1))(ctx, t)
		})
	}
	return b
}

func (b *begins) note(t nodes.Task) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, strings.TrimSpace(fmt.Sprintf("%v %s %s %s", time.Since(b.from).Seconds(), t.Stack, t.Node, t.Item)))
}

func (b *begins) want(t testing.TB, want ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	slices.Sort(b.lines)
	if diff := cmp.Diff(want, b.lines); diff != "" {
		t.Errorf("begun (-want +got):\n%s", diff)
	}
}

const onceEach = `"limits": {"cycles": 1}`

// TestALockIsOneOverAllGraphs: of tasks with an equal text one runs at a time, whatever
// its graph, stack and pool; another text, an empty one and null are free.
func TestALockIsOneOverAllGraphs(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		b := newBegins(k, time.Second, "a", "b", "c", "d", "e")
		one := k.Compile(def(t, `{"graphrun": 1, "name": "one", `+onceEach+`, "params": [{"name": "n", "type": "integer", "default": 7}],
			"state": [{"name": "none", "type": "string?"}], "pools": [{"name": "default", "parallel": 9}], "nodes": [{"id": "a", "uses": "work", "lock": "deploy-${{ params.n }}"}, {"id": "c", "uses": "work", "lock": "other"},
				{"id": "d", "uses": "work", "lock": ""}, {"id": "e", "uses": "work", "lock": "${{ state.none }}"}]}`))
		two := k.Compile(def(t, `{"graphrun": 1, "name": "two", `+onceEach+`, "nodes": [{"id": "b", "uses": "work", "lock": "deploy-7"}]}`))
		var stacks []*runtime.Stack
		for _, id := range []string{"s1", "s2"} {
			stacks = append(stacks, k.Start(one, runtime.StartOptions{ID: id}))
			synctest.Wait()
		}
		stacks = append(stacks, k.Start(two, runtime.StartOptions{ID: "s3"}))
		for _, s := range stacks {
			k.Wait(s)
		}
		b.want(t, "0 s1 a", "0 s1 c", "0 s1 d", "0 s1 e", "0 s2 d", "0 s2 e", "1 s2 a", "1 s2 c", "2 s3 b")
	})
}

// TestALockOfEachElement is evaluated for each, and a number or a boolean is its text.
func TestALockOfEachElement(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		b := newBegins(k, time.Second, "a", "b", "c")
		k.Wait(k.Start(k.Compile(def(t, `{"graphrun": 1, "name": "g", `+onceEach+`, "nodes": [
			{"id": "a", "uses": "work", "lock": "${{ it % 2 }}", "for_each": {"in": "[1, 2, 3]", "as": "it"}},
			{"id": "b", "uses": "work", "lock": "0"}, {"id": "c", "uses": "work", "lock": "${{ 1 == 1 }}"}]}`)), runtime.StartOptions{}))
		b.want(t, "0 g a 0", "0 g a 1", "0 g c", "1 g a 2", "1 g b")
	})
}

// TestALockWaitsWithoutASlot, and no backoff keeps it.
func TestALockWaitsWithoutASlot(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		b := newBegins(k, time.Second, "b", "c")
		fails := func(ctx context.Context, task nodes.Task) (any, error) {
			b.note(task)
			return runtimetest.Takes(time.Second, runtimetest.Fails("exit", "no"))(ctx, task)
		}
		last := func(ctx context.Context, task nodes.Task) (any, error) { b.note(task); return 1, nil }
		k.Node("a", fails, last)
		k.Wait(k.Start(k.Compile(def(t, `{"graphrun": 1, "name": "g", `+onceEach+`, "pools": [{"name": "default", "parallel": 2}], "nodes": [
			{"id": "a", "uses": "work", "lock": "x", "retry": {"attempts": 2, "backoff": 5000000000, "jitter": false}},
			{"id": "b", "uses": "work", "lock": "x"}, {"id": "c", "uses": "work"}]}`)), runtime.StartOptions{}))
		b.want(t, "0 g a", "0 g c", "1 g b", "6 g a")
	})
}

// TestALockIsGivenBack at every end of an attempt.
func TestALockIsGivenBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first runtimetest.Reply
		node  string
		act   func(k *runtimetest.Kit, first *runtime.Stack) error
	}{
		"failed":  {runtimetest.Fails("exit", "no"), "", nil},
		"panic":   {runtimetest.Panics("no"), "", nil},
		"timeout": {runtimetest.Takes(time.Hour, runtimetest.Returns(1)), `, "timeout": 1000000000`, nil},
		"cancelled": {runtimetest.Takes(time.Hour, runtimetest.Returns(1)), "", func(k *runtimetest.Kit, first *runtime.Stack) error {
			return k.Runtime.CancelTask(k.T.Context(), "first", "a", "")
		}},
		"stopped": {runtimetest.Takes(time.Hour, runtimetest.Returns(1)), "", func(k *runtimetest.Kit, first *runtime.Stack) error {
			return first.Cancel(k.T.Context(), "")
		}},
		"detached": {runtimetest.Takes(time.Hour, runtimetest.Returns(1)), "", func(k *runtimetest.Kit, first *runtime.Stack) error {
			return first.Detach(k.T.Context())
		}},
		"held": {asker(&diary{begun: time.Now()}, "x"), "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Config.Grace = -1
				k.Reopen()
				k.Node("a", c.first)
				k.Node("b", runtimetest.Returns(1))
				graphOf := func(name, node string) string {
					return `{"graphrun": 1, "name": "` + name + `", ` + onceEach + `, "nodes": [{"id": "` + node + `", "uses": "work", "lock": "x"` + c.node + `}]}`
				}
				first := k.Start(k.Compile(def(t, graphOf("first", "a"))), runtime.StartOptions{})
				synctest.Wait()
				s := k.Start(k.Compile(def(t, graphOf("second", "b"))), runtime.StartOptions{})
				if c.act != nil {
					if err := c.act(k, first); err != nil {
						t.Fatal(err)
					}
				}
				begun := time.Now()
				if r := k.Wait(s); r.Cycles != 1 || time.Since(begun) > 2*time.Second {
					t.Errorf("%d cycles after %s", r.Cycles, time.Since(begun))
				}
			})
		})
	}
}

// locksWithin is a graph whose node has a lock and runs a graph with tasks of the same
// lock, one of them deeper, and asks a person in between.
func locksWithin(t testing.TB, ask string) string {
	t.Helper()
	return `{"graphrun": 1, "name": "top", ` + onceEach + `, "nodes": [{"id": "mid", "uses": "graph", "lock": "x", "with": {"file": "mid.yaml"},
		"graph": {"graphrun": 1, "name": "mid", "nodes": [{"id": "l", "uses": "work", "lock": "x"}, {"id": "m", "uses": "work", "lock": "x"}` + ask + `,
			{"id": "low", "uses": "graph", "with": {"file": "low.yaml"}, "graph": {"graphrun": 1, "name": "low", "nodes": [{"id": "n", "uses": "work", "lock": "x"}]}}],
			"edges": [{"to": ["l", "m"]}, {"from": ["l"], "to": ["low"]}, {"from": ["m"], "to": ["low"]}]}}]}`
}

// TestAGraphKeepsItsLock for the life of its stack, whose tasks do not wait for it. One
// of those with the same lock runs at a time.
func TestAGraphKeepsItsLock(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		b := newBegins(k, time.Second, "l", "m", "n", "o")
		top := k.Start(k.Compile(def(t, locksWithin(t, ""))), runtime.StartOptions{})
		synctest.Wait()
		other := k.Start(k.Compile(def(t, `{"graphrun": 1, "name": "other", `+onceEach+`, "nodes": [{"id": "o", "uses": "work", "lock": "x"}]}`)), runtime.StartOptions{})
		k.Wait(top)
		k.Wait(other)
		b.want(t, "0 top.mid.1.1 l", "1 top.mid.1.1 m", "2 top.mid.1.1.low.1.2 n", "3 other o")
	})
}

// TestAGraphThatWaitsKeepsItsLock, over restarts too, and gives it back at its end.
func TestAGraphThatWaitsKeepsItsLock(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(*runtimetest.Kit){
		"":        func(*runtimetest.Kit) {},
		"restart": func(k *runtimetest.Kit) { k.Reopen(); takeUp(k) },
		"crash":   func(k *runtimetest.Kit) { k.Crash(); takeUp(k) },
	} {
		for end, finish := range map[string]func(k *runtimetest.Kit) error{
			"answer": func(k *runtimetest.Kit) error {
				return k.Runtime.Answer(k.T.Context(), "top.mid.1.1", "ask", map[string]any{"approved": true})
			},
			"cancel": func(k *runtimetest.Kit) error { return k.Runtime.CancelTask(k.T.Context(), "top", "mid", "") },
		} {
			t.Run(name+" "+end, func(t *testing.T) {
				t.Parallel()
				runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
					newBegins(k, time.Second, "l", "m", "n", "o")
					k.Start(k.Compile(def(t, strings.Replace(locksWithin(t, `, {"id": "ask", "uses": "approval", "with": {"prompt": "ok?"}}`), onceEach,
						`"pause": {"none": true}, "stop": [{"when": "cycle.number > 3"}]`, 1))), runtime.StartOptions{})
					k.Forward(time.Minute)
					between(k)
					k.Start(k.Compile(def(t, `{"graphrun": 1, "name": "other", `+onceEach+`, "nodes": [{"id": "o", "uses": "work", "lock": "x"}]}`)), runtime.StartOptions{})
					k.Forward(time.Minute)
					between(k)
					k.Forward(time.Minute)
					if n := len(k.Runs("o")); n != 0 {
						t.Errorf("another task has had the lock %d times", n)
					}
					if len(k.Runs("m")) != 1 || len(k.Runs("n")) != 1 {
						t.Errorf("m ran %d times, n %d times", len(k.Runs("m")), len(k.Runs("n")))
					}
					if err := finish(k); err != nil {
						t.Fatal(err)
					}
					k.Forward(time.Minute)
					if n := len(k.Runs("o")); n != 1 {
						t.Errorf("o ran %d times after the end of the graph", n)
					}
				})
			})
		}
	}
}

// TestWhoHadALockHasItAgain after a crash, before those that waited for it.
func TestWhoHadALockHasItAgain(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		b := newBegins(k, 10*time.Second, "a", "b")
		graphOf := func(name, node, more string) string {
			return `{"graphrun": 1, "name": "` + name + `", ` + onceEach + `, "nodes": [{"id": "` + node + `", "uses": "work", "lock": "x"` + more + `}]}`
		}
		k.Start(k.Compile(def(t, graphOf("second", "a", ""))), runtime.StartOptions{})
		synctest.Wait()
		k.Start(k.Compile(def(t, graphOf("first", "b", `, "priority": 9`))), runtime.StartOptions{})
		k.Forward(time.Second)
		k.Crash()
		takeUp(k)
		k.Forward(time.Minute)
		b.want(t, "0 second a", "1 second a", "11 first b")
	})
}

// TestStatusSaysWhatATaskWaitsBehind: the task that has the lock, or a slot of the pool
// that is full; nothing for a pool on hold.
func TestStatusSaysWhatATaskWaitsBehind(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		newBegins(k, 10*time.Second, "a", "b", "c", "d", "e")
		k.Start(k.Compile(def(t, `{"graphrun": 1, "name": "one", `+onceEach+`, "pools": [{"name": "gpu", "parallel": 1, "shared": true}],
			"nodes": [{"id": "a", "uses": "work", "lock": "x", "for_each": {"in": "[1]", "as": "it"}}, {"id": "b", "uses": "work", "pool": "gpu"}]}`)), runtime.StartOptions{})
		k.Forward(time.Second)
		k.Start(k.Compile(def(t, `{"graphrun": 1, "name": "two", `+onceEach+`, "pools": [{"name": "gpu", "parallel": 1, "shared": true}, {"name": "off", "parallel": 0}],
			"nodes": [{"id": "c", "uses": "work", "lock": "x"}, {"id": "d", "uses": "work", "pool": "gpu"}, {"id": "e", "uses": "work", "pool": "off"}]}`)), runtime.StartOptions{})
		k.Forward(time.Second)
		behind := func() map[string]*runtime.Behind {
			st, err := k.Runtime.Status(k.T.Context(), "two")
			if err != nil {
				t.Fatal(err)
			}
			out := map[string]*runtime.Behind{}
			for i := range st.Tasks {
				out[st.Tasks[i].Node] = st.Tasks[i].Behind
			}
			return out
		}
		want := map[string]*runtime.Behind{"c": {Stack: "one", Node: "a", Item: "0"}, "d": {Stack: "one", Node: "b"}, "e": nil}
		if diff := cmp.Diff(want, behind()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		k.Forward(10 * time.Second) // they run
		if diff := cmp.Diff(map[string]*runtime.Behind{"c": nil, "d": nil, "e": nil}, behind()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if err := k.Runtime.SetPool("two", "off", 1); err != nil {
			t.Fatal(err)
		}
		k.Forward(time.Minute)
	})
}

// TestASharedPool is one over two graphs: its limit counts their tasks together.
func TestASharedPool(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		b := newBegins(k, time.Second, "a", "b")
		graphOf := func(name, node string) string {
			return `{"graphrun": 1, "name": "` + name + `", ` + onceEach + `, "pools": [{"name": "gpu", "parallel": 1, "shared": true}],
				"nodes": [{"id": "` + node + `", "uses": "work", "pool": "gpu"}]}`
		}
		one := k.Start(k.Compile(def(t, graphOf("one", "a"))), runtime.StartOptions{})
		synctest.Wait()
		two := k.Start(k.Compile(def(t, graphOf("two", "b"))), runtime.StartOptions{})
		k.Wait(one)
		k.Wait(two)
		b.want(t, "0 one a", "1 two b")
	})
}
