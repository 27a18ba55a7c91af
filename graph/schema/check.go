package schema

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/graphrun/graphrun/graph/value"
)

// Mismatch says that a value does not fit a type, and where in the value.
type Mismatch struct {
	Path    string // as todos[2].status
	Message string // as `must be an integer, not a string`
}

// Error is `PATH: MESSAGE`.
func (m *Mismatch) Error() string {
	if m.Path == "" {
		return m.Message
	}
	return m.Path + ": " + m.Message
}

// maxExact is the largest number up to which every integer has its own float.
const maxExact = 1 << 53

// Check checks v against t and returns its canonical form: int64 for
// `integer` (2.0 is 2), float64 for `number`, and for values without a declared
// type whatever comes back from a store the same. Moments and durations become
// text where text fits. A null for a property that is not required and may not
// be null counts as absent, because reading an absent one gives null. Errors are
// *Mismatch, whose path begins with path.
//
// Check returns v itself if it is canonical. It never changes v in place; the result
// shares unchanged parts with v.
func (t *Type) Check(path string, v any) (canonical any, err error) {
	return t.CheckTail(path, v, 0)
}

// CheckTail is Check for a list whose elements before from are known to fit and to
// be canonical. Its cost grows with the other elements only, unless t has keywords
// about the list as a whole.
func (t *Type) CheckTail(path string, v any, from int) (canonical any, err error) {
	if path == "" && v == nil && t.Nullable {
		return nil, nil
	}
	return t.checkAll(path, v, from, walk{})
}

// CheckPart is Check for some properties of an object whose others are known to fit
// and to be canonical and may be absent from v. ok is false if t has keywords about
// the object as a whole; then some properties are not enough.
func (t *Type) CheckPart(path string, v map[string]any) (canonical map[string]any, ok bool, err error) {
	if t.Enum != nil || t.checks != nil && !t.checks.byProperty() {
		return nil, false, nil
	}
	w, err := t.checkAll(path, v, 0, walk{part: true})
	if err != nil {
		return nil, true, err
	}
	return w.(map[string]any), true, nil
}

// byProperty reports that nothing but the properties that are there, each for
// itself, and `required` says whether an object fits.
func (k *checks) byProperty() bool {
	return !k.hasMembers() && k.names == nil && len(k.rules) == 0
}

// checkAll is check from the top.
func (t *Type) checkAll(path string, v any, from int, at walk) (any, error) {
	work := 0 // all that a check allocates when everything fits
	at.work = &work
	w, _, m := t.check(v, from, at)
	if work > maxCheck {
		m = mismatch("takes too much work to check: its type combines too many others")
	}
	if m != nil {
		m.Path = pathTo(path, m.Path)
		return nil, m
	}
	return w, nil
}

func pathTo(path, rest string) string {
	if path != "" && rest != "" && rest[0] != '[' {
		return path + "." + rest
	}
	return path + rest
}

func (m *Mismatch) under(segment string) *Mismatch {
	m.Path = pathTo(segment, m.Path)
	return m
}

func atIndex(i int) string { return "[" + strconv.Itoa(i) + "]" }

func atKey(k string) string {
	if nameForm().MatchString(k) {
		return k
	}
	return "[" + strconv.Quote(k) + "]"
}

func mismatch(format string, args ...any) *Mismatch {
	return &Mismatch{Message: fmt.Sprintf(format, args...)}
}

// maxCheck is how many parts of a value a check visits for members of allOf, anyOf
// and the like. Each level of them may visit twice what the next level visits twice.
const maxCheck = 8 << 20

// walk is the position of a check.
type walk struct {
	depth  int
	member bool // within a member: visits count
	part   bool // the object has properties that are not in this value
	work   *int // visits so far
}

func (w walk) deeper() walk {
	w.depth++
	w.part = false
	return w
}

func (w walk) within() walk {
	w.member = true
	return w
}

// check is the recursive part. changed says that w differs from v.
func (t *Type) check(v any, from int, at walk) (w any, changed bool, m *Mismatch) {
	if at.depth > value.MaxDepth {
		return nil, false, mismatch("is nested more than %d levels deep", value.MaxDepth)
	}
	if at.member {
		if *at.work++; *at.work > maxCheck {
			return nil, false, &Mismatch{} // CheckTail has the words
		}
	}
	if v == nil {
		if t.Nullable {
			return nil, false, nil
		}
		return nil, false, t.wrongKind(v)
	}
	k := t.checks
	if k != nil && k.never {
		return nil, false, mismatch("is not allowed here")
	}
	w, changed, m = t.checkKind(v, from, at)
	if m != nil {
		return nil, false, m
	}
	if t.Enum != nil && !t.Has(w) {
		return nil, false, t.notInEnum(w)
	}
	if k != nil {
		return k.check(w, changed, at)
	}
	return w, changed, nil
}

