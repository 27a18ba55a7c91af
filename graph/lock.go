package graph

import (
	"fmt"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
)

// MaxLockBytes is how long the text of a lock may be.
const MaxLockBytes = 1024

// compileLock compiles the text of a node's lock, in the scope of its priority.
func (c *compiler) compileLock(n *Node, scope *cond.Scope) *Template {
	d := n.Def.Lock
	if d == nil || d.Kind == tree.Null {
		return nil
	}
	if n.Kind.Inline || n.Kind.Waits {
		c.diags.Add(diag.BadConfig, d.Span, fmt.Sprintf("remove %q", "lock"),
			"%q has %q, but its kind %q has no work to keep from running at once", n.ID, "lock", n.Kind.Name)
		return nil
	}
	t := c.template(scalarText(d), scope)
	if k := t.Type().Kind; k == schema.List || k == schema.Object {
		c.diags.Add(diag.WrongType, d.Span, "name what only one task may use at a time, as in `lock: deploy`",
			"%q must be a text or a template that gives one, this is %s", "lock", t.Type())
		return nil
	}
	if v, fixed := t.Const(); fixed {
		if _, err := LockText(v); err != nil {
			c.diags.Add(diag.WrongType, d.Span, "", "%s", err)
		}
	}
	return t
}

// LockText is the lock that a value of Node.Lock names; "" is none. An error says that the
// value has no text, or one of more than MaxLockBytes.
func LockText(v any) (string, error) {
	switch v.(type) {
	case nil:
		return "", nil
	case []any, map[string]any:
		return "", fmt.Errorf("lock is %s, expected a text", value.String(v))
	}
	text := value.Text(v)
	if len(text) > MaxLockBytes {
		return "", fmt.Errorf("lock has %d bytes, at most %d are allowed", len(text), MaxLockBytes)
	}
	return text, nil
}
