package cond

import "testing"

func TestListLiterals(t *testing.T) {
	table(t, []row{
		{`[1, 2, 3]`, `[1,2,3]`},
		{`[1, "a", nil, [2]]`, `[1,"a",null,[2]]`},
		{`[]`, `[]`},
	})
}

func TestObjectLiterals(t *testing.T) {
	table(t, []row{
		{`{"a": 1, b: 2}`, `{"a":1,"b":2}`},
		{`{}`, `{}`},
		{`{(s): i}`, `{"Häß":7}`},
		{`{(a_s): 1}`, `{"text":1}`},
		{`{(a_i): 1}`, `fails 1: the keys of an object are strings, not an integer`},
		{`{(null_s): 1}`, `3 expr-type: a key of an object may be null (string?) (give a value for null, as in (x ?? ""), or check x != nil before)`},
		{`{(i): 1}`, `3 expr-type: a key of an object must be a string, not integer (string(x) makes text of a value)`},
		{`{"a": 1, "a": 2}`, `10 expr-syntax: the key "a" is given twice`},
		{`{"a": 1, ("a"): 2}`, `11 expr-syntax: the key "a" is given twice`},
		{`{"a": nil}.a`, `null`},
		{`{"a": 1}.b`, `10 unknown-property: object has no property "b" (did you mean "a"?)`},
		{`{(s): 1}.b`, `null`},
		{`{(s): 1}[s]`, `1`},
		{`{"b": 1, "a": {"c": [1]}}.a.c[0]`, `1`},
	})
}
