package schema

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
)

// typesPage is docs/types.md. Its reducers are run in package graph, and its
// whole graphs with all others of the docs.
func typesPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/types.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// examples are the lines of the page's blocks of a language.
func examples(t *testing.T, language string) (lines []string) {
	t.Helper()
	for _, block := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(typesPage(t), -1) {
		lines = append(lines, strings.Split(strings.TrimSpace(block[1]), "\n")...)
	}
	if len(lines) < 5 {
		t.Fatalf("docs/types.md has %d examples of %s", len(lines), language)
	}
	return lines
}

// written is a type of the page: a short string, or a schema as JSON.
func written(t *testing.T, text string) *Type {
	t.Helper()
	n := tree.Of(text)
	if strings.HasPrefix(text, "{") {
		n = tree.Of(parse(t, text))
	}
	set, _ := NewSet(nil)
	typ, problems := set.Compile(n)
	if err := problems.Err(); err != nil {
		t.Errorf("%s: %v", text, err)
	}
	return typ
}

func TestTypesPageValues(t *testing.T) {
	t.Parallel()
	for _, line := range examples(t, "check") {
		example, want, ok := strings.Cut(line, " => ")
		text, typ, ok2 := strings.Cut(example, " as ")
		if !ok || !ok2 {
			t.Errorf("%q is no example", line)
			continue
		}
		got := ""
		if v, err := written(t, typ).Check("", parse(t, text)); err != nil {
			got = err.Error()
		} else {
			got = value.String(v)
		}
		if got != want {
			t.Errorf("%s\ngives %s", line, got)
		}
	}
}

func TestTypesPageZeros(t *testing.T) {
	t.Parallel()
	for _, line := range examples(t, "zero") {
		typ, want, _ := strings.Cut(line, " => ")
		got := "none"
		if v, ok := written(t, typ).Zero(); ok {
			got = value.String(v)
		}
		if got != want {
			t.Errorf("%s\ngives %s", line, got)
		}
	}
}

var keywordRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `(\\{[^`]*)` \\| `([^`]+)` \\| `([^`]+)` \\|$")

// The page names every keyword: with what it takes and refuses, or among those
// that judge nothing, or among those that are not supported.
func TestTypesPageKeywords(t *testing.T) {
	t.Parallel()
	page := typesPage(t)
	named := map[string]string{}
	for _, row := range keywordRow.FindAllStringSubmatch(page, -1) {
		word, typ := row[1], written(t, row[2])
		named[word] = "judges"
		if !strings.Contains(row[2], `"`+word+`"`) {
			t.Errorf("the example of %s does not have it: %s", word, row[2])
		}
		if _, err := typ.Check("", parse(t, row[3])); err != nil {
			t.Errorf("%s does not take %s: %v", row[2], row[3], err)
		}
		if _, err := typ.Check("", parse(t, row[4])); err == nil {
			t.Errorf("%s takes %s", row[2], row[4])
		}
	}
	for what, begin := range map[string]string{"judges nothing": "These are allowed and judge nothing:", "unsupported": "These are not supported, and an error:"} {
		_, rest, found := strings.Cut(page, begin)
		if !found {
			t.Fatalf("the page lacks %q", begin)
		}
		rest, _, _ = strings.Cut(rest, "\n")
		for _, word := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(rest, -1) {
			named[word[1]] = what
		}
	}
	want := map[string]string{}
	for word, k := range keywords {
		switch {
		case k.shape == unsupported:
			want[word] = "unsupported"
		case annotation(word):
			want[word] = "judges nothing"
		default:
			want[word] = "judges"
		}
	}
	if diff := cmp.Diff(want, named); diff != "" {
		t.Errorf("the keywords of the page: -want +got:\n%s", diff)
	}
}

// annotation reports a keyword whose value changes nothing about a type.
func annotation(word string) bool {
	return slices.Contains([]string{"title", "description", "$comment", "default", "examples", "deprecated", "readOnly", "writeOnly",
		"contentEncoding", "contentMediaType", "contentSchema", "$id", "$schema"}, word)
}
