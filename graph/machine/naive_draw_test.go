package machine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// draw makes a random graph whose edges go from earlier to later nodes, but
// for next_cycle ones. A calm one has nothing that makes a cycle begin from scratch, but
// for some that wait, and writes little.
func draw(t *rapid.T, calm bool) plainGraph {
	g := plainGraph{
		calm: calm, once: !calm && chance(t, "once", 3), eager: !calm && chance(t, "eager", 3),
		pause: plainPause{
			active: rapid.SampledFrom([]time.Duration{0, time.Second, 5 * time.Second}).Draw(t, "pause"), idle: 7 * time.Second,
			factor: rapid.IntRange(1, 3).Draw(t, "factor"), none: chance(t, "none", 3),
			failed: rapid.SampledFrom([]time.Duration{0, time.Second, 2 * time.Minute}).Draw(t, "failed_pause"),
		},
	}
	cancels := !calm && rapid.Bool().Draw(t, "cancels")
	count := rapid.IntRange(2, 12).Draw(t, "nodes")
	flags := []string{"a", "b", "c", "d"}
	condition := func(label string, from int) string {
		x, y := rapid.SampledFrom(flags).Draw(t, label), rapid.SampledFrom(flags).Draw(t, label)
		n := rapid.IntRange(0, count-1).Draw(t, label)
		if from >= 0 && rapid.Bool().Draw(t, label) {
			n = rapid.IntRange(0, from).Draw(t, label)
		}
		if calm && chance(t, label, 8) {
			return "cycle.number > 4"
		}
		return rapid.SampledFrom([]string{
			"", "", "", "state." + x, "not state." + x, "state." + x + " || state." + y,
			fmt.Sprintf(`nodes.n%d.status == "%s"`, n, rapid.SampledFrom([]string{"pending", "succeeded", "failed", "skipped", "waiting"}).Draw(t, label)),
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
		if cancels && i > 0 && rapid.Bool().Draw(t, "first") {
			n.join = "first"
		}
		if calm && n.join == "first" {
			n.join = "any"
		}
		n.writes = rapid.SampledFrom(append([]string{"", ""}, flags...)).Draw(t, "writes")
		n.attempts = rapid.IntRange(1, 3).Draw(t, "attempts")
		n.waits = chance(t, "waits", 6)
		if calm {
			n.waits = n.waits && chance(t, "waits", 5)
			if rapid.Bool().Draw(t, "silent") {
				n.writes = ""
			}
		}
		n.latch = !calm && n.join != "none" && chance(t, "latch", 3)
		n.cancel = n.join == "first" && cancels
		g.nodes = append(g.nodes, n)
		for range rapid.IntRange(1, 3).Draw(t, "in") {
			from := rapid.IntRange(-1, i-1).Draw(t, "from")
			e := plainEdge{to: n.name, outcome: "success", when: condition("when", from)}
			if from >= 0 {
				e.from = fmt.Sprintf("n%d", from)
				e.outcome = rapid.SampledFrom([]string{"success", "success", "failure", "always", "unless_failed"}).Draw(t, "outcome")
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
				outcome: rapid.SampledFrom([]string{"success", "failure", "always", "unless_failed"}).Draw(t, "outcome"), when: condition("when", -1),
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
	if chance(t, "finally", 4) {
		g.last = drawLast(t, g, condition)
	}
	return g
}

func (g plainGraph) yaml() string {
	var b strings.Builder
	b.WriteString("graphrun: 1\nname: random\n")
	if g.eager {
		b.WriteString("waves: eager\n")
	}
	if g.once {
		b.WriteString("once: true\n")
	} else {
		b.WriteString(g.pause.yaml())
	}
	b.WriteString("state:\n  list: list(integer)\n")
	for _, f := range []string{"a", "b", "c", "d"} {
		fmt.Fprintf(&b, "  %s: {type: boolean, reduce: last}\n", f)
	}
	events := "a: {to: a}, b: {to: b}, c: {to: c}, d: {to: d}"
	if g.hasEach() {
		b.WriteString("  xs: {type: list(string), reduce: last, default: [p, q, r]}\n  told: {type: list(string), reduce: last}\n")
		events += ", xs: {to: xs}"
	}
	if g.queue > 0 {
		events += fmt.Sprintf(", q: {queue: %d, type: boolean}, r: {queue: %d, type: boolean}", g.queue, g.queue)
	}
	b.WriteString("events: {" + events + "}\nnodes:\n")
	all := g
	if g.last != nil {
		all.nodes, all.edges = slices.Concat(g.nodes, g.last.nodes), slices.Concat(g.edges, g.last.edges)
	}
	for _, n := range all.nodes {
		join := n.join
		if join == "at_least" {
			join = fmt.Sprintf("at_least(%d)", n.n)
		}
		output := "output"
		switch {
		case n.set:
			fmt.Fprintf(&b, "  %s: {uses: set, join: %s", n.name, join)
		case n.wait != nil:
			fmt.Fprintf(&b, "  %s: {uses: wait, join: %s", n.name, join)
		case n.waits:
			output = "output.approved"
			fmt.Fprintf(&b, "  %s: {uses: approval, join: %s", n.name, join)
		default:
			fmt.Fprintf(&b, "  %s: {uses: work, join: %s, retry: {attempts: %d, backoff: 1s, jitter: false}", n.name, join, n.attempts)
		}
		switch {
		case n.wait != nil:
			b.WriteString(n.wait.yaml(n.writes))
		case n.each != nil:
			b.WriteString(n.each.yaml(n.writes))
		case n.writes != "":
			fmt.Fprintf(&b, ", writes: {%s: %s}", n.writes, output)
		}
		if n.latch {
			b.WriteString(", latch: true")
		}
		if n.cancel {
			b.WriteString(", cancel: true")
		}
		b.WriteString("}\n")
	}
	b.WriteString("edges:\n")
	for _, e := range all.edges {
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
	if g.last != nil {
		fmt.Fprintf(&b, "finally: [%s]\n", g.last.names())
	}
	if !g.once {
		fmt.Fprintf(&b, "limits: {cycles: %d, failures: 0, failed_pause: %s}\n", g.cycles(), g.pause.failed)
	}
	return b.String()
}

// chance draws a yes that comes once in so many times.
func chance(t *rapid.T, what string, in int) bool { return rapid.IntRange(1, in).Draw(t, what) == in }
