package runtime_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/feed"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// Shout and Shouted are the argument and the result of the kind of the examples.
type (
	Shout   struct{ Text string }
	Shouted struct{ Loud string }
)

func shout(_ context.Context, in Shout) (Shouted, error) {
	return Shouted{Loud: strings.ToUpper(in.Text) + "!"}, nil
}

// greeter is a graph that is built without YAML. Its node runs once; then its stop
// condition holds.
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

// Listeners hear of every commit once the store has it.
func ExampleRuntime_Feed() {
	ctx := context.Background()
	kinds := nodes.NewRegistry()
	if err := kinds.Register(nodes.Func("shout", shout)); err != nil {
		fmt.Println(err)
		return
	}
	g, _ := graph.Compile(greeter(), kinds)
	rt, err := runtime.Open(ctx, runtime.Config{Store: memstore.New(), Kinds: kinds})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rt.Close(ctx)
	rt.Feed().OnCommit("", func(c feed.Commit) {
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
	})
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

// The next process continues a stack where the store says it stands. The definition is in
// the store too.
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

// dice is a kind with work of its own: it sees its whole task, and what it used is
// counted.
type dice struct{}

func (dice) Run(_ context.Context, t nodes.Task) (nodes.Result, error) {
	with, _ := t.With.(map[string]any)
	sides, ok := with["sides"].(int64)
	if !ok || sides < 1 {
		return nodes.Result{}, nodes.Permanent(nodes.Errorf("config", "sides is %v, expected 1 or more", with["sides"]))
	}
	t.Logger.Debug("rolling", "attempt", t.Attempt)
	return nodes.Result{Output: map[string]any{"points": sides}, Cost: 0.01}, nil // it always wins
}

// A kind of your own: what it expects in `with`, and the work.
func Example_ownKind() {
	ctx := context.Background()
	kinds := nodes.NewRegistry()
	err := kinds.Register(nodes.Spec{
		Kind: graph.Kind{Name: "dice", Fields: []graph.Field{{Name: "sides", Type: "integer", Required: true}}},
		Node: dice{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	t := diag.Plain
	g, problems := graph.Compile(graph.Def{
		Version: 1,
		Name:    t("game"),
		State:   []graph.KeyDef{{Name: t("points"), Type: tree.Of("integer"), Reduce: graph.ReduceDef{Name: t("sum")}}},
		Nodes: []graph.NodeDef{{ID: t("roll"), Uses: t("dice"), With: tree.Of(map[string]any{"sides": 6}),
			Writes: []graph.WriteDef{{Key: t("points"), Expr: t("output.points")}}}},
		Stop:  []graph.StopDef{{When: t("state.points >= 18")}},
		Pause: graph.PauseDef{Set: true, Active: time.Millisecond},
	}, kinds)
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
	stack, err := rt.Start(ctx, g, runtime.StartOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, _ := stack.Wait(ctx)
	fmt.Println(result.Cycles, "rolls,", result.State["points"], "points")
	// Output: 3 rolls, 18 points
}

// audited is a store that passes everything on to another one and counts the commits
// that succeed. A store that keeps stacks elsewhere implements all of runtime.Store;
// storetest.Run checks it.
type audited struct {
	runtime.Store
	commits atomic.Int64
}

func (a *audited) Commit(ctx context.Context, c runtime.Commit) error {
	err := a.Store.Commit(ctx, c)
	if err == nil {
		a.commits.Add(1)
	}
	return err
}

// A store of your own.
func Example_ownStore() {
	ctx := context.Background()
	kinds := nodes.NewRegistry()
	if err := kinds.Register(nodes.Func("shout", shout)); err != nil {
		fmt.Println(err)
		return
	}
	store := &audited{Store: memstore.New()}
	rt, err := runtime.Open(ctx, runtime.Config{Store: store, Kinds: kinds})
	if err != nil {
		fmt.Println(err)
		return
	}
	g, _ := graph.Compile(greeter(), kinds)
	stack, err := rt.Start(ctx, g, runtime.StartOptions{Params: map[string]any{"who": "store"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = stack.Wait(ctx)
	_ = rt.Close(ctx)
	fmt.Println("something is stored:", store.commits.Load() > 0)
	// Output: something is stored: true
}
