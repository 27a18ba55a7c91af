package graph

import (
	"errors"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// mismatchAt is the place in n that a failed check speaks of, and the path
// there, as in `[2].status`.
func mismatchAt(n *tree.Node, err error) (diag.Span, string) {
	var m *schema.Mismatch
	if !errors.As(err, &m) || m.Path == "" {
		return n.Span, ""
	}
	path := m.Path
	if path[0] != '[' {
		path = "." + path
	}
	return follow(n, path).Span, path
}

func mismatchText(err error) string {
	var m *schema.Mismatch
	if errors.As(err, &m) {
		return m.Message
	}
	return err.Error()
}

// follow walks a path as `todos[2].status` as far as it leads.
func follow(n *tree.Node, path string) *tree.Node {
	for path != "" {
		var next *tree.Node
		if path[0] == '[' {
			end := strings.IndexByte(path, ']')
			if end < 0 {
				return n
			}
			inside := path[1:end]
			if i, err := strconv.Atoi(inside); err == nil && i >= 0 && i < len(n.Items) {
				next = n.Items[i]
			} else if key, err := strconv.Unquote(inside); err == nil {
				next = n.Get(key)
			}
			path = path[end+1:]
		} else {
			path = strings.TrimPrefix(path, ".")
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			if end == 0 {
				return n
			}
			next = n.Get(path[:end])
			path = path[end:]
		}
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

// Misfit is the place in a value at which a failed check of it (schema.Type.Check) is shown,
// and what is wrong there.
func Misfit(n *tree.Node, err error) (at diag.Span, what string) {
	at, path := mismatchAt(n, err)
	if path == "" {
		return at, mismatchText(err)
	}
	return at, strings.TrimPrefix(path, ".") + " " + mismatchText(err)
}
