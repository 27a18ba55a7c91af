package inspect

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/graph/value"
)

// differ collects the operations that make one value of another.
type differ struct {
	ops []Operation
	key string // of the state, for what is compared now

	wrote writerOf // nil if nobody knows
}

func (d *differ) add(op, path, place string, was, is any) {
	o := Operation{Op: op, Path: path, Key: d.key, Place: place}
	o.Was, _ = value.Of(was) // of a state: canonical
	if op != "remove" {
		v, _ := value.Of(is)
		o.Value = &v
	}
	if d.wrote != nil {
		if by, known := d.wrote(d.key); known {
			o.By = &by
		}
	}
	d.ops = append(d.ops, o)
}

// values compares two values at one place.
func (d *differ) values(a, b any, path, place string) {
	if value.Equal(a, b) {
		return
	}
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok && related(a, b) {
			d.objects(a, b, path, place)
			return
		}
	case []any:
		if b, ok := b.([]any); ok {
			d.lists(a, b, path, place)
			return
		}
	}
	d.add("replace", path, place, a, b)
}

// related reports that two objects have a property in common: else one replaces the other.
func related(a, b map[string]any) bool {
	for name := range a { // in any order: whether there is one
		if _, ok := b[name]; ok {
			return true
		}
	}
	return len(a) == 0 || len(b) == 0
}

func (d *differ) objects(a, b map[string]any, path, place string) {
	names := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		within := "." + name
		if !isName(name) {
			within = "[" + value.String(name) + "]"
		}
		d.property(a, b, name, path, place+within)
	}
}

// property compares one property of two objects. path is that of the objects.
func (d *differ) property(a, b map[string]any, name, path, place string) {
	was, had := a[name]
	is, has := b[name]
	path += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	switch {
	case !has:
		d.add("remove", path, place, was, nil)
	case !had:
		d.add("add", path, place, nil, is)
	default:
		d.values(was, is, path, place)
	}
}

// isName reports that a property can be read by a dot.
func isName(name string) bool {
	for i, c := range name {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// lists compares two lists: elements that are equal stay, those between them are
// compared with each other, and what is left over was added or removed.
func (d *differ) lists(a, b []any, path, place string) {
	at := 0 // in the list as the operations so far have made it
	gap := func(a, b []any) {
		for _, p := range paired(a, b) {
			path, place := path+"/"+strconv.Itoa(at), place+"["+strconv.Itoa(at)+"]"
			switch {
			case p.b < 0:
				d.add("remove", path, place, a[p.a], nil)
				continue // what is behind it moves up
			case p.a < 0:
				d.add("add", path, place, nil, b[p.b])
			default:
				d.values(a[p.a], b[p.b], path, place)
			}
			at++
		}
	}
	i, k := 0, 0
	for _, p := range common(a, b, value.Equal) {
		gap(a[i:p.a], b[k:p.b])
		at++
		i, k = p.a+1, p.b+1
	}
	gap(a[i:], b[k:])
}

// pair is an element of one list beside one of another; -1 for none.
type pair struct{ a, b int }

// paired says which elements of two lists without a common one belong together, in the
// order of both: those with the same `id`, and between them one after the other.
func paired(a, b []any) (out []pair) {
	fill := func(i, to, k, until int) {
		for ; i < to && k < until; i, k = i+1, k+1 {
			out = append(out, pair{i, k})
		}
		for ; i < to; i++ {
			out = append(out, pair{i, -1})
		}
		for ; k < until; k++ {
			out = append(out, pair{-1, k})
		}
	}
	i, k := 0, 0
	for _, p := range common(a, b, sameID) {
		fill(i, p.a, k, p.b)
		out = append(out, p)
		i, k = p.a+1, p.b+1
	}
	fill(i, len(a), k, len(b))
	return out
}

// sameID reports that two elements are objects with the same `id`.
func sameID(a, b any) bool {
	x, ok := a.(map[string]any)
	y, too := b.(map[string]any)
	return ok && too && x["id"] != nil && value.Equal(x["id"], y["id"])
}

// mostCompared bounds the work of common: two lists of a thousand elements that differ
// everywhere.
const mostCompared = 1 << 20

// common finds a longest sequence of elements that two lists have in common. Where that
// would be too much work, it is what they begin and end with.
func common(a, b []any, same func(a, b any) bool) (out []pair) {
	first := 0
	for first < len(a) && first < len(b) && same(a[first], b[first]) {
		out = append(out, pair{first, first})
		first++
	}
	n, m := len(a), len(b)
	for n > first && m > first && same(a[n-1], b[m-1]) {
		n, m = n-1, m-1
	}
	if rows, columns := n-first, m-first; rows > 0 && columns > 0 && rows <= mostCompared/columns {
		out = append(out, longest(a[first:n], b[first:m], first, same)...)
	}
	for ; n < len(a); n, m = n+1, m+1 {
		out = append(out, pair{n, m})
	}
	return out
}

// longest is the longest common sequence by the table of all beginnings.
func longest(a, b []any, first int, same func(a, b any) bool) (out []pair) {
	width := len(b) + 1
	table := make([]int32, (len(a)+1)*width) // how much the rests behind i and k have in common
	equal := make([]bool, len(a)*len(b))
	for i := len(a) - 1; i >= 0; i-- {
		for k := len(b) - 1; k >= 0; k-- {
			best := max(table[(i+1)*width+k], table[i*width+k+1])
			if equal[i*len(b)+k] = same(a[i], b[k]); equal[i*len(b)+k] {
				best = max(best, table[(i+1)*width+k+1]+1)
			}
			table[i*width+k] = best
		}
	}
	for i, k := 0, 0; i < len(a) && k < len(b); {
		switch {
		case equal[i*len(b)+k] && table[i*width+k] == table[(i+1)*width+k+1]+1:
			out = append(out, pair{first + i, first + k})
			i, k = i+1, k+1
		case table[(i+1)*width+k] >= table[i*width+k+1]:
			i++
		default:
			k++
		}
	}
	return out
}
