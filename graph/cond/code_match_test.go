package cond

import "testing"

func TestTextOperators(t *testing.T) {
	table(t, []row{
		{`s + s`, `"HäßHäß"`},
		{`s + empty`, `"Häß"`},
		{`"a" + a_s`, `"atext"`},
		{`"a" + a_i`, `fails 5: "+" cannot be computed from a string and an integer`},
		{`"a" + i`, `5 expr-type: mismatched types: string + integer (string(x) makes text of a value)`},
		{`null_s + "a"`, `8 expr-type: an operand of "+" may be null (string?) (give a value for null, as in (x ?? ""), or check x != nil before)`},
		{`s contains "äß"`, `true`},
		{`s contains empty`, `true`},
		{`s contains a_s`, `false`},
		{`s contains a_i`, `fails 3: "contains" needs two strings, not a string and an integer`},
		{`s contains i`, `3 expr-type: "contains" needs two strings, not string and integer`},
		{`s contains null_s`, `3 expr-type: an operand of "contains" may be null (string?) (give a value for null, as in (x ?? ""), or check x != nil before)`},
		{`ss contains "a"`, `4 expr-type: "contains" needs two strings, not list(string) and string (write x in list)`},
		{`s startsWith "Hä"`, `true`},
		{`s startsWith "hä"`, `false`},
		{`"" startsWith "a"`, `false`},
		{`a_s startsWith "te"`, `true`},
		{`a_i startsWith "te"`, `fails 5: "startsWith" needs two strings, not an integer and a string`},
		{`s endsWith "ß"`, `true`},
		{`s endsWith "s"`, `false`},
		{`a_null endsWith "s"`, `fails 8: "endsWith" needs two strings, not null and a string`},
		{`s not contains "x"`, `true`},
		{`s not startsWith "H"`, `false`},
	})
}

func TestMatches(t *testing.T) {
	table(t, []row{
		{`s matches "^H.ß$"`, `true`},
		{`s matches "^h"`, `false`},
		{`s matches "(?i)^h"`, `true`},
		{`s not matches "x"`, `true`},
		{`"a\nb" matches "a.b"`, `false`},
		{`s matches "("`, `11 expr-syntax: bad pattern "(": missing closing ): "("`},
		{`s matches "(?=a)"`, `11 expr-syntax: bad pattern "(?=a)": invalid or unsupported Perl syntax: "(?="`},
		{`s matches "[a-z" + "]"`, `false`},
		{`s matches a_s`, `false`},
		{`s matches a_i`, `fails 3: a pattern is a string, not an integer`},
		{`a_i matches "x"`, `fails 5: "matches" needs a string, not an integer`},
		{`s matches s + "("`, `fails 3: bad pattern "Häß(": missing closing ): "Häß("`},
		{`s matches i`, `3 expr-type: "matches" needs two strings, not string and integer`},
		{`s matches "(((a{1,30}){1,30}){1,30})"`, `11 expr-syntax: bad pattern "(((a{1,30}){1,30}){1,30})": invalid repeat count: "{1,30}"`},
		{`s matches "(((a{1,30}){1,30}){1,9})" + empty`, `fails 3: bad pattern "(((a{1,30}){1,30}){1,9})": invalid repeat count: "{1,9}"`},
		{`s matches "a{1000}b{1000}c{10}"`, `11 expr-too-costly: bad pattern "a{1000}b{1000}c{10}": the pattern is too large`},
		{`s matches "a{1000}b{1000}c{10}" + empty`, `fails 3: bad pattern "a{1000}b{1000}c{10}": the pattern is too large`},
	})
}
