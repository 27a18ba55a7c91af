package dsl

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// typeFiles reads the files of types that `$ref`s within n name, and those that these
// name. outer is the file in which n stands: paths start at its folder. What cannot be
// read is reported where a type refers to it: a `$ref` within data is no reference.
func (l *loader) typeFiles(outer string, n *tree.Node) []graph.TypeFileDef {
	var all []graph.TypeFileDef
	for _, name := range schema.FilesOf(n) {
		f := graph.TypeFileDef{Name: name}
		l.typeFile(outer, &f)
		all = append(all, f)
	}
	return all
}

// typeFile reads one file of types.
func (l *loader) typeFile(outer string, f *graph.TypeFileDef) {
	fail := func(code diag.Code, help, format string, args ...any) {
		f.Problems.Add(code, diag.Span{}, help, format, args...)
	}
	path := filepath.FromSlash(f.Name)
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(outer), path)
	}
	abs, err := filepath.Abs(path)
	if i := slices.Index(l.openTypes, abs); err == nil && i >= 0 {
		fail(diag.Recursion, "", "types of a file cannot need that file themselves: %s", l.way(append(slices.Clone(l.openTypes[i:]), abs)))
		return
	}
	if l.inside++; l.inside > maxInside || len(l.openTypes) > maxInner {
		fail(diag.TooLarge, "", "more than %d files belong to the graph, or their types need each other more than %d deep", maxInside, maxInner)
		return
	}
	src, err := l.read(path)
	if err != nil {
		l.files[path] = nil // who watches the files wants to see it come
		fail(diag.MissingFile, "paths start at the folder of this file", "cannot read the types of %q: %s", f.Name, reason(err))
		return
	}
	if l.size += len(src); l.size > maxBytes {
		fail(diag.TooLarge, "", "the files of the graph have more than %d bytes", maxBytes)
		return
	}
	l.files[path] = src
	types, problems := typesIn(path, src)
	if f.Problems = problems; problems.HasErrors() {
		return
	}
	for _, e := range types.Fields {
		if !strings.HasPrefix(e.Key.Value, foreign) {
			f.Types = append(f.Types, graph.TypeDef{Name: e.Key, Schema: e.Value})
		}
	}
	l.openTypes = append(l.openTypes, abs)
	f.Files = l.typeFiles(path, types)
	l.openTypes = l.openTypes[:len(l.openTypes)-1]
}

// typesIn finds the types of a text: the `types` of a graph, or all that a plain
// mapping has.
func typesIn(file string, src []byte) (*tree.Node, diag.List) {
	d := readYAML(file, src)
	if d.root == nil || d.diags.HasErrors() {
		return nil, d.diags
	}
	types := d.root
	if types.Get("graphrun") != nil {
		if types = types.Get("types"); types == nil {
			types = &tree.Node{Kind: tree.Map, Span: d.root.Span}
		}
	}
	if types.Kind != tree.Map {
		d.diags.Add(diag.WrongType, types.Head(), "", "the types are %s, expected a mapping of names to types", kindName(types.Kind))
	}
	return types, d.diags
}
