package std

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
)

// errorKinds are the words that a failure may be of.
var errorKinds = []string{"exit", "timeout", "cancelled", "panic", "schema", "output", "config",
	"expression", "http", "model", "limit", "error"}

func fail() nodes.Spec {
	return nodes.Spec{
		Kind: graph.Kind{
			Name: "fail",
			Doc: "Fails, with a message and an error kind of the author's choice: " +
				"for a branch that should not have been taken, and for trying out `outcome: failure` edges. It is retried like any failure of its kind.",
			Fields: []graph.Field{
				{Name: "message", Type: "string", Doc: `What went wrong. Default: "failed".`},
				{Name: "kind", Type: "string", Doc: `The error kind: ` + strings.Join(errorKinds, ", ") + `. Default: "error".`},
			},
			Output: func(graph.Config) *schema.Type { return schema.NullType },
			Check:  checkFail,
			Fails:  fails,
		},
		Node: failNode{},
	}
}

func checkFail(c graph.Config, report func(diag.Code, diag.Span, string, string, ...any)) {
	if k, ok := fixedText(c.Tree.Get("kind")); ok && !slices.Contains(errorKinds, k.Value) {
		report(diag.BadConfig, k.Span, "one of "+strings.Join(errorKinds, ", "), "no error kind is called %q", k.Value)
	}
}

type failNode struct{}

func (failNode) Run(_ context.Context, t nodes.Task) (nodes.Result, error) {
	kind, message, permanent := fails(t.With)
	return nodes.Result{}, &nodes.Error{Kind: kind, Message: message, Permanent: permanent}
}

// fails is how a node fails with a `with`.
func fails(config any) (kind, message string, permanent bool) {
	with := settings(nodes.Task{With: config})
	message, kind = with.text("message", "failed"), with.text("kind", "error")
	bad, wrong := errors.AsType[*nodes.Error](with.err)
	if !wrong && !slices.Contains(errorKinds, kind) {
		bad, wrong = badConfig(fmt.Sprintf("no error kind is called %q", kind)), true
	}
	if wrong {
		return bad.Kind, bad.Message, bad.Permanent
	}
	return kind, message, false
}
