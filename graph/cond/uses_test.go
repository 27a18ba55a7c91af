package cond

import (
	"fmt"
	"strings"
	"testing"
)

func TestUses(t *testing.T) {
	t.Parallel()
	for _, r := range []row{
		{`state.todos`, "state.todos 1"},
		{`state["todos"]`, "state.todos 1"},
		{`state[key]`, "state 1, key 7"},
		{`state.a.b + nodes.plan.attempts`, "state.a 1, nodes.plan 13"},
		{`any(state.todos, .id == now)`, "state.todos 5, now 25"},
		{`let x = y; x`, "y 9, x 12"},
		{`"ä" + param`, "param 7"},
		{`len([1])`, ""},
		{`1 +`, ""},
	} {
		var got []string
		for _, u := range Uses(placed(r.expr)) {
			name := u.Name
			if u.Field != "" {
				name += "." + u.Field
			}
			got = append(got, fmt.Sprint(name, " ", u.At.Start.Col))
		}
		if all := strings.Join(got, ", "); all != r.want {
			t.Errorf("%s\ngot  %s\nwant %s", r.expr, all, r.want)
		}
	}
}
