package machine

import (
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
)

// TestMessageBound: the place of a failure in the file is part of its message,
// and both together have at most 2 KiB.
func TestMessageBound(t *testing.T) {
	t.Parallel()
	err := &cond.Error{Message: strings.Repeat("x", 2<<10), Span: diag.Span{File: "graph.yaml", Start: diag.Pos{Line: 3, Col: 9}}}
	got := message(err)
	if len(got) > 2<<10 || !strings.HasPrefix(got, "graph.yaml:3:9: xx") || !strings.Contains(got, "x…x") {
		t.Errorf("%d bytes: %.40s…", len(got), got)
	}
}
