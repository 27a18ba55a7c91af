package dsl_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/nodes/std"
)

func TestLoadReader(t *testing.T) {
	t.Parallel()
	src, list := dsl.LoadReader("stdin", strings.NewReader("graphrun: 1\nname: a\nnodes: {a: {uses: set}}\nlimits: {cycles: 1}\n"), std.Registry())
	if list.HasErrors() || src.Graph == nil || src.Graph.Name != "a" {
		t.Errorf("got %v, %v", src.Graph, list)
	}
}

// TestPathsAreThoseOfEveryProcess: a store keeps the definition, and a process
// that works in another folder continues with it.
func TestPathsAreThoseOfEveryProcess(t *testing.T) {
	t.Parallel()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/inner/outer.graphrun.yaml"
	src, list := dsl.Load(file, std.Registry())
	if list.HasErrors() {
		t.Fatal(list)
	}
	outer := src.Graph
	if want := filepath.Join(here, "testdata/inner"); outer.Dir != want || src.File != file {
		t.Errorf("folder %q of file %q, want %q of %q", outer.Dir, src.File, want, file)
	}
	if want, got := filepath.Join(here, "testdata/inner/sub"), outer.Nodes[0].Inner.Dir; got != want {
		t.Errorf("folder %q of the inner graph, want %q", got, want)
	}
}

// TestMerge wants the problems of the text and of its meaning at once, without
// those that only follow from what could not be read.
func TestMerge(t *testing.T) {
	t.Parallel()
	const head = "graphrun: 1\nname: a\nlimits: {cycles: 1}\n"
	tests := []struct {
		name, src string
		want      []diag.Code
	}{
		{"both", head + "state: {x: boolean}\nnodes:\n  a: {uses: set, timeout: 5, with: {x: true}, writes: [x]}\nedges:\n  - {to: a, when: state.y}\n",
			[]diag.Code{diag.BadDuration, diag.UnknownProperty}},
		{"a key that is lost", head + "state: {x: 5}\nnodes:\n  a: {uses: set}\nedges:\n  - {to: a, when: state.x}\n", []diag.Code{diag.WrongType}},
		{"an edge that is lost", head + "nodes:\n  a: {uses: set}\n  b: {uses: set}\nedges:\n  - {to: a}\n  - {form: a, too: b}\n",
			[]diag.Code{diag.MissingField, diag.UnknownField, diag.UnknownField}},
		{"a misspelt section", head + "stat: {x: boolean}\nnodes:\n  a: {uses: set}\nedges:\n  - {to: a, when: state.x}\n", []diag.Code{diag.UnknownField}},
		{"a node without a kind", head + "nodes:\n  a: {with: {x: 1}}\n", []diag.Code{diag.MissingField}},
		{"another node's problem", head + "nodes:\n  a: {with: {x: 1}}\n  b: {uses: exce}\n", []diag.Code{diag.MissingField, diag.UnknownKind}},
		{"limits that are lost", "graphrun: 1\nname: a\nlimits: {cycles: many}\nnodes: {a: {uses: set}}\n", []diag.Code{diag.WrongType}},
		{"name that is lost", "graphrun: 1\nlimits: {cycles: 1}\nnodes: {a: {uses: set}}\n", []diag.Code{diag.MissingField}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, list := dsl.Compile("f", []byte(tt.src), std.Registry())
			var got []diag.Code
			for _, d := range list {
				got = append(got, d.Code)
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got\n%v, want %v", list, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("got\n%v, want %v", list, tt.want)
				}
			}
		})
	}
}

// TestFormatKeepsTheHash formats every graph that is in order.
func TestFormatKeepsTheHash(t *testing.T) {
	t.Parallel()
	for _, file := range append(files(t, "testdata/ok/*.yaml"), files(t, "../graphs/*/*.graphrun.yaml")...) {
		before, list := dsl.Load(file, std.Registry())
		if list.HasErrors() {
			t.Error(list)
			continue
		}
		out, problems := dsl.Format(file, before.Text)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		after, list := dsl.Compile(file, out, std.Registry())
		if list.HasErrors() || after.Graph.Hash != before.Graph.Hash {
			t.Errorf("%s: another graph after Format: %v", file, list)
		}
	}
}
