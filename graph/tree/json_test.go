package tree

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNodeSurvivesJSON(t *testing.T) {
	t.Parallel()
	want := map[string]any{
		"n": nil, "b": true, "i": int64(math.MaxInt64), "f": 2.5, "s": "x",
		"l": []any{int64(1), "two", []any{}}, "m": map[string]any{"k": map[string]any{}},
	}
	b, err := json.Marshal(Of(want))
	if err != nil {
		t.Fatal(err)
	}
	var got Node
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Value()); diff != "" {
		t.Errorf("value (-want +got):\n%s", diff)
	}
}

func TestMappingsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	var n Node
	if err := json.Unmarshal([]byte(`{"b": 1, "a": 2}`), &n); err != nil {
		t.Fatal(err)
	}
	if got := n.Fields[0].Key.Value + n.Fields[1].Key.Value; got != "ba" {
		t.Errorf("order %q, want %q", got, "ba")
	}
}
