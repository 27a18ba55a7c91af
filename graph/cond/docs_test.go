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

// TestReference runs the examples of the reference.
func TestReference(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	inside, run := false, 0
	for _, line := range strings.Split(string(page), "\n") {
		if strings.HasPrefix(line, "```") {
			inside = line == "```expr"
			continue
		}
		if !inside {
			continue
		}
		run++
		i := strings.LastIndex(line, " => ")
		if i < 0 {
			t.Fatalf("no => in %q", line)
		}
		if diff := cmp.Diff(line[i+4:], outcome(t, line[:i])); diff != "" {
			t.Errorf("%s\n%s", line, diff)
		}
	}
	if run < 120 {
		t.Errorf("only %d examples were found", run)
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
