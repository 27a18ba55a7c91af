package dsl_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes/std"
)

const typedText = `graphrun: 1
name: typed
params: {first: {$ref: "types/shop.yaml#/Order"}}
types: {Own: {$ref: "types/shop.yaml#/types/Order"}}
state: {order: Own?}
nodes: {a: {uses: set, with: {order: {id: a, size: big}}, writes: [order]}}
edges: [{to: a, when: 'state.order.size == "small"'}]
limits: {cycles: 1}
`

func typedFiles() map[string]string {
	return map[string]string{
		"g.yaml":           typedText,
		"types/shop.yaml":  "Order: {type: object, required: [id], properties: {id: string, size: Size, next: Order}}\nSize: {$ref: \"sizes.yaml#/Size\"}\n",
		"types/sizes.yaml": "graphrun: 1\nname: sizes\ntypes: {Size: {enum: [small, big]}}\n",
	}
}

// A type of another file is part of the graph: it changes the hash, and a Def that was
// stored needs no file.
func TestTypesOfAnotherFile(t *testing.T) {
	t.Parallel()
	dir := folder(t, typedFiles())
	file := filepath.Join(dir, "g.yaml")
	src, problems := dsl.Load(file, std.Registry())
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	var read []string
	for name := range src.Files {
		rel, _ := filepath.Rel(dir, name)
		read = append(read, filepath.ToSlash(rel))
	}
	slices.Sort(read)
	if diff := cmp.Diff([]string{"g.yaml", "types/shop.yaml", "types/sizes.yaml"}, read); diff != "" {
		t.Errorf("the files of the graph: -want +got:\n%s", diff)
	}
	v, err := src.Graph.Keys[0].Type.Check("order", map[string]any{"id": "a", "size": "huge"})
	if err == nil || err.Error() != `order.size: must be one of "small", "big", not "huge"` {
		t.Errorf("%v, %v", v, err)
	}
	stored, err := json.Marshal(src.Graph.Def)
	if err != nil {
		t.Fatal(err)
	}
	var def graph.Def
	if err := json.Unmarshal(stored, &def); err != nil {
		t.Fatal(err)
	}
	again, problems := graph.Compile(def, std.Registry())
	if problems.HasErrors() || again.Hash != src.Graph.Hash {
		t.Fatalf("out of a store: %v", problems)
	}
	if err := os.WriteFile(filepath.Join(dir, "types", "sizes.yaml"), []byte("Size: {enum: [small, big, huge]}"), 0o666); err != nil {
		t.Fatal(err)
	}
	changed, problems := dsl.Load(file, std.Registry())
	if problems.HasErrors() || changed.Graph.Hash == src.Graph.Hash {
		t.Errorf("a changed type file leaves the graph as it was: %v", problems)
	}
}

// Links lead nowhere else, and files that need each other in a circle are refused.
func TestTypeFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"itself":  {map[string]string{"types/sizes.yaml": "Size: {$ref: \"sizes.yaml#/Size\"}"}, "types/sizes.yaml:1:14: error: types of a file cannot need that file themselves: types/sizes.yaml -> types/sizes.yaml [recursion]"},
		"circle":  {map[string]string{"types/sizes.yaml": "Size: {$ref: \"../g.yaml#/Own\"}"}, "g.yaml:4:21: error: types of a file cannot need that file themselves: types/shop.yaml -> types/sizes.yaml -> g.yaml -> types/shop.yaml [recursion]"},
		"list":    {map[string]string{"types/sizes.yaml": "[Size]"}, "types/sizes.yaml:1:1: error: the types are a list, expected a mapping of names to types [wrong-type]"},
		"empty":   {map[string]string{"types/sizes.yaml": ""}, "types/sizes.yaml:1:1: error: the file is empty, expected a graph [missing-field]"},
		"bytes":   {map[string]string{"types/sizes.yaml": "Size: caf\xe9"}, "types/sizes.yaml:1:10: error: the byte 0xE9 is not UTF-8 [yaml-syntax]"},
		"name":    {map[string]string{"types/sizes.yaml": "Size: string\na-b: string"}, `types/sizes.yaml:2:1: error: type name "a-b" must be letters, digits and "_", and not begin with a digit [bad-name]`},
		"too far": {map[string]string{"types/shop.yaml": "Order: {$ref: \"/etc/types.yaml#/A\"}"}, "types/shop.yaml:1:15: error: cannot read the types of \"/etc/types.yaml\": it is outside of the folder of the outermost graph [missing-file]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := typedFiles()
			maps.Copy(all, tt.files)
			dir := folder(t, all)
			for _, got := range found(t, dir, "g.yaml") {
				if strings.TrimPrefix(got, dir+string(filepath.Separator)) == tt.want {
					return
				}
			}
			t.Errorf("want %s\ngot %q", tt.want, found(t, dir, "g.yaml"))
		})
	}
	dir, away := folder(t, typedFiles()), folder(t, map[string]string{"a.yaml": "Size: string"})
	link := filepath.Join(dir, "types", "sizes.yaml")
	_ = os.Remove(link)
	if err := os.Symlink(filepath.Join(away, "a.yaml"), link); err != nil {
		t.Skip(err)
	}
	if got := found(t, dir, "g.yaml"); len(got) == 0 || !strings.Contains(got[0], "[missing-file]") {
		t.Errorf("a link leads out of the folder: %q", got)
	}
}
