package house

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// anyOrder marks a loop over a map whose order nothing can see, and says why.
const anyOrder = "// in any order: "

// TestNoOrderOfMaps: what decides gives the same result in every run, so it walks
// no map in Go's random order, unless nothing can see the order.
func TestNoOrderOfMaps(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-json=ImportPath,Dir,GoFiles,Export", "./graph/...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	type compiled struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
	}
	exports := map[string]string{}
	var own []compiled
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p compiled
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath, module+"/graph") {
			own = append(own, p)
		}
	}
	for _, p := range own {
		fset := token.NewFileSet()
		var files []*ast.File
		texts := map[string][]string{}
		for _, name := range p.GoFiles {
			path := filepath.Join(p.Dir, name)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f, err := parser.ParseFile(fset, path, b, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			files, texts[path] = append(files, f), strings.Split(string(b), "\n")
		}
		conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })}
		info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
		if _, err := conf.Check(p.ImportPath, fset, files, info); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				loop, is := n.(*ast.RangeStmt)
				if !is {
					return true
				}
				if _, is := info.TypeOf(loop.X).Underlying().(*types.Map); !is {
					return true
				}
				at := fset.Position(loop.Pos())
				lines := texts[at.Filename]
				if !strings.Contains(lines[at.Line-1], anyOrder) && (at.Line < 2 || !strings.Contains(lines[at.Line-2], anyOrder)) {
					t.Errorf("%s/%s:%d: %s: sort the keys, or say why nothing can see the order (%q)", strings.TrimPrefix(p.ImportPath, module+"/"), filepath.Base(at.Filename), at.Line, strings.TrimSpace(lines[at.Line-1]), anyOrder)
				}
				return true
			})
		}
	}
}
