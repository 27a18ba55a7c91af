package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
)

// This file is the work in memory without an engine.

// bareChain calls a function for each node and adds what it returns to a state.
func bareChain(length int) side {
	return func(_ context.Context, j job, m *meter) error {
		fn := func(in one) (one, error) { return in, nil }
		state := map[string]any{"sum": 0}
		return m.fill(j, func(n int) error {
			m.NodeRuns = n * length
			for range n * length {
				out, err := fn(one{1})
				if err != nil {
					return err
				}
				state["sum"] = state["sum"].(int) + out.One
			}
			return m.state(state)
		})
	}
}

// bareFan calls a function, then width functions on goroutines of their own, and one more.
func bareFan(width int) side {
	return func(_ context.Context, j job, m *meter) error {
		fn := func(in one) (one, error) { return in, nil }
		sum := 0
		return m.fill(j, func(n int) error {
			m.NodeRuns = n * (width + 2)
			for range n {
				var all sync.WaitGroup
				outs := make([]one, width+2)
				outs[width], _ = fn(one{1})
				for i := range width {
					all.Go(func() { outs[i], _ = fn(one{1}) })
				}
				all.Wait()
				outs[width+1], _ = fn(one{1})
				for _, out := range outs {
					sum += out.One
				}
			}
			return m.state(map[string]any{"sum": sum})
		})
	}
}

func (m *meter) state(state map[string]any) error {
	text, err := json.Marshal(state)
	m.State = string(text)
	return err
}

// evaluator runs expressions as the library compiles them.
type evaluator struct {
	env map[string]any
	err error
}

func (e *evaluator) compile(text string) *vm.Program {
	p, err := expr.Compile(text, expr.Env(e.env))
	e.note(err)
	return p
}

func (e *evaluator) run(p *vm.Program) any {
	if e.err != nil {
		return nil
	}
	v, err := expr.Run(p, e.env)
	e.note(err)
	return v
}

func (e *evaluator) note(err error) {
	if e.err == nil {
		e.err = err
	}
}

// bareOrchestrator evaluates the expressions of a cycle of the orchestrator, and does what
// they say.
func bareOrchestrator(_ context.Context, j job, m *meter) error {
	state := map[string]any{
		"todos":    []any{map[string]any{"id": "a", "status": "pending"}},
		"messages": []any{}, "cost": 0.0, "turn": 0,
	}
	e := &evaluator{env: map[string]any{"state": state, "output": map[string]any{"one": 1}, "pending": []any{}}}
	pending := e.compile(`filter(state.todos, .status == "pending")`)
	any0, cost, turn := e.compile("len(pending) > 0"), e.compile("state.cost >= 0"), e.compile("state.turn > 0")
	add, todo, half, hello := e.compile("output.one"), e.compile(`[{"id": "b", "status": "done"}]`), e.compile("0.5"), e.compile(`["hello"]`)
	if e.err != nil {
		return e.err
	}
	cycle := func() {
		e.env["pending"] = e.run(pending)
		if !e.run(any0).(bool) {
			return
		}
		state["turn"] = state["turn"].(int) + e.run(add).(int)
		m.NodeRuns++
		e.env["pending"] = e.run(pending)
		builder, researcher, communicator := e.run(any0).(bool), e.run(cost).(bool), e.run(turn).(bool)
		if builder {
			m.NodeRuns++
			state["todos"] = upsert(state["todos"].([]any), e.run(todo).([]any)[0].(map[string]any))
		}
		if researcher {
			m.NodeRuns++
			state["cost"] = state["cost"].(float64) + e.run(half).(float64)
		}
		if communicator {
			m.NodeRuns++
			list := append(state["messages"].([]any), e.run(hello).([]any)...)
			state["messages"] = list[max(0, len(list)-20):]
		}
		m.NodeRuns++
		state["turn"] = state["turn"].(int) + e.run(add).(int)
	}
	return m.fill(j, func(n int) error {
		m.NodeRuns = 0
		for range n {
			if cycle(); e.err != nil {
				return e.err
			}
		}
		return m.state(state)
	})
}

func upsert(list []any, item map[string]any) []any {
	for i, old := range list {
		if old.(map[string]any)["id"] == item["id"] {
			list[i] = item
			return list
		}
	}
	return append(list, item)
}

// bareConditions evaluates 1,000 conditions.
func bareConditions(changes bool) side {
	return func(_ context.Context, j job, m *meter) error {
		state := map[string]any{"n": 0, "beat": 0}
		e := &evaluator{env: map[string]any{"state": state}}
		list := []*vm.Program{e.compile("state.n >= 0")}
		for i := 1; i < conditionCount; i++ {
			list = append(list, e.compile(fmt.Sprintf("state.n == -%d", i)))
		}
		key := "beat"
		if changes {
			key = "n"
		}
		return m.fill(j, func(n int) error {
			m.NodeRuns = 0
			for range n {
				for _, p := range list {
					if holds, _ := e.run(p).(bool); holds {
						m.NodeRuns++
					}
				}
				state[key] = state[key].(int) + 1
			}
			if e.err != nil {
				return e.err
			}
			return m.state(state)
		})
	}
}
