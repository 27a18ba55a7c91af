package dsl_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/nodes/std"
)

// Load reads a graph file and gives a graph, or all that is wrong with it.
func ExampleLoad() {
	src, problems := dsl.Load("testdata/err/enum-value.yaml", std.Registry())
	if problems.HasErrors() {
		if err := diag.Render(os.Stdout, problems, src.Files, diag.Options{}); err != nil {
			fmt.Println(err)
		}
		return
	}
	fmt.Println(src.Graph.Name)
	// Output:
	// testdata/err/enum-value.yaml:7:34: error: "darft" is not a value of "draft"|"final" [enum-value]
	//     - {to: a, when: state.phase == "darft"}
	//                                    ^^^^^^^
	//   help: did you mean "draft"?
}

// LoadReader is for a graph that is not in a file, as one from standard input.
func ExampleLoadReader() {
	const text = `
graphrun: 1
name: counter
state: {count: integer}
nodes: {add: {uses: set, with: {count: "${{ state.count + 1 }}"}, writes: [count]}}
stop: state.count == 3
`
	src, problems := dsl.LoadReader("standard input", strings.NewReader(text), std.Registry())
	fmt.Println(problems.Err(), src.Graph.Name, len(src.Graph.Nodes))
	// Output: <nil> counter 1
}
