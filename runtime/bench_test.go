package runtime_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/storetest"
)

// cycles runs b.N cycles of a definition that never pauses, on memstore.
func cycles(b *testing.B, text string, perCycle int) {
	b.Helper()
	rt, g, store := compiled(b, text)
	b.ReportAllocs()
	b.ResetTimer()
	s, err := rt.Start(b.Context(), g, runtime.StartOptions{StopAfter: runtime.StopAfter{Cycles: b.N}})
	if err != nil {
		b.Fatal(err)
	}
	r, err := s.Wait(b.Context())
	b.StopTimer()
	if err != nil || int(r.Cycles) != b.N || int(r.NodeRuns) != b.N*perCycle || r.Failures > 0 {
		b.Fatalf("%d cycles, %d node runs, %d failures, %v", r.Cycles, r.NodeRuns, r.Failures, err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*perCycle), "ns/node")
	b.ReportMetric(float64(store.Commits())/float64(b.N), "commits/cycle")
}

// compiled opens a runtime on memstore, and compiles a definition for it.
func compiled(b *testing.B, text string) (*runtime.Runtime, *graph.Graph, *storetest.Counting) {
	b.Helper()
	k := kinds(b)
	type in struct {
		Topic string `json:"topic,omitempty"`
		Turn  int    `json:"turn,omitempty"`
	}
	type out struct {
		Text string  `json:"text"`
		Cost float64 `json:"cost"`
	}
	if err := k.Register(nodes.Func("func", func(_ context.Context, i in) (out, error) { return out{i.Topic, 0.1}, nil })); err != nil {
		b.Fatal(err)
	}
	g, problems := graph.Compile(def(b, text), k)
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	store := storetest.Count(memstore.New())
	rt, err := runtime.Open(b.Context(), runtime.Config{Store: store, Kinds: k})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := rt.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return rt, g, store
}

// BenchmarkChain is 20 nodes that follow each other, in the cycles of one stack or in a
// new stack each time.
func BenchmarkChain(b *testing.B) {
	const n = 20
	for _, kind := range []string{"set", "func"} {
		var list, edges []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"id": "n%d", "uses": %q, "with": {"topic": "chain", "turn": %d}}`, i, kind, i))
			if i > 0 {
				edges = append(edges, fmt.Sprintf(`{"from": ["n%d"], "to": ["n%d"]}`, i-1, i))
			}
		}
		text := fmt.Sprintf(`{"graphrun": 1, "name": "chain", "nodes": [%s], "edges": [%s], "pause": {"none": true}}`,
			strings.Join(list, ","), strings.Join(edges, ","))
		b.Run(kind+"/one", func(b *testing.B) { cycles(b, text, n) })
		b.Run(kind+"/new", func(b *testing.B) {
			rt, g, _ := compiled(b, text)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				s, err := rt.Start(b.Context(), g, runtime.StartOptions{ID: strconv.Itoa(i), StopAfter: runtime.StopAfter{Cycles: 1}})
				if err != nil {
					b.Fatal(err)
				}
				if r, err := s.Wait(b.Context()); err != nil || r.NodeRuns != n {
					b.Fatal(r, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/node")
		})
	}
}

// BenchmarkChainOfSet is the cost of a wave without work, all in.
func BenchmarkChainOfSet(b *testing.B) {
	const n = 1000
	var list, edges []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"id": "n%d", "uses": "set"}`, i))
		if i > 0 {
			edges = append(edges, fmt.Sprintf(`{"from": ["n%d"], "to": ["n%d"]}`, i-1, i))
		}
	}
	cycles(b, fmt.Sprintf(`{"graphrun": 1, "name": "chain", "nodes": [%s], "edges": [%s], "pause": {"none": true}}`,
		strings.Join(list, ","), strings.Join(edges, ",")), n)
}

