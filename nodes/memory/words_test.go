package memory

import (
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, query, index string }{
		{"", "", ""},
		{" ,.-! ", "", ""},
		{"The quick, brown fox's 2nd jump", "the quick brown fox s 2nd jump", ""},
		{"snake_case-and-kebab", "snake case and kebab", ""},
		{"Straße STRASSE ẞ", "strasse strasse ss", ""},
		{"ΣΊΣΥΦΟΣ σίσυφος", "σίσυφοσ σίσυφοσ", ""},
		{"Привет, МИР", "привет мир", ""},
		{"नमस्ते दुनिया", "नमस्ते दुनिया", ""},
		{"שָׁלוֹם עולם", "שָׁלוֹם עולם", ""},
		{"مرحبا ١٢٣", "مرحبا ١٢٣", ""},
		{"e\u0301te\u0301", "e\u0301te\u0301", ""},
		{"東", "東", ""},
		{"東京都", "東京 京都", "東京 東 京都 京 都"},
		{"東京 tower42塔", "東京 tower42 塔", "東京 東 京 tower42 塔"},
		{"スーパー", "スー ーパ パー", "スー ス ーパ ー パー パ ー"},
		{"한국어", "한국 국어", "한국 한 국어 국 어"},
		{"กำแพง", "", ""},
		{"a\xffb", "a b", ""},
		{"K ſ ı", "k s i", ""},
	} {
		collect := func(index bool) string {
			var list []string
			words(test.text, index, func(w []byte, _ bool) { list = append(list, string(w)) })
			return strings.Join(list, " ")
		}
		if test.text == "กำแพง" { // a script without spaces, with marks
			if got := collect(false); len(strings.Fields(got)) < 2 {
				t.Errorf("%q: %q", test.text, got)
			}
			continue
		}
		if test.index == "" {
			test.index = test.query
		}
		if got := collect(false); got != test.query {
			t.Errorf("query %q: got %q, want %q", test.text, got, test.query)
		}
		if got := collect(true); got != test.index {
			t.Errorf("index %q: got %q, want %q", test.text, got, test.index)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("東京 tower ß กำ \xff")
	f.Fuzz(func(t *testing.T, text string) {
		inIndex := map[string]bool{}
		words(text, true, func(w []byte, _ bool) { inIndex[string(w)] = true })
		words(text, false, func(w []byte, counts bool) {
			if len(w) == 0 || !counts || !inIndex[string(w)] {
				t.Errorf("%q: the query's word %q is not in the index", text, w)
			}
		})
	})
}
