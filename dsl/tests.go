package dsl

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// TestFile is a test file whose fields are checked, for package testfile.
type TestFile struct {
	Root   *tree.Node // nil if the text is no mapping
	broken map[*tree.Node]bool
}

// Sound reports whether a value of the file has no problem. The others count as absent.
func (t TestFile) Sound(n *tree.Node) bool { return !t.broken[n] }

// ReadTests reads a test file and checks it against the table of its fields. file is its
// name in diagnostics. The list is not sorted.
func ReadTests(file string, src []byte) (TestFile, diag.List) {
	d := readText(file, src, aTestFile)
	if d.root == nil || !d.isMapping() {
		return TestFile{}, d.diags
	}
	c := checker{d}
	c.version()
	c.object(d.root, testsObject, "the test file")
	c.steps(d.root)
	return TestFile{d.root, d.broken}, d.diags
}

// steps reports a step that does not say one thing.
func (c *checker) steps(root *tree.Node) {
	tests := root.Get("tests")
	if tests == nil {
		return
	}
	for _, t := range tests.Items {
		steps := t.Get("steps")
		if steps == nil {
			continue
		}
		for _, s := range steps.Items {
			if s.Kind == tree.Map && !c.broken[s] && len(s.Fields) != 1 {
				c.fail(s, diag.BadTest, "write each as an entry of its own", "a step says %d things, expected one", len(s.Fields))
				c.diags[len(c.diags)-1].Span = s.Head()
			}
		}
	}
}
