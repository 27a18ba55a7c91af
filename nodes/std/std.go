package std

import (
	"fmt"
	"log/slog"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
)

// Charsets finds the decoder of a charset by its label, in any case, as a
// Content-Type spells it. The decoder gives UTF-8, or an error for bytes that the
// charset does not know. The function and its decoders are called from many
// goroutines at once. Package nodes/charset has one for every charset of the web.
type Charsets func(label string) (decode func([]byte) ([]byte, error), ok bool)

// Option changes what a Registry's kinds can do.
type Option func(*options)

type options struct {
	charsets Charsets
	log      *slog.Logger
}

// WithCharsets lets `http` read responses in charsets other than UTF-8, which is
// all that it reads by default: the tables of the others are large, and few
// programs need them.
func WithCharsets(c Charsets) Option { return func(o *options) { o.charsets = c } }

// WithLogger gives the log that gets what programs write on standard error which is of no
// single task, at debug level, and what is wrong with them. By default nothing does.
func WithLogger(log *slog.Logger) Option { return func(o *options) { o.log = log } }

// Registry is a new registry with all kinds of this package, for a program to
// add its own to.
func Registry(opts ...Option) *nodes.Registry {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	r := nodes.NewRegistry()
	for _, s := range []nodes.Spec{
		set(), execKind(o.log), httpKind(o.charsets), fail(),
		missing(Agent()), approval(), wait(), graphKind(), send(), missing(MCP()), missing(Memory()),
	} {
		if err := r.Register(s); err != nil {
			panic(fmt.Sprintf("std: %v", err)) // the table above is wrong, not its user
		}
	}
	return r
}

func set() nodes.Spec {
	return nodes.Spec{Kind: graph.Kind{
		Name: "set",
		Doc: "Gives its `with`, evaluated, as its output: `{}` without one. " +
			"It is the way to write a computed value into the state. It does no work, takes no slot and cannot fail but by an expression.",
		Open:       true,
		Inline:     true,
		NoDefaults: true,
		Output:     withType,
	}}
}

// withType is the type of the configuration itself.
func withType(c graph.Config) *schema.Type {
	if c.Type == nil {
		return schema.ObjectOf()
	}
	return c.Type
}
