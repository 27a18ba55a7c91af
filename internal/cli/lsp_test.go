package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLSPShowsLastRun: an editor sees what the last run of a graph left, from the store
// beside its file, and the store is free again afterwards.
func TestLSPShowsLastRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "seen.graphrun.yaml")
	text := "graphrun: 1\nname: seen\nstate: {n: integer}\nnodes:\n  a: {uses: set, with: {n: 41}, writes: [n]}\nedges: [{to: a}]\nstop: state.n > 40\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(dir, defaultDB)
	runSeen := func() {
		var errs bytes.Buffer
		if code := run(t.Context(), []string{"run", "--db", db, file}, strings.NewReader(""), io.Discard, &errs); code != exitDone {
			t.Fatalf("run: %d %s", code, &errs)
		}
	}
	runSeen()
	var in bytes.Buffer
	send := func(method string, id int, params any) {
		m := map[string]any{"jsonrpc": "2.0", "method": method, "params": params}
		if id > 0 {
			m["id"] = id
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&in, "Content-Length: %d\r\n\r\n%s", len(b), b)
	}
	uri := "file://" + filepath.ToSlash(file)
	hover := func(id, line, character int) {
		send("textDocument/hover", id, map[string]any{"textDocument": map[string]any{"uri": uri}, "position": map[string]any{"line": line, "character": character}})
	}
	send("initialize", 1, map[string]any{"capabilities": map[string]any{}})
	send("textDocument/didOpen", 0, map[string]any{"textDocument": map[string]any{"uri": uri, "version": 1, "text": text}})
	hover(2, 2, 8)
	hover(3, 4, 2)
	send("shutdown", 4, nil)
	send("exit", 0, nil)
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"lsp", "--stdio"}, &in, &out, &errs); code != exitDone || errs.Len() > 0 {
		t.Fatalf("lsp: %d %s", code, &errs)
	}
	for _, want := range []string{"cycle 1 (completed): `41`", "cycle 1 (completed): succeeded"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	runSeen()
}
