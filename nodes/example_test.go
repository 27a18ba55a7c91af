package nodes_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
)

// A Go function that pays for two answers. The second one fails at first; the next
// attempt does not pay for the first one again.
func ExampleStep() {
	busy := true
	review := nodes.Func("review", func(ctx context.Context, in struct {
		Text string `json:"text"`
	}) (string, error) {
		draft, err := nodes.Step(ctx, "draft", func(ctx context.Context) (string, error) {
			fmt.Println("asked for a draft")
			nodes.Spend(ctx, 120, 0.01)
			return "a draft of " + in.Text, nil
		})
		if err != nil {
			return "", err
		}
		return nodes.Step(ctx, "polish", func(context.Context) (string, error) {
			if busy {
				return "", errors.New("the model is busy")
			}
			return draft + ", polished", nil
		})
	})

	// A runtime does this: it records the steps and hands them to the next attempt.
	task := nodes.Task{With: map[string]any{"text": "chapter 1"}}
	task.Record = func(_ context.Context, s nodes.StepRecord) (any, error) {
		task.Steps = append(task.Steps, s)
		return s.Content, nil
	}
	_, failure := nodes.Run(context.Background(), review, task)
	fmt.Println(failure)
	busy = false
	result, _ := nodes.Run(context.Background(), review, task)
	fmt.Println(result.Output)
	// Output:
	// asked for a draft
	// the model is busy
	// a draft of chapter 1, polished
}

// dialer is a kind with a resource of its own: it is opened before the first attempt
// and closed with the runtime.
type dialer struct{ line string }

func (d *dialer) Open(context.Context) error { d.line = "a line"; return nil }
func (d *dialer) Close() error               { d.line = ""; return nil }

func (d *dialer) Run(_ context.Context, t nodes.Task) (nodes.Result, error) {
	with, _ := t.With.(map[string]any)
	return nodes.Result{Output: fmt.Sprintf("called %v over %s", with["number"], d.line)}, nil
}

func ExampleOpener() {
	kinds := nodes.NewRegistry()
	err := kinds.Register(nodes.Spec{
		Kind: graph.Kind{Name: "call", Doc: "Calls a number.", Fields: []graph.Field{{Name: "number", Type: "string", Required: true}}},
		Node: &dialer{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	session := nodes.NewSession(context.Background()) // a runtime has one
	call, _ := kinds.Spec("call")
	result, _ := session.Run(context.Background(), call, nodes.Task{With: map[string]any{"number": "117"}})
	fmt.Println(result.Output)
	fmt.Println(session.Close())
	// Output:
	// called 117 over a line
	// <nil>
}

// A Go function as a kind: graphs that use it are checked against its types.
func ExampleFunc() {
	kinds := nodes.NewRegistry()
	greet := nodes.Func("greet", func(_ context.Context, in struct {
		Name string `json:"name" jsonschema:"whom to greet"`
	}) (string, error) {
		return "Hello, " + in.Name, nil
	})
	if err := kinds.Register(greet); err != nil {
		fmt.Println(err)
		return
	}
	spec, _ := kinds.Spec("greet")
	result, _ := nodes.Run(context.Background(), spec, nodes.Task{With: map[string]any{"name": "Ada"}})
	fmt.Println(result.Output)
	_, failure := nodes.Run(context.Background(), spec, nodes.Task{With: map[string]any{"nam": "Ada"}})
	fmt.Println(failure.Kind, failure)
	// Output:
	// Hello, Ada
	// config json: unknown field "nam"
}
