package cond

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/expr-lang/expr"
	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/schema"
	jsonvalue "github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/internal/suites"
)

var update = flag.Bool("update", false, "write the golden file of the suite")

const suiteGolden = "testdata/suite.golden"

// suite is the world that the expressions of expr's own tests were generated
// for, without its Go functions and methods.
func suite() (scope *Scope, slots []any, env map[string]any) {
	object := schema.ObjectOf(must("Bar", schema.StringType))
	bar := func(s string) any { return map[string]any{"Bar": s} }
	env = map[string]any{}
	var names []Name
	for i, of := range []struct {
		name string
		typ  *schema.Type
		ours any
		expr any // where it is not the same value
	}{
		{"ok", schema.BooleanType, true, nil},
		{"i", schema.IntegerType, int64(1), 1},
		{"str", schema.StringType, "str", nil},
		{"f64", schema.NumberType, .5, nil},
		{"array", schema.ListOf(schema.IntegerType), []any{int64(1), int64(2), int64(3), int64(4), int64(5)}, []int{1, 2, 3, 4, 5}},
		{"foo", object, bar("foo"), nil},
		{"list", schema.ListOf(object), []any{bar("bar"), bar("baz")}, nil},
	} {
		names = append(names, Name{Name: of.name, Type: of.typ, Slot: i})
		slots = append(slots, of.ours)
		if env[of.name] = of.expr; of.expr == nil {
			env[of.name] = of.ours
		}
	}
	return NewScope(names...), slots, env
}

// variants are functions that differ on purpose. An expression whose values
// differ, and agree when expr has our function, differs for that reason.
var variants = []struct {
	reason  string
	options []expr.Option
}{
	{"toJSON writes compact JSON; expr indents it", replaced("toJSON")},
	{"string writes lists and objects as JSON; expr writes them as Go prints them", replaced("string")},
	{"string and toJSON write compact JSON", append(replaced("string"), replaced("toJSON")...)},
}

func replaced(name string) []expr.Option {
	return []expr.Option{expr.DisableBuiltin(name), expr.Function(name, func(params ...any) (any, error) {
		if s, ok := params[0].(string); ok && name == "string" {
			return s, nil
		}
		return jsonvalue.String(canonical(params[0])), nil
	}, new(func(any) string))}
}

// failures are the reasons for which we fail where expr has a value, by what
// our message says.
var failures = []struct {
	message *regexp.Regexp
	reason  string
}{
	{regexp.MustCompile(`^division by zero$|not a finite number$`), "division by zero, and what is no finite number, fails; expr gives Inf or NaN"},
	{regexp.MustCompile(`needs strings as keys`), "the keys of groupBy are strings; expr takes any value"},
	{regexp.MustCompile(`^expected a boolean`), "only a boolean or null can be an operand of a logical operator; expr gives the operand back"},
	{regexp.MustCompile(`^expected an integer`), "an index is an integer; expr cuts a number"},
	{regexp.MustCompile(`needs a list, not a string$`), "a string is no list; expr walks its bytes"},
	{regexp.MustCompile(`needs (a list|a list or an object|numbers), not `), "a function takes what its signature says; expr passes other values through, or gives nil"},
	{regexp.MustCompile(`the bytes are no UTF-8 text`), "fromBase64 gives text only; expr gives bytes"},
}

// refusals are the reasons for which an expression is refused at load that has
// a value in expr, by what our message says.
var refusals = []struct {
	message *regexp.Regexp
	reason  string
}{
	{regexp.MustCompile(`^unknown (name|function) `), "Go functions, methods and $env are not there"},
	{regexp.MustCompile(`^the key .* is given twice$`), "a key of an object literal is given once; in expr the last one counts"},
	{regexp.MustCompile(`has no property `), "a property must be declared; expr gives nil"},
	{regexp.MustCompile(`may be null|must not be null`), "null is no operand and no argument; expr fails at run time, or gives nil"},
	{regexp.MustCompile(`^the key of (groupBy|sortBy) must be`), "keys of groupBy are strings, keys of sortBy are ordered values"},
	{regexp.MustCompile(`^mismatched types`), "values of different types are not compared"},
	{regexp.MustCompile(`^\?\? cannot be mixed`), "no other operator stands beside ?? without brackets; expr takes one before it"},
	{regexp.MustCompile(`must be|takes .* arguments|needs|cannot be|is indexed by|is needed here`), "operands and arguments have the types of their operator or function"},
}

