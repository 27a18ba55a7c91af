package memory_test

import (
	"context"
	"fmt"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/nodes/memory"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// A program whose graphs have memories registers their kind. Agents search and write the
// same memories when agent.Config.Memory is the value, and Embed is what makes vectors.
func ExampleMemories() {
	kinds, memories := std.Registry(), &memory.Memories{}
	if err := kinds.Register(memories.Spec()); err != nil {
		fmt.Println(err)
		return
	}
	source, problems := dsl.Compile("notes.graphrun.yaml", []byte(`
graphrun: 1
name: notes
memories: {facts: {scope: graph}}
state: {texts: {type: list(string), default: ["The lamp has an E27 socket.", "Returns are free."]}, found: "string?"}
nodes:
  keep:
    uses: memory
    for_each: {in: state.texts, as: it}
    with: {memory: facts, op: write, text: "${{ it }}"}
  look:
    uses: memory
    with: {memory: facts, op: search, query: Which socket?}
    writes: {found: "output[0].text"}
edges:
  - {to: keep}
  - {from: keep, to: look}
stop: state.found != nil
`), kinds)
	if problems.HasErrors() {
		fmt.Println(problems)
		return
	}
	ctx := context.Background()
	rt, err := runtime.Open(ctx, runtime.Config{Store: memstore.New(), Kinds: kinds})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rt.Close(ctx)
	stack, err := rt.Start(ctx, source.Graph, runtime.StartOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := stack.Wait(ctx)
	fmt.Println(result.State["found"], err)
	// Output: The lamp has an E27 socket. <nil>
}
