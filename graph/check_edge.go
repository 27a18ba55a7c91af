package graph

import (
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/diag"
)

// word returns the index of the word of a field, 0 if the field is not written.
// It reports a word that the field cannot have.
func (c *compiler) word(field string, t diag.Text, words ...string) int {
	if t.Value == "" {
		return 0
	}
	for i, w := range words {
		if w == t.Value {
			return i
		}
	}
	help := diag.Suggest(t.Value, words)
	if help == "" {
		help = "one of " + strings.Join(words, ", ")
	}
	c.diags.Add(diag.WrongType, t.Span, help, "%q cannot be the value of %q", t.Value, field)
	return 0
}

func (c *compiler) outcome(d *EdgeDef) Outcome {
	return Outcome(c.word("outcome", d.Outcome, outcomeWords[:]...))
}

func (c *compiler) join(d JoinDef) (Join, int) {
	t := d.Text
	if inside, ok := strings.CutPrefix(t.Value, "at_least("); ok && strings.HasSuffix(inside, ")") {
		n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(inside, ")")))
		if err != nil {
			c.diags.Add(diag.WrongType, t.Span, "write at_least(2)", "%q is no number of edges", t.Value)
			return JoinAny, 0
		}
		return JoinAtLeast, n
	}
	return [...]Join{JoinAny, JoinAll, JoinNone, JoinFirst, JoinAtLeast}[c.word("join", t, "any", "all", "none", "first", "at_least(N)")], 1
}

// checkForm reports fields of an edge that exclude each other.
func (c *compiler) checkForm(d *EdgeDef, sources []source) {
	flow := len(d.After) == 0
	start := false
	for _, s := range sources {
		start = start || s.node == Start
	}
	wrong := func(at diag.Span, help, format string, args ...any) {
		c.diags.Add(diag.WrongType, placed(at, d.At), help, format, args...)
	}
	if d.Else {
		switch {
		case d.When.Value != "":
			wrong(d.ElseAt, "`else` is the opposite of its siblings' conditions; leave one of the two away",
				"an edge has %q or %q, not both", "else", "when")
		case !flow:
			wrong(d.ElseAt, "`else` is for edges with `from`", "%q cannot be on an edge with %q", "else", "after")
		case d.NextCycle:
			wrong(d.ElseAt, "give it a `when`", "%q cannot be on an edge with %q", "else", "next_cycle")
		}
	}
	if d.NextCycle && start {
		wrong(d.NextAt, "name the node that it comes from in `from`", "an edge with %q needs %q", "next_cycle", "from")
	}
	if d.Outcome.Value != "" && !flow {
		wrong(d.Outcome.Span, "`after` waits whatever the outcome; use `from` to ask for one",
			"%q cannot be on an edge with %q", "outcome", "after")
	} else if d.Outcome.Value != "" && start {
		wrong(d.Outcome.Span, "only nodes have an outcome", "%q cannot be on an edge from the start", "outcome")
	}
}

// checkEdge reports an edge to its own source, and an edge that exists already.
// Neither becomes part of the graph.
func (c *compiler) checkEdge(e *Edge, s source, to diag.Text) bool {
	at := placed(to.Span, e.At)
	if e.From == e.To && !e.NextCycle {
		c.diags.Add(diag.SelfEdge, at, "add `next_cycle: true` to run it again in the next cycle",
			"%q has an edge to itself", to.Value)
		return false
	}
	if !c.checkFinally(e, s, at) {
		return false
	}
	key := edgeKey{e.From, e.To, e.After, e.NextCycle, e.Outcome}
	if _, there := c.edges[key]; there {
		from := "the start"
		if e.From != Start {
			from = strconv.Quote(s.name.Value)
		}
		c.diags.Add(diag.DuplicateEdge, at, "join their conditions with || in one edge",
			"there is an edge from %s to %q already", from, to.Value)
		return false
	}
	c.edges[key] = struct{}{}
	return true
}

// edgeKey identifies an edge. Edges with different conditions are the same edge.
type edgeKey struct {
	from, to         int
	after, nextCycle bool
	outcome          Outcome
}

// placed returns the first of two places, or the second if the first is unknown.
func placed(at, or diag.Span) diag.Span {
	if at.IsZero() {
		return or
	}
	return at
}
