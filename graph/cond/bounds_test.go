package cond

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/schema"
)

// TestBoundIsAFailure calls every function and operator whose result can grow
// with a result that passes the bound on memory or work. None of them may give
// null or a part of the result: each is a failure that says so.
func TestBoundIsAFailure(t *testing.T) {
	t.Parallel()
	const memory, work = "the expression takes too much memory", "the expression takes too much work"
	text := strings.Repeat("\n", 17_000_000)
	numbers := make([]any, 5_000_000)
	for i := range numbers {
		numbers[i] = int64(i % 3)
	}
	lists := make([]any, 20)
	for i := range lists {
		lists[i] = numbers
	}
	object := make(map[string]any, 300_000)
	for i := range 300_000 {
		object["key "+strconv.Itoa(i)] = int64(i)
	}
	scope := NewScope(
		Name{Name: "t", Type: schema.StringType, Slot: 0},
		Name{Name: "n", Type: schema.ListOf(schema.IntegerType), Slot: 1},
		Name{Name: "l", Type: schema.ListOf(schema.ListOf(schema.IntegerType)), Slot: 2},
		Name{Name: "o", Type: schema.MapOf(schema.IntegerType), Slot: 3},
		Name{Name: "w", Type: schema.ListOf(schema.StringType), Slot: 4},
		Name{Name: "big", Type: schema.IntegerType, Slot: 5},
	)
	env := func() *Env {
		return &Env{Slots: []any{text, numbers, lists, object, []any{text, text, text, text}, int64(1) << 40}}
	}
	for _, tt := range []struct{ expr, message string }{
		{`split(t, "\n")`, memory},
		{`split(t, "\n")[0]`, memory},
		{`split(t, "")`, memory},
		{`splitAfter(t, "\n")`, memory},
		{`split(t, "\n", 16777217)`, memory},
		{`replace(t, "\n", "12345")`, memory},
		{`replace(t, "", t)`, memory},
		{`repeat(t, 4)`, memory},
		{`repeat("x", big)`, memory},
		{`join(w)`, memory},
		{`join(w, t)`, memory},
		{`t + t + t`, memory},
		{`upper(t) + upper(t) + lower(t)`, work},
		{`toBase64(t) + toBase64(t)`, memory},
		{`toJSON(l)`, work},
		{`toJSON(w)`, memory},
		{`string(w)`, memory},
		{`fromJSON(t)`, memory},
		{`1..big`, memory},
		{`concat(n, n)`, memory},
		{`concat(n, n, n, n)`, memory},
		{`reverse(n)`, memory},
		{`uniq(n)`, memory},
		{`sort(n)`, memory},
		{`flatten(l)`, memory},
		{`flatten([n, n])`, memory},
		{`map(n, #)`, memory},
		{`map(n, [#])`, memory},
		{`filter(n, true)`, work},
		{`sortBy(n, #)`, memory},
		{`groupBy(n, "a")`, memory},
		{`reduce(n, concat(#acc, [#]), [1])`, memory},
		{`median(n)`, work},
		{`sum(n, # * 2 + 1)`, work},
		{`max(n)`, work},
		{`mean(n)`, work},
		{`count(n, true)`, work},
		{`any(n, # > 9)`, work},
		{`find(n, # > 9)`, work},
		{`9 in n`, ""},
		{`keys(o)`, ""},
		{`toPairs(o)`, ""},
		{`concat(keys(o), keys(o), keys(o), keys(o), keys(o), keys(o))`, work},
		{`values(o)`, ""},
		{`fromPairs(toPairs(o))`, work},
		{`n == map(n, #)`, memory},
		{`t matches t`, "a pattern has at most 4096 bytes, not 17000000"},
		{`t matches "(a*)*b|(c*)*d|(e*)*f"`, work},
		{`reduce(1..99, [#acc, #acc], 1)`, work},
		{`let a = [n, n, n, n]; [a, a, a, a]`, work},
	} {
		t.Run(tt.expr, func(t *testing.T) {
			t.Parallel()
			p, problems := Compile(placed(tt.expr), scope, Want{})
			if p == nil {
				t.Fatal(problems)
			}
			v, err := p.Eval(env())
			if tt.message == "" {
				if err != nil || v == nil {
					t.Errorf("got %T, %v: want a value", v, err)
				}
				return
			}
			if e := AsError(err); e == nil || e.Message != tt.message {
				t.Errorf("got %T, %v\nwant %s", v, err, tt.message)
			}
		})
	}
}

// TestShortBudget evaluates the examples of the reference with less and less
// work and memory left. Each has its whole value, or fails for the bound.
func TestShortBudget(t *testing.T) {
	t.Parallel()
	failed := 0
	for _, line := range examples(t) {
		expr := line[:strings.LastIndex(line, " => ")]
		p, problems := Compile(placed(expr), testScope(t), Want{})
		if problems.HasErrors() {
			continue
		}
		env := testEnv()
		whole, err := p.Eval(env)
		if err != nil {
			continue
		}
		for left := 0; left <= 1<<20; left = max(left+1, left*5/4) {
			for _, used := range []spent{{memory: maxMemory - min(left, maxMemory)}, {work: maxWork - min(left, maxWork)}} {
				env.begin()
				env.spent = used
				v := p.run(env)
				if p.timely && env.err == nil {
					at := p.whole()
					v = plainTimes(env, &at, v, 0)
				}
				switch {
				case env.err != nil && !env.err.Limit:
					t.Errorf("%s with %d left: %v", expr, left, env.err)
				case env.err != nil:
					failed++
				case !cmp.Equal(v, whole):
					t.Errorf("%s with %d left gives %v, not %v", expr, left, v, whole)
				}
			}
		}
	}
	if failed < 100 {
		t.Errorf("only %d evaluations passed a bound", failed)
	}
}
