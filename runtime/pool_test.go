package runtime_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// wide is a graph of n independent nodes n0, n1, … that each take a second and
// note when they began.
func wide(k *runtimetest.Kit, n int, pools string, node func(i int) string, note func(line string)) graph.Def {
	k.T.Helper()
	begin := time.Now()
	var list []string
	for i := range n {
		id := fmt.Sprintf("n%d", i)
		list = append(list, fmt.Sprintf(`{"id": %q, "uses": "work" %s}`, id, node(i)))
		k.Node(id, func(ctx context.Context, t nodes.Task) (any, error) {
			note(fmt.Sprintf("%s %s", time.Since(begin), t.Node))
			return runtimetest.Takes(time.Second, runtimetest.Returns(map[string]any{}))(ctx, t)
		})
	}
	return def(k.T, fmt.Sprintf(`{"graphrun": 1, "name": "wide", "pools": [%s],
		"nodes": [%s], "limits": {"cycles": 1}}`, pools, strings.Join(list, ",")))
}

func TestPools(t *testing.T) {
	t.Parallel()
	none := func(int) string { return "" }
	for _, c := range []struct {
		name   string
		n      int
		pools  string
		node   func(i int) string
		config runtime.Config
		want   []string
	}{
		{"parallel", 5, `{"name": "default", "parallel": 2}`, none, runtime.Config{},
			[]string{"0s n0", "0s n1", "1s n2", "1s n3", "2s n4"}},
		{"parallel of the command", 3, `{"name": "default", "parallel": 2}`, none, runtime.Config{Parallel: 1},
			[]string{"0s n0", "1s n1", "2s n2"}},
		{"priority, then declaration", 4, `{"name": "default", "parallel": 1}`,
			func(i int) string { return fmt.Sprintf(`, "priority": %d`, i%2) }, runtime.Config{},
			[]string{"0s n1", "1s n3", "2s n0", "3s n2"}},
		{"priority of an element", 2, `{"name": "default", "parallel": 1}`,
			func(i int) string {
				return fmt.Sprintf(`, "priority": "${{ it * %d }}", "for_each": {"in": "[1, 4]", "as": "it"}`, i+2)
			}, runtime.Config{}, []string{"0s n1", "1s n0", "2s n1", "3s n0"}}, // 12, 8, 3, 2
		{"rate", 5, `{"name": "default", "parallel": 5, "rate": 2, "rate_per": 60000000000}`, none, runtime.Config{},
			[]string{"0s n0", "0s n1", "1m0s n2", "1m0s n3", "2m0s n4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Config = c.config
				k.Reopen()
				lines := make(chan string, 100)
				k.Wait(start(k, wide(k, c.n, c.pools, c.node, func(l string) { lines <- l })))
				close(lines)
				var got []string
				for l := range lines {
					got = append(got, l)
				}
				if diff := cmp.Diff(moments(c.want), moments(got)); diff != "" {
					t.Errorf("begun (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// moments groups lines by their time: what begins at one moment begins in any
// order.
func moments(lines []string) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, l := range lines {
		at, node, _ := strings.Cut(l, " ")
		if out[at] == nil {
			out[at] = map[string]bool{}
		}
		out[at][node] = true
	}
	return out
}

func TestAPoolOnHoldStartsNothing(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		s := start(k, wide(k, 1, `{"name": "default", "parallel": 0}`, func(int) string { return "" },
			func(l string) { t.Errorf("begun: %s", l) }))
		k.Forward(time.Hour)
		if err := s.Detach(k.T.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestStacksShareThePoolsOfTheirGraph(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		lines := make(chan string, 100)
		g := k.Compile(wide(k, 2, `{"name": "default", "parallel": 2}`, func(int) string { return "" }, func(l string) { lines <- l }))
		var stacks []*runtime.Stack
		for i := range 3 {
			stacks = append(stacks, k.Start(g, runtime.StartOptions{ID: fmt.Sprint("s", i)}))
		}
		begin := time.Now()
		for _, s := range stacks {
			k.Wait(s)
		}
		if got := time.Since(begin); got != 3*time.Second {
			t.Errorf("6 tasks of a second took %s, want 3s", got)
		}
	})
}

func TestABackoffHoldsNoSlot(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Fails("exit", "no"), runtimetest.Returns(map[string]any{}))
		k.Node("b", runtimetest.Takes(10*time.Second, runtimetest.Returns(map[string]any{})))
		begin := time.Now()
		k.Wait(start(k, def(k.T, `{"graphrun": 1, "name": "g", "pools": [{"name": "default", "parallel": 1}],
			"nodes": [{"id": "a", "uses": "work", "retry": {"attempts": 2, "backoff": 10000000000, "jitter": false}}, {"id": "b", "uses": "work"}],
			"limits": {"cycles": 1}}`)))
		if got := time.Since(begin); got != 10*time.Second {
			t.Errorf("took %s, want 10s: b runs in the backoff of a", got)
		}
	})
}

func TestTwoHundredStacks(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Takes(time.Second, runtimetest.Returns(1)))
		g := k.Compile(one(k.T, 3, "", `, "pools": [{"name": "default", "parallel": 50}], "pause": {"set": true, "active": `+minute+`}`))
		var stacks []*runtime.Stack
		for i := range 200 {
			stacks = append(stacks, k.Start(g, runtime.StartOptions{ID: fmt.Sprint("s", i)}))
		}
		for _, s := range stacks {
			if r := k.Wait(s); r.State["n"] != int64(3) {
				t.Fatalf("stack %s: n = %v, want 3", s.ID(), r.State["n"])
			}
		}
		if left := k.Runtime.Stacks(); len(left) != 0 {
			t.Errorf("%d stacks are still driven", len(left))
		}
	})
}
