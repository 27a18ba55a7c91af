package cond

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/graph/schema"
)

// numberFunctions compute with numbers.
func numberFunctions() []*function {
	one := []param{aNumber}
	number := gives(schema.NumberType)
	ints := []param{anInteger, anInteger}
	bit := func(name string, run func(a args, x, y int64) any) *function {
		return &function{name: name, doc: name + "(integer, integer) integer", least: 2, most: 2, params: ints, result: gives(schema.IntegerType),
			run: func(a args) any { return run(a, a.int(0), a.int(1)) }}
	}
	parsed := []param{{kinds: []schema.Kind{schema.Number, schema.String}}}
	return []*function{
		{name: "abs", doc: "abs(number) the same type", least: 1, most: 1, params: one, result: givesFirst, run: abs},
		{name: "ceil", doc: "ceil(number) number", least: 1, most: 1, params: one, result: number, run: func(a args) any { return math.Ceil(a.float(0)) }},
		{name: "floor", doc: "floor(number) number", least: 1, most: 1, params: one, result: number, run: func(a args) any { return math.Floor(a.float(0)) }},
		{name: "round", doc: "round(number) number", least: 1, most: 1, params: one, result: number, run: func(a args) any { return math.Round(a.float(0)) }},
		{name: "int", doc: "int(number or string) integer", least: 1, most: 1, params: parsed, result: gives(schema.IntegerType), run: toInt},
		{name: "float", doc: "float(number or string) number", least: 1, most: 1, params: parsed, result: number, run: toNumber},
		{name: "max", doc: "max(number or list, …) number", least: 1, most: -1, params: []param{numbersToo}, result: extremeResult, run: func(a args) any { return extreme(a, 1) }},
		{name: "min", doc: "min(number or list, …) number", least: 1, most: -1, params: []param{numbersToo}, result: extremeResult, run: func(a args) any { return extreme(a, -1) }},
		{name: "mean", doc: "mean(number or list, …) number", least: 1, most: -1, params: []param{numbersToo}, result: number, run: mean},
		{name: "median", doc: "median(number or list, …) number", least: 1, most: -1, params: []param{numbersToo}, result: number, run: median},
		bit("bitand", func(_ args, x, y int64) any { return x & y }),
		bit("bitor", func(_ args, x, y int64) any { return x | y }),
		bit("bitxor", func(_ args, x, y int64) any { return x ^ y }),
		bit("bitnand", func(_ args, x, y int64) any { return x &^ y }),
		bit("bitshl", func(a args, x, y int64) any { return shift(a, y, func() int64 { return x << y }) }),
		bit("bitshr", func(a args, x, y int64) any { return shift(a, y, func() int64 { return x >> y }) }),
		bit("bitushr", func(a args, x, y int64) any { return shift(a, y, func() int64 { return int64(uint64(x) >> y) }) }),
		{name: "bitnot", doc: "bitnot(integer) integer", least: 1, most: 1, params: ints, result: gives(schema.IntegerType),
			run: func(a args) any { return ^a.int(0) }},
	}
}

func shift(a args, by int64, do func() int64) any {
	if by < 0 {
		return a.fail("%s cannot shift by %d", a.k.function.name, by)
	}
	return do()
}

func abs(a args) any {
	switch v := a.v[0].(type) {
	case int64:
		if v == math.MinInt64 {
			return a.fail("abs(%d) overflows a 64-bit integer", v)
		}
		return max(v, -v)
	default:
		return math.Abs(a.float(0))
	}
}

func toInt(a args) any {
	switch v := a.v[0].(type) {
	case int64:
		return v
	case float64:
		if v < -1<<63 || v >= 1<<63 {
			return a.fail("int: %v does not fit 64 bits", v)
		}
		return int64(v)
	case string:
		if !a.tick(len(v) >> 2) {
			return nil
		}
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return a.fail("int: %s does not fit 64 bits", shorten(strings.TrimSpace(v)))
		case err != nil:
			return a.fail("int: %q is not an integer", shorten(v))
		}
		return n
	}
	a.wrong(0, "a number or a string")
	return nil
}

func toNumber(a args) any {
	if s, ok := a.v[0].(string); ok {
		if !a.tick(len(s) >> 2) {
			return nil
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return a.fail("float: %s is too large", shorten(strings.TrimSpace(s)))
		case err != nil || math.IsInf(f, 0) || math.IsNaN(f):
			return a.fail("float: %q is not a number", shorten(s))
		}
		return f
	}
	f, ok := toFloat(a.v[0])
	if !ok {
		a.wrong(0, "a number or a string")
	}
	return f
}

// extremeResult is an integer when all arguments are integers. It is nullable
// when all arguments are lists, because they can be empty.
func extremeResult(_ *checker, _ *call, args []typed) typed {
	t, sure := schema.NothingType, false
	for _, a := range args {
		if a.typ.Kind == schema.List {
			t = schema.Join(t, plainType(a.typ.Elem))
			continue
		}
		sure = sure || numeric(a.typ.Kind)
		t = schema.Join(t, plainType(a.typ))
	}
	if !sure {
		t = t.OrNull()
	} else if t.Kind == schema.Any {
		t = &schema.Type{Kind: schema.Any}
	}
	return typed{typ: t}
}

// flatNumbers calls f for every number in the arguments and in the lists in
// them, at any depth.
func flatNumbers(a args, f func(v any, n float64)) {
	var walk func(v any, depth int) bool
	walk = func(v any, depth int) bool {
		if list, ok := v.([]any); ok && depth <= maxDepth {
			if !a.tick(walkCost(len(list))) {
				return false
			}
			for _, it := range list {
				if !walk(it, depth+1) {
					return false
				}
			}
			return true
		}
		n, ok := toFloat(v)
		if !ok {
			a.fail("%s needs numbers, not %s", a.k.function.name, kindOf(v))
			return false
		}
		f(v, n)
		return true
	}
	for _, v := range a.v {
		if !walk(v, 0) {
			return
		}
	}
}

// extreme is the largest (sign 1) or the smallest (sign -1) number, or null when
// there is none.
func extreme(a args, sign int) any {
	var best any
	flatNumbers(a, func(v any, _ float64) {
		if best == nil {
			best = v
		} else if order, _ := compareValues(v, best); order*sign > 0 {
			best = v
		}
	})
	return best
}

func mean(a args) any {
	sum, count := 0.0, 0
	flatNumbers(a, func(_ any, n float64) { sum += n; count++ })
	if count == 0 {
		return 0.0
	}
	return finite(a.e, &a.k.at, sum/float64(count))
}

func median(a args) any {
	var all []float64
	flatNumbers(a, func(_ any, n float64) {
		if a.spend(2 * bytesPerBox) {
			all = append(all, n)
		}
	})
	if len(all) == 0 || !a.tick(len(all)*8) {
		return 0.0
	}
	slices.Sort(all)
	middle := len(all) / 2
	if len(all)%2 == 1 {
		return all[middle]
	}
	low, high := all[middle-1], all[middle]
	if sum := low + high; !math.IsInf(sum, 0) {
		return sum / 2
	}
	return low/2 + high/2
}
