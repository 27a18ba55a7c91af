package house

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/architecture.md and testdata/api.txt again")

// TestArchitecture: the table of docs/architecture.md is that of this package.
func TestArchitecture(t *testing.T) {
	t.Parallel()
	const page, begin, end = "docs/architecture.md", "-update` -->\n", "<!-- /rooms -->"
	var table strings.Builder
	table.WriteString("| package | what it does | may import |\n| --- | --- | --- |\n")
	for _, room := range slices.Sorted(maps.Keys(rooms)) {
		p := packageDoc(t, room)
		if p == nil {
			continue
		}
		synopsis := strings.TrimRight(p.Synopsis(p.Doc), ".:")
		if _, after, ok := strings.Cut(synopsis, "Package "+p.Name+" "); ok {
			synopsis = after
		} else {
			_, synopsis, _ = strings.Cut(synopsis, " ")
		}
		var may []string
		for _, name := range rooms[room].house {
			may = append(may, strings.ReplaceAll(name, "*", "\\*"))
		}
		for _, name := range rooms[room].third {
			if name != "*" {
				may = append(may, "*"+name+"*")
			}
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", room, strings.ReplaceAll(synopsis, "|", "\\|"), strings.Join(may, ", "))
	}
	text := read(t, page)
	before, rest, ok := strings.Cut(text, begin)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", page)
	}
	if *update {
		if err := os.WriteFile(filepath.Join("../..", page), []byte(before+begin+table.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != table.String() {
		t.Errorf("the table of %s is not that of the rooms: run `go test ./internal/house -run TestArchitecture -update`", page)
	}
}
