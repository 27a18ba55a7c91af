package dsl

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
)

// Source is a graph with the text it came from.
type Source struct {
	Graph *graph.Graph // nil when the list holds an error
	Def   graph.Def
	Text  []byte
	File  string
}

// Load reads, parses and compiles a graph file. The list holds the problems of
// all stages, sorted by place. The Source is never nil: with its Text the
// problems can be shown.
func Load(path string, kinds graph.Kinds) (*Source, diag.List) {
	src, err := readFile(path)
	if err != nil {
		return unreadable(path, err)
	}
	return Compile(path, src, kinds)
}

// LoadReader is Load for a text that is no file, as standard input. name
// stands for it in diagnostics.
func LoadReader(name string, in io.Reader, kinds graph.Kinds) (*Source, diag.List) {
	src, err := io.ReadAll(io.LimitReader(in, maxBytes+1))
	if err != nil {
		return unreadable(name, err)
	}
	return Compile(name, src, kinds)
}

// unreadable is the result for a file of which there is no text.
func unreadable(file string, err error) (*Source, diag.List) {
	var l diag.List
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("there is no such file")
	}
	l.Add(diag.MissingFile, diag.Span{File: file}, "", "cannot read the graph: %s", err)
	return &Source{File: file}, l
}

// readFile reads a regular file, and no more of it than a graph may have. A
// FIFO or a device could block for ever, so it is not even opened.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return nil, errors.New("it is a folder, expected a file")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is not a regular file")
	}
	return io.ReadAll(io.LimitReader(f, maxBytes+1))
}

// Compile parses and compiles a text that is at hand already.
func Compile(file string, src []byte, kinds graph.Kinds) (*Source, diag.List) {
	s := &Source{Text: src, File: file}
	def, d := parse(file, src)
	s.Def = def
	if d.root == nil {
		return s, d.diags
	}
	g, more := graph.Compile(def, kinds)
	list := d.merge(more)
	if !list.HasErrors() {
		s.Graph = g
	}
	return s, list
}
