package main

import (
	"bytes"
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
