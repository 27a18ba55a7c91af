package std

import (
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// config reads the evaluated `with` of a task. What the compiler could not see
// (the value of a template of type any) is checked here; the first problem is
// kept in err, and every read after it gives the default.
type config struct {
	with map[string]any
	err  error
}

func settings(t nodes.Task) *config {
	with, ok := t.With.(map[string]any)
	if !ok && t.With != nil {
		return &config{err: badConfig("`with` is no mapping")}
	}
	return &config{with: with}
}

// badConfig is a failure that no second attempt can mend.
func badConfig(message string) *nodes.Error {
	return &nodes.Error{Kind: "config", Message: message, Permanent: true}
}

func (c *config) failf(format string, args ...any) {
	if c.err == nil {
		c.err = badConfig(fmt.Sprintf(format, args...))
	}
}

// text is a string; null counts as absent.
func (c *config) text(name, otherwise string) string {
	switch v := c.with[name].(type) {
	case nil:
	case string:
		return v
	default:
		c.failf("%q is %s, want a string", name, describe(v))
	}
	return otherwise
}

// size is a number of bytes between 1 and nodes.MaxOutput.
func (c *config) size(name string, otherwise int64) int64 {
	switch v := c.with[name].(type) {
	case nil:
	case int64:
		if v >= 1 && v <= nodes.MaxOutput {
			return v
		}
		c.failf("%q is %d, want 1 to %d bytes", name, v, nodes.MaxOutput)
	default:
		c.failf("%q is %s, want a number of bytes", name, describe(v))
	}
	return otherwise
}

// fields is a mapping; null counts as absent.
func (c *config) fields(name string) map[string]any {
	switch v := c.with[name].(type) {
	case nil:
	case map[string]any:
		return v
	default:
		c.failf("%q is %s, want a mapping", name, describe(v))
	}
	return nil
}

// scalar writes a string, number or boolean as text. where names it in the
// problem that anything else is.
func (c *config) scalar(where string, v any) string {
	switch v := v.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			c.failf("%s holds a zero byte", where)
		}
		return v
	case nil, []any, map[string]any:
		c.failf("%s is %s, want text, a number or a boolean", where, describe(v))
		return ""
	}
	return value.String(v)
}

// json writes a value as JSON. Only a secret can have brought a text into it that is not
// UTF-8, which JSON cannot hold.
func (c *config) json(where string, v any) []byte {
	if _, err := value.Of(v); err != nil {
		c.failf("%q: %v", where, err)
		return nil
	}
	return value.Append([]byte{}, v)
}

// describe names the shape of a value, never the value itself: it may be large
// or private.
func describe(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	}
	return "an object"
}

// fixedText is a string without templates: known when the graph is loaded.
func fixedText(n *tree.Node) (diag.Text, bool) {
	if n == nil || n.Kind != tree.String || templateAt(n.Text.Value) >= 0 {
		return diag.Text{}, false
	}
	return n.Text, true
}

// templateAt is where the first ${{ stands that is not written $${{, or -1.
func templateAt(s string) int {
	for from := 0; ; {
		i := strings.Index(s[from:], "${{")
		if i < 0 {
			return -1
		}
		i += from
		if i == 0 || s[i-1] != '$' {
			return i
		}
		from = i + 3
	}
}

// checkFixedSize reports a number of bytes out of range.
func checkFixedSize(n *tree.Node, name string, report func(diag.Code, diag.Span, string, string, ...any)) {
	if n != nil && n.Kind == tree.Int && (n.Int < 1 || n.Int > nodes.MaxOutput) {
		report(diag.BadConfig, n.Span, "", "%q is %d, want 1 to %d bytes", name, n.Int, nodes.MaxOutput)
	}
}

// oneOf checks that exactly one of some entries is written.
func oneOf(kind string, names ...string) func(graph.Config, func(diag.Code, diag.Span, string, string, ...any)) {
	quoted := `"` + strings.Join(names, `", "`) + `"`
	return func(c graph.Config, report func(diag.Code, diag.Span, string, string, ...any)) {
		var found []*tree.Node
		for _, name := range names {
			if n := c.Tree.Get(name); n != nil {
				found = append(found, n)
			}
		}
		switch {
		case len(found) == 0:
			var whole diag.Span
			if c.Tree != nil {
				whole = c.Tree.Span
			}
			report(diag.BadConfig, whole, "", "%s needs one of %s", kind, quoted)
		case len(found) > 1:
			report(diag.BadConfig, found[1].Span, "", "%s takes only one of %s", kind, quoted)
		}
	}
}
