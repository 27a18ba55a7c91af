package diag_test

import (
	"fmt"
	"os"

	"github.com/graphrun/graphrun/diag"
)

// A List collects all problems of some files. Render shows each one with its
// line.
func ExampleRender() {
	const source = "name: demo\nlimts: {cycles: 3}\n"
	at := diag.Span{File: "demo.yaml", Start: diag.Pos{Line: 2, Col: 1}, End: diag.Pos{Line: 2, Col: 6}}
	var problems diag.List
	problems.Add(diag.UnknownField, at, diag.Suggest("limts", []string{"name", "limits"}), "the graph has no field %q", "limts")
	problems.Sort()
	if err := diag.Render(os.Stdout, problems, map[string][]byte{"demo.yaml": []byte(source)}, diag.Options{}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(problems.HasErrors())
	// Output:
	// demo.yaml:2:1: error: the graph has no field "limts" [unknown-field]
	//   limts: {cycles: 3}
	//   ^^^^^
	//   help: did you mean "limits"?
	// true
}
