package schema_test

import (
	"fmt"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// A Set holds named types, which other types use. Check says whether a value fits
// a type, and returns it in the form in which stores keep it.
func ExampleType_Check() {
	set, problems := schema.NewSet([]schema.Named{{Name: diag.Plain("Todo"), Schema: tree.Of(map[string]any{
		"type": "object", "required": []any{"id"}, "properties": map[string]any{"id": "string", "points": "integer"},
	})}})
	if err := problems.Err(); err != nil {
		fmt.Println(err)
		return
	}
	todos, _ := set.Compile(tree.Of("list(Todo)"))

	canonical, err := todos.Check("todos", []any{map[string]any{"id": "a", "points": 3.0}})
	fmt.Printf("%v %v\n", canonical, err)
	_, err = todos.Check("todos", []any{map[string]any{"id": "a", "points": "three"}})
	fmt.Println(err)
	// Output:
	// [map[id:a points:3]] <nil>
	// todos[0].points: must be an integer, not a string
}
