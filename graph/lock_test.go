package graph

import (
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
)

// A lock is a text, or what has one, in the scope of a priority; kinds without work of
// their own have none.
func TestLocks(t *testing.T) {
	t.Parallel()
	const more = `, "params": [{"name": "p", "type": "any", "default": 1}], "nodes": [{"id": "a", "uses": "KIND", "with": WITH, "lock": LOCK}]`
	for _, c := range []struct {
		kind, lock string
		want       diag.Code
	}{
		{"work", `"deploy"`, ""},
		{"work", `"deploy-${{ params.p }}"`, ""},
		{"work", `"${{ params.p }}"`, ""},
		{"work", `7`, ""},
		{"work", `true`, ""},
		{"work", `null`, ""},
		{"work", `["a"]`, diag.WrongType},
		{"work", `{"a": 1}`, diag.WrongType},
		{"work", `"${{ [1] }}"`, diag.WrongType},
		{"work", `"${{ output }}"`, diag.UnknownName},
		{"work", `"` + strings.Repeat("x", MaxLockBytes) + `"`, ""},
		{"work", `"` + strings.Repeat("x", MaxLockBytes+1) + `"`, diag.WrongType},
		{"set", `"deploy"`, diag.BadConfig},
		{"ask", `"deploy"`, diag.BadConfig},
	} {
		with := map[string]string{"work": `{"command": ["x"]}`, "set": `{}`, "ask": `{}`}[c.kind]
		g, problems := compileText(t, start+strings.NewReplacer("KIND", c.kind, "WITH", with, "LOCK", c.lock).Replace(more))
		var got diag.Code
		for _, d := range problems {
			if d.Severity == diag.Error {
				got = d.Code
			}
		}
		if got != c.want {
			t.Errorf("%s with lock %.40s: %v, want %q", c.kind, c.lock, problems, c.want)
		}
		if c.want == "" && g != nil && (g.Nodes[0].Lock == nil) != (c.lock == "null") {
			t.Errorf("lock %.40s is %v", c.lock, g.Nodes[0].Lock)
		}
	}
}

// A lock that is null changes no definition.
func TestNullLockHash(t *testing.T) {
	t.Parallel()
	with := mustCompile(t, `"nodes": [{"id": "a", "uses": "work", "with": {"command": ["x"]}, "lock": null}]`)
	without := mustCompile(t, `"nodes": [{"id": "a", "uses": "work", "with": {"command": ["x"]}}]`)
	if with.Hash != without.Hash {
		t.Error("they differ")
	}
}
