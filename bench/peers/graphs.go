package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
)

// one is what each node gets and returns: the nodes only hand on a number.
type one struct {
	One int `json:"one"`
}

// kinds are the standard ones and `func`, a Go function that returns what it gets.
func kinds() (*nodes.Registry, error) {
	k := std.Registry()
	return k, k.Register(nodes.Func("func", func(_ context.Context, in one) (one, error) { return in, nil }))
}

// compile compiles a graph whose nodes `uses: KIND` are of the kind.
func compile(k *nodes.Registry, text, kind string) (*graph.Graph, error) {
	src, problems := dsl.Compile("bench.yaml", []byte(strings.ReplaceAll(text, "KIND", kind)), k)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return src.Graph, nil
}

// chainText is a chain of nodes. Each node adds to a number.
func chainText(length int) string {
	var s strings.Builder
	s.WriteString("graphrun: 1\nname: chain\npause: none\nstate: {sum: {type: integer, reduce: sum}}\nnodes:\n")
	for i := range length {
		fmt.Fprintf(&s, "  n%d: {uses: KIND, with: {one: 1}, writes: {sum: output.one}}\n", i)
	}
	s.WriteString("edges:\n")
	for i := 1; i < length; i++ {
		fmt.Fprintf(&s, "  - {from: n%d, to: n%d}\n", i-1, i)
	}
	return s.String()
}

// fanText is one node, width nodes behind it, and one behind all of them.
func fanText(width int) string {
	var s strings.Builder
	s.WriteString("graphrun: 1\nname: fan\npause: none\nstate: {sum: {type: integer, reduce: sum}}\nnodes:\n")
	for _, id := range append(fanNodes(width), "first", "last") {
		fmt.Fprintf(&s, "  %s: {uses: KIND, with: {one: 1}, writes: {sum: output.one}}\n", id)
	}
	all := strings.Join(fanNodes(width), ", ")
	fmt.Fprintf(&s, "edges:\n  - {from: first, to: [%s]}\n  - {from: [%s], to: last}\n", all, all)
	return s.String()
}

func fanNodes(width int) []string {
	list := make([]string, width)
	for i := range list {
		list[i] = fmt.Sprint("m", i)
	}
	return list
}

// The nodes of a cycle of the orchestrator, and its waves.
const (
	orchestratorNodes = 5
	orchestratorWaves = 3
)

// orchestratorText is a cycle of five agents in three waves over a typed state, with
// conditions over it. slots bounds how many tasks of all stacks run at once.
func orchestratorText(slots int) string {
	return fmt.Sprintf(`graphrun: 1
name: orchestrator
pause: none
pools: {default: {parallel: %d}}
types:
  Todo: {type: object, required: [id, status], properties: {id: string, status: {enum: [pending, done]}}}
state:
  todos: {type: list(Todo), reduce: upsert(id), default: [{id: a, status: pending}]}
  messages: {type: list(string), reduce: append, keep: 20}
  cost: {type: number, reduce: sum}
  turn: {type: integer, reduce: sum}
define:
  pending: filter(state.todos, .status == "pending")
nodes:
  planner: {uses: KIND, with: {one: 1}, writes: {turn: output.one}}
  builder: {uses: KIND, with: {one: 1}, writes: {todos: '[{"id": "b", "status": "done"}]'}}
  researcher: {uses: KIND, with: {one: 1}, writes: {cost: "0.5"}}
  communicator: {uses: KIND, with: {one: 1}, writes: {messages: '["hello"]'}}
  reviewer: {uses: KIND, with: {one: 1}, writes: {turn: output.one}}
edges:
  - {to: planner, when: len(pending) > 0}
  - {from: planner, to: builder, when: len(pending) > 0}
  - {from: planner, to: researcher, when: state.cost >= 0}
  - {from: planner, to: communicator, when: state.turn > 0}
  - {from: [builder, researcher, communicator], to: reviewer}
`, slots)
}

// conditionCount is how many conditions the graph of conditionsText has.
const conditionCount = 1000

// conditionsText is a node that always runs, and 999 whose conditions are never true. All
// conditions read state.n: when the node changes it, each of them has to be evaluated, and
// else none.
func conditionsText(changes bool) string {
	var s strings.Builder
	s.WriteString("graphrun: 1\nname: many\npause: none\nstate: {n: {type: integer, reduce: sum}, beat: {type: integer, reduce: sum}}\nnodes:\n")
	key := "beat"
	if changes {
		key = "n"
	}
	fmt.Fprintf(&s, "  hit: {uses: KIND, with: {one: 1}, writes: {%s: output.one}}\n", key)
	for i := 1; i < conditionCount; i++ {
		fmt.Fprintf(&s, "  n%d: {uses: KIND, with: {one: 1}}\n", i)
	}
	s.WriteString("edges:\n  - {to: hit, when: state.n >= 0}\n")
	for i := 1; i < conditionCount; i++ {
		fmt.Fprintf(&s, "  - {to: n%d, when: state.n == -%d}\n", i, i)
	}
	return s.String()
}

// largeText is a counter beside a value of 10 MB that nothing touches. pause is the time
// between two cycles.
func largeText(size int, pause string) string {
	return fmt.Sprintf(`graphrun: 1
name: large
pause: %s
state:
  n: {type: integer, reduce: sum}
  ballast: {type: string, default: %q}
nodes:
  count: {uses: KIND, with: {one: 1}, writes: {n: output.one}}
`, pause, strings.Repeat("x", size))
}
