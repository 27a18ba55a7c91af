package tree

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
)

func TestGet(t *testing.T) {
	t.Parallel()
	n := Of(map[string]any{"a": 1, "b": nil})
	if got := n.Get("a").Value(); got != int64(1) {
		t.Errorf("a is %v", got)
	}
	if got := n.Get("b"); got == nil || got.Kind != Null {
		t.Errorf("b is %+v, want a null", got)
	}
	for name, missing := range map[string]*Node{"a key": n.Get("c"), "of a list": Of([]any{}).Get("a"), "of nothing": (*Node)(nil).Get("a")} {
		if missing != nil || missing.Value() != nil {
			t.Errorf("%s that is missing gives %+v", name, missing)
		}
	}
}

// TestHead: a problem of a mapping over several lines is shown at its first
// key, one of a mapping in braces at the whole.
func TestHead(t *testing.T) {
	t.Parallel()
	at := func(line, from, to int) diag.Span {
		return diag.Span{Start: diag.Pos{Line: line, Col: from}, End: diag.Pos{Line: line, Col: to}}
	}
	whole, key := at(1, 1, 9), at(1, 1, 4)
	inner := at(1, 2, 5)
	for name, tt := range map[string]struct {
		n    *Node
		want diag.Span
	}{
		"block":  {&Node{Kind: Map, Span: whole, Fields: []Field{{Key: diag.Whole("key", key), Value: Of(1)}}}, key},
		"braces": {&Node{Kind: Map, Span: whole, Fields: []Field{{Key: diag.Whole("key", inner), Value: Of(1)}}}, whole},
		"empty":  {&Node{Kind: Map, Span: whole}, whole},
		"scalar": {&Node{Kind: Int, Span: whole}, whole},
	} {
		if diff := cmp.Diff(tt.want, tt.n.Head()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestOfRefusesOtherTypes(t *testing.T) {
	t.Parallel()
	defer func() {
		if got := recover(); got != "tree: uint8 is not a JSON value" {
			t.Errorf("panic %v", got)
		}
	}()
	Of([]any{uint8(1)})
}

func TestBrokenJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{`, `{"a"`, `{"a":`, `{"a": 1`, `[`, `[1`, `[1,`, `[}`, `{1: 2}`, `1e999`, ``, `{"a": [}`} {
		var n Node
		if err := n.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s gives %v, want an error", text, n.Value())
		}
		if err := json.Unmarshal([]byte(text), &n); err == nil {
			t.Errorf("json.Unmarshal of %s gives %v, want an error", text, n.Value())
		}
	}
}
