package agent

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
)

// quick is a Model that answers at once: with a call for turns questions, then with a
// text.
type quick struct{ turns int }

func (m quick) Ask(_ context.Context, q *Request, _ func(string)) (*Response, error) {
	res := &Response{Stop: StopEnd, Usage: Usage{Input: 1000, Output: 20, Reported: true}, Message: Message{Content: "ok"}}
	if q.Turn <= m.turns {
		res.Message.Calls = []Call{{Name: "look", Args: map[string]any{"path": "a.txt"}}}
	}
	return res, nil
}

func benchTask(b *testing.B, turns int, before []any) (nodes.Spec, nodes.Task) {
	b.Helper()
	a := New(Config{Logger: slog.New(slog.DiscardHandler)})
	if err := a.Register("quick", func(ProviderConfig) (Model, error) { return quick{turns}, nil }); err != nil {
		b.Fatal(err)
	}
	with := map[string]any{"model": "a/m", "instructions": "Be good.", "input": "hello", "tools": []any{"look"}, "max_turns": int64(1000), "max_calls": int64(1000), "budget": map[string]any{"tokens": int64(1 << 40)}}
	if before != nil {
		with["messages"] = before
	}
	t := nodes.Task{Stack: "s", Node: "n", Attempt: 1, Key: "key", With: with, Logger: slog.New(slog.DiscardHandler),
		Of:     &graph.Graph{Def: &graph.Def{}, Providers: []graph.Provider{{Name: "a", API: "quick"}}},
		Record: func(_ context.Context, s nodes.StepRecord) (any, error) { return s.Content, nil }}
	args := schema.ObjectOf(schema.Prop{Name: "path", Type: schema.StringType, Required: true})
	t.Tools = []nodes.Tool{{Tool: &graph.Tool{Name: "look", Args: args}, Call: func(context.Context, int, any, bool) (nodes.Result, error) {
		return nodes.Result{Output: "done"}, nil
	}}}
	return a.Spec(), t
}

// BenchmarkTurn is the engine's own part of a turn: a question, a call, two records that
// cost nothing.
func BenchmarkTurn(b *testing.B) {
	for _, n := range []int{0, 1000, 10_000} {
		b.Run(fmt.Sprintf("after %d messages", n), func(b *testing.B) {
			var before []any
			for i := range n {
				before = append(before, map[string]any{"role": []string{"user", "assistant"}[i%2], "content": "What was said before, in a sentence or two.", "calls": []any{}})
			}
			const turns = 400
			spec, task := benchTask(b, turns, before)
			for b.Loop() {
				if _, e := nodes.Run(b.Context(), spec, task); e != nil {
					b.Fatal(e.Message)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/turns, "ns/turn")
		})
	}
}

// BenchmarkFirstTurn is a whole task of one question, with what was said before.
func BenchmarkFirstTurn(b *testing.B) {
	for _, n := range []int{0, 10_000} {
		for _, tokens := range []int64{0, 8000} {
			b.Run(fmt.Sprintf("after %d messages, tokens %d", n, tokens), func(b *testing.B) {
				var before []any
				for i := range n {
					before = append(before, map[string]any{"role": []string{"user", "assistant"}[i%2], "content": "What was said before, in a sentence or two.", "calls": []any{}})
				}
				spec, task := benchTask(b, 0, before)
				if tokens > 0 {
					task.With.(map[string]any)["messages"] = map[string]any{"from": before, "tokens": tokens}
				}
				for b.Loop() {
					if _, e := nodes.Run(b.Context(), spec, task); e != nil {
						b.Fatal(e.Message)
					}
				}
			})
		}
	}
}
