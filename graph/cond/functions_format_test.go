package cond

import "testing"

func TestSprintf(t *testing.T) {
	table(t, []row{
		{`sprintf("plain %%")`, `"plain %"`},
		{`sprintf("%s|%5s|%-5s|", s, s, s)`, `"Häß|  Häß|Häß  |"`},
		{`sprintf("%d %05d %+d", 1, -2, 3)`, `"1 -0002 +3"`},
		{`sprintf("%.2f %f", 1.005, 2)`, `"1.00 2.000000"`},
		{`sprintf("%q", "a\"b")`, `"\"a\\\"b\""`},
		{`sprintf("%v %v %v", nil, [1, "a"], {"k": 1.5})`, `"null [1,\"a\"] {\"k\":1.5}"`},
		{`sprintf("%v", duration("90s"))`, `"1m30s"`},
		{`sprintf("ä%sé", s)`, `"äHäßé"`},
		{`"%s" | sprintf("x")`, `"x"`},
		{`sprintf("%d", s)`, `15 expr-type: the argument of %d must be an integer, not string`},
		{`sprintf("%s", 1)`, `15 expr-type: the argument of %s must be a string, not integer (string(x) makes text of a value)`},
		{`sprintf("%s")`, `1 expr-type: the format of sprintf has 1 verb, and 0 arguments follow`},
		{`sprintf("x", 1)`, `1 expr-type: the format of sprintf has 0 verbs, and 1 argument follow`},
		{`sprintf("%x", 1)`, `9 expr-type: %x is no verb: there are %s, %d, %f, %q and %v`},
		{`sprintf("100%")`, `9 expr-type: a % at the end of the format has no verb: write %% for the sign itself`},
		{`sprintf("%99999d", 1)`, `9 expr-type: %9 is no verb: there are %s, %d, %f, %q and %v`},
		{`sprintf("%2000d", 1)`, `9 expr-type: %2000d is too wide: at most 1000 characters and 100 decimals are allowed`},
		{`sprintf(s, 1)`, `fails 1: the format of sprintf has 0 verbs, and 1 argument follow`},
		{`sprintf("%d", a_s)`, `fails 15: sprintf needs an integer, not a string`},
		{`sprintf("%s", null_s)`, `15 expr-type: the argument of %s may be null (string?) (give a value for null, as in (x ?? ""), or check x != nil before)`},
	})
}

func TestMerge(t *testing.T) {
	table(t, []row{
		{`merge(o, {"b": 3, "c": 4})`, `{"a":1,"b":3,"c":4}`},
		{`merge({"n": 1}, {"s": "x"}).n + 1`, `2`},
		{`merge({"n": 1}, {"n": "x"}).n + "y"`, `"xy"`},
		{`merge(r, {"n": 1}).id + "!"`, `"k!"`},
		{`merge({"id": 1}, r).id + "!"`, `"k!"`},
		{`merge({"n": 1}, a_object).k`, `1`},
		{`merge(r)`, `{"id":"k"}`},
		{`merge(o, null_r)`, `10 expr-type: the argument of merge may be null (object?) (give a value for null, as in (x ?? {}), or check x != nil before)`},
		{`merge(o, a_list)`, `fails 10: merge needs an object, not a list`},
		{`merge({"n": 1}, {"s": 2}).t`, `27 unknown-property: object has no property "t" (did you mean "n"?)`},
	})
}

func TestZones(t *testing.T) {
	table(t, []row{
		{`inZone(date("2026-03-29T00:59:59Z"), "Europe/Berlin").Hour()`, `1`},
		{`inZone(date("2026-03-29T01:00:00Z"), "Europe/Berlin").Hour()`, `3`},
		{`formatTime(inZone(date("2026-01-01T23:30:00Z"), "Asia/Tokyo"), "2006-01-02 15:04 -0700")`, `"2026-01-02 08:30 +0900"`},
		{`formatTime(date("2026-01-02T15:04:05+02:00"), "15:04")`, `"13:04"`},
		{`inZone(date("2026-01-01"), "Europe/Berlin")`, `"2026-01-01T00:00:00Z"`},
		{`inZone(date("2026-01-01"), "Europe/Berlin") == date("2026-01-01")`, `true`},
		{`(inZone(date("2026-01-01"), "Europe/Berlin") + duration("1h")).Hour()`, `2`},
		{`inZone(date("2026-01-01"), "Local")`, `fails 1: inZone: "Local" is no zone of the IANA database, as "Europe/Berlin"`},
		{`inZone(date("2026-01-01"), "../etc")`, `fails 1: inZone: "../etc" is no zone of the IANA database, as "Europe/Berlin"`},
		{`formatTime(s, "15")`, `12 expr-type: the argument of formatTime must be a time, not string`},
		{`duration("1.5d") == duration("36h")`, `true`},
		{`duration("-1d2h").Hours()`, `-26`},
		{`duration("300000d")`, `1 expr-type: "300000d" is not a duration: write it as in "1h30m" or "7d"`},
	})
}

func TestMixedOperators(t *testing.T) {
	const wrong = ` expr-syntax: ?? cannot be mixed with other operators (put the ?? in parentheses: (x ?? y))`
	table(t, []row{
		{`1 + i ?? 2`, `3` + wrong},
		{`i ?? 2 + 1`, `8` + wrong},
		{`not b ?? true`, `1` + wrong},
		{`null_s ?? "" | len()`, `14` + wrong},
		{`[1, null_i ?? -1]`, `[1,-1]`},
		{`null_i ?? null_i ?? 7`, `7`},
		{`b ? null_i ?? 1 : null_i ?? 2`, `1`},
		{`{"a": null_i ?? 1, "b": 1 + 1}`, `{"a":1,"b":2}`},
		{`let y1 = null_i ?? 4; y1 + 1`, `5`},
		{`len(null_s ?? "ab") + 1`, `3`},
		{`(null_i ?? 1) + (null_i ?? 2)`, `3`},
	})
}
