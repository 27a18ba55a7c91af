package machine

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// draw makes a random graph whose edges go from earlier to later nodes, but
// for next_cycle ones.
func draw(t *rapid.T) plainGraph {
	var g plainGraph
	count := rapid.IntRange(2, 12).Draw(t, "nodes")
	flags := []string{"a", "b", "c", "d"}
	condition := func(label string, from int) string {
		x, y := rapid.SampledFrom(flags).Draw(t, label), rapid.SampledFrom(flags).Draw(t, label)
		n := rapid.IntRange(0, count-1).Draw(t, label)
		if from >= 0 && rapid.Bool().Draw(t, label) {
			n = rapid.IntRange(0, from).Draw(t, label)
		}
		return rapid.SampledFrom([]string{
			"", "", "", "state." + x, "not state." + x, "state." + x + " || state." + y,
			fmt.Sprintf(`nodes.n%d.status == "%s"`, n, rapid.SampledFrom([]string{"pending", "succeeded", "failed", "skipped"}).Draw(t, label)),
			"state." + x + " && state.list[9] == 1",
		}).Draw(t, label)
	}
	seen := map[string]bool{}
	add := func(e plainEdge) {
		key := fmt.Sprint(e.from, e.to, e.after, e.outcome, e.again)
		if !seen[key] {
			seen[key] = true
			e.id = len(g.edges)
			g.edges = append(g.edges, e)
		}
	}
	for i := range count {
		n := plainNode{name: fmt.Sprintf("n%d", i), join: rapid.SampledFrom([]string{"any", "any", "all", "none", "at_least", "first"}).Draw(t, "join")}
		n.writes = rapid.SampledFrom(append([]string{"", ""}, flags...)).Draw(t, "writes")
		n.attempts = rapid.IntRange(1, 3).Draw(t, "attempts")
		g.nodes = append(g.nodes, n)
		for range rapid.IntRange(1, 3).Draw(t, "in") {
			from := rapid.IntRange(-1, i-1).Draw(t, "from")
			e := plainEdge{to: n.name, outcome: "success", when: condition("when", from)}
			if from >= 0 {
				e.from = fmt.Sprintf("n%d", from)
				e.outcome = rapid.SampledFrom([]string{"success", "success", "failure", "always"}).Draw(t, "outcome")
				if rapid.IntRange(0, 5).Draw(t, "after") == 0 {
					e.after, e.outcome = true, "success"
				}
			}
			if !e.after && rapid.IntRange(0, 4).Draw(t, "else") == 0 {
				e.isElse, e.when = true, ""
			}
			add(e)
		}
		if rapid.IntRange(0, 3).Draw(t, "again") == 0 {
			add(plainEdge{
				from: fmt.Sprintf("n%d", rapid.IntRange(0, count-1).Draw(t, "from")), to: n.name, again: true,
				outcome: rapid.SampledFrom([]string{"success", "failure", "always"}).Draw(t, "outcome"), when: condition("when", -1),
			})
		}
	}
	for i := range g.nodes {
		n := &g.nodes[i]
		counting := 0
		for _, e := range g.edges {
			if e.to == n.name && (!e.after || e.when != "") {
				counting++
			}
		}
		if n.n = min(2, counting); n.join == "at_least" && n.n == 0 {
			n.join = "any"
		}
	}
	return g
}

func (g plainGraph) yaml() string {
	var b strings.Builder
	b.WriteString("graphrun: 1\nname: random\nstate:\n  list: list(integer)\n")
	for _, f := range []string{"a", "b", "c", "d"} {
		fmt.Fprintf(&b, "  %s: {type: boolean, reduce: last}\n", f)
	}
	b.WriteString("events: {a: {to: a}, b: {to: b}, c: {to: c}, d: {to: d}}\nnodes:\n")
	for _, n := range g.nodes {
		join := n.join
		if join == "at_least" {
			join = fmt.Sprintf("at_least(%d)", n.n)
		}
		fmt.Fprintf(&b, "  %s: {uses: work, join: %s, retry: {attempts: %d, backoff: 1s, jitter: false}", n.name, join, n.attempts)
		if n.writes != "" {
			fmt.Fprintf(&b, ", writes: {%s: output}", n.writes)
		}
		b.WriteString("}\n")
	}
	b.WriteString("edges:\n")
	for _, e := range g.edges {
		fmt.Fprintf(&b, "  - {to: %s", e.to)
		switch {
		case e.after:
			fmt.Fprintf(&b, ", after: %s", e.from)
		case e.from != "":
			fmt.Fprintf(&b, ", from: %s, outcome: %s", e.from, e.outcome)
		}
		if e.again {
			b.WriteString(", next_cycle: true")
		}
		if e.isElse {
			b.WriteString(", else: true")
		}
		if e.when != "" {
			fmt.Fprintf(&b, ", when: '%s'", e.when)
		}
		b.WriteString("}\n")
	}
	fmt.Fprintf(&b, "limits: {cycles: %d, failures: 0}\n", naiveCycles)
	return b.String()
}

// chance draws a yes that comes once in so many times.
func chance(t *rapid.T, what string, in int) bool { return rapid.IntRange(1, in).Draw(t, what) == in }