// kindsOfWork are a node that takes no slot, a node that makes no use of its task, and a Go
// function over structs.
func kindsOfWork(b *testing.B, run func(b *testing.B, kind string)) {
	for _, kind := range []string{"set", "work", "func"} {
		b.Run(kind, func(b *testing.B) { run(b, kind) })
	}
}

// BenchmarkFanOut is 1 → 256 → 1; those that work have 4 slots.
func BenchmarkFanOut(b *testing.B) { kindsOfWork(b, fanOut) }

func fanOut(b *testing.B, kind string) {
	const n = 256
	list := []string{fmt.Sprintf(`{"id": "first", "uses": %q}`, kind), fmt.Sprintf(`{"id": "last", "uses": %q}`, kind)}
	var middle []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"id": "m%d", "uses": %q}`, i, kind))
		middle = append(middle, fmt.Sprintf("%q", fmt.Sprint("m", i)))
	}
	all := strings.Join(middle, ",")
	cycles(b, fmt.Sprintf(`{"graphrun": 1, "name": "fan", "nodes": [%s],
		"edges": [{"from": ["first"], "to": [%s]}, {"from": [%s], "to": ["last"]}], "pause": {"none": true}}`,
		strings.Join(list, ","), all, all), n+2)
}

// BenchmarkOrchestrator is a cycle of four agents over a typed state.
func BenchmarkOrchestrator(b *testing.B) { kindsOfWork(b, orchestrator) }

func orchestrator(b *testing.B, kind string) {
	cycles(b, strings.ReplaceAll(`{"graphrun": 1, "name": "orchestrator",
		"types": [{"name": "Todo", "schema": {"type": "object", "required": ["id", "status"],
			"properties": {"id": "string", "status": {"enum": ["pending", "done"]}}}}],
		"state": [
			{"name": "todos", "type": "list(Todo)", "reduce": {"name": "upsert(id)"}, "default": [{"id": "a", "status": "pending"}]},
			{"name": "messages", "type": "list(string)", "reduce": {"name": "append"}, "keep": 200},
			{"name": "cost", "type": "number", "reduce": {"name": "sum"}}],
		"define": [{"name": "pending", "expr": "filter(state.todos, .status == \"pending\")"}],
		"nodes": [
			{"id": "planner", "uses": "work", "writes": [{"key": "cost", "expr": "0.1"}]},
			{"id": "builder", "uses": "work", "writes": [{"key": "todos", "expr": "[{\"id\": \"b\", \"status\": \"done\"}]"}]},
			{"id": "communicator", "uses": "work", "writes": [{"key": "messages", "expr": "[\"hello\"]"}]},
			{"id": "reviewer", "uses": "work"}],
		"edges": [
			{"to": ["planner"], "when": "len(pending) > 0"},
			{"to": ["communicator"], "when": "len(state.messages) < 1000"},
			{"from": ["planner"], "to": ["builder"], "when": "len(pending) > 0"},
			{"from": ["builder"], "to": ["reviewer"]}],
		"pause": {"none": true}}`, `"work"`, strconv.Quote(kind)), 4)
}

// BenchmarkThousandConditions is a cycle with 1,000 conditions, one of them true.
func BenchmarkThousandConditions(b *testing.B) {
	const n = 1000
	var list, edges []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"id": "n%d", "uses": "set"}`, i))
		edges = append(edges, fmt.Sprintf(`{"to": ["n%d"], "when": "state.turn %% 1000 == %d"}`, i, i))
	}
	list = append(list, `{"id": "next", "uses": "set", "with": {"one": 1}, "writes": [{"key": "turn", "expr": "output.one"}]}`)
	cycles(b, fmt.Sprintf(`{"graphrun": 1, "name": "many",
		"state": [{"name": "turn", "type": "integer", "reduce": {"name": "sum"}}],
		"nodes": [%s], "edges": [%s], "pause": {"none": true}}`,
		strings.Join(list, ","), strings.Join(edges, ",")), 2)
}
