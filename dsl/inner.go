package dsl

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
)

// Graphs that nodes of other graphs run (`uses: graph`) are files, so it is
// here that they are checked together.

// How many graphs may stand within one another, and how many may stand in one
// in all: each node that runs a graph has its own of it, so a few short files
// could ask for millions.
const (
	maxInner  = 8
	maxInside = 1_000
)

// loader reads a graph and the graphs that its nodes run.
type loader struct {
	kinds graph.Kinds
	root  string            // folder of the outermost graph: inner ones are in it or below
	files map[string][]byte // texts that were read, by name
	texts map[string]string // by absolute path; they count in place of files
	open  []string          // absolute paths of the graphs around this one

	study *Study // nil but for Examine

	openTypes []string // absolute paths of the files of types around this one

	inside, size int // graphs within the outermost one, and the bytes of their texts
}

// inner checks the graphs that the nodes and the tools of a graph run: the file is there, it
// is a valid graph, does not run itself, and gets the parameters that it needs.
// The definitions of those that are sound become part of def.
func (l *loader) inner(file string, root *tree.Node, broken map[*tree.Node]bool, def *graph.Def) (list diag.List) {
	own, err := filepath.Abs(file)
	if err != nil {
		return nil
	}
	l.open = append(l.open, own)
	defer func() { l.open = l.open[:len(l.open)-1] }()
	list = l.runs(file, root, "tools", broken, func(name string, found *graph.Def) {
		for i := range def.Tools {
			if t := &def.Tools[i]; t.Name.Value == name && t.Uses.Value == "graph" {
				t.Graph = found
			}
		}
	})
	return append(list, l.runs(file, root, "nodes", broken, func(name string, found *graph.Def) {
		for i := range def.Nodes {
			if n := &def.Nodes[i]; n.ID.Value == name && n.Uses.Value == "graph" {
				n.Graph = found
			}
		}
	})...)
}

// runs checks the graphs that the entries of a section run.
func (l *loader) runs(file string, root *tree.Node, section string, broken map[*tree.Node]bool, found func(name string, def *graph.Def)) (list diag.List) {
	entries := root.Get(section)
	if entries == nil || broken[entries] {
		return nil
	}
	for _, f := range entries.Fields {
		uses, with := f.Value.Get("uses"), f.Value.Get("with")
		if uses == nil || uses.Text.Value != "graph" {
			continue
		}
		name := with.Get("file")
		if name == nil || name.Kind != tree.String || strings.Contains(name.Text.Value, "${{") {
			continue // reported with the configuration of the kind
		}
		def, problems := l.graph(file, name.Text, with)
		list = append(list, problems...)
		found(f.Key.Value, def)
	}
	return list
}

// graph checks one inner graph, which the file outer names, and returns its
// definition if it is valid.
func (l *loader) graph(outer string, name diag.Text, with *tree.Node) (*graph.Def, diag.List) {
	var list diag.List
	path := name.Value
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(outer), path)
	}
	abs, err := filepath.Abs(path)
	if i := slices.Index(l.open, abs); err == nil && i >= 0 {
		list.Add(diag.Recursion, name.Span, "", "a graph cannot run itself: %s", l.circle(i))
		return nil, list
	}
	if len(l.open) > maxInner {
		list.Add(diag.TooLarge, name.Span, "", "graphs run graphs more than %d deep", maxInner)
		return nil, list
	}
	if l.inside++; l.inside > maxInside {
		if l.inside == maxInside+1 {
			list.Add(diag.TooLarge, name.Span, "", "more than %d graphs stand within the outermost one", maxInside)
		}
		return nil, list
	}
	src, err := l.read(path)
	if l.size += len(src); l.size > maxBytes {
		l.inside = maxInside + 1
		list.Add(diag.TooLarge, name.Span, "", "the graphs within the outermost one have more than %d bytes", maxBytes)
		return nil, list
	}
	if err != nil {
		l.files[path] = nil // who watches the files wants to see it come
		list.Add(diag.MissingFile, name.Span, "paths start at the folder of this file", "cannot read the graph %q: %s", name.Value, reason(err))
		return nil, list
	}
	s, found := l.compile(path, src)
	for _, d := range found {
		if d.Severity == diag.Error { // warnings are for those who validate that file
			list = append(list, d)
		}
	}
	if s.Graph == nil {
		return nil, list
	}
	return &s.Def, append(list, params(s.Graph, name, with.Get("params"))...)
}

// circle is the way from an open graph back to itself.
func (l *loader) circle(from int) string {
	return l.way(append(slices.Clone(l.open[from:]), l.open[from]))
}

// way writes paths as they are seen from the folder of the outermost graph.
func (l *loader) way(paths []string) string {
	var words []string
	for _, path := range paths {
		if root, err := filepath.Abs(l.root); err == nil {
			if rel, err := filepath.Rel(root, path); err == nil {
				path = filepath.ToSlash(rel)
			}
		}
		words = append(words, path)
	}
	return strings.Join(words, " -> ")
}

// read reads an inner graph. Links do not lead out of the outermost graph's
// folder either.
func (l *loader) read(path string) ([]byte, error) {
	rel, err := filepath.Rel(l.root, path)
	if err != nil || !filepath.IsLocal(rel) {
		return nil, errors.New("it is outside of the folder of the outermost graph")
	}
	if abs, err := filepath.Abs(path); err == nil {
		if text, ok := l.texts[abs]; ok {
			return []byte(text), nil
		}
	}
	root, err := os.OpenRoot(l.root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return readIn(root, rel)
}

// params holds what a node gives against the parameters of the graph it runs.
func params(g *graph.Graph, name diag.Text, given *tree.Node) diag.List {
	var list diag.List
	names := make([]string, len(g.Params))
	for i, p := range g.Params {
		names[i] = p.Name
		v := given.Get(p.Name)
		switch {
		case given != nil && given.Kind != tree.Map: // the compiler knows what a template gives
		case v == nil && !p.HasDefault && !p.Type.Nullable:
			at := name.Span
			if given != nil {
				at = given.Span
			}
			list.Add(diag.MissingParam, at, "add it to `params`", "graph %q needs the parameter %q of type %s", g.Name, p.Name, p.Type)
		case v != nil && !templated(v):
			if _, err := p.Type.Check(p.Name, graph.AsText(v, p.Type).Value()); err != nil {
				list.Add(diag.WrongType, v.Span, "", "parameter %s of graph %q does not fit: %s", quote(p.Name), g.Name, err)
			}
		}
	}
	if given == nil {
		return list
	}
	for _, f := range given.Fields {
		if !slices.Contains(names, f.Key.Value) {
			list.Add(diag.UnknownField, f.Key.Span, diag.Suggest(f.Key.Value, names), "graph %q has no parameter %q", g.Name, f.Key.Value)
		}
	}
	return list
}

// templated reports whether a value is known only when a stack runs.
func templated(n *tree.Node) bool {
	if n.Kind == tree.String && strings.Contains(n.Text.Value, "${{") || slices.ContainsFunc(n.Items, templated) {
		return true
	}
	return slices.ContainsFunc(n.Fields, func(f tree.Field) bool { return templated(f.Value) })
}
