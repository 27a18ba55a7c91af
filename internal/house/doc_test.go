package house

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// packageDoc is the comment in a package's doc.go, "" when there is none.
func packageDoc(t *testing.T, room string) *doc.Package {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, filepath.Join("../..", room, "doc.go"), nil, parser.ParseComments)
	if err != nil {
		t.Errorf("package %q has no doc.go: %v", room, err)
		return nil
	}
	p, err := doc.NewFromFiles(fset, []*ast.File{f}, module+"/"+room)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPackageComments: every package has its story in doc.go, and nowhere else.
func TestPackageComments(t *testing.T) {
	t.Parallel()
	for room := range rooms {
		p := packageDoc(t, room)
		if p == nil {
			continue
		}
		want := "Package " + p.Name + " "
		if name := path.Base(room); p.Name == "main" { // a program is called as its folder
			want = strings.ToUpper(name[:1]) + name[1:] + " "
		}
		if !strings.HasPrefix(p.Doc, want) {
			t.Errorf("%s/doc.go: want a comment that begins %q", room, want)
		}
	}
	for _, f := range goFiles(t) {
		if filepath.Base(f.path) == "doc.go" || strings.HasSuffix(f.path, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), "", f.text, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		if parsed.Doc != nil {
			t.Errorf("%s has a package comment: it belongs into doc.go", f.path)
		}
	}
}
