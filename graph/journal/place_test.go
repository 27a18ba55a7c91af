package journal

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestPlaces(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Place{
		`ask`:                          {{"ask", ""}},
		`check/lint`:                   {{"check", ""}, {"lint", ""}},
		`each[b]/lint`:                 {{"each", "b"}, {"lint", ""}},
		`board/each[legal:1.x-_]`:      {{"board", ""}, {"each", "legal:1.x-_"}},
		`each["a/b"]/ask`:              {{"each", "a/b"}, {"ask", ""}},
		`each["a]\"\\\n["]/ask["ü x"]`: {{"each", "a]\"\\\n["}, {"ask", "ü x"}},
	} {
		got, err := ParsePlace(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s (%v, -want +got):\n%s", text, err, diff)
		}
		if back := want.String(); back != text {
			t.Errorf("%s is written as %s", text, back)
		}
	}
	if got, err := ParsePlace(`each[ü x]`); err != nil || got[0].Item != "ü x" {
		t.Errorf("a key by hand: %v, %v", got, err)
	}
	if got := (Spot{"check", ""}).Within("each[b]/lint"); got != "check/each[b]/lint" {
		t.Errorf("within: %s", got)
	}
	if got := (Spot{"each", "b"}).Within(""); got != "each[b]" {
		t.Errorf("itself: %s", got)
	}
	for text, says := range map[string]string{
		"": "missing", "/a": "missing", "a/": "missing", "a[": "key is missing", "a[]": "key is missing", "a[b": "] is missing",
		`a["b]`: "JSON", "a[b]c": "stands after", "a]": "stands after", `a"b"`: "stands after", "a[b]/": "missing", "a\xff": "UTF-8",
		strings.Repeat("a/", maxPlace): "bytes",
	} {
		if _, err := ParsePlace(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.20q: %v, want %q", text, err, says)
		}
	}
}

func FuzzPlace(f *testing.F) {
	f.Add("each", `a"/]b`, "x")
	f.Fuzz(func(t *testing.T, node, item, below string) {
		if strings.ContainsAny(node+below, "[]/\"") || node == "" || below == "" || !utf8.ValidString(node) || !utf8.ValidString(item) || !utf8.ValidString(below) {
			return
		}
		want := Place{{node, item}, {below, ""}}
		got, err := ParsePlace(want.String())
		if diff := cmp.Diff(want, got); len(want.String()) <= maxPlace && (diff != "" || err != nil) {
			t.Errorf("%s (%v):\n%s", want, err, diff)
		}
	})
}
