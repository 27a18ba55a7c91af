package cond

import "testing"

// TestNarrowing: what a check for null, or of a length, makes known.
func TestNarrowing(t *testing.T) {
	table(t, []row{
		{`null_i != nil && null_i > 1`, `false`},
		{`null_i == nil || null_i > 1`, `true`},
		{`null_i != nil ? null_i + 1 : -1`, `-1`},
		{`null_i == nil ? -1 : null_i + 1`, `-1`},
		{`not (null_i == nil) && null_i > 1`, `false`},
		{`!(null_i != nil) || null_i > 1`, `true`},
		{`null_i != nil || null_i > 1`, `25 expr-type: an operand of ">" may be null (integer?) (give a value for null, as in (x ?? 0), or check x != nil before)`},
		{`null_i == i && null_i + 1 > 0`, `false`},
		{`i == null_i && null_i + 1 > 0`, `false`},
		{`null_i in is && null_i + 1 > 0`, `false`},
		{`null_i in gaps && null_i + 1 > 0`, `26 expr-type: an operand of "+" may be null (integer?) (give a value for null, as in (x ?? 0), or check x != nil before)`},
		{`null_s in o && null_s + "a" == "ba"`, `false`},
		{`len(is) > 0 && first(is) + 1 > 0`, `true`},
		{`0 < len(is) && last(is) + 1 > 0`, `true`},
		{`len(is) >= 1 && first(is) + 1 > 0`, `true`},
		{`1 <= len(is) && first(is) + 1 > 0`, `true`},
		{`len(is) != 0 && first(is) + 1 > 0`, `true`},
		{`len(is) == 0 || first(is) + 1 > 0`, `true`},
		{`len(is) < 1 || first(is) + 1 > 0`, `true`},
		{`len(is) <= 0 || first(is) + 1 > 0`, `true`},
		{`0 >= len(is) || first(is) + 1 > 0`, `true`},
		{`len(gaps) > 0 && first(gaps) + 1 > 0`, `30 expr-type: an operand of "+" may be null (integer?) (give a value for null, as in (x ?? 0), or check x != nil before)`},
		{`len(s) > 0 && first(s)`, `21 expr-type: the argument of first must be a list, not string`},
		{`null_r != nil && null_r.id == "x"`, `false`},
		{`null_r.id != nil && null_r.id + "x" == "x"`, `false`},
		{`null_r?.id != nil && null_r.id + "x" == "x"`, `false`},
		{`null_is[1:] != nil && len(null_is) > 0`, `false`},
		{`any(gaps, # != nil && # > 0)`, `true`},
		{`all(gaps, # == nil || any(is, # > 0))`, `true`},
		{`map(filter(gaps, # != nil), # ?? 0)`, `[1]`},
		{`let v = null_i; v != nil && v > 1`, `false`},
		{`let v = null_i != nil; v && null_i > 1`, `false`},
	})
}
