package dsl

import (
	"path/filepath"
	"regexp"
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/trial"
)

// Tests is a test file with the graph that it is about.
type Tests struct {
	Suite trial.Suite
	Graph *graph.Graph // nil when the list holds an error
	Text  []byte       // of the test file
	// Files are the texts by name, of this file, of the graph and of those that its nodes
	// run: what diag.Render needs.
	Files map[string][]byte
}

// testsBegin is what a test file has and no graph.
var testsBegin = regexp.MustCompile(`(?m)^["']?graphrun-test["']?[ \t]*:`)

// IsTests reports whether a text is a test file and no graph.
func IsTests(src []byte) bool { return testsBegin.Match(src) }

// Check is Load for a graph, and LoadTests for a test file: the problems of a file of
// either kind. The Graph of the Source is nil for a test file.
func Check(path string, kinds graph.Kinds) (*Source, diag.List) {
	src, problems := Read(path)
	if len(problems) > 0 {
		return &Source{File: path}, problems
	}
	return CheckText(path, src, kinds)
}

// CheckText is Check for a text that was read before. file is its name in diagnostics.
func CheckText(file string, src []byte, kinds graph.Kinds) (*Source, diag.List) {
	if !IsTests(src) {
		return Compile(file, src, kinds)
	}
	t, problems := CompileTests(file, src, kinds)
	return &Source{Text: src, File: file, Files: t.Files}, problems
}

// LoadTests reads a test file and the graph that it names, and checks the tests against
// the graph. The list holds all problems, sorted by place, also the errors of the graph.
// The Tests are never nil: their Files are what diag.Render needs to show the problems.
func LoadTests(path string, kinds graph.Kinds) (*Tests, diag.List) {
	src, problems := Read(path)
	if len(problems) > 0 {
		return &Tests{Suite: trial.Suite{File: path}, Files: map[string][]byte{}}, problems
	}
	return CompileTests(path, src, kinds)
}

// CompileTests is LoadTests for a text that was read before. file is its name in
// diagnostics; the path of the graph starts at its folder.
func CompileTests(file string, src []byte, kinds graph.Kinds) (*Tests, diag.List) {
	t := &Tests{Text: src, Files: map[string][]byte{file: src}}
	d := readText(file, src, aTestSet)
	t.Suite.File = file
	if d.root != nil && d.isMapping() {
		c := checker{d}
		c.version()
		c.object(d.root, testsObject, "the test file")
		c.steps(d.root)
		b := builder{d.broken}
		t.Suite = b.suite(d.root, file)
		t.check(d, kinds)
	}
	d.diags.Sort()
	return t, d.diags
}

// steps reports a step that does not say one thing.
func (c *checker) steps(root *tree.Node) {
	tests := root.Get("tests")
	if tests == nil {
		return
	}
	for _, t := range tests.Items {
		steps := t.Get("steps")
		if steps == nil {
			continue
		}
		for _, s := range steps.Items {
			if s.Kind == tree.Map && !c.broken[s] && len(s.Fields) != 1 {
				c.fail(s, diag.BadTest, "write each as an entry of its own", "a step says %d things, expected one", len(s.Fields))
				c.diags[len(c.diags)-1].Span = s.Head()
			}
		}
	}
}

// check compiles the graph, and holds the tests against it.
func (t *Tests) check(d *document, kinds graph.Kinds) {
	name := t.Suite.Graph
	if name.Value == "" {
		return
	}
	path := filepath.FromSlash(name.Value)
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(t.Suite.File), path)
	}
	text, err := readFile(path)
	if err != nil {
		t.Files[path] = nil // who watches the files wants to see it come
		d.diags.Add(diag.MissingFile, name.Span, "paths start at the folder of this file", "cannot read the graph %q: %s", name.Value, reason(err))
		return
	}
	src, problems := Compile(path, text, kinds)
	for file, text := range src.Files { // in any order: a map
		t.Files[file] = text
	}
	problems = slices.DeleteFunc(problems, func(p diag.Diagnostic) bool { return p.Severity != diag.Error })
	d.diags = append(d.diags, problems...)
	if src.Graph == nil {
		return
	}
	broken := d.diags.HasErrors()
	d.diags = append(d.diags, trial.Check(&t.Suite, src.Graph)...)
	if !broken && !d.diags.HasErrors() {
		t.Graph = src.Graph
	}
}
