package nodes_test

import (
	"context"
	"testing"

	"github.com/graphrun/graphrun/nodes"
)

// BenchmarkFunc is an attempt of a Go function that does nothing, without a driver.
func BenchmarkFunc(b *testing.B) {
	b.Run("small", func(b *testing.B) {
		type in struct {
			Topic string `json:"topic"`
			Turn  int64  `json:"turn"`
		}
		type out struct {
			Text string  `json:"text"`
			Cost float64 `json:"cost"`
		}
		benchFunc(b, func(_ context.Context, i in) (out, error) { return out{i.Topic, 0.5}, nil },
			map[string]any{"topic": "a", "turn": int64(3)})
	})
	b.Run("large", func(b *testing.B) {
		list := make([]any, 20)
		for i := range list {
			list[i] = map[string]any{"id": "x", "done": true, "tags": []any{"a", "b"}}
		}
		benchFunc(b, func(_ context.Context, i planInput) (planOutput, error) {
			return planOutput{Todos: i.Todos, Big: 1}, nil
		},
			map[string]any{"goal": "a", "score": 0.5, "todos": list})
	})
}

func benchFunc[In, Out any](b *testing.B, fn func(context.Context, In) (Out, error), with any) {
	s := nodes.Func("f", fn)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := nodes.Run(b.Context(), s, nodes.Task{With: with}); err != nil {
			b.Fatal(err)
		}
	}
}
