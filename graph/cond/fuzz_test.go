package cond

import (
	"runtime"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
)

// hostile are expressions that hang or kill evaluators that trust them.
var hostile = []string{
	`repeat(repeat("a",900000),900000)`,
	`replace(state.words[0], "x", repeat("x", 1000000))`,
	`replace(repeat("a", 100000), "a", repeat("a", 100000))`,
	strings.Repeat("(", 4000),
	strings.Repeat("-", 4000) + "1",
	strings.Repeat("not ", 900) + "true",
	strings.Repeat("1 ? 2 : ", 400) + "3",
	strings.Repeat("state.n ?? ", 300) + "3",
	strings.Repeat("1 < (", 60) + "1" + strings.Repeat(" < 2) < 3", 60),
	strings.Repeat("1 < (", 6) + "1" + strings.Repeat(" < 2) < 3", 6),
	`reduce(1..40, #acc + #acc, "aaaa")`,
	`reduce(1..40, [#acc, #acc], 1)`,
	`toJSON(reduce(1..40, [#acc, #acc], 1))`,
	`reduce(1..1000000, [#acc], 1)`,
	`string(reduce(1..200, {"a": #acc}, 1))`,
	`reduce(1..40, [#acc, #acc], 1) == reduce(1..40, [#acc, #acc], 1)`,
	`flatten(reduce(1..40, [#acc, #acc], 1))`,
	`max(reduce(1..40, [#acc, #acc], 1))`,
	`uniq(map(1..100000, [#]))`,
	`all(1..700, all(1..700, all(1..700, true)))`,
	`let n = state.n * 300; all(1..n, let a = #; all(1..n, all(1..n, # + a > 0)))`,
	`any(1..1000, repeat("x", #) matches "(x+x+)+y")`,
	`any(1..1000, "x" matches repeat("(x{1,9}){1,9}", 9))`,
	`1/0`, `1%0`, `1.0 % 0`, `9223372036854775807 + 1`, `-9223372036854775807 - 2`, `9223372036854775807 * 2`,
	`state.big * 4`, `state.todos[-9]`, `nope`, `$env`, `$env.state`, `state.words.Len()`, `now.Format("x")`,
	`let state = 1; state`, `let x = 1; let x = 2; x`, `string(state)`, `1e308 * 10`, `2 ** 10000`, `0 ** -1`,
	`join(map(1..1000000, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"))`,
	`split(repeat("a", 1000000), "")`, `9223372036854775000..9223372036854775807`, `(0-5)..9223372036854775807`,
	`map(1..1000, state)`, `sort(map(1..100000, 100000 - #))`, `concat(1..1000000, 1..1000000)`,
	`fromJSON(repeat("[", 100000))`, `toBase64(repeat("a", 60000000))`, `median(1..2000000)`,
	`filter(state.todos, {let a = .n; a > 1})`, `reduce([], #acc)`, `a?.b?.[0]`, `b"x"`, "`raw`", `"\u{1F600}"`,
	"state.flag // comment", "/* (((( */ true", `#`, `.x`, `all()`, `map(1, 2)`, `filter(state.todos)`, `{}`, `[]`,
	`{"a": 1, "a": 2}`, `{(state.words[0]): 1}`, `1 in [1]`, `"a" in state.scores`, `;`, `1;2`, `if true {1} else if false {2} else {3}`,
	`state.todos | filter(.n > 1) | map(.id) | join(",")`, `not in`, `state.n not in [1]`, `::len("x")`, `sum(state.gaps)`,
}

