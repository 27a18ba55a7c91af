package graph

import (
	"maps"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph/value"
)

// reduceObject is merge and deep_merge: it collects the properties that are
// set, and turns them into one Change.
func (key *Key) reduceObject(c *Change, old any, written []any) (bool, error) {
	if !anyWritten(written) {
		return false, nil
	}
	object, wasObject := old.(map[string]any)
	set, err := key.laidOver(object, written)
	if err != nil {
		return false, err
	}
	if wasObject {
		part, enough, err := key.Type.CheckPart(key.Name, set)
		if err != nil {
			return false, err
		}
		if enough && len(part) == len(set) {
			return c.set(object, part, overlaid(object, part)), nil
		}
	}
	whole, err := key.Type.Check(key.Name, overlaid(object, set))
	if err != nil {
		return false, err
	}
	if now, _ := whole.(map[string]any); wasObject && hasAll(now, object) {
		return c.set(object, now, now), nil
	}
	c.Value, c.Whole = whole, true
	return true, nil
}

// set makes the Change of an object to now. Different from before are some of
// touched at most.
func (c *Change) set(object, touched, now map[string]any) bool {
	for name, v := range touched { // in any order: they are sorted
		if was, had := object[name]; !had || !value.Equal(was, v) {
			c.Set = append(c.Set, Property{Name: name, Value: v})
		}
	}
	slices.SortFunc(c.Set, func(a, b Property) int { return strings.Compare(a.Name, b.Name) })
	c.Value = now
	return len(c.Set) > 0
}

// laidOver is the properties that an object gets from those written, which are
// laid over it one after the other.
func (key *Key) laidOver(object map[string]any, written []any) (map[string]any, error) {
	set, deep := map[string]any{}, key.Reduce.Name == "deep_merge"
	for _, w := range written {
		over, ok := w.(map[string]any)
		if !ok && w != nil {
			return nil, key.misfit("must be an object to be merged, not %s", shown(w))
		}
		for name, v := range over { // in any order: each has its name
			under, again := set[name]
			if !again {
				under = object[name]
			}
			set[name] = laid(v, under, deep)
		}
	}
	return set, nil
}

// laid returns v, laid over the value that was there before; with deep it does the
// same for properties where both are objects.
func laid(v, under any, deep bool) any {
	a, aok := under.(map[string]any)
	b, bok := v.(map[string]any)
	if !deep || !aok || !bok {
		return v
	}
	out := maps.Clone(a)
	for name, v := range b { // in any order: each has its name
		out[name] = laid(v, a[name], true)
	}
	return out
}

func overlaid(object, over map[string]any) map[string]any {
	out := maps.Clone(object)
	if out == nil {
		out = make(map[string]any, len(over))
	}
	maps.Copy(out, over)
	return out
}

func hasAll(object, names map[string]any) bool {
	for name := range names { // in any order: all are there, or not
		if _, ok := object[name]; !ok {
			return false
		}
	}
	return true
}
