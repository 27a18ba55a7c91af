package schema

import (
	"math"
	"strconv"

	"github.com/graphrun/graphrun/graph/value"
)

// Dice decide what is drawn: N gives a number from 0 to n-1.
type Dice interface{ N(n int) int }

// Palette are values to prefer where they fit, as the constants that the expressions of
// a graph compare with.
type Palette struct {
	Texts    []string
	Patterns []string // regular expressions that texts are to match
	Integers []int64
	Numbers  []float64
}

// drawTries is how many values are drawn before a type is given up whose keywords
// refuse them.
const drawTries = 40

// Draw draws a canonical value of the type: enums, empty values, bounds, nulls, absent
// properties and the values of the palette are likely, large values are not. Integers
// without bounds stay within a million. ok is false when no value was found that the
// type takes.
func (t *Type) Draw(d Dice, p *Palette) (v any, ok bool) {
	if p == nil {
		p = &Palette{}
	}
	w := drawing{d: d, p: p}
	for try := range drawTries {
		w.plain = try > drawTries/2
		v, err := t.Check("", w.value(t, 0))
		if err == nil {
			return v, true
		}
	}
	return t.Zero()
}

// drawing draws one value, which may not fit in the end.
type drawing struct {
	d     Dice
	p     *Palette
	plain bool // small values without extras
}

// likely is true once in n times.
func (w *drawing) likely(n int) bool { return w.d.N(n) == 0 }

func pick[T any](w *drawing, list []T) T { return list[w.d.N(len(list))] }

// deep is where recursive types come to an end.
const deep = 5

func (w *drawing) value(t *Type, depth int) any {
	if t.Nullable && t.Kind != Any && (depth > deep || w.likely(5)) {
		return nil
	}
	if len(t.Enum) > 0 {
		return pick(w, t.Enum)
	}
	if k := t.checks; k != nil {
		if k.never {
			return nil
		}
		for _, members := range [...][]*Type{k.one, k.any} {
			if len(members) > 0 && (t.Kind == Any || t.Kind == Object || t.Kind == List) {
				return w.joined(t, pick(w, members), depth)
			}
		}
		if branch := k.cond; branch != nil && k.then != nil && w.likely(2) {
			return w.joined(t, k.then, depth)
		}
	}
	f := facetsOf(t)
	switch t.Kind {
	case Null:
		return nil
	case Boolean:
		return w.likely(2)
	case Integer:
		return w.integer(&f)
	case Number:
		return w.number(&f)
	case String:
		return w.text(&f)
	case List:
		return w.list(t, &f, depth)
	case Object:
		return w.object(t, &f, depth)
	}
	if t.checks != nil && len(t.checks.all) > 0 {
		return w.value(t.checks.all[0], depth)
	}
	return w.anything(depth)
}

// joined draws a member of a union; of objects also what the type itself declares.
func (w *drawing) joined(t, member *Type, depth int) any {
	v := w.value(member, depth)
	object, is := v.(map[string]any)
	if !is || t.Kind != Object && len(t.Props) == 0 {
		return v
	}
	f := facetsOf(t)
	base, is := w.object(t, &f, depth).(map[string]any)
	if !is {
		return v
	}
	for name, x := range object { // in any order: a copy
		base[name] = x
	}
	return base
}

// anything draws a small value of any kind.
func (w *drawing) anything(depth int) any {
	n := 7
	if depth > 1 || w.plain {
		n = 5
	}
	switch w.d.N(n) {
	case 0:
		return nil
	case 1:
		return w.likely(2)
	case 2:
		return w.integer(&facets{})
	case 3, 4:
		return w.text(&facets{})
	case 5:
		list := make([]any, w.d.N(3))
		for i := range list {
			list[i] = w.anything(depth + 1)
		}
		return list
	}
	object := map[string]any{}
	for range w.d.N(3) {
		object[pick(w, fewTexts)] = w.anything(depth + 1)
	}
	return object
}

// common is how far from zero integers without bounds are drawn.
const common = 1_000_000

func (w *drawing) integer(f *facets) any {
	low, high := int64(-3), int64(12)
	if f.low != nil {
		low = int64(math.Ceil(*f.low))
		high = low + 12
	}
	if f.high != nil {
		high = int64(math.Floor(*f.high))
		if f.low == nil {
			low = high - 12
		}
	}
	within := func(n int64) int64 {
		switch {
		case f.low != nil && n < low:
			return low
		case f.high != nil && n > high:
			return high
		}
		return n
	}
	var n int64
	switch c := w.d.N(8); {
	case c < 3 && len(w.p.Integers) > 0:
		n = within(pick(w, w.p.Integers) + int64(w.d.N(3)) - 1)
	case c == 3:
		n = within(0)
	case c == 4 && (f.low != nil || f.high != nil):
		n = low
		if f.high != nil && w.likely(2) {
			n = high
		}
	case c == 5 && !w.plain:
		n = within([]int64{1, 100, common, -common}[w.d.N(4)])
	default:
		n = low + int64(w.d.N(int(min(max(high-low, 0), 1<<30))+1))
	}
	if f.step >= 1 {
		n -= n % int64(f.step)
	}
	return n
}

