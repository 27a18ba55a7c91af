package cond

import (
	"fmt"
	"testing"

	"github.com/graphrun/graphrun/diag"
)

func compileFor(b *testing.B, expr string) *Program {
	b.Helper()
	p, problems := Compile(diag.Plain(expr), testScope(b), Want{Condition: true})
	if problems.HasErrors() {
		b.Fatal(problems)
	}
	return p
}

func BenchmarkHolds(b *testing.B) {
	for _, expr := range []string{
		`len(state.todos) == 0`,
		`state.flag`,
		`nodes.plan.status == "failed"`,
		`state.artifact != nil && not state.artifact.reviewed`,
		`len(pending) > 0`,
	} {
		b.Run(expr, func(b *testing.B) {
			p, env := compileFor(b, expr), testEnv()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Holds(env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAny100(b *testing.B) {
	p, env := compileFor(b, `any(state.todos, .title == "none")`), testEnv()
	var todos []any
	for i := range 100 {
		todos = append(todos, map[string]any{"id": fmt.Sprint(i), "title": fmt.Sprint("title ", i), "status": "done", "n": int64(i)})
	}
	env.Slots[0].(fields)[1] = todos
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Holds(env); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, expr := range []string{
		`len(state.todos) == 0`,
		`state.artifact != nil && not state.artifact.reviewed && any(state.todos, .status == "pending")`,
	} {
		b.Run(expr, func(b *testing.B) {
			scope := testScope(b)
			b.ReportAllocs()
			for b.Loop() {
				if _, problems := Compile(diag.Plain(expr), scope, Want{Condition: true}); problems.HasErrors() {
					b.Fatal(problems)
				}
			}
		})
	}
}
