package dsl

import (
	"os"
	"testing"
)

// Value is a YAML file as a plain JSON value.
func Value(t *testing.T, file string) any {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return readYAML(file, src).root.Value()
}

// Apply makes the edits of a Rename.
var Apply = apply
