package dsl

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
)

// Source is a graph with the text it came from.
type Source struct {
	Graph *graph.Graph // nil when the list holds an error
	Def   graph.Def
	Text  []byte
	File  string
	// Files are the texts by name, of this graph and of those that its nodes
	// run: what diag.Render needs. A file that cannot be read has no text.
	Files map[string][]byte
}

// Load reads, parses and compiles a graph file, and checks the graphs that its
// nodes run. The list holds the problems of all stages, sorted by place. The
// Source is never nil: its Files are what diag.Render needs to show the problems.
func Load(path string, kinds graph.Kinds) (*Source, diag.List) {
	src, problems := Read(path)
	if len(problems) > 0 {
		return &Source{File: path}, problems
	}
	return Compile(path, src, kinds)
}

// LoadReader is Load for a text that is not a file, such as standard input. name
// is its name in diagnostics.
func LoadReader(name string, in io.Reader, kinds graph.Kinds) (*Source, diag.List) {
	src, problems := ReadFrom(name, in)
	if len(problems) > 0 {
		return &Source{File: name}, problems
	}
	return Compile(name, src, kinds)
}

// Read returns the text of a graph file, or a list that says why it cannot be
// read.
func Read(path string) ([]byte, diag.List) {
	src, err := readFile(path)
	return src, unreadable(path, err)
}

// ReadFrom is Read for a text that is not a file. name is its name in diagnostics.
func ReadFrom(name string, in io.Reader) ([]byte, diag.List) {
	src, err := io.ReadAll(io.LimitReader(in, maxBytes+1))
	return src, unreadable(name, err)
}

// unreadable reports a file that cannot be read. The place is where its text would
// begin, for tools that expect a line.
func unreadable(file string, err error) (l diag.List) {
	if err != nil {
		at := diag.Span{File: file, Start: diag.Pos{Line: 1, Col: 1}, End: diag.Pos{Line: 1, Col: 2}}
		l.Add(diag.MissingFile, at, "", "cannot read the graph: %s", reason(err))
	}
	return l
}

// reason says why a file cannot be read, without its path.
func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("there is no such file")
	}
	return err
}

// readFile reads a regular file up to the size that a graph may have. It does not
// open a FIFO or a device, because that could block for ever.
func readFile(path string) ([]byte, error) {
	return read(path, os.Stat, os.Open)
}

// readIn is readFile for a path within a folder.
func readIn(root *os.Root, path string) ([]byte, error) { return read(path, root.Stat, root.Open) }

func read(path string, stat func(string) (fs.FileInfo, error), open func(string) (*os.File, error)) ([]byte, error) {
	info, err := stat(path)
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return nil, errors.New("it is a folder, expected a file")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	}
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is not a regular file")
	}
	return io.ReadAll(io.LimitReader(f, maxBytes+1))
}

// Compile is Load for a text that was read before. file is its name in diagnostics;
// relative paths in it start at the folder of file.
func Compile(file string, src []byte, kinds graph.Kinds) (*Source, diag.List) {
	return CompileOpen(file, src, kinds, nil)
}

// CompileOpen is Compile with texts that count in place of the files that the graph names,
// by absolute path.
func CompileOpen(file string, src []byte, kinds graph.Kinds, open map[string]string) (*Source, diag.List) {
	l := loader{kinds: kinds, files: map[string][]byte{}, root: filepath.Dir(file), texts: open}
	s, list := l.compile(file, src)
	s.Files = l.files
	list.Sort()
	return s, list
}

// absolute returns a path that every process can use, whatever its working folder
// is: a store keeps it.
func absolute(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	return abs
}

// compile reads one text.
func (l *loader) compile(file string, src []byte) (*Source, diag.List) {
	s := &Source{Text: src, File: file}
	l.files[file] = src
	def, d, unreadable := l.parse(file, src)
	def.File = absolute(file)
	s.Def = def
	if d.root == nil {
		return s, d.diags
	}
	def.TypeFiles = l.typeFiles(file, d.root)
	inner := l.inner(file, d.root, d.broken, &def)
	s.Def = def
	g, more := l.check(def)
	if len(unreadable) > 0 { // what is left has its answers, but its problems may come from what is lost
		return s, unreadable
	}
	if inner.HasErrors() { // nobody knows what the nodes without their graph use
		more = slices.DeleteFunc(more, func(p diag.Diagnostic) bool { return p.Code == diag.Unused || p.Code == diag.NeverRead })
	}
	var elsewhere diag.List // in files of types: what this file lacks does not cause it
	more = slices.DeleteFunc(more, func(p diag.Diagnostic) bool {
		other := p.Span.File != file && l.files[p.Span.File] != nil
		if other {
			elsewhere = append(elsewhere, p)
		}
		return other
	})
	list := append(append(d.suppress(more), elsewhere...), inner...)
	if !list.HasErrors() {
		s.Graph = g
	}
	return s, list
}

// parse reads a graph. unreadable are the problems of a text that is read only in part.
func (l *loader) parse(file string, src []byte) (def graph.Def, d *document, unreadable diag.List) {
	if l.study == nil || len(l.open) > 0 {
		def, d = parse(file, src)
		return def, d, nil
	}
	return l.study.read(file, src)
}

// check compiles a definition. It keeps what a study asks about the outermost graph.
func (l *loader) check(def graph.Def) (*graph.Graph, diag.List) {
	if l.study == nil || len(l.open) > 0 {
		return graph.Compile(def, l.kinds)
	}
	if l.study.sought != "" {
		l.study.survey = graph.Seek(def, l.kinds, l.study.sought, l.study.soughtNode(), l.study.survey)
		return nil, nil
	}
	survey, problems := graph.Examine(def, l.kinds, l.study.survey)
	l.study.survey = survey
	return nil, problems
}
