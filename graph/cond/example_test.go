package cond_test

import (
	"fmt"
	"os"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
)

// A condition is compiled once against the names that it may use, and evaluated
// with their values as often as needed.
func Example() {
	todo := schema.ObjectOf(schema.Prop{Name: "status", Type: schema.EnumOf(schema.String, "pending", "done"), Required: true})
	scope := cond.NewScope(cond.Name{Name: "todos", Type: schema.ListOf(todo), Slot: 0})
	text := diag.Plain(`any(todos, .status == "pending")`)
	program, problems := cond.Compile(text, scope, cond.Want{Condition: true})
	if problems.HasErrors() {
		fmt.Println(problems)
		return
	}

	env := &cond.Env{Slots: []any{[]any{map[string]any{"status": "done"}}}}
	fmt.Println(program.Holds(env))
	env.Slots[0] = []any{map[string]any{"status": "pending"}}
	env.Reset()
	fmt.Println(program.Holds(env))
	// Output:
	// false <nil>
	// true <nil>
}

// Every problem is reported when the expression is compiled, at its place in
// the file.
func ExampleCompile_problems() {
	const line = `when: len(todoss) > 0 && todos == 3`
	scope := cond.NewScope(cond.Name{Name: "todos", Type: schema.ListOf(schema.StringType)})
	span := diag.Span{File: "graph.yaml", Start: diag.Pos{Line: 1, Col: 7}, End: diag.Pos{Line: 1, Col: 36}}
	text := diag.Placed(line[6:], span, span.Start)
	_, problems := cond.Compile(text, scope, cond.Want{Condition: true})
	_ = diag.Render(os.Stdout, problems, map[string][]byte{"graph.yaml": []byte(line)}, diag.Options{})
	// Output:
	// graph.yaml:1:11: error: unknown name "todoss" [unknown-name]
	//   when: len(todoss) > 0 && todos == 3
	//             ^^^^^^
	//   help: did you mean "todos"?
	// graph.yaml:1:32: error: mismatched types: list(string) == integer [expr-type]
	//   when: len(todoss) > 0 && todos == 3
	//                                  ^^
	//   help: len(x) is the length of a list
}

// Explain takes a condition apart, and evaluates each part as the condition
// itself does.
func ExampleProgram_Explain() {
	scope := cond.NewScope(
		cond.Name{Name: "tries", Type: schema.IntegerType, Slot: 0},
		cond.Name{Name: "done", Type: schema.BooleanType, Slot: 1})
	program, _ := cond.Compile(diag.Plain(`tries < 3 && not done`), scope, cond.Want{Condition: true})
	whole := program.Explain(&cond.Env{Slots: []any{int64(1), true}})
	for _, part := range whole.Parts {
		fmt.Println(part.Text, part.Value)
	}
	fmt.Println(whole.Value)
	// Output:
	// tries < 3 true
	// not done false
	// false
}
