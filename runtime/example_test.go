package runtime_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/feed"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// Shout and Shouted are what the kind of the examples takes and gives.
type (
	Shout   struct{ Text string }
	Shouted struct{ Loud string }
)

func shout(_ context.Context, in Shout) (Shouted, error) {
	return Shouted{Loud: strings.ToUpper(in.Text) + "!"}, nil
}

// greeter is a graph that was built without YAML: its node runs once, and its
// stop condition holds then.
func greeter() graph.Def {
	t := diag.Plain
	return graph.Def{
		Version: 1,
		Name:    t("greeter"),
		Params:  []graph.ParamDef{{Name: t("who"), Type: tree.Of("string")}},
		State:   []graph.KeyDef{{Name: t("greeting"), Type: tree.Of("string?")}},
		Nodes: []graph.NodeDef{{
			ID:     t("greet"),
			Uses:   t("shout"),
			With:   tree.Of(map[string]any{"Text": "hello ${{ params.who }}"}),
			Writes: []graph.WriteDef{{Key: t("greeting"), Expr: t("output.Loud")}},
		}},
		Stop: []graph.StopDef{{When: t("state.greeting != nil")}},
	}
}

// A graph built in Go, with a Go function as a kind of nodes.
func Example() {
	ctx := context.Background()
	kinds := nodes.NewRegistry()
	if err := kinds.Register(nodes.Func("shout", shout)); err != nil {
		fmt.Println(err)
		return
	}
	g, problems := graph.Compile(greeter(), kinds)
	if problems.HasErrors() {
		fmt.Println(problems)
		return
	}
	rt, err := runtime.Open(ctx, runtime.Config{Store: memstore.New(), Kinds: kinds})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rt.Close(ctx)

	stack, err := rt.Start(ctx, g, runtime.StartOptions{Params: map[string]any{"who": "world"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := stack.Wait(ctx)
	fmt.Println(result.Status, result.State["greeting"], err)
	// Output: completed HELLO WORLD! <nil>
}

// Records are shown once the store has them.
func ExampleConfig_feed() {
	ctx := context.Background()
	kinds := nodes.NewRegistry()
	if err := kinds.Register(nodes.Func("shout", shout)); err != nil {
		fmt.Println(err)
		return
	}
	g, _ := graph.Compile(greeter(), kinds)
	rt, err := runtime.Open(ctx, runtime.Config{
		Store: memstore.New(),
		Kinds: kinds,
		Feed: feed.Of(func(c feed.Commit) {
			for _, r := range c.Records {
				switch body := r.Body.(type) {
				case *journal.WaveStarted:
					fmt.Println("wave", body.Wave, body.Nodes)
				case *journal.TaskFinished:
					fmt.Println(body.Node, body.Status)
				case *journal.WaveCommitted:
					fmt.Println("changed", body.Changed)
				}
			}
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rt.Close(ctx)
	stack, err := rt.Start(ctx, g, runtime.StartOptions{Params: map[string]any{"who": "you"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = stack.Wait(ctx)
	// Output:
	// wave 1 [greet]
	// greet succeeded
	// changed [greeting]
}

// A stack goes on where its store says it stands, in the next process too: the
// definition is in the store.
func ExampleRuntime_Resume() {
	ctx := context.Background()
	kinds := nodes.NewRegistry()
	if err := kinds.Register(nodes.Func("shout", shout)); err != nil {
		fmt.Println(err)
		return
	}
	g, _ := graph.Compile(greeter(), kinds)
	store := memstore.New() // a file in real life: package boltstore

	first, _ := runtime.Open(ctx, runtime.Config{Store: store, Kinds: kinds})
	stack, _ := first.Start(ctx, g, runtime.StartOptions{ID: "hello", Params: map[string]any{"who": "again"}})
	_ = stack.Pause(ctx)
	_ = first.Close(ctx)

	second, _ := runtime.Open(ctx, runtime.Config{Store: store, Kinds: kinds})
	defer second.Close(ctx)
	stack, err := second.Resume(ctx, "hello", runtime.ResumeOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, _ := stack.Wait(ctx)
	fmt.Println(result.Status, result.State["greeting"])
	// Output: completed HELLO AGAIN!
}
