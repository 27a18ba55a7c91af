package trial

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/tree"
)

// Result is how a test came out.
type Result struct {
	Failures []Failed // none if it passed
	Fills    []Fill   // what belongs into its empty expectations
}

// Passed reports whether all came as expected.
func (r *Result) Passed() bool { return len(r.Failures) == 0 }

// Failed is one thing that did not come as expected.
type Failed struct {
	At        diag.Span          // what expected it
	Message   string             // says what was expected and what came
	Condition *machine.Condition // that did not hold; nil for every other expectation
}

// Fill is a value for an empty expectation.
type Fill struct {
	Empty *tree.Node // the null that it takes the place of
	Value *tree.Node
}
