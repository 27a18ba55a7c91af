package house

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAPI: a change of what other programs can use shows in a diff of
// testdata/api.txt.
func TestAPI(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, p := range publicPackages(t) {
		fmt.Fprintf(&b, "package %s\n\n", strings.TrimPrefix(p.ImportPath, module+"/"))
		for _, decl := range p.exported(t) {
			b.WriteString(decl + "\n")
		}
		b.WriteString("\n")
	}
	const golden = "testdata/api.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("the exported API has changed: if it should, run `go test ./internal/house -run TestAPI -update`, and say it in CHANGELOG.md (-golden +code)\n%s", d)
	}
}

// source is a package with its files, as `go list -json` gives them.
type source struct {
	ImportPath, Dir, Name string
	GoFiles               []string
}

// publicPackages are those that other programs can import, with their files for
// Linux.
func publicPackages(t *testing.T) (public []source) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Name,GoFiles", "./...")
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p source
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if p.Name != "main" && len(p.GoFiles) > 1 && !slices.Contains(strings.Split(p.ImportPath, "/"), "internal") {
			public = append(public, p)
		}
	}
	return public
}

// exported are the declarations of a package that other packages can use, in
// the order of their text, without comments and bodies.
func (p source) exported(t *testing.T) (decls []string) {
	t.Helper()
	fset := token.NewFileSet()
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if !ast.FileExports(f) {
			continue
		}
		for _, d := range f.Decls {
			decls = append(decls, declared(t, fset, d)...)
		}
	}
	slices.Sort(decls)
	return decls
}

func declared(t *testing.T, fset *token.FileSet, d ast.Decl) (decls []string) {
	t.Helper()
	text := func(prefix string, n any) {
		var b bytes.Buffer
		if err := printer.Fprint(&b, fset, n); err != nil {
			t.Fatal(err)
		}
		decls = append(decls, prefix+b.String())
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		d.Body, d.Doc = nil, nil
		text("", d)
	case *ast.GenDecl:
		if d.Tok == token.IMPORT {
			break
		}
		for _, spec := range d.Specs {
			if v, is := spec.(*ast.ValueSpec); is && v.Type == nil && d.Tok == token.VAR {
				v.Values = nil // what a variable begins with is no part of its type
			}
			text(d.Tok.String()+" ", spec)
		}
	}
	return decls
}
