package tree_test

import (
	"encoding/json"
	"fmt"

	"github.com/graphrun/graphrun/graph/tree"
)

// A Node keeps the order of mappings; Value gives plain JSON values.
func ExampleNode() {
	var n tree.Node
	if err := json.Unmarshal([]byte(`{"title": "first", "n": 3}`), &n); err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range n.Fields {
		fmt.Println(f.Key.Value, f.Value.Kind)
	}
	fmt.Println(n.Value())
	// Output:
	// title string
	// n integer
	// map[n:3 title:first]
}
