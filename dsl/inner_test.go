package dsl_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/nodes/std"
)

// A graph that others run, and one that runs it: node holds the `with` of a.
const (
	innerText = `graphrun: 1
name: inner
params: {goal: string, n: {type: integer, default: 3}}
state: {count: integer}
nodes: {w: {uses: set, with: {count: 1}, writes: [count]}}
limits: {cycles: 1}
`
	outerText = `graphrun: 1
name: outer
params: {text: string, count: integer}
state: {any: object}
nodes:
  a: {uses: graph, with: {file: inner.yaml, %s}}
limits: {cycles: 1}
`
)

// folder writes files into a new folder, and gives its path.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// found loads a file and lists what is wrong with it, without its folder.
func found(t *testing.T, dir, file string) []string {
	t.Helper()
	_, list := dsl.Load(filepath.Join(dir, file), std.Registry())
	var out []string
	for _, d := range list {
		if d.Severity == diag.Error {
			out = append(out, strings.TrimPrefix(d.Error(), dir+string(filepath.Separator)))
		}
	}
	return out
}

// What a node gives the graph that it runs is held against that graph, written
// out or as one expression.
func TestGivenToAnInnerGraph(t *testing.T) {
	t.Parallel()
	for with, want := range map[string][]string{
		`params: {goal: x}`: nil,
		`params: "${{ {'goal': params.text, 'n': params.count} }}"`: nil,
		`params: "${{ state.any }}"`:                                nil,
		`n: 1`: {`outer.yaml:6:33: error: graph "inner" needs the parameter "goal" of type string [missing-param]`,
			`outer.yaml:6:45: error: graph has no entry "n" [unknown-field]`},
		`params: {goal: [3]}`: {`outer.yaml:6:60: error: parameter "goal" of graph "inner" does not fit: goal: must be a string, not a list [wrong-type]`},
		`params: {goal: "${{ params.count }}"}, state: {count: x}`: {
			`outer.yaml:6:60: error: parameter "goal" must be string, not integer [wrong-type]`,
			`outer.yaml:6:99: error: state key "count" must be an integer, not a string [wrong-type]`},
		`params: "${{ {'goal': params.count, 'm': 1} }}"`: {
			`outer.yaml:6:53: error: unknown parameter "m" [unknown-field]`,
			`outer.yaml:6:53: error: parameter "goal" must be string, not integer [wrong-type]`},
		`params: {goal: x}, state: "${{ {'count': 'x'} }}"`: {`outer.yaml:6:71: error: state key "count" must be integer, not string [wrong-type]`},
	} {
		dir := folder(t, map[string]string{"inner.yaml": innerText, "outer.yaml": fmt.Sprintf(outerText, with)})
		got := found(t, dir, "outer.yaml")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", with, diff)
		}
	}
}

// The way on which graphs run one another in a circle is printed.
func TestRecursionNamesTheWay(t *testing.T) {
	t.Parallel()
	runs := func(name, file string) string {
		return fmt.Sprintf("graphrun: 1\nname: %s\nnodes:\n  a: {uses: graph, with: {file: %s}}\nlimits: {cycles: 1}\n", name, file)
	}
	dir := folder(t, map[string]string{"a.yaml": runs("a", "sub/b.yaml"), "sub/b.yaml": runs("b", "../sub/c.yaml"), "sub/c.yaml": runs("c", "./b.yaml")})
	want := []string{"sub/c.yaml:4:33: error: a graph cannot run itself: sub/b.yaml -> sub/c.yaml -> sub/b.yaml [recursion]"}
	if diff := cmp.Diff(want, found(t, dir, "a.yaml")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A few short files that run one another many times ask for millions of
// graphs; there is a bound, and it is said once.
func TestGraphsWithinGraphsAreBounded(t *testing.T) {
	t.Parallel()
	texts := map[string]string{"g8.yaml": innerText}
	for i := range 8 {
		var b strings.Builder
		fmt.Fprintf(&b, "graphrun: 1\nname: g%d\nnodes:\n", i)
		for j := range 20 {
			fmt.Fprintf(&b, "  n%d: {uses: graph, with: {file: g%d.yaml, params: {goal: x}}}\n", j, i+1)
		}
		texts[fmt.Sprintf("g%d.yaml", i)] = b.String()
	}
	dir := folder(t, texts)
	var bounds []string
	for _, p := range found(t, dir, "g0.yaml") {
		if strings.Contains(p, "[too-large]") {
			bounds = append(bounds, p)
		}
	}
	if len(bounds) != 1 || !strings.Contains(bounds[0], "more than 1000 graphs") {
		t.Errorf("got %q", bounds)
	}
}
