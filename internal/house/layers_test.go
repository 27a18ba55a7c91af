package house

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestRuntimeHasLayers: the files of package runtime can be ordered so that none uses a
// file above its own. A file uses another one when it names something that the other one
// declares: a name of the package, a method or a field.
func TestRuntimeHasLayers(t *testing.T) {
	t.Parallel()
	uses := usesBetweenFiles(t, "../../runtime")
	// Take away files that use none of those that are left, again and again.
	for len(uses) > 0 {
		var lowest []string
		for file, others := range uses {
			if len(others) == 0 {
				lowest = append(lowest, file)
			}
		}
		if len(lowest) == 0 {
			break
		}
		for _, file := range lowest {
			delete(uses, file)
			for _, others := range uses {
				delete(others, file)
			}
		}
	}
	for _, file := range slices.Sorted(maps.Keys(uses)) {
		t.Errorf("%s is in a circle, or above one: of the files that are left it uses %v", file, slices.Sorted(maps.Keys(uses[file])))
	}
}

// usesBetweenFiles lists for each file of a package the others that it uses.
func usesBetweenFiles(t *testing.T, dir string) map[string]map[string]bool {
	t.Helper()
	fset := token.NewFileSet()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	uses := map[string]map[string]bool{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		uses[filepath.Base(path)] = map[string]bool{}
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	// Only this package's own names count, so what others declare need not be known.
	conf := types.Config{Importer: unknown{importer.Default()}, Error: func(error) {}}
	pkg, _ := conf.Check("p", fset, files, info)
	where := func(p token.Pos) string { return filepath.Base(fset.Position(p).Filename) }
	for id, obj := range info.Uses {
		v, isVar := obj.(*types.Var)
		if obj.Pkg() != pkg || !obj.Pos().IsValid() || isVar && !v.IsField() && v.Parent() != pkg.Scope() {
			continue
		}
		if from, to := where(id.Pos()), where(obj.Pos()); from != to {
			uses[from][to] = true
		}
	}
	if len(files) < 20 || len(uses["settle.go"]) < 5 {
		t.Fatalf("%d files; settle.go uses %v: the test sees too little", len(files), uses["settle.go"])
	}
	return uses
}

// unknown imports nothing that is not there in a compiled form.
type unknown struct{ types.Importer }

func (u unknown) Import(path string) (*types.Package, error) {
	if p, err := u.Importer.Import(path); err == nil {
		return p, nil
	}
	p := types.NewPackage(path, filepath.Base(path))
	p.MarkComplete()
	return p, nil
}
