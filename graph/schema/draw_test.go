package schema

import (
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/graphrun/graphrun/graph/value"
)

type rolled struct{ *rand.Rand }

func (r rolled) N(n int) int { return r.IntN(n) }

// Every value that is drawn fits, and what decides something is drawn.
func TestDraw(t *testing.T) {
	t.Parallel()
	palette := &Palette{Texts: []string{"magic"}, Integers: []int64{42}, Numbers: []float64{0.8}, Patterns: []string{"^K-[0-9]+$"}}
	has := func(want any) func(any) bool { return func(v any) bool { return value.Equal(v, want) } }
	longer := func(n int) func(any) bool { return func(v any) bool { l, _ := v.([]any); return len(l) > n } }
	for text, likely := range map[string][]func(any) bool{
		`boolean`:                    {has(true), has(false)},
		`string?`:                    {has(nil), has(""), has("magic"), func(v any) bool { s, _ := v.(string); return regexp.MustCompile("^K-[0-9]+$").MatchString(s) }},
		`integer`:                    {has(int64(0)), has(int64(42)), has(int64(41)), has(int64(43))},
		`number`:                     {has(0.8)},
		`{"enum": ["a", "b", null]}`: {has("a"), has("b")},
		`list(integer)`:              {has([]any{}), longer(1), longer(4)},
		`map(boolean)`:               {has(map[string]any{})},
		`any`:                        {has(nil), has(true)},
		`{"type": "integer", "minimum": 3, "maximum": 7}`:                                            {has(int64(3)), has(int64(7)), has(int64(5))},
		`{"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5}`:                          {has(int64(4))},
		`{"type": "integer", "multipleOf": 5, "minimum": 10, "maximum": 20}`:                         {has(int64(10)), has(int64(20))},
		`{"type": "number", "exclusiveMinimum": 0, "maximum": 1}`:                                    {has(1.0), has(0.8)},
		`{"type": "string", "minLength": 3, "maxLength": 4}`:                                         {has("magi")},
		`{"type": "string", "pattern": "^[a-f]{2}-(x|y)?[0-9]+$"}`:                                   nil,
		`{"type": "string", "format": "date-time"}`:                                                  nil,
		`{"type": "string", "format": "email"}`:                                                      nil,
		`{"type": "array", "items": "string", "minItems": 2, "maxItems": 3}`:                         {longer(2)},
		`{"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": true, "minItems": 2}`:  nil,
		`{"type": "array", "prefixItems": ["string", "integer"], "items": "boolean", "minItems": 2}`: nil,
		`{"type": "array", "items": "any", "contains": {"const": "x"}}`:                              nil,
		`{"type": "object", "required": ["id"], "properties": {"id": "string", "n": "integer"}}`: {func(v any) bool { _, is := v.(map[string]any)["n"]; return is },
			func(v any) bool { _, is := v.(map[string]any)["n"]; return !is }},
		`{"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}, "required": ["kind"], "oneOf": [{"properties": {"kind": {"const": "a"}, "x": "integer"}, "required": ["x"]}, {"properties": {"kind": {"const": "b"}}}]}`: nil,
		`{"anyOf": ["string", "integer"]}`:                                         {has("magic"), has(int64(42))},
		`{"type": "object", "additionalProperties": "string", "minProperties": 2}`: nil,
	} {
		typ := written(t, text)
		dice := rolled{rand.New(rand.NewPCG(1, 2))}
		seen := make([]bool, len(likely))
		for range 2000 {
			v, ok := typ.Draw(dice, palette)
			if !ok {
				t.Errorf("%s: nothing was drawn", text)
				break
			}
			if again, err := typ.Check("", v); err != nil || !value.Equal(again, v) {
				t.Errorf("%s: %s: %v", text, value.String(v), err)
				break
			}
			for i, such := range likely {
				seen[i] = seen[i] || such(v)
			}
		}
		for i, is := range seen {
			if !is {
				t.Errorf("%s: what is likely (%d) did not come", text, i)
			}
		}
	}
	if v, ok := written(t, `{"type": "integer", "minimum": 5, "maximum": 4}`).Draw(rolled{rand.New(rand.NewPCG(1, 2))}, nil); ok {
		t.Errorf("drew %v of a type without values", v)
	}
}
