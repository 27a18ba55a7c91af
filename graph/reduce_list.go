package graph

import (
	"maps"
	"slices"

	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
)

// fewNew is up to how many written elements are looked for one by one in a
// list; for more an index over the whole list pays.
const fewNew = 4

// reduceList is append, union and upsert: it collects what is added at the end
// and what is replaced, and turns both into one Change.
func (key *Key) reduceList(c *Change, old any, written []any) (bool, error) {
	list, ok := old.([]any)
	if !ok && old != nil {
		return false, key.misfit("must be a list, not %s", shown(old))
	}
	more, err := key.elements(written)
	if err != nil {
		return false, err
	}
	e := listEdit{old: list}
	switch key.Reduce.Name {
	case "append":
		e.added = more
	case "union":
		e.union(more)
	default:
		if err := e.upsert(key, more); err != nil {
			return false, err
		}
	}
	maps.DeleteFunc(e.replaced, func(i int, v any) bool { return value.Equal(v, e.old[i]) })
	if len(e.added) == 0 && len(e.replaced) == 0 && (old != nil || !anyWritten(written)) {
		return false, nil
	}
	if old != nil && len(e.replaced) == 0 && e.dropsWhatItAdds(key.Keep) {
		return false, nil
	}
	changed, err := key.commit(c, &e, old)
	if key.Keep > 0 && old != nil && len(e.replaced) > 0 && value.Equal(c.Value, old) {
		changed = false
	}
	return changed, err
}

// dropsWhatItAdds reports that the list is the same again once keep has dropped its
// first elements.
func (e *listEdit) dropsWhatItAdds(keep int) bool {
	drop := len(e.old) + len(e.added) - keep
	if keep == 0 || drop <= 0 || len(e.old) != keep {
		return false
	}
	for i, was := range e.old {
		is := i + drop
		if is < len(e.old) && !value.Equal(e.old[is], was) || is >= len(e.old) && !value.Equal(e.added[is-len(e.old)], was) {
			return false
		}
	}
	return true
}

func anyWritten(written []any) bool {
	return slices.ContainsFunc(written, func(w any) bool { return w != nil })
}

// elements is the written lists, one after another, each element in canonical
// form.
func (key *Key) elements(written []any) ([]any, error) {
	var out []any
	list := schema.ListOf(key.Type.Elem).OrNull()
	if key.Reduce.Merge {
		list = key.Writes
	}
	for _, w := range written {
		v, err := list.Check(key.Name, w)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out = append(out, v.([]any)...)
		}
	}
	return out, nil
}

// listEdit is what is to happen to a list.
type listEdit struct {
	old      []any
	replaced map[int]any // by index in old
	added    []any
}

// at is the element i of the list as edited.
func (e *listEdit) at(i int) any {
	if i >= len(e.old) {
		return e.added[i-len(e.old)]
	}
	if v, ok := e.replaced[i]; ok {
		return v
	}
	return e.old[i]
}

func (e *listEdit) set(i int, v any) {
	switch {
	case i >= len(e.old):
		e.added[i-len(e.old)] = v
	case e.replaced == nil:
		e.replaced = map[int]any{i: v}
	default:
		e.replaced[i] = v
	}
}

// union adds the elements that the list lacks.
func (e *listEdit) union(more []any) {
	find := e.finder(len(more), func(v any) any { return v })
	for _, v := range more {
		if _, found := find(v); !found {
			e.added = append(e.added, v)
		}
	}
}

// upsert replaces the elements with the same field KEY, or merges properties into them,
// and adds the others.
func (e *listEdit) upsert(key *Key, more []any) error {
	find := e.finder(len(more), key.field)
	for _, v := range more {
		if key.field(v) == nil {
			return key.misfit("must have %q in every element that is written, not %s", key.Reduce.Arg, shown(v))
		}
		i, found := find(key.field(v))
		if key.Reduce.Merge {
			whole, err := key.mergedElement(e, i, found, v)
			if err != nil {
				return err
			}
			v = whole
		}
		switch {
		case !found:
			e.added = append(e.added, v)
		case !value.Equal(e.at(i), v):
			e.set(i, v)
		}
	}
	return nil
}

// mergedElement is the element i with the properties of v over its own, or v itself where
// there is none. It has to be of the list's type: v alone may lack what that requires.
func (key *Key) mergedElement(e *listEdit, i int, found bool, v any) (any, error) {
	if found {
		old, _ := e.at(i).(map[string]any)
		more, _ := v.(map[string]any)
		whole := maps.Clone(old)
		maps.Copy(whole, more)
		v = whole
	}
	return key.Type.Elem.Check(key.Name+"["+value.String(key.field(v))+"]", v)
}

// finder finds the first element whose part equals the one given, among the
// old elements and those added so far. n is how many will be looked for.
func (e *listEdit) finder(n int, part func(any) any) func(any) (int, bool) {
	if n <= fewNew {
		return func(want any) (int, bool) {
			for i, v := range e.old {
				if value.Equal(part(v), want) {
					return i, true
				}
			}
			for i, v := range e.added {
				if value.Equal(part(v), want) {
					return len(e.old) + i, true
				}
			}
			return 0, false
		}
	}
	index, seen := make(map[string]int, len(e.old)+n), 0
	return func(want any) (int, bool) {
		for ; seen < len(e.old)+len(e.added); seen++ {
			text := value.String(part(e.at(seen)))
			if _, ok := index[text]; !ok {
				index[text] = seen
			}
		}
		i, found := index[value.String(want)]
		return i, found
	}
}

// commit makes the new list, checks it as a whole where its type has a say in
// that, and describes the change: the elements are known to fit by now.
func (key *Key) commit(c *Change, e *listEdit, old any) (bool, error) {
	var list []any
	if len(e.replaced) == 0 {
		list = grow(e.old, e.added)
	} else {
		list = withRoom(e.old, e.added)
		for i, v := range e.replaced { // in any order: each has its place
			list[i] = v
		}
	}
	if key.Keep > 0 && len(list) > key.Keep {
		c.Drop = len(list) - key.Keep
		list = list[c.Drop:]
	}
	checked, err := key.Type.CheckTail(key.Name, list, len(list))
	if err != nil {
		return false, err
	}
	c.Value = checked
	if old == nil || c.Drop >= len(e.old) {
		c.Whole, c.Drop = true, 0
		return true, nil
	}
	for _, i := range e.touched() {
		if at := i - c.Drop; at >= 0 {
			c.Put = append(c.Put, Element{At: at, Value: list[at]})
		}
	}
	return true, nil
}

// touched is the indices of the elements that are new or replaced, ascending.
func (e *listEdit) touched() []int {
	out := make([]int, 0, len(e.replaced)+len(e.added))
	for i := range e.replaced { // in any order: they are sorted
		out = append(out, i)
	}
	slices.Sort(out)
	for i := range e.added {
		out = append(out, len(e.old)+i)
	}
	return out
}
