package diag_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, line, lines string }{
		{"plain – größe 日本 👩\u200d💻", "plain – größe 日本 👩\u200d💻", "plain – größe 日本 👩\u200d💻"},
		{"a\nb\tc", `a\nb\tc`, "a\nb\tc"},
		{"\x1b[31m\x9b", `\u001b[31m` + "\uFFFD", `\u001b[31m` + "\uFFFD"},
		{"\u009b31m \u202eabc\u2066", `\u009b31m \u202eabc\u2066`, `\u009b31m \u202eabc\u2066`},
		{"a\r\b\f\v\x00\x7f", `a\r\b\f\u000b\u0000\u007f`, `a\r\b\f\u000b\u0000\u007f`},
		{"a\u0085b\u2028c\u2029d\ufeff", `a\u0085b\u2028c\u2029d\ufeff`, `a\u0085b\u2028c\u2029d\ufeff`},
		{"\U000e0041", `\udb40\udc41`, `\udb40\udc41`},
	} {
		if diff := cmp.Diff([]string{tt.line, tt.lines}, []string{diag.Clean(tt.in), diag.CleanLines(tt.in)}); diff != "" {
			t.Errorf("%q: -want +got:\n%s", tt.in, diff)
		}
	}
}

// No character of Unicode passes that a terminal acts on, and JSON that was
// cleaned says the same as before.
func TestCleanKeepsJSON(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for r := range rune(unicode.MaxRune + 1) {
		all.WriteRune(r)
	}
	var raw strings.Builder
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "\t")
	if err := enc.Encode([]string{all.String()}); err != nil {
		t.Fatal(err)
	}
	cleaned := diag.CleanLines(raw.String())
	if again := diag.CleanJSON([]byte(raw.String())); string(again) != cleaned {
		t.Error("CleanJSON and CleanLines differ")
	}
	for _, r := range cleaned {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
			t.Errorf("%U passes", r)
		}
	}
	var before, after []string
	if err := json.Unmarshal([]byte(raw.String()), &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(cleaned), &after); err != nil {
		t.Fatal(err)
	}
	if before[0] != after[0] {
		t.Error("the value of a cleaned JSON text differs")
	}
}
