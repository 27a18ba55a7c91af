package cond

import "testing"

func TestLogic(t *testing.T) {
	table(t, []row{
		{`b && b`, `true`},
		{`b and false`, `false`},
		{`b && null_b`, `false`},
		{`null_b && b`, `false`},
		{`null_b || b`, `true`},
		{`null_b || null_b`, `false`},
		{`b || a_i`, `true`},
		{`false || a_i`, `fails 10: expected a boolean, got an integer`},
		{`a_b && b`, `true`},
		{`a_i && b`, `fails 1: expected a boolean, got an integer`},
		{`b && a_i`, `fails 6: expected a boolean, got an integer`},
		{`false && a_i`, `false`},
		{`i && b`, `3 expr-type: a boolean is needed here, this is integer (compare it, as in x != 0)`},
		{`b || s`, `3 expr-type: a boolean is needed here, this is string (compare it, as in x != "")`},
		{`not b`, `false`},
		{`!b`, `false`},
		{`!null_b`, `true`},
		{`not a_null`, `true`},
		{`!a_i`, `fails 2: expected a boolean, got an integer`},
		{`not i`, `1 expr-type: a boolean is needed here, this is integer (compare it, as in x != 0)`},
		{`!is`, `1 expr-type: a boolean is needed here, this is list(integer) (compare its length, as in len(x) > 0)`},
	})
}

func TestChoice(t *testing.T) {
	table(t, []row{
		{`b ? 1 : 2`, `1`},
		{`null_b ? 1 : 2`, `2`},
		{`a_null ? 1 : 2`, `2`},
		{`a_b ? 1 : "x"`, `1`},
		{`a_i ? 1 : 2`, `fails 1: expected a boolean, got an integer`},
		{`i ? 1 : 2`, `1 not-boolean: a boolean is needed here, this is integer (compare it, as in x != 0)`},
		{`b ? i : s`, `7`},
		{`(b ? i : s) + 1`, `8`},
		{`b ? i : nil`, `7`},
		{`(b ? i : nil) + 1`, `15 expr-type: an operand of "+" may be null (integer?) (give a value for null, as in (x ?? 0), or check x != nil before)`},
		{`b ?: false`, `true`},
		{`if b { 1 } else { 2 }`, `1`},
		{`if not b { 1 } else if i > 1 { 2 } else { 3 }`, `2`},
		{`null_i ?? 3`, `3`},
		{`null_i ?? nil`, `null`},
		{`i ?? s`, `7`},
		{`nil ?? 3`, `3`},
		{`nil ?? nil`, `null`},
		{`a_null ?? 3`, `3`},
		{`a_i ?? s`, `5`},
		{`(null_i ?? 1) + 1`, `2`},
		{`null_i ?? 1 + 1`, `13 expr-syntax: ?? cannot be mixed with other operators (put the ?? in parentheses: (x ?? y))`},
		{`null_i ?? 1 == 1`, `13 expr-syntax: ?? cannot be mixed with other operators (put the ?? in parentheses: (x ?? y))`},
		{`null_i ?? null_i ?? 4`, `4`},
		{`b ? null_i ?? 1 : 2`, `1`},
		{`(1 / zero) ?? 3`, `fails 4: division by zero`},
		{`null_r.id ?? "none"`, `"none"`},
	})
}
