package cond

import (
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"time"

	"github.com/graphrun/graphrun/graph/schema"
	jsonvalue "github.com/graphrun/graphrun/graph/value"
)

// objectFunctions work on objects and on values of any kind. They walk an object
// in the order of its keys.
func objectFunctions() []*function {
	one := []param{anObject}
	pair := schema.ListOf(schema.AnyType)
	return []*function{
		{name: "keys", doc: "keys(object) list(string)", least: 1, most: 1, params: one, result: gives(schema.ListOf(schema.StringType)), run: keys},
		{name: "values", doc: "values(map(T)) list(T)", least: 1, most: 1, params: one, result: valuesResult, run: values},
		{name: "toPairs", doc: "toPairs(object) list(list)", least: 1, most: 1, params: one, result: gives(schema.ListOf(pair)), run: toPairs},
		{name: "fromPairs", doc: "fromPairs(list) map(any)", least: 1, most: 1, params: []param{aListOfLists}, result: gives(schema.MapOf(schema.AnyType)), shares: true, run: fromPairs},
		{name: "merge", doc: "merge(object, …) object", least: 1, most: -1, params: one, result: mergeResult, shares: true, run: merge},
		{name: "type", doc: "type(any) string",
			least: 1, most: 1, params: []param{anyValue}, result: gives(schema.StringType), run: func(a args) any { return typeName(a.v[0]) }},
		{name: "string", doc: "string(any) string", least: 1, most: 1, params: []param{someValue}, result: gives(schema.StringType), run: text},
		{name: "toJSON", doc: "toJSON(any) string", least: 1, most: 1, params: []param{anyValue}, result: gives(schema.StringType), run: toJSON},
		{name: "fromJSON", doc: "fromJSON(string) any", least: 1, most: 1, params: []param{aText}, result: gives(schema.AnyType), run: fromJSON},
	}
}

func sortedKeys(a args, m map[string]any) []string {
	if a.failed() || !a.spendList(2*len(m)) || !a.tick(8*len(m)) {
		return nil
	}
	sorted, size := slices.Collect(maps.Keys(m)), 0
	for _, k := range sorted {
		size += len(k)
	}
	if !a.tick((size >> 4) * bits.Len(uint(len(m)))) {
		return nil
	}
	slices.Sort(sorted)
	return sorted
}

func keys(a args) any {
	m := a.object(0)
	out := make([]any, 0)
	for _, k := range sortedKeys(a, m) {
		out = append(out, k)
	}
	return out
}

func valuesResult(_ *checker, _ *call, args []typed) typed {
	t := args[0].typ
	elem := schema.NothingType
	for _, p := range t.Props {
		elem = schema.Join(elem, p.Type)
	}
	if t.Rest != nil {
		elem = schema.Join(elem, t.Rest)
	}
	if t.Kind != schema.Object || t.Rest == nil { // undeclared properties are kept, and are among the values
		elem = schema.AnyType
	}
	return typed{typ: schema.ListOf(elem)}
}

func values(a args) any {
	m := a.object(0)
	out := make([]any, 0)
	for _, k := range sortedKeys(a, m) {
		out = append(out, m[k])
	}
	return out
}

func toPairs(a args) any {
	m := a.object(0)
	out := make([]any, 0)
	if !a.spendList(3 * len(m)) {
		return nil
	}
	for _, k := range sortedKeys(a, m) {
		out = append(out, []any{k, m[k]})
	}
	return out
}

func fromPairs(a args) any {
	l := a.list(0)
	if a.failed() || !a.spend(len(l)*bytesPerEntry) {
		return nil
	}
	out := make(map[string]any, len(l))
	for i, it := range l {
		p, _ := it.([]any)
		if len(p) != 2 {
			return a.fail("fromPairs needs pairs [key, value], element %d is %s", i, kindOf(it))
		}
		k, ok := p[0].(string)
		if !ok {
			return a.fail("fromPairs needs strings as keys, the key of element %d is %s", i, kindOf(p[0]))
		}
		if !a.e.looksUp(&a.k.at, k) {
			return nil
		}
		out[k] = p[1]
	}
	return out
}

func typeName(v any) any {
	switch v.(type) {
	case nil:
		return "nil"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case string:
		return "string"
	case []any:
		return "array"
	case time.Time:
		return "time"
	case time.Duration:
		return "duration"
	}
	return "map"
}

// text is a value as templates write it: a string as it is, anything else as
// compact JSON.
func text(a args) any {
	switch v := a.v[0].(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Time:
		return timeText(v)
	case time.Duration:
		return v.String()
	case nil:
		a.wrong(0, "a value")
		return nil
	}
	return toJSON(a)
}

func toJSON(a args) any {
	size := a.e.measure(a.k.at, a.v[0])
	if a.failed() || !a.spend(size) {
		return nil
	}
	v := plainTimes(a.e, &a.k.at, a.v[0], 0)
	if a.failed() {
		return nil
	}
	return jsonvalue.String(v)
}

func fromJSON(a args) any {
	s := a.text(0)
	if a.failed() || !a.spend(8*len(s)) {
		return nil
	}
	v, err := jsonvalue.Decode([]byte(s))
	if err != nil {
		return a.fail("fromJSON: %s", err)
	}
	a.e.measure(a.k.at, v)
	return v
}
