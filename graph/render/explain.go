package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/machine"
)

// Explanation writes why the nodes of a stack ran or did not: with whole, every edge of each
// with its condition; else a line for each, and what the stack waits for.
func Explanation(w io.Writer, x *inspect.Explanation, whole bool) error {
	var b strings.Builder
	if whole {
		for i := range x.Nodes {
			if i > 0 {
				b.WriteString("\n")
			}
			node(&b, &x.Nodes[i], x.Cycle)
		}
	} else {
		overview(&b, x)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Decision writes a decision with all that led to it. said is what is said of the node in
// its first line, as "would not run".
func Decision(w io.Writer, n *inspect.ExplainedNode, said string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s%s\n", n.Node, said, because(n))
	for i := range n.Edges {
		edge(&b, n, &n.Edges[i])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// marks stand before what holds, what does not, and what nobody knows or has asked.
const (
	yes  = "✓"
	no   = "✗"
	open = "·"
)

func node(b *strings.Builder, n *inspect.ExplainedNode, cycle uint64) {
	if n.Cycle > 0 {
		cycle = n.Cycle
	}
	name := n.Node
	if n.Path != "" {
		name = n.Path
	}
	fmt.Fprintf(b, "%s %s%s\n", name, went(n, cycle), because(n))
	for i := range n.Edges {
		edge(b, n, &n.Edges[i])
	}
	for i := range n.Waits {
		fmt.Fprintln(b, sentence(&n.Waits[i], n.Node))
	}
}

// went is what became of a node in a cycle.
func went(n *inspect.ExplainedNode, cycle uint64) string {
	in := fmt.Sprintf("in cycle %d", cycle)
	switch {
	case cycle == 0:
		return "is not decided yet: no cycle has begun"
	case n.Run == nil && n.Status != "pending":
		return "ended " + in + ", and began in an earlier one: " + n.Status
	case n.Run == nil:
		return "is not decided " + in
	case !*n.Run && n.Status == "waiting":
		return "did not begin " + in + ": it still waits"
	case !*n.Run && n.Status == "skipped":
		return "did not run " + in
	case !*n.Run:
		return "did not run " + in + ", and has " + n.Status
	}
	in += fmt.Sprintf(", wave %d", n.Wave)
	switch n.Status {
	case "succeeded", "failed":
		return "ran " + in + ", and " + n.Status
	case "waiting":
		return "began " + in + ", and waits"
	case "skipped":
		return "began " + in + ", and was cancelled"
	case "queued", "backoff", "parked":
		return "began " + in + ": " + n.Status
	}
	return "runs " + in
}

// because is why a node ran or did not, as far as the join says it.
func because(n *inspect.ExplainedNode) string {
	var parts []string
	if n.Run != nil && !*n.Run && n.Status != "waiting" {
		parts = append(parts, reason(n))
	}
	if n.Join.Of > 1 || n.Join.Rule != "any" {
		parts = append(parts, fmt.Sprintf("%s: %d of %d live", n.Join.Rule, n.Join.Live, n.Join.Of))
	}
	switch {
	case len(parts) == 0:
		return ""
	case len(parts) == 1 && n.Run != nil && !*n.Run && n.Status != "waiting":
		return ": " + parts[0]
	case len(parts) == 1:
		return " (" + parts[0] + ")"
	}
	return ": " + parts[0] + " (" + parts[1] + ")"
}

// reason is why a node did not run, in words. In a cycle that goes by turns nothing but the
// turn counts.
func reason(n *inspect.ExplainedNode) string {
	switch r := n.Reason; {
	case r == "no-live-edge" && len(n.Edges) == 0:
		return "it was not its turn"
	case r == "no-live-edge":
		return "no live edge"
	case r == "upstream-failed":
		return "a source failed"
	case r == "condition-error":
		return "a condition failed"
	case r == "waiting":
		return "something before it waits"
	case r == "cancelled":
		return "it was cancelled"
	}
	return n.Reason
}

// edge writes an edge, what it came to, and its condition taken apart.
func edge(b *strings.Builder, n *inspect.ExplainedNode, e *inspect.ExplainedEdge) {
	fmt.Fprintf(b, "  %s\n", EdgeLine(e))
	if c := e.Condition; c != nil && c.Evaluated {
		condition(b, c, "  ")
		return
	}
	mark := open
	if e.Live != nil {
		mark = map[bool]string{true: yes, false: no}[*e.Live]
	}
	fmt.Fprintf(b, "  %s %s\n", mark, EdgeWhy(n.Node, e))
}

// EdgeLine says where an edge comes from, and when it is live.
func EdgeLine(e *inspect.ExplainedEdge) string {
	s := "from " + e.From
	if e.After {
		s = "after " + e.From
	}
	if e.From == "start" {
		s = "from the start"
	}
	switch e.Outcome {
	case "failure":
		s += " on failure"
	case "always":
		s += " on success or failure"
	case "unless_failed":
		s += " unless it failed"
	}
	if e.NextCycle {
		s += " of the cycle before"
	}
	switch {
	case e.Else:
		s += ", else"
	case e.When != "":
		s += " when " + oneLine(e.When)
	}
	return s
}

// EdgeWhy says in words why an edge to a node is live or not.
func EdgeWhy(node string, e *inspect.ExplainedEdge) string {
	switch e.Why {
	case machine.WhyLive:
		switch {
		case e.From == "start" || e.Else || e.When != "":
			return "live"
		case e.Outcome == "failure":
			return e.From + " failed"
		case e.Outcome == "success":
			return e.From + " succeeded"
		}
		return e.From + " ended"
	case machine.WhyLatched:
		return "live since an earlier cycle: " + node + " has latch"
	case machine.WhyFalse:
		return "false"
	case machine.WhyError:
		return "error: " + oneLine(e.Error)
	case machine.WhySiblingLive:
		if len(e.Beside) > 0 {
			return "the edge beside it to " + strings.Join(e.Beside, ", ") + " is live"
		}
		return "an edge beside it is live"
	case machine.WhySourceSkipped:
		return e.From + " was skipped"
	case machine.WhySourceFailed:
		return e.From + " failed"
	case machine.WhySourceSucceeded:
		return e.From + " succeeded"
	case machine.WhySourceWaiting:
		return e.From + " waits"
	case machine.WhyNotLastCycle:
		if e.NextCycle {
			return e.From + " did not end in a cycle before"
		}
		return "the stack does not end yet"
	case machine.WhyNotSettled:
		if e.From == "start" || e.Else {
			return "not known yet"
		}
		return e.From + " has not ended"
	case machine.WhyEarlierLive:
		return "another edge was live before it could be"
	case machine.WhyNodeWaiting:
		return node + " itself still waits"
	case machine.WhyOrder:
		return "it only orders"
	}
	return string(e.Why)
}

// sentence is a wait as a sentence about a node.
func sentence(w *inspect.Wait, node string) string {
	text := oneLine(w.Text)
	if rest, ok := strings.CutPrefix(text, node+" "); ok && node != "" {
		text = "It " + rest
	}
	if strings.HasPrefix(text, "the ") || strings.HasPrefix(text, "nobody ") {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	return text + "."
}

// overview is a line for each node, and what the stack waits for.
func overview(b *strings.Builder, x *inspect.Explanation) {
	fmt.Fprintf(b, "%s, cycle %d\n", x.Stack, x.Cycle)
	var rows rows
	for i := range x.Nodes {
		n := &x.Nodes[i]
		if n.Final && n.Run == nil {
			continue
		}
		mark := open
		if n.Run != nil {
			mark = map[bool]string{true: yes, false: no}[*n.Run]
		}
		rows.add("  "+mark+" "+n.Node, n.Status, brief(n))
	}
	rows.write(b)
	for i := range x.Waits {
		fmt.Fprintln(b, sentence(&x.Waits[i], ""))
	}
}

// brief says in a line why a node ran or did not, or what it waits for.
func brief(n *inspect.ExplainedNode) string {
	if n.Run == nil {
		if len(n.Waits) > 0 {
			return strings.TrimPrefix(oneLine(n.Waits[0].Text), n.Node+" ")
		}
		return ""
	}
	if *n.Run {
		var from []string
		for i := range n.Edges {
			if e := &n.Edges[i]; e.Live != nil && *e.Live {
				from = append(from, shorten(EdgeLine(e), maxText))
			}
		}
		return strings.Join(from, "; ")
	}
	said := reason(n)
	for i := range n.Edges {
		e := &n.Edges[i]
		if e.Live == nil || *e.Live {
			continue
		}
		what := EdgeWhy(n.Node, e)
		if e.Why == machine.WhyFalse {
			what = shorten(oneLine(e.When), maxText) + " is false"
		}
		return said + ": " + what
	}
	return said
}
