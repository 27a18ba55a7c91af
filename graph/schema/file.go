package schema

import (
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// File is a file of types that schemas refer to: `$ref: "FILE#/NAME"`.
type File struct {
	Name  string  // as it stands in `$ref`
	Types []Named // they may use each other, and no types of the graph
	Files []File  // those that the types refer to
	// Problems say why there are no types. They are reported where a schema refers to the
	// file; one without a place is shown there.
	Problems diag.List
}

// fileTypes are the types of a File, compiled.
type fileTypes struct {
	name     string
	set      *Set
	problems diag.List
}

// compileFiles compiles the types of files. Problems of a file's types are reported at
// once, at their places in that file.
func (c *compiler) compileFiles(files []File) {
	for _, f := range files {
		own := fileTypes{name: f.Name, problems: f.Problems}
		if len(f.Problems) == 0 {
			var problems diag.List
			own.set, problems = NewSet(f.Types, f.Files...)
			c.problems = append(c.problems, problems...)
		}
		c.set.files = append(c.set.files, own)
	}
}

// refToFile returns the type that `FILE#/NAME` names.
func (c *compiler) refToFile(n *tree.Node, file, name string) *Type {
	i := slices.IndexFunc(c.set.files, func(f fileTypes) bool { return f.name == file })
	if i < 0 {
		c.problems.Add(diag.MissingFile, n.Span, "", "there is no file %.200q with types", file)
		return AnyType
	}
	f := &c.set.files[i]
	for _, p := range f.problems {
		if p.Span.IsZero() {
			p.Span = n.Span
		}
		c.problems = append(c.problems, p)
	}
	if f.set == nil {
		return AnyType
	}
	t, ok := f.set.Type(name)
	if !ok {
		c.problems.Add(diag.UnknownType, n.Span, diag.Suggest(name, f.set.order), "unknown type %.60q: %s does not have it", name, file)
		return AnyType
	}
	return t
}

// fileRef splits `FILE#/NAME`; `FILE#/types/NAME` is the same.
func fileRef(ref string) (file, name string, ok bool) {
	file, name, ok = strings.Cut(ref, "#/")
	name = strings.TrimPrefix(name, "types/")
	return file, name, ok && file != "" && nameForm().MatchString(name)
}

// FilesOf lists the files that `$ref`s within a tree name, each once, in their order.
func FilesOf(n *tree.Node) []string { return filesOf(n, nil) }

func filesOf(n *tree.Node, found []string) []string {
	if n == nil {
		return found
	}
	for _, it := range n.Items {
		found = filesOf(it, found)
	}
	for _, f := range n.Fields {
		if f.Key.Value == "$ref" && f.Value.Kind == tree.String {
			if file, _, ok := fileRef(f.Value.Text.Value); ok && !slices.Contains(found, file) {
				found = append(found, file)
			}
		}
		found = filesOf(f.Value, found)
	}
	return found
}
