package cond

import (
	"fmt"
	"testing"
)

func TestPairing(t *testing.T) {
	t.Parallel()
	for _, r := range []row{
		{`map(state.todos, output[#index])`, "24"},
		{`map(output, state.todos[#index].id)`, "25"},
		{`map(output, {"id": #index, "is": #})`, "20"},
		{`output | map(get(state.todos, #index))`, "31"},
		{`map(state.todos, get(output, #index))`, "18"},
		{`output[state.n]`, "7"},
		{`let all = output; map(state.todos, all[#index].n)`, "39"},
		{`map(1..3, output[#])`, "17"},
		{`state.todos[findIndex(output, .ok)].id`, "12"},
		{`(output)[state.n]`, "9"},
		{`len(state.todos) > 0 ? output[len(state.todos) - 1] : nil`, "30"},

		{`output[0].id`, ""},
		{`output[-1]`, ""},
		{`output[1:state.n]`, ""},
		{`output[len(output) - 1]`, ""},
		{`output[findIndex(output, .ok)]`, ""},
		{`map(output, {"is": #, "said": messages[#index]})`, ""},
		{`map(output, #.id)`, ""},
		{`map(state.todos, {"n": #index, "all": len(output)})`, ""},
		{`map(output, map(state.todos, #index))`, ""},
		{`sortBy(output, .n) | map({"rank": #index})`, ""},
		{`map(results, #.output)`, ""},
		{`state.todos[state.n]`, ""},
		{`map(output, `, ""},
	} {
		got := ""
		if at, found := Pairing(placed(r.expr), "output", "messages"); found {
			got = fmt.Sprint(at.Start.Col)
		}
		if got != r.want {
			t.Errorf("%s: got %q, want %q", r.expr, got, r.want)
		}
	}
}
