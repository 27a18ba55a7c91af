package graph

import (
	"cmp"
	"fmt"
	"math"

	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
)

// Reduce applies the values that a node wrote to key k, in order, applies `keep`,
// and checks the result against the key's type. changed is false if the result
// equals the old value; then there is nothing to commit.
//
// Appending reducers, union and upsert give a Change of the touched elements,
// merge and deep_merge one of the touched properties, and what they look at
// grows with those (an object's table of properties is copied); everything else
// is Whole. old and written
// stay as they are. Errors are *schema.Mismatch, whose path begins with the
// key's name, or *cond.Error from an expression reducer. env is needed by
// expression reducers only: its slots old and new are set, and put back.
func (g *Graph) Reduce(k int, old any, written []any, env *cond.Env) (c Change, changed bool, err error) {
	key := &g.Keys[k]
	c = Change{Key: k, Name: key.Name}
	switch key.Reduce.Name {
	case "append", "union", "upsert":
		changed, err = key.reduceList(&c, old, written)
	case "merge", "deep_merge":
		changed, err = key.reduceObject(&c, old, written)
	default:
		changed, err = key.reduceWhole(&c, old, written, env)
	}
	if err != nil || !changed {
		return Change{}, false, err
	}
	return c, true, nil
}

// CheckWritten checks a value that a node writes, and returns its canonical form.
// Errors are *schema.Mismatch, whose path begins with path. Reduce checks the
// reduced value.
func (key *Key) CheckWritten(path string, v any) (any, error) {
	return key.check(key.Writes, path, v)
}

// CheckPayload is CheckWritten for the payload of an event.
func (key *Key) CheckPayload(path string, v any) (any, error) {
	return key.check(key.Payload(), path, v)
}

func (key *Key) check(t *schema.Type, path string, v any) (any, error) {
	v, err := t.Check(path, v)
	if err != nil || key.Reduce.Name != "upsert" {
		return v, err
	}
	list, _ := v.([]any)
	for i, it := range list {
		if key.field(it) == nil {
			return nil, &schema.Mismatch{Path: fmt.Sprintf("%s[%d]", path, i), Message: fmt.Sprintf("must have %q", key.Reduce.Arg)}
		}
	}
	return v, nil
}

// field is what upsert tells an element apart by.
func (key *Key) field(element any) any {
	o, _ := element.(map[string]any)
	return o[key.Reduce.Arg]
}

func (key *Key) misfit(format string, args ...any) error {
	return &schema.Mismatch{Path: key.Name, Message: fmt.Sprintf(format, args...)}
}

// reduceWhole folds the written values one by one and stores the whole result.
func (key *Key) reduceWhole(c *Change, old any, written []any, env *cond.Env) (bool, error) {
	now := old
	for _, w := range written {
		next, err := key.join(now, w, env)
		if err != nil {
			return false, err
		}
		now = next
	}
	if list, ok := now.([]any); ok && key.Keep > 0 && len(list) > key.Keep {
		now = list[len(list)-key.Keep:]
	}
	now, err := key.Type.Check(key.Name, now)
	if err != nil || value.Equal(old, now) {
		return false, err
	}
	c.Value, c.Whole = now, true
	return true, nil
}

// Replace is Reduce for values that CheckWritten gave, where the last of them becomes
// the key's value as it is: nothing is checked again. ok is false for every other
// reducer, and for a list that `keep` cuts.
func (g *Graph) Replace(k int, old, last any) (c Change, changed, ok bool) {
	key := &g.Keys[k]
	switch key.Reduce.Name {
	case "", "replace", "last":
	default:
		return Change{}, false, false
	}
	if list, isList := last.([]any); isList && key.Keep > 0 && len(list) > key.Keep {
		return Change{}, false, false
	}
	if value.Equal(old, last) {
		return Change{}, false, true
	}
	return Change{Key: k, Name: key.Name, Value: last, Whole: true}, true, true
}

// join is the reducer's answer for one written value.
func (key *Key) join(old, written any, env *cond.Env) (any, error) {
	switch key.Reduce.Name {
	case "", "replace", "last":
		return written, nil
	case "expr":
		return evalReducer(key.Reduce.Expr, old, written, env)
	}
	switch { // null is an absent value to the rest
	case written == nil:
		return old, nil
	case old == nil:
		return written, nil
	}
	switch key.Reduce.Name {
	case "sum":
		return key.sum(old, written)
	case "min":
		return key.pick(old, written, -1)
	}
	return key.pick(old, written, 1)
}

func evalReducer(p *cond.Program, old, written any, env *cond.Env) (any, error) {
	if env == nil {
		env = &cond.Env{Slots: make([]any, NumSlots)}
	}
	hadOld, hadNew := env.Slots[SlotOld], env.Slots[SlotNew]
	env.Slots[SlotOld], env.Slots[SlotNew] = old, written
	env.Reset()
	v, err := p.Eval(env)
	env.Slots[SlotOld], env.Slots[SlotNew] = hadOld, hadNew
	env.Reset()
	return v, err
}

// sum adds integers in 64 bits, and anything else as floats.
func (key *Key) sum(old, written any) (any, error) {
	a, aok := old.(int64)
	b, bok := written.(int64)
	if aok && bok && key.Type.Kind != schema.Number {
		s := a + b
		if (s > a) != (b > 0) && b != 0 {
			return nil, key.misfit("the sum of %d and %d is beyond 64 bits", a, b)
		}
		return s, nil
	}
	x, xok := toFloat(old)
	y, yok := toFloat(written)
	if !xok || !yok {
		return nil, key.misfit("must be a number to be added, not %s", shown(written))
	}
	if s := x + y; !math.IsInf(s, 0) {
		return s, nil
	}
	return nil, key.misfit("the sum of %v and %v is beyond a number's range", x, y)
}

func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// pick is the smaller (sign -1) or the larger (sign 1) of two numbers or texts.
func (key *Key) pick(old, written any, sign int) (any, error) {
	var order int
	a, aText := old.(string)
	b, bText := written.(string)
	i, iInt := old.(int64)
	j, jInt := written.(int64)
	x, xok := toFloat(old)
	y, yok := toFloat(written)
	switch {
	case aText && bText:
		order = cmp.Compare(b, a)
	case iInt && jInt:
		order = cmp.Compare(j, i)
	case xok && yok:
		order = cmp.Compare(y, x)
	default:
		return nil, key.misfit("%s cannot be compared with %s", shown(written), shown(old))
	}
	if order == sign {
		return written, nil
	}
	return old, nil
}

// shown is a value in a message: cut short, as it may be large.
func shown(v any) string {
	if value.Size(v) > 60 {
		return fmt.Sprintf("%.60s…", value.String(v))
	}
	return value.String(v)
}
