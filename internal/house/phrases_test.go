package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

// phrases are words that read as if they were translated, and what to write in
// their place.
var phrases = []struct{ pattern, instead string }{
	{`\bof (which|whose|whom|one that)\b`, "begin a new sentence, or say whose it is"},
	{`(?:^|[.;:] )Of (a|an|one|all|each|those|several|the) `, "begin with the subject"},
	{`\b(is|are|was|were|be|been) had\b`, "say who has it, or what it takes to get it"},
	{`\b(is|are|was|were|be|been) told( [^a]|[.,;:)]|$)`, "say who tells, or: gets, hears, reads"},
	{`\b(is|are|was|were|be|been) seen to\b`, "say what shows it"},
	{`\banew\b`, "again, from the start, over"},
	{`\b(go|goes|going|went|gone) on\b`, "continue, keep, follow"},
	{`\b(fall|falls|falling|fell|fallen) in\b`, "join"},
	{`\b(take|takes|taking|took|taken) up\b`, "adopt, resume, load"},
	{`\b(take|takes|taking|took|taken) in\b`, "apply, accept, record"},
	{`\b(of|for|by|to|from|with|what|than) who\b`, "a caller, a program, the one that"},
	{`(?:^|[;.(] ?)(nil|0|false|true|""|zero|none|empty): [a-z]`, "a sentence: nil means …, without one …"},
}

// partitive is where such words are plain English.
var partitive = regexp.MustCompile(`\b(all|both|each|most|none|one|some) of (which|whose|whom)\b`)

// TestPlainEnglish: comments, documents and messages use the words of the field.
func TestPlainEnglish(t *testing.T) {
	t.Parallel()
	compiled := make([]*regexp.Regexp, len(phrases))
	for i, p := range phrases {
		compiled[i] = regexp.MustCompile(p.pattern)
	}
	report := func(where, text string) {
		text = partitive.ReplaceAllString(strings.Join(strings.Fields(text), " "), "")
		for i, re := range compiled {
			for _, loc := range re.FindAllStringIndex(text, -1) {
				from, to := max(loc[0]-30, 0), min(loc[1]+30, len(text))
				t.Errorf("%s: %q: %s", where, text[from:to], phrases[i].instead)
			}
		}
	}
	for page, text := range pages(t) {
		for _, paragraph := range strings.Split(fenced.ReplaceAllString(text, ""), "\n\n") {
			report(page, paragraph)
		}
	}
	for _, f := range goFiles(t) {
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, f.path, f.text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range parsed.Comments {
			report(fmt.Sprintf("%s:%d", f.path, fset.Position(c.Pos()).Line), c.Text())
		}
		if strings.HasSuffix(f.path, "_test.go") {
			continue
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				report(fmt.Sprintf("%s:%d", f.path, fset.Position(lit.Pos()).Line), lit.Value)
			}
			return true
		})
	}
}
