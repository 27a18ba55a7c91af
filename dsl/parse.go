package dsl

import (
	"fmt"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
)

// Parse reads a graph's text. file is its name in diagnostics and the Def's
// File. The list holds all problems of the YAML and of the shape of the graph,
// sorted by place; graph.Compile checks what the graph means. The Def holds what
// could be read, even if there are problems: broken parts are left out.
func Parse(file string, src []byte) (graph.Def, diag.List) {
	def, d := parse(file, src)
	return def, d.diags
}

// parse is Parse that keeps the document.
func parse(file string, src []byte) (graph.Def, *document) {
	d := readYAML(file, src)
	return d.def(file), d
}

// def checks the document of a graph, and builds what it defines.
func (d *document) def(file string) graph.Def {
	defer d.diags.Sort()
	if d.root == nil || !d.isMapping() {
		return graph.Def{File: file}
	}
	c := checker{d}
	c.version()
	c.object(d.root, graphObject, "the graph")
	b := builder{d.broken, d.unfinished}
	return b.graph(d.root, file)
}

// isMapping reports whether the document is a mapping, and reports what is none.
func (d *document) isMapping() bool {
	if d.root.Kind == tree.Map {
		return true
	}
	if !d.broken[d.root] {
		at := d.char(diag.Pos{Line: 1, Col: 1})
		if d.root.Kind == tree.Null {
			d.emptyFile(at)
		} else {
			d.diags.Add(diag.WrongType, at, "", "the %s is %s, expected a mapping", d.holds.what, kindName(d.root.Kind))
		}
	}
	return false
}

// version checks the version of the language before everything else.
func (c *checker) version() {
	v := c.root.Get(c.holds.version)
	if v == nil || c.broken[v] || v.Kind == tree.Int && v.Int == 1 {
		return
	}
	at := v.Span
	got := v.Text.Value
	switch v.Kind {
	case tree.List, tree.Map, tree.Null:
		got = kindName(v.Kind)
	case tree.String:
		got = quote(got)
	}
	c.diags.Add(diag.BadVersion, at, fmt.Sprintf(`write "%s: 1"`, c.holds.version), "the version of the language is %s, expected 1", got)
	c.broken[v] = true
}