// TestSuite holds graph/cond against expr over the expressions of expr's own
// tests. The golden file has how many differ, and why.
func TestSuite(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(suites.Path(t, "expr", "generated.txt"))
	if err != nil {
		t.Fatal(err)
	}
	scope, slots, env := suite()
	groups := map[string][]int{}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i, line := range lines {
		group := compared(line, scope, slots, env)
		groups[group] = append(groups[group], i)
		if strings.Contains(group, undocumented) {
			t.Errorf("line %d: %s: %s", i+1, group, line)
		}
	}
	var golden strings.Builder
	fmt.Fprintf(&golden, "# The %d expressions of expr's own tests, by what graph/cond makes of them.\n# Count, fingerprint of the lines, and what holds for them.\n", len(lines))
	for _, group := range sortedGroups(groups) {
		fmt.Fprintf(&golden, "%6d %s  %s\n", len(groups[group]), fingerprint(groups[group]), group)
	}
	if *update {
		if err := os.WriteFile(suiteGolden, []byte(golden.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(suiteGolden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(golden.String(), "\n")); diff != "" {
		t.Errorf("the suite differs from %s (-update writes it):\n%s", suiteGolden, diff)
		for _, group := range sortedGroups(groups) {
			if !strings.Contains(string(want), fingerprint(groups[group])) {
				first := groups[group][0]
				t.Logf("%s, as line %d: %s", group, first+1, lines[first])
			}
		}
	}
}

const undocumented = "NO REASON IS GIVEN"

// compared is what holds for one expression.
func compared(line string, scope *Scope, slots []any, env map[string]any) string {
	theirs, theirErr := evaluated(line, env)
	p, problems := Compile(placed(line), scope, Want{})
	if p == nil {
		if theirErr != nil {
			return "agrees: refused; expr refuses it or fails"
		}
		for _, r := range refusals {
			if r.message.MatchString(problems[0].Message) {
				return "refused: " + string(problems[0].Code) + ": " + r.reason
			}
		}
		return "refused: " + undocumented + ": " + problems[0].Message
	}
	got, err := p.Eval(&Env{Slots: slots})
	switch {
	case err != nil && theirErr != nil:
		return "agrees: fails, as in expr"
	case err != nil:
		for _, f := range failures {
			if f.message.MatchString(err.Error()) {
				return "fails: " + f.reason
			}
		}
		return "fails: " + undocumented + ": " + err.Error()
	case theirErr != nil:
		return "has a value: " + undocumented + ": " + theirErr.Error()
	case unordered.MatchString(line) && varies(line, env):
		return "differs: keys, values and toPairs go in the order of the keys; expr in a random one"
	case alike(got, theirs):
		return "agrees: the same value"
	}
	return "differs: " + difference(line, env, got, theirs)
}

// unordered finds the functions that walk an object.
var unordered = regexp.MustCompile(`\b(keys|values|toPairs)\(`)

// varies reports whether expr gives different values for one expression.
func varies(line string, env map[string]any) bool {
	first, _ := evaluated(line, env)
	for range 50 {
		if next, _ := evaluated(line, env); !alike(first, next) {
			return true
		}
	}
	return false
}

// difference is why two values differ.
func difference(line string, env map[string]any, got, theirs any) string {
	for _, v := range variants {
		if theirs, err := evaluated(line, env, v.options...); err == nil && alike(got, theirs) {
			return v.reason
		}
	}
	switch {
	case got == nil && strings.Contains(line, "groupBy(") && cmp.Equal(canonical(theirs), []any{}):
		return "a group that is not there is null; expr gives an empty list"
	case strings.Contains(line, "findLast"):
		return "expr gives true in place of an element behind findLast and findLastIndex, a fault of its compiler"
	}
	return fmt.Sprintf("%s: %v and %v", undocumented, got, theirs)
}

func evaluated(line string, env map[string]any, options ...expr.Option) (any, error) {
	program, err := expr.Compile(line, append(options, expr.Env(env), expr.Optimize(false))...)
	if err != nil {
		return nil, err
	}
	return expr.Run(program, env)
}

// alike compares canonical values; a number without fraction is an integer.
func alike(got, theirs any) bool { return cmp.Equal(canonical(got), canonical(theirs)) }

// canonical is a value of expr's as ours, its integers as numbers.
func canonical(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case time.Time:
		return timeText(v)
	case time.Duration:
		return v.String()
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Slice, reflect.Array:
		out := []any{}
		for i := range r.Len() {
			out = append(out, canonical(r.Index(i).Interface()))
		}
		return out
	case reflect.Map:
		out := map[string]any{}
		for _, k := range r.MapKeys() {
			out[fmt.Sprint(k.Interface())] = canonical(r.MapIndex(k).Interface())
		}
		return out
	}
	return v
}

// sortedGroups has the agreeing ones first, and the large ones before the
// small.
func sortedGroups(groups map[string][]int) []string {
	var names []string
	for name := range groups {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		kind := func(s string) string { s, _, _ = strings.Cut(s, ":"); return s }
		if kind(a) != kind(b) {
			return strings.Compare(kind(a), kind(b))
		}
		if n := len(groups[b]) - len(groups[a]); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	return names
}

func fingerprint(lines []int) string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, lines)))[:12]
}
