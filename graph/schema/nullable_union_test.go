package schema_test

import (
	"testing"

	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// TestUnionOfNullables: a union may be null when all or some of its members may.
func TestUnionOfNullables(t *testing.T) {
	set, _ := schema.NewSet(nil)
	for _, s := range []map[string]any{
		{"anyOf": []any{"string?", "string?"}},
		{"anyOf": []any{"string?", "integer?"}},
		{"oneOf": []any{"string?", "integer"}},
		{"type": []any{"string?", "integer?"}},
		{"type": []any{"string", "null"}},
		{"anyOf": []any{map[string]any{"type": "string?"}, map[string]any{"type": "string?", "minLength": int64(3)}}},
	} {
		typ, problems := set.Compile(tree.Of(s))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if !typ.Nullable {
			t.Errorf("%v is %s", s, typ)
		}
		if _, err := typ.Check("", nil); err != nil && s["oneOf"] == nil {
			t.Errorf("%v: %v", s, err)
		}
	}
	for _, pair := range [][2]*schema.Type{
		{schema.StringType.OrNull(), schema.StringType.OrNull()},
		{schema.StringType.OrNull(), schema.IntegerType},
		{schema.ListOf(schema.StringType), schema.StringType.OrNull()},
	} {
		if j := schema.Join(pair[0], pair[1]); !j.Nullable {
			t.Errorf("%s or %s is %s", pair[0], pair[1], j)
		}
	}
}
