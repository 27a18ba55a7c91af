package std

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/charset"
)

// typed is a task whose `with` declares a type, with the type that a compiler makes of it.
func typed(t *testing.T, kind graph.Kind, with map[string]any) nodes.Task {
	t.Helper()
	set, _ := schema.NewSet(nil)
	return nodes.Task{Key: "stack/1/2/node", Dir: t.TempDir(), With: with, Output: kind.Output(graph.Config{Tree: tree.Of(with), Types: set})}
}

var counted = map[string]any{"type": "object", "required": []any{"n"}, "properties": map[string]any{"n": "integer"}}

// What comes from outside is checked against the declared type, and made canonical.
func TestDeclaredOutput(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, r.URL.Query().Get("say"))
	})
	exec := func(text string, output any) (any, *nodes.Error) {
		spec := execKind(nil)
		res, fail := nodes.Run(t.Context(), spec, typed(t, spec.Kind, map[string]any{"command": []any{"/bin/sh", "-c", `printf '%s' "$0"`, text}, "output": output}))
		return res.Output, fail
	}
	http := func(text string, output any) (any, *nodes.Error) {
		spec := httpKind(charset.Find)
		res, fail := nodes.Run(t.Context(), spec, typed(t, spec.Kind, map[string]any{"url": s.URL, "query": map[string]any{"say": text}, "allow_private": true, "output": output}))
		out, _ := res.Output.(map[string]any)
		return out["body"], fail
	}
	at := map[string]string{"exec": "output", "http": "output"}
	for kind, ask := range map[string]func(string, any) (any, *nodes.Error){"exec": exec, "http": http} {
		got, fail := ask(`{"n": 2.0, "more": [1]}`, counted)
		if diff := cmp.Diff(map[string]any{"n": int64(2), "more": []any{int64(1)}}, got); diff != "" || fail != nil {
			t.Errorf("%s: %v (-want +got):\n%s", kind, fail, diff)
		}
		if _, fail = ask(`{"n": "two"}`, counted); fail == nil || fail.Kind != "output" || !strings.HasPrefix(fail.Message, at[kind]+".n: must be an integer, not a string") {
			t.Errorf("%s: %v", kind, fail)
		}
		if _, fail = ask(``, counted); fail == nil || fail.Kind != "output" || fail.Message != at[kind]+": must be an object, not null" {
			t.Errorf("%s of nothing: %v", kind, fail)
		}
		if got, fail = ask(``, "integer?"); fail != nil || got != nil {
			t.Errorf("%s of nothing as integer?: %v, %v", kind, got, fail)
		}
	}
}

// With `parse: full` the declared type is that of the whole.
func TestDeclaredOutputOfTheWhole(t *testing.T) {
	t.Parallel()
	spec := execKind(nil)
	run := func(code string, output any) (any, *nodes.Error) {
		with := map[string]any{"command": []any{"/bin/sh", "-c", "echo out; echo err >&2; exit " + code}, "parse": "full", "expect": []any{int64(0), int64(3)}, "output": output}
		res, fail := nodes.Run(t.Context(), spec, typed(t, spec.Kind, with))
		return res.Output, fail
	}
	whole := map[string]any{"type": "object", "required": []any{"code", "stdout"}, "properties": map[string]any{
		"code": map[string]any{"enum": []any{int64(0), int64(2)}}, "stdout": "string", "stderr": "string"}}
	got, fail := run("0", whole)
	if diff := cmp.Diff(map[string]any{"code": int64(0), "stdout": "out\n", "stderr": "err\n"}, got); diff != "" || fail != nil {
		t.Errorf("%v (-want +got):\n%s", fail, diff)
	}
	if _, fail = run("3", whole); fail == nil || fail.Kind != "output" || !strings.HasPrefix(fail.Message, "output.code: ") || fail.Code == nil || *fail.Code != 3 {
		t.Errorf("a code that the type does not have: %v", fail)
	}
	if _, fail = run("0", "string"); fail == nil || fail.Kind != "output" || !strings.HasPrefix(fail.Message, "output: must be a string, not an object") {
		t.Errorf("the type of a part: %v", fail)
	}
}

// Bytes of standard error that are not UTF-8 are not replaced in silence either; a
// character that is cut off by the bound is no such byte.
func TestStandardErrorOfTheWholeIsText(t *testing.T) {
	t.Parallel()
	spec := execKind(nil)
	run := func(script string) (string, *nodes.Error) {
		with := map[string]any{"command": []any{"/bin/sh", "-c", script}, "parse": "full"}
		res, fail := nodes.Run(t.Context(), spec, typed(t, spec.Kind, with))
		out, _ := res.Output.(map[string]any)
		text, _ := out["stderr"].(string)
		return text, fail
	}
	if _, fail := run(`printf 'caf\351' >&2`); fail == nil || fail.Kind != "output" || fail.Message != "standard error is not text: byte 0xE9 at offset 3 is not UTF-8" {
		t.Errorf("%v", fail)
	}
	long := fmt.Sprintf(`yes é | tr -d '\n' | head -c %d >&2; printf x >&2`, 2*nodes.MaxErrorOutput)
	if text, fail := run(long); fail != nil || len(text) < nodes.MaxErrorOutput-4 || strings.ContainsRune(text, utf8.RuneError) {
		t.Errorf("%d bytes, %v", len(text), fail)
	}
	if _, fail := run(long + `; printf '\377' >&2`); fail == nil || fail.Message != fmt.Sprintf("standard error is not text: byte 0xFF at offset %d is not UTF-8", 2*nodes.MaxErrorOutput+1) {
		t.Errorf("%v", fail)
	}
}
