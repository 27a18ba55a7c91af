package randomgraph

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// Draw makes a random graph, sometimes with lists and with queues.
func Draw(t *rapid.T, calm bool) Graph {
	g := DrawPlain(t, calm)
	if Chance(t, "lists", 2) {
		g.drawEach(t)
	}
	if Chance(t, "queues", 3) {
		g.drawQueues(t)
	}
	return g
}

// DrawPlain makes a random graph whose edges go from earlier to later nodes, but
// for next_cycle ones. A calm one has nothing that makes a cycle begin from scratch, but
// for some that wait, and writes little.
func DrawPlain(t *rapid.T, calm bool) Graph {
	g := Graph{
		Calm: calm, Once: !calm && Chance(t, "once", 3), Eager: !calm && Chance(t, "eager", 3),
		Pause: Pause{
			Active: rapid.SampledFrom([]time.Duration{0, time.Second, 5 * time.Second}).Draw(t, "pause"), Idle: 7 * time.Second,
			Factor: rapid.IntRange(1, 3).Draw(t, "factor"), None: Chance(t, "none", 3),
			Failed: rapid.SampledFrom([]time.Duration{0, time.Second, 2 * time.Minute}).Draw(t, "failed_pause"),
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
		if calm && Chance(t, label, 8) {
			return "cycle.number > 4"
		}
		return rapid.SampledFrom([]string{
			"", "", "", "state." + x, "not state." + x, "state." + x + " || state." + y,
			fmt.Sprintf(`nodes.n%d.status == "%s"`, n, rapid.SampledFrom([]string{"pending", "succeeded", "failed", "skipped", "waiting"}).Draw(t, label)),
			"state." + x + " && state.list[9] == 1",
		}).Draw(t, label)
	}
	seen := map[string]bool{}
	add := func(e Edge) {
		key := fmt.Sprint(e.From, e.To, e.After, e.Outcome, e.Again)
		if !seen[key] {
			seen[key] = true
			e.ID = len(g.Edges)
			g.Edges = append(g.Edges, e)
		}
	}
	for i := range count {
		n := Node{Name: fmt.Sprintf("n%d", i), Join: rapid.SampledFrom([]string{"any", "any", "all", "none", "at_least", "first"}).Draw(t, "join")}
		if cancels && i > 0 && rapid.Bool().Draw(t, "first") {
			n.Join = "first"
		}
		if calm && n.Join == "first" {
			n.Join = "any"
		}
		n.Writes = rapid.SampledFrom(append([]string{"", ""}, flags...)).Draw(t, "writes")
		n.Attempts = rapid.IntRange(1, 3).Draw(t, "attempts")
		n.Waits = Chance(t, "waits", 6)
		if calm {
			n.Waits = n.Waits && Chance(t, "waits", 5)
			if rapid.Bool().Draw(t, "silent") {
				n.Writes = ""
			}
		}
		n.Latch = !calm && n.Join != "none" && Chance(t, "latch", 3)
		n.Cancel = n.Join == "first" && cancels
		g.Nodes = append(g.Nodes, n)
		for range rapid.IntRange(1, 3).Draw(t, "in") {
			from := rapid.IntRange(-1, i-1).Draw(t, "from")
			e := Edge{To: n.Name, Outcome: "success", When: condition("when", from)}
			if from >= 0 {
				e.From = fmt.Sprintf("n%d", from)
				e.Outcome = rapid.SampledFrom([]string{"success", "success", "failure", "always", "unless_failed"}).Draw(t, "outcome")
				if rapid.IntRange(0, 5).Draw(t, "after") == 0 {
					e.After, e.Outcome = true, "success"
				}
			}
			if !e.After && rapid.IntRange(0, 4).Draw(t, "else") == 0 {
				e.Else, e.When = true, ""
			}
			add(e)
		}
		if rapid.IntRange(0, 3).Draw(t, "again") == 0 {
			add(Edge{
				From: fmt.Sprintf("n%d", rapid.IntRange(0, count-1).Draw(t, "from")), To: n.Name, Again: true,
				Outcome: rapid.SampledFrom([]string{"success", "failure", "always", "unless_failed"}).Draw(t, "outcome"), When: condition("when", -1),
			})
		}
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		counting := 0
		for _, e := range g.Edges {
			if e.To == n.Name && (!e.After || e.When != "") {
				counting++
			}
		}
		if n.N = min(2, counting); n.Join == "at_least" && n.N == 0 {
			n.Join = "any"
		}
	}
	if Chance(t, "finally", 4) {
		g.Last = drawLast(t, g, condition)
	}
	return g
}

// drawEach gives some of the nodes a for_each, and some of the edges from them a condition
// over what became of the elements.
func (g *Graph) drawEach(t *rapid.T) {
	for k := range g.Nodes {
		n := &g.Nodes[k]
		if n.Waits || !Chance(t, "each", 3) {
			continue
		}
		n.Each = &Each{
			Failure: rapid.SampledFrom([]string{"", "collect", "fast", "skip", "keep", "keep"}).Draw(t, "on_failure"),
			Until:   rapid.SampledFrom([]string{"", "", TwoGood, SomeFailed, SecondGood, AOrGood}).Draw(t, "until"),
			Yield:   rapid.SampledFrom([]string{"", "", "x + x", "index", TrueOnes}).Draw(t, "yield"),
			Max:     rapid.IntRange(0, 3).Draw(t, "max"),
			Tells:   !Chance(t, "silent", 4), Moves: Chance(t, "moves", 6),
		}
		for k := range g.Edges {
			if e := &g.Edges[k]; e.From == n.Name && !e.Else && !e.After && rapid.Bool().Draw(t, "over results") {
				e.When = rapid.SampledFrom([]string{SomeFailed, TwoGood, SecondGood, FirstTrue}).Draw(t, "when")
			}
		}
	}
}

// drawQueues lets some of the nodes wait for events.
func (g *Graph) drawQueues(t *rapid.T) {
	g.Queue = rapid.IntRange(1, 3).Draw(t, "queue")
	for k := range g.Nodes {
		if n := &g.Nodes[k]; n.Each == nil && Chance(t, "wait", 3) {
			names := rapid.SampledFrom([][]string{{"q"}, {"q"}, {"r"}, {"a"}, {"q", "r"}, {"r", "a"}, {"q", "a"}}).Draw(t, "events")
			n.Waits, n.Wait = true, &Wait{names, len(names) > 1 || Chance(t, "listed", 4)}
		}
	}
}

// drawLast makes the nodes of `finally`, and the edges among them.
func drawLast(t *rapid.T, g Graph, condition func(label string, from int) string) *Graph {
	last := &Graph{Eager: g.Eager}
	for i := range rapid.IntRange(1, 4).Draw(t, "last") {
		n := Node{
			Name: fmt.Sprintf("f%d", i), Join: rapid.SampledFrom([]string{"any", "any", "all", "none", "first"}).Draw(t, "join"),
			Writes: rapid.SampledFrom([]string{"", "a", "b", "c", "d"}).Draw(t, "writes"), Attempts: rapid.IntRange(1, 2).Draw(t, "attempts"),
		}
		n.Cancel = n.Join == "first" && rapid.Bool().Draw(t, "cancels")
		last.Nodes = append(last.Nodes, n)
		for range rapid.IntRange(0, 2).Draw(t, "in") {
			from := rapid.IntRange(-1, i-1).Draw(t, "from")
			e := Edge{ID: -1 - len(last.Edges), To: n.Name, Outcome: "success", When: condition("when", -1)}
			switch {
			case rapid.IntRange(0, 2).Draw(t, "how") == 0:
				e.When = fmt.Sprintf(`stack.status == "%s"`, rapid.SampledFrom([]string{"completed", "failed", "cancelled"}).Draw(t, "ends"))
			case rapid.IntRange(0, 3).Draw(t, "last") == 0:
				e.When = fmt.Sprintf(`nodes.f%d.status == "failed"`, rapid.IntRange(0, i).Draw(t, "of"))
			}
			if from >= 0 {
				e.From = fmt.Sprintf("f%d", from)
				e.Outcome = rapid.SampledFrom([]string{"success", "failure", "always", "unless_failed"}).Draw(t, "outcome")
			}
			if rapid.IntRange(0, 4).Draw(t, "else") == 0 {
				e.Else, e.When = true, ""
			}
			twice := func(x Edge) bool { return x.From == e.From && x.To == e.To && x.Outcome == e.Outcome }
			if !slices.ContainsFunc(last.Edges, twice) {
				last.Edges = append(last.Edges, e)
			}
		}
	}
	return last
}

// Chance draws a yes that comes once in so many times.
func Chance(t *rapid.T, what string, in int) bool { return rapid.IntRange(1, in).Draw(t, what) == in }
