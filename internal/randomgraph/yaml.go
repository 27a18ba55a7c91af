package randomgraph

import (
	"fmt"
	"slices"
	"strings"
)

// YAML is the text of the graph, whose kinds are work, set, approval and wait.
func (g Graph) YAML() string {
	var b strings.Builder
	b.WriteString("graphrun: 1\nname: random\n")
	if g.Eager {
		b.WriteString("waves: eager\n")
	}
	if g.Once {
		b.WriteString("once: true\n")
	} else {
		b.WriteString(g.Pause.yaml())
	}
	b.WriteString("state:\n  list: list(integer)\n")
	for _, f := range []string{"a", "b", "c", "d"} {
		fmt.Fprintf(&b, "  %s: {type: boolean, reduce: last}\n", f)
	}
	events := "a: {to: a}, b: {to: b}, c: {to: c}, d: {to: d}"
	if g.HasEach() {
		b.WriteString("  xs: {type: list(string), reduce: last, default: [p, q, r]}\n  told: {type: list(string), reduce: last}\n")
		events += ", xs: {to: xs}"
	}
	if g.Queue > 0 {
		events += fmt.Sprintf(", q: {queue: %d, type: boolean}, r: {queue: %d, type: boolean}", g.Queue, g.Queue)
	}
	b.WriteString("events: {" + events + "}\nnodes:\n")
	all := g
	if g.Last != nil {
		all.Nodes, all.Edges = slices.Concat(g.Nodes, g.Last.Nodes), slices.Concat(g.Edges, g.Last.Edges)
	}
	for _, n := range all.Nodes {
		join := n.Join
		if join == "at_least" {
			join = fmt.Sprintf("at_least(%d)", n.N)
		}
		output := "output"
		switch {
		case n.Set:
			fmt.Fprintf(&b, "  %s: {uses: set, join: %s", n.Name, join)
		case n.Wait != nil:
			fmt.Fprintf(&b, "  %s: {uses: wait, join: %s", n.Name, join)
		case n.Waits:
			output = "output.approved"
			fmt.Fprintf(&b, "  %s: {uses: approval, join: %s", n.Name, join)
		default:
			fmt.Fprintf(&b, "  %s: {uses: work, join: %s, retry: {attempts: %d, backoff: 1s, jitter: false}", n.Name, join, n.Attempts)
		}
		switch {
		case n.Wait != nil:
			b.WriteString(n.Wait.yaml(n.Writes))
		case n.Each != nil:
			b.WriteString(n.Each.yaml(n.Writes))
		case n.Writes != "":
			fmt.Fprintf(&b, ", writes: {%s: %s}", n.Writes, output)
		}
		if n.Latch {
			b.WriteString(", latch: true")
		}
		if n.Cancel {
			b.WriteString(", cancel: true")
		}
		b.WriteString("}\n")
	}
	b.WriteString("edges:\n")
	for _, e := range all.Edges {
		fmt.Fprintf(&b, "  - {to: %s", e.To)
		switch {
		case e.After:
			fmt.Fprintf(&b, ", after: %s", e.From)
		case e.From != "":
			fmt.Fprintf(&b, ", from: %s, outcome: %s", e.From, e.Outcome)
		}
		if e.Again {
			b.WriteString(", next_cycle: true")
		}
		if e.Else {
			b.WriteString(", else: true")
		}
		if e.When != "" {
			fmt.Fprintf(&b, ", when: '%s'", e.When)
		}
		b.WriteString("}\n")
	}
	if g.Last != nil {
		fmt.Fprintf(&b, "finally: [%s]\n", g.Last.names())
	}
	if !g.Once {
		fmt.Fprintf(&b, "limits: {cycles: %d, failures: 0, failed_pause: %s}\n", g.Cycles(), g.Pause.Failed)
	}
	return b.String()
}

// yaml is what follows a node's `join` and `retry`.
func (e Each) yaml(flag string) string {
	var b strings.Builder
	b.WriteString(", for_each: {in: state.xs, as: x, key: x")
	for _, f := range []struct{ name, value string }{{"on_failure", e.Failure}, {"until", e.Until}, {"yield", e.Yield}} {
		if f.value != "" {
			fmt.Fprintf(&b, ", %s: '%s'", f.name, f.value)
		}
	}
	if e.Max > 0 {
		fmt.Fprintf(&b, ", max: %d", e.Max)
	}
	b.WriteString("}, writes: {")
	if flag != "" {
		fmt.Fprintf(&b, "%s: len(output) > 1, ", flag)
	}
	if e.Tells {
		b.WriteString(`told: 'concat(map(results, sprintf("%s %d %s %v %s", .item, .index, .status, .output, .status != "failed" ? "" : (.error?.item ?? "") + (.error?.kind ?? ""))), map(output, sprintf("%v", #)))', `)
	}
	if e.Moves {
		b.WriteString(`xs: 'map(filter(results, .status != "failed"), .key)', `)
	}
	return strings.TrimSuffix(b.String(), ", ") + "}"
}

// yaml is what follows a node's `join`.
func (w Wait) yaml(flag string) string {
	event, output := w.Events[0], "output"
	if w.Listed {
		event, output = "["+strings.Join(w.Events, ", ")+"]", `output.payload == (output.event == "q")`
	}
	text := ", with: {event: " + event + "}"
	if flag != "" {
		text += fmt.Sprintf(", writes: {%s: '%s'}", flag, output)
	}
	return text
}

func (p Pause) yaml() string {
	text := fmt.Sprintf("pause: {active: %s, idle: %s, factor: %d}\n", p.Active, p.Idle, p.Factor)
	if p.None {
		text = "pause: none\n"
	}
	return text
}

// names lists the nodes.
func (g Graph) names() string {
	var all []string
	for _, n := range g.Nodes {
		all = append(all, n.Name)
	}
	return strings.Join(all, ", ")
}
