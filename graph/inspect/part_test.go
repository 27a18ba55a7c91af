package inspect

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/value"
)

// Values of an explanation have at most 4 KiB of JSON, and say where they were cut.
func TestCut(t *testing.T) {
	t.Parallel()
	long := []any{}
	for range 2000 {
		long = append(long, "é\n\u0001")
	}
	for name, tt := range map[string]struct {
		v   any
		cut bool
	}{
		"short": {[]any{int64(1), "x"}, false}, "text": {strings.Repeat("é", 4000), true}, "list": {long, true},
		"escapes": {strings.Repeat("\u0001", 4000), true}, "just fits": {strings.Repeat("x", maxValue-2), false}, "null": {nil, false},
	} {
		got, wasCut := cut(tt.v)
		b, err := json.Marshal(got)
		if err != nil || len(b) > maxValue || wasCut != tt.cut {
			t.Errorf("%s: %d bytes, cut is %t, %v", name, len(b), wasCut, err)
		}
		if !tt.cut && string(b) != value.String(tt.v) {
			t.Errorf("%s: %s", name, b)
		}
		text, _ := got.V.(string)
		if tt.cut && !strings.HasSuffix(text, "…") {
			t.Errorf("%s: %.20s", name, text)
		}
	}
}
