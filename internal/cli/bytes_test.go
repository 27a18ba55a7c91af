package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestArgumentsAreText: an argument with a byte that is not UTF-8 is wrong usage,
// whatever it is for, and nothing is done.
func TestArgumentsAreText(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"run", "no-such.yaml", "--param", "who=caf\xe9"},
		{"cancel", "a", "--reason", "caf\xe9"},
		{"approve", "a", "ask", "--comment", "caf\xe9"},
		{"send", "a", "event", "\"caf\xe9\""},
	} {
		var out, err bytes.Buffer
		if code := run(t.Context(), args, strings.NewReader(""), &out, &err); code != 2 || !strings.Contains(err.String(), "byte 0xE9 at offset") {
			t.Errorf("%q: exit code %d, %s", args, code, err.String())
		}
	}
}

// TestFilesAndInputsAreText: what commands read is text too, and a byte order mark before
// JSON is skipped.
func TestFilesAndInputsAreText(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	graph := file("g.graphrun.yaml", "graphrun: 1\nname: g\nstate: {v: any}\nevents: {e: {to: v}}\nnodes: {a: {uses: set, with: {v: 1}, writes: [v]}}\nedges: [{to: a, when: state.v == nil}]\nlimits: {cycles: 1}\n")
	db := filepath.Join(dir, "s.db")
	for name, tt := range map[string]struct {
		args  []string
		input string
		code  int
		say   string
	}{
		"state of a file":         {[]string{"plan", graph, "--set", "v=@" + file("bad.json", "[\"caf\xe9\"]")}, "", 2, "byte 0xE9 at offset 5"},
		"state with a mark":       {[]string{"plan", graph, "--set", "v=@" + file("mark.json", "\uFEFF[1]")}, "", 0, ""},
		"payload":                 {[]string{"--db", db, "send", "g", "e", "-"}, "\"caf\xe9\"", 2, "byte 0xE9 at offset 4"},
		"graph":                   {[]string{"validate", file("bad.graphrun.yaml", "graphrun: 1\nname: caf\xe9\n")}, "", 3, "the byte 0xE9 is not UTF-8"},
		"graph of standard input": {[]string{"validate", "-"}, "name: caf\xe9\n", 3, "the byte 0xE9 is not UTF-8"},
	} {
		var out, err bytes.Buffer
		code := run(t.Context(), tt.args, strings.NewReader(tt.input), &out, &err)
		if said := err.String() + out.String(); code != tt.code || !strings.Contains(said, tt.say) {
			t.Errorf("%s: exit code %d, want %d: %s", name, code, tt.code, said)
		}
	}
}
