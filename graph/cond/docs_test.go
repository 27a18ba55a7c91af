package cond

import (
	"os"
	"strings"
	"testing"

	"github.com/expr-lang/expr/builtin"
	"github.com/google/go-cmp/cmp"

	jsonvalue "github.com/graphrun/graphrun/graph/value"
)

const reference = "../../docs/expressions.md"

// examples are the lines of the reference's examples.
func examples(t *testing.T) (lines []string) {
	t.Helper()
	page, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for _, line := range strings.Split(string(page), "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```expr"
		case inside && !strings.Contains(line, " => "):
			t.Fatalf("no => in %q", line)
		case inside:
			lines = append(lines, line)
		}
	}
	if len(lines) < 120 {
		t.Fatalf("only %d examples were found", len(lines))
	}
	return lines
}

// TestReference runs the examples of the reference.
func TestReference(t *testing.T) {
	t.Parallel()
	for _, line := range examples(t) {
		i := strings.LastIndex(line, " => ")
		if diff := cmp.Diff(line[i+4:], outcome(t, line[:i])); diff != "" {
			t.Errorf("%s\n%s", line, diff)
		}
	}
}

// outcome is the value as JSON, "failure", or the code of the first problem.
func outcome(t *testing.T, expr string) string {
	p, problems := Compile(placed(expr), testScope(t), Want{})
	if p == nil {
		return string(problems[0].Code)
	}
	v, err := p.Eval(testEnv())
	if err != nil {
		return "failure"
	}
	return jsonvalue.String(v)
}

// TestBuiltins: every builtin of expr is here or refused with a help, and the
// reference has each function with its signature and an example.
func TestBuiltins(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range builtin.Names {
		if lookFunction(name) == nil && functionHints[name] == "" {
			t.Errorf("%s of expr is neither here nor refused with a help", name)
		}
	}
	examples := strings.Builder{}
	for i, part := range strings.Split(string(page), "```") {
		if i%2 == 1 {
			examples.WriteString(part)
		}
	}
	for name, f := range builtins() {
		if !strings.Contains(string(page), "\n| `"+f.doc+"` | ") {
			t.Errorf("%s is not in the reference as %q", name, f.doc)
		}
		if !strings.Contains(examples.String(), name+"(") {
			t.Errorf("%s has no example in the reference", name)
		}
	}
}
