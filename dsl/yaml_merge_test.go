package dsl_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/nodes/std"
)

// What is written in a mapping wins over what is merged, and of a list what comes first.
func TestMergeKeys(t *testing.T) {
	t.Parallel()
	src, problems := dsl.Compile("g.yaml", []byte(`graphrun: 1
name: merged
x-quick: &quick {timeout: 5s, retry: {attempts: 3}, x-team: crawl}
x-slow: &slow
  <<: *quick
  timeout: 9s
  description: slow
x-nodes: &nodes
  last: {<<: *quick, uses: set}
nodes:
  a: {timeout: 7s, <<: *quick, uses: set}
  b: {<<: [*slow, *quick], uses: set}
  <<: *nodes
  c:
    <<: {uses: set, timeout: 1s}
    with: {"<<": text, 'x-a': 1}
limits: {cycles: 1}
`), std.Registry())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	type node struct {
		ID       string
		Timeout  time.Duration
		Attempts int
		Text     string
	}
	var got []node
	for _, n := range src.Def.Nodes {
		attempts := 0
		if n.Retry != nil {
			attempts = *n.Retry.Attempts
		}
		got = append(got, node{n.ID.Value, n.Timeout, attempts, n.Description})
	}
	want := []node{{"a", 7 * time.Second, 3, ""}, {"b", 9 * time.Second, 3, "slow"}, {"last", 5 * time.Second, 3, ""}, {"c", time.Second, 0, ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"<<": "text", "x-a": int64(1)}, src.Def.Nodes[3].With.Value()); diff != "" {
		t.Errorf("a key in quotes is a key: -want +got:\n%s", diff)
	}
}

// Keys that begin with x- are no part of the graph: they do not change its hash.
func TestForeignKeys(t *testing.T) {
	t.Parallel()
	const text = "graphrun: 1\nname: g\nx-a: TOP\nnodes: {a: {uses: set, x-b: [TOP]}}\nlimits: {cycles: 1}\n"
	var hashes []string
	for _, word := range []string{"one", "{two: 2}"} {
		src, problems := dsl.Compile("g.yaml", []byte(strings.ReplaceAll(text, "TOP", word)), std.Registry())
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		hashes = append(hashes, src.Graph.Hash)
	}
	if hashes[0] != hashes[1] {
		t.Error("a key that means nothing changes the hash")
	}
}
