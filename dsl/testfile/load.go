package testfile

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/trial"
	"github.com/graphrun/graphrun/internal/late"
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
var testsBegin = late.Regexp(`(?m)^["']?graphrun-test["']?[ \t]*:`)

// Is reports whether a text is a test file and no graph.
func Is(src []byte) bool {
	return bytes.Contains(src, []byte("graphrun-test")) && testsBegin().Match(src)
}

// Check is dsl.Load for a graph, and Load for a test file: the problems of a file of
// either kind. The Graph of the Source is nil for a test file.
func Check(path string, kinds graph.Kinds) (*dsl.Source, diag.List) {
	src, problems := dsl.Read(path)
	if len(problems) > 0 {
		return &dsl.Source{File: path}, problems
	}
	return CheckText(path, src, kinds, nil)
}

// CheckText is Check for a text that was read before. file is its name in diagnostics. The
// texts of open, by absolute path, count in place of the files that it names.
func CheckText(file string, src []byte, kinds graph.Kinds, open map[string]string) (*dsl.Source, diag.List) {
	if !Is(src) {
		return dsl.CompileOpen(file, src, kinds, open)
	}
	t, problems := compile(file, src, kinds, open)
	return &dsl.Source{Text: src, File: file, Files: t.Files}, problems
}

// Load reads a test file and the graph that it names, and checks the tests against
// the graph. The list holds all problems, sorted by place, also the errors of the graph.
// The Tests are never nil: their Files are what diag.Render needs to show the problems.
func Load(path string, kinds graph.Kinds) (*Tests, diag.List) {
	src, problems := dsl.Read(path)
	if len(problems) > 0 {
		return &Tests{Suite: trial.Suite{File: path}, Files: map[string][]byte{}}, problems
	}
	return Compile(path, src, kinds)
}

// Compile is Load for a text that was read before. file is its name in
// diagnostics; the path of the graph starts at its folder.
func Compile(file string, src []byte, kinds graph.Kinds) (*Tests, diag.List) {
	return compile(file, src, kinds, nil)
}

func compile(file string, src []byte, kinds graph.Kinds, open map[string]string) (*Tests, diag.List) {
	t := &Tests{Text: src, Files: map[string][]byte{file: src}}
	t.Suite.File = file
	read, problems := dsl.ReadTests(file, src)
	if read.Root != nil {
		t.Suite = builder{read}.suite(file)
		problems = append(problems, t.check(problems.HasErrors(), kinds, open)...)
	}
	problems.Sort()
	return t, problems
}

// check compiles the graph, and compares the tests with it. broken says that the file has
// other errors.
func (t *Tests) check(broken bool, kinds graph.Kinds, open map[string]string) (list diag.List) {
	name := t.Suite.Graph
	if name.Value == "" {
		return nil
	}
	path := filepath.FromSlash(name.Value)
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(t.Suite.File), path)
	}
	text, problems := read(path, open)
	if len(problems) > 0 {
		t.Files[path] = nil // who watches the files wants to see it come
		why := strings.TrimPrefix(problems[0].Message, "cannot read the graph: ")
		list.Add(diag.MissingFile, name.Span, "paths start at the folder of this file", "cannot read the graph %q: %s", name.Value, why)
		return list
	}
	src, problems := dsl.CompileOpen(path, text, kinds, open)
	for file, text := range src.Files { // in any order: a map
		t.Files[file] = text
	}
	list = slices.DeleteFunc(problems, func(p diag.Diagnostic) bool { return p.Severity != diag.Error })
	if src.Graph == nil {
		return list
	}
	list = append(list, trial.Check(&t.Suite, src.Graph)...)
	if !broken && !list.HasErrors() {
		t.Graph = src.Graph
	}
	return list
}

// read reads the graph of a test file, from the open texts if it is one of them.
func read(path string, open map[string]string) ([]byte, diag.List) {
	if abs, err := filepath.Abs(path); err == nil {
		if text, ok := open[abs]; ok {
			return []byte(text), nil
		}
	}
	return dsl.Read(path)
}