func (w *drawing) number(f *facets) any {
	low, high := -2.0, 8.0
	if f.low != nil {
		low = *f.low
		high = low + 10
	}
	if f.high != nil {
		high = *f.high
		if f.low == nil {
			low = high - 10
		}
	}
	var n float64
	switch c := w.d.N(8); {
	case c < 3 && len(w.p.Numbers) > 0:
		n = pick(w, w.p.Numbers) + [...]float64{0, 0.01, -0.01}[w.d.N(3)]
	case c < 4 && len(w.p.Integers) > 0:
		n = float64(pick(w, w.p.Integers)) + [...]float64{0, 0.5, -0.5}[w.d.N(3)]
	case c == 5:
		n = low
	case c == 6 && f.high != nil:
		n = high
	default:
		n = low + (high-low)*float64(w.d.N(101))/100
	}
	if f.low != nil && n < low {
		n = low
	}
	if f.high != nil && n > high {
		n = high
	}
	if f.step > 0 {
		n = math.Round(n/f.step) * f.step
	}
	return n
}

// fewTexts are texts that stand for names: few, so that what is drawn at different places
// is often the same.
var fewTexts = []string{"a", "b", "c", "d", "e", "f"}

func (w *drawing) text(f *facets) any {
	if f.pattern != "" {
		return sample(f.pattern, w.d)
	}
	if known := samplesOf[f.format]; known != nil {
		return pick(w, known)
	}
	var s string
	switch c := w.d.N(10); {
	case c < 4 && len(w.p.Texts) > 0:
		s = pick(w, w.p.Texts)
	case c == 4 && len(w.p.Patterns) > 0:
		s = sample(pick(w, w.p.Patterns), w.d)
	case c == 5:
		s = ""
	case c == 6 && !w.plain:
		s = pick(w, oddTexts)
	default:
		s = pick(w, fewTexts)
	}
	return f.fitText(s, w)
}

// oddTexts are texts that programs stumble over.
var oddTexts = []string{" ", "0", "-1", "true", "null", "a b", "a,b", "ä", "2026-01-02", "1.5", "a/b", "a\nb", "https://example.com/a?b=c"}

// fitText makes a text as long as it has to be.
func (f *facets) fitText(s string, w *drawing) string {
	if n := f.least; n > 0 && len([]rune(s)) < n {
		for len([]rune(s)) < n {
			s += pick(w, fewTexts)
		}
	}
	if r := []rune(s); f.most != nil && len(r) > *f.most {
		s = string(r[:*f.most])
	}
	return s
}

// length draws how many elements or properties there are.
func (w *drawing) length(least int, most *int, depth int) int {
	top := 4
	switch {
	case depth > deep:
		top = 0
	case depth > 2 || w.plain:
		top = 2
	}
	var n int
	switch c := w.d.N(8); {
	case c < 2 && len(w.p.Integers) > 0 && depth <= 1:
		n = int(min(max(pick(w, w.p.Integers)+int64(w.d.N(3))-1, 0), 24))
	case c == 2:
		n = 0
	default:
		n = w.d.N(top + 1)
	}
	n = max(n, least)
	if most != nil {
		if w.likely(6) {
			n = min(*most, max(least, 24))
		}
		n = min(n, *most)
	}
	return n
}

func (w *drawing) list(t *Type, f *facets, depth int) any {
	elem := orAny(t.Elem)
	var prefix []*Type
	if t.checks != nil {
		prefix = t.checks.prefix
	}
	n := w.length(f.least, f.most, depth)
	list := make([]any, 0, n)
	for i := range n {
		et := elem
		if i < len(prefix) {
			et = prefix[i]
		}
		v := w.value(et, depth+1)
		if f.unique && contains(list, v) {
			if v = w.value(et, depth+1); contains(list, v) && i >= f.least {
				continue
			}
		}
		list = append(list, v)
	}
	if t.checks != nil && t.checks.contains != nil && len(list) < max(t.checks.minimum, 1) {
		for range t.checks.minimum {
			list = append(list, w.value(t.checks.contains, depth+1))
		}
	}
	return list
}

func contains(list []any, v any) bool {
	for _, e := range list {
		if value.Equal(e, v) {
			return true
		}
	}
	return false
}

func (w *drawing) object(t *Type, f *facets, depth int) any {
	object := make(map[string]any, len(t.Props))
	for i := range t.Props {
		p := &t.Props[i]
		if !p.Required && (depth > deep || w.plain || w.likely(3)) {
			continue
		}
		object[p.Name] = w.value(p.Type, depth+1)
	}
	for _, name := range f.required {
		if _, there := object[name]; !there {
			object[name] = w.anything(depth + 1)
		}
	}
	if t.Rest != nil && len(t.Props) == 0 {
		for range w.length(f.least, f.most, depth) {
			name := pick(w, fewTexts)
			if len(w.p.Texts) > 0 && w.likely(3) {
				name = pick(w, w.p.Texts)
			}
			object[name] = w.value(t.Rest, depth+1)
		}
		for i := 0; len(object) < f.least && i < 100; i++ {
			object["key"+strconv.Itoa(i)] = w.value(t.Rest, depth+1)
		}
	}
	return object
}