// settle compiles and evaluates. That it comes back at all is the point: what it
// may cost is bounded by accounting, not by a clock, so no time is measured.
func settle(t *testing.T, expr string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	scope := testScope(t)
	for _, want := range []Want{{}, {Condition: true}} {
		p, problems := Compile(placed(expr), scope, want)
		if p == nil {
			if !problems.HasErrors() {
				t.Errorf("%q: no program and no problem", expr)
			}
			for _, d := range problems {
				if d.Message == "" || d.Code == "" || strings.Contains(d.Message, "\n") && !strings.Contains(expr, "\n") {
					t.Errorf("%q: bad problem %#v", expr, d)
				}
			}
			continue
		}
		v, err := p.Eval(testEnv())
		if err != nil && strings.HasPrefix(err.Error(), "internal error") {
			t.Errorf("%q: %v", expr, err)
		}
		if want.Condition {
			checkHolds(t, p, v, err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<30 {
		t.Errorf("%q allocated %d MiB", expr, n>>20)
	}
}

// checkHolds compares the three ways to evaluate a condition.
func checkHolds(t *testing.T, p *Program, v any, err error) {
	t.Helper()
	ok, err2 := p.Holds(testEnv())
	if (err == nil) != (err2 == nil) || err == nil && ok != (v == true) {
		t.Errorf("%q: Eval gives %v, %v; Holds gives %v, %v", p.Text().Value, v, err, ok, err2)
	}
	if part := p.Explain(testEnv()); err == nil && (part.Value == true) != ok {
		t.Errorf("%q: Holds gives %v, Explain %+v", p.Text().Value, ok, part)
	}
}

func FuzzCondition(f *testing.F) {
	for _, expr := range hostile {
		f.Add(expr)
	}
	f.Fuzz(func(t *testing.T, expr string) { settle(t, expr) })
}

// TestLongTextsCount: what reads a text as a whole, however fast, is accounted
// for: texts of many megabytes times many turns are endless.
func TestLongTextsCount(t *testing.T) {
	t.Parallel()
	const texts = `let s = repeat("ab", 1000000); let u = repeat("ab", 1000000); let o = {(s): 1}; let n = 1..100000; `
	for _, expr := range []string{
		`all(n, s == u)`, `all(n, s <= u)`, `all(n, s in [u])`, `all(n, [s] == [u])`, `all(n, u in o)`, `all(n, o[u] == 1)`, `all(n, get(o, u) == 1)`,
		`len(sort(map(n, # % 2 == 0 ? s : u))) > 0`, `len(sortBy(n, # % 2 == 0 ? s : u)) > 0`, `len(uniq(map(n, s))) > 0`,
		`len(groupBy(n, s)) > 0`, `len(fromPairs(map(n, [s, 1]))) > 0`, `all(n, {len({(s): 1}) == 1})`, `all(n, len(keys({(s): 1, (u + "c"): 1})) > 0)`,
		`all(n, hasPrefix(s, u))`, `all(n, hasSuffix(s, u))`, `all(n, trimPrefix(s, u) == "")`, `all(n, trimSuffix(s, u) == "")`,
		`all(n, s startsWith u)`, `all(n, s contains "c" || true)`, `all(n, len(s) > 0)`, `all(n, s[1:2] != "")`, `all(n, indexOf(s, "c") < 0)`,
		`any(n, int(repeat("0", 1000000)) > 0)`, `let z = repeat("0", 1000000); any(n, float(z) > 0)`, `let z = repeat(" ", 1000000); all(n, date(z, z) != now)`,
		`all(n, len(state) > 0)`, `all(n, upper(s) != "")`, `all(n, s matches "^(ab)*$")`, `all(n, toJSON(s) != "")`, `all(n, s + s != s)`,
	} {
		p, problems := Compile(placed(texts+expr), testScope(t), Want{Condition: true})
		if p == nil {
			t.Errorf("%s: %v", expr, problems)
			continue
		}
		if _, err := p.Holds(testEnv()); err == nil || !AsError(err).Limit {
			t.Errorf("%s: got %v, want the bound on work or memory", expr, err)
		}
	}
}

func TestBoundsOfText(t *testing.T) {
	t.Parallel()
	pad := func(n int) string { return "1" + strings.Repeat(" ", n-1) }
	nest := func(n int) string { return strings.Repeat("(", n) + "1" + strings.Repeat(")", n) }
	for _, tt := range []struct {
		name, expr string
		code       diag.Code
	}{
		{"length", pad(maxText), ""}, {"length+1", pad(maxText + 1), diag.ExprTooCostly},
		{"nesting", nest(maxNesting), ""}, {"nesting+1", nest(maxNesting + 1), diag.ExprTooCostly},
		{"in a string", `"` + strings.Repeat("(", 1000) + `"`, ""},
		{"in a comment", `1 /* ` + strings.Repeat("(", 1000) + ` */`, ""},
		{"nodes", strings.Repeat("1+", 499) + "1", ""}, {"nodes+1", strings.Repeat("1+", 500) + "1", diag.ExprTooCostly},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems := Compile(placed(tt.expr), testScope(t), Want{})
			got := diag.Code("")
			if len(problems) > 0 {
				got = problems[0].Code
			}
			if got != tt.code {
				t.Errorf("got %q, want %q", got, tt.code)
			}
		})
	}
}
