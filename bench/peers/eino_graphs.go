package main

import (
	"fmt"
	"slices"

	"github.com/cloudwego/eino/compose"
)

// Each function builds the graph of graphs.go that has its name.

func einoChain(length int) func() *einoGraph {
	return func() *einoGraph {
		g := newEinoGraph()
		for i := range length {
			id, from := fmt.Sprint("n", i), compose.START
			g.node(id, func(s *einoState, n int) { s.Sum += n })
			if i > 0 {
				from = fmt.Sprint("n", i-1)
				g.before = append(g.before, id)
			}
			g.edge(from, id)
		}
		g.edge(fmt.Sprint("n", length-1), compose.END)
		return g
	}
}

func einoFan(width int) func() *einoGraph {
	return func() *einoGraph {
		g := newEinoGraph()
		add := func(s *einoState, n int) { s.Sum += n }
		g.node("first", add)
		g.node("last", add)
		g.edge(compose.START, "first")
		for _, id := range fanNodes(width) {
			g.node(id, add)
			g.edge("first", id)
			g.edge(id, "last")
		}
		g.edge("last", compose.END)
		g.before = append(fanNodes(width), "last")
		return g
	}
}

func einoOrchestrator() *einoGraph {
	g := newEinoGraph()
	g.initial = func(s *einoState) { s.Todos = []einoTodo{{"a", "pending"}} }
	g.node("planner", func(s *einoState, n int) { s.Turn += n })
	g.node("builder", func(s *einoState, _ int) {
		todo := einoTodo{"b", "done"}
		if i := slices.IndexFunc(s.Todos, func(t einoTodo) bool { return t.ID == todo.ID }); i >= 0 {
			s.Todos[i] = todo
		} else {
			s.Todos = append(s.Todos, todo)
		}
	})
	g.node("researcher", func(s *einoState, _ int) { s.Cost += 0.5 })
	g.node("communicator", func(s *einoState, _ int) {
		if s.Messages = append(s.Messages, "hello"); len(s.Messages) > 20 {
			s.Messages = s.Messages[len(s.Messages)-20:]
		}
	})
	g.node("reviewer", func(s *einoState, n int) { s.Turn += n })
	g.branch(compose.START, []string{"planner", compose.END}, func(s *einoState) map[string]bool {
		if pending(s) > 0 {
			return map[string]bool{"planner": true}
		}
		return map[string]bool{compose.END: true}
	})
	middle := []string{"builder", "researcher", "communicator"}
	g.branch("planner", middle, func(s *einoState) map[string]bool {
		chosen := make(map[string]bool, len(middle))
		if pending(s) > 0 {
			chosen["builder"] = true
		}
		if s.Cost >= 0 {
			chosen["researcher"] = true
		}
		if s.Turn > 0 {
			chosen["communicator"] = true
		}
		return chosen
	})
	for _, id := range middle {
		g.edge(id, "reviewer")
	}
	g.edge("reviewer", compose.END)
	g.before = append(middle, "reviewer")
	return g
}

func pending(s *einoState) (n int) {
	for _, t := range s.Todos {
		if t.Status == "pending" {
			n++
		}
	}
	return n
}

func einoConditions(changes bool) func() *einoGraph {
	return func() *einoGraph {
		g := newEinoGraph()
		conditions := map[string]func(*einoState) bool{"hit": func(s *einoState) bool { return s.N >= 0 }}
		ids := []string{"hit"}
		g.node("hit", func(s *einoState, n int) {
			if changes {
				s.N += n
			} else {
				s.Beat += n
			}
		})
		for i := 1; i < conditionCount; i++ {
			id := fmt.Sprint("n", i)
			ids = append(ids, id)
			conditions[id] = func(s *einoState) bool { return s.N == -i }
			g.node(id, func(*einoState, int) {})
		}
		g.branch(compose.START, ids, func(s *einoState) map[string]bool {
			chosen := map[string]bool{}
			for _, id := range ids {
				if conditions[id](s) {
					chosen[id] = true
				}
			}
			return chosen
		})
		for _, id := range ids {
			g.edge(id, compose.END)
		}
		return g
	}
}