// checkKind checks the structure: the kind, and what is inside.
func (t *Type) checkKind(v any, from int, at walk) (w any, changed bool, m *Mismatch) {
	switch x := v.(type) {
	case bool:
		if t.Kind == Boolean {
			return v, false, nil
		}
	case string:
		if t.Kind == String {
			return v, false, nil
		}
	case int64:
		switch t.Kind {
		case Integer:
			return v, false, nil
		case Number:
			return float64(x), true, nil
		}
	case float64:
		if x-x != 0 {
			return nil, false, mismatch("must be a finite number, not %v", x)
		}
		switch t.Kind {
		case Number:
			if x == 0 && math.Signbit(x) {
				return 0.0, true, nil // a store would return it without the sign
			}
			return v, false, nil
		case Integer:
			return t.toInteger(x)
		}
	case []any:
		if t.Kind == List {
			return t.checkList(x, from, at)
		}
	case map[string]any:
		if t.Kind == Object {
			return t.checkObject(x, at)
		}
	case time.Time:
		return t.fromTime(v, x.Format(time.RFC3339Nano), Time)
	case time.Duration:
		return t.fromTime(v, x.String(), Duration)
	}
	if t.Kind == Any || t.checks != nil && t.checks.loose {
		return walkAny(v, at, t.checks == nil || !t.checks.union)
	}
	return nil, false, t.wrongKind(v)
}

func (t *Type) toInteger(x float64) (any, bool, *Mismatch) {
	switch {
	case x != math.Trunc(x):
		return nil, false, mismatch("must be an integer, not %s", value.String(x))
	case math.Abs(x) > maxExact:
		return nil, false, mismatch("must be an integer within 64 bits, not %s", value.String(x))
	}
	return int64(x), true, nil
}

// fromTime fits a moment or a duration: as it is where t is its kind, as text
// where text fits.
func (t *Type) fromTime(v any, text string, kind Kind) (any, bool, *Mismatch) {
	switch t.Kind {
	case kind:
		return v, false, nil
	case String, Any:
		return text, true, nil
	}
	return nil, false, mismatch("must be %s, not a %s", t.article(), kind)
}

func (t *Type) checkList(v []any, from int, at walk) (any, bool, *Mismatch) {
	elem := t.Elem
	var prefix []*Type
	if t.checks != nil {
		elem, prefix = t.checks.items, t.checks.prefix
	}
	from = min(from, len(v))
	if prefix != nil {
		from = 0 // what came first may have been dropped: each place has its own type
	}
	if elem == nil && t.checks != nil && t.checks.union {
		elem = looseAny
	}
	elem = orAny(elem)
	var out []any
	for i := from; i < len(v); i++ {
		et := elem
		if i < len(prefix) {
			et = prefix[i]
		}
		w, changed, m := et.check(v[i], 0, at.deeper())
		if m != nil {
			return nil, false, m.under(atIndex(i))
		}
		if changed {
			if out == nil {
				out = append(make([]any, 0, len(v)), v...)
			}
			out[i] = w
		}
	}
	if out != nil {
		return out, true, nil
	}
	return v, false, nil
}

// looseAny is any value, left as it is: another schema declares it.
var looseAny = &Type{Kind: Any, Nullable: true, checks: &checks{union: true, maximum: -1}}

// walkAny checks a value without a declared type: that it is JSON, and not too
// deep. With tidy, a float without a fraction becomes an integer, as a store
// would return it.
func walkAny(v any, at walk, tidy bool) (any, bool, *Mismatch) {
	as := AnyType
	if !tidy {
		as = looseAny
	}
	switch x := v.(type) {
	case bool, string, int64:
		return v, false, nil
	case float64:
		if tidy && x == math.Trunc(x) && math.Abs(x) <= maxExact {
			return int64(x), true, nil
		}
		return v, false, nil
	case []any:
		return (&Type{Kind: List, Elem: as}).checkList(x, 0, at)
	case map[string]any:
		return (&Type{Kind: Object, Rest: as}).checkObject(x, at)
	}
	return nil, false, mismatch("must be a JSON value, not a Go %T", v)
}
