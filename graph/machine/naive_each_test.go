package machine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// What the naive reading says of `for_each`: what a node comes to follows from the order in
// which its elements ended.

// plainEach is a `for_each` over `state.xs`, whose elements are their own keys.
type plainEach struct {
	failure, until, yield string // on_failure, until and yield, "" if the node has none
	max                   int    // 0 means no bound
	tells, moves          bool   // writes what became of its elements, and the list itself
}

// element is what became of an element: pending, succeeded, failed or cancelled.
type element struct {
	key, status string
	output      bool
}

var eachKeys = []string{"p", "q", "r", "s"}

const (
	someFailed = `count(results, .status == "failed") > 0`
	twoGood    = `count(results, .status == "succeeded") >= 2`
	secondGood = `results[1].status == "succeeded"` // fails without a second one
	firstTrue  = `results[0].output == true`
	aOrGood    = `state.a && count(results, .status == "succeeded") >= 1`
	trueOnes   = `output ? x : state.told[99]` // fails for the others
)

// drawn is a random graph, sometimes with lists and with queues.
func drawn(t *rapid.T, calm bool) plainGraph {
	g := draw(t, calm)
	if chance(t, "lists", 2) {
		g.drawEach(t)
	}
	if chance(t, "queues", 3) {
		g.drawQueues(t)
	}
	return g
}

// drawEach gives some of the nodes a for_each, and some of the edges from them a condition
// over what became of the elements.
func (g *plainGraph) drawEach(t *rapid.T) {
	for k := range g.nodes {
		n := &g.nodes[k]
		if n.waits || !chance(t, "each", 3) {
			continue
		}
		n.each = &plainEach{
			failure: rapid.SampledFrom([]string{"", "collect", "fast", "skip", "keep", "keep"}).Draw(t, "on_failure"),
			until:   rapid.SampledFrom([]string{"", "", twoGood, someFailed, secondGood, aOrGood}).Draw(t, "until"),
			yield:   rapid.SampledFrom([]string{"", "", "x + x", "index", trueOnes}).Draw(t, "yield"),
			max:     rapid.IntRange(0, 3).Draw(t, "max"),
			tells:   !chance(t, "silent", 4), moves: chance(t, "moves", 6),
		}
		for k := range g.edges {
			if e := &g.edges[k]; e.from == n.name && !e.isElse && !e.after && rapid.Bool().Draw(t, "over results") {
				e.when = rapid.SampledFrom([]string{someFailed, twoGood, secondGood, firstTrue}).Draw(t, "when")
			}
		}
	}
}

func (g plainGraph) hasEach() bool {
	return slices.ContainsFunc(g.nodes, func(n plainNode) bool { return n.each != nil })
}

// yaml is what follows a node's `join` and `retry`.
func (e plainEach) yaml(flag string) string {
	var b strings.Builder
	b.WriteString(", for_each: {in: state.xs, as: x, key: x")
	for _, f := range []struct{ name, value string }{{"on_failure", e.failure}, {"until", e.until}, {"yield", e.yield}} {
		if f.value != "" {
			fmt.Fprintf(&b, ", %s: '%s'", f.name, f.value)
		}
	}
	if e.max > 0 {
		fmt.Fprintf(&b, ", max: %d", e.max)
	}
	b.WriteString("}, writes: {")
	if flag != "" {
		fmt.Fprintf(&b, "%s: len(output) > 1, ", flag)
	}
	if e.tells {
		b.WriteString(`told: 'concat(map(results, sprintf("%s %d %s %v %s", .item, .index, .status, .output, .status != "failed" ? "" : (.error?.item ?? "") + (.error?.kind ?? ""))), map(output, sprintf("%v", #)))', `)
	}
	if e.moves {
		b.WriteString(`xs: 'map(filter(results, .status != "failed"), .key)', `)
	}
	return strings.TrimSuffix(b.String(), ", ") + "}"
}

// decideEach notes the elements, and what the node sees, when it is decided to run.
func (s *naive) decideEach(n plainNode) {
	if n.each == nil {
		return
	}
	all := make([]element, 0, len(s.lists["xs"]))
	for _, key := range s.lists["xs"] {
		all = append(all, element{key: key, status: "pending"})
	}
	s.elements[n.name], s.sawA[n.name] = all, s.state["a"]
}

// endEach settles a for_each whose elements ended in the order of r.ends.
func (s *naive) endEach(n plainNode, r result) {
	s.settled[n.name] = "failed"
	all := s.elements[n.name]
	if twice(all) {
		s.elements[n.name] = nil
		return
	}
	over, failed, tries := false, false, map[string]int{}
	lacks := false // `until` could not be evaluated
	for _, key := range r.ends {
		one, tried := r.each[key], tries[key]+1
		if tries[key] = tried; !(one.ok && tried > one.misses) && tried < n.attempts {
			continue // another attempt follows
		}
		k := slices.IndexFunc(all, func(e element) bool { return e.key == key })
		if over || k < 0 {
			s.log = append(s.log, n.name+"/"+key+" does not run")
			continue
		}
		all[k].status, all[k].output = "failed", false
		if one.of(n) {
			all[k].status, all[k].output = "succeeded", one.value
		}
		switch v := s.overResults(n.each.until, all, s.sawA[n.name]); {
		case v == "live":
			over, failed, lacks = true, false, false
		default:
			lacks = v == "error"
			failed = failed || all[k].status == "failed" && n.each.failure != "skip" && n.each.failure != "keep"
			over = failed && n.each.failure == "fast"
		}
	}
	for k := range all {
		if all[k].status == "pending" && over {
			all[k].status = "cancelled"
		} else if all[k].status == "pending" {
			s.log = append(s.log, n.name+"/"+all[k].key+" is left")
		}
	}
	if failed || lacks {
		return
	}
	output, writes := []string{}, n.writes != "" || n.each.tells || n.each.moves
	for k, e := range all {
		switch {
		case e.status != "succeeded":
			if n.each.failure == "keep" {
				output = append(output, "null")
			}
		case n.each.yield == "x + x":
			output = append(output, e.key+e.key)
		case n.each.yield == "index":
			output = append(output, fmt.Sprint(k))
		case n.each.yield == trueOnes && !e.output && !writes:
		case n.each.yield == trueOnes && !e.output:
			return
		case n.each.yield == trueOnes:
			output = append(output, e.key)
		default:
			output = append(output, fmt.Sprint(e.output))
		}
	}
	s.settled[n.name] = "succeeded"
	s.writeEach(n, all, output)
}

// twice says whether two elements have one key.
func twice(all []element) bool {
	for k, e := range all {
		if slices.ContainsFunc(all[:k], func(o element) bool { return o.key == e.key }) {
			return true
		}
	}
	return false
}

// endsAtOnce says whether a node that was decided to run has nothing to wait for.
func (s *naive) endsAtOnce(name string) bool {
	all := s.elements[name]
	return s.node(name).each != nil && (len(all) == 0 || twice(all))
}

func (s *naive) writeEach(n plainNode, all []element, output []string) {
	if n.writes != "" {
		s.state[n.writes] = len(output) > 1
	}
	told, list := []string{}, []string{}
	for k, e := range all {
		value, failure := "null", ""
		switch e.status {
		case "succeeded":
			value = fmt.Sprint(e.output)
		case "failed":
			failure = e.key + "exit"
		}
		told = append(told, fmt.Sprintf("%s %d %s %s %s", e.key, k, e.status, value, failure))
		if e.status != "failed" {
			list = append(list, e.key)
		}
	}
	if n.each.tells {
		s.lists["told"] = append(told, output...)
	}
	if n.each.moves {
		s.lists["xs"] = list
	}
}

// overResults is what a condition over `results` comes to: live, dead or error.
func (s *naive) overResults(when string, all []element, a bool) string {
	count := func(status string) (n int) {
		for _, e := range all {
			if e.status == status {
				n++
			}
		}
		return n
	}
	holds := false
	switch when {
	case someFailed:
		holds = count("failed") > 0
	case twoGood:
		holds = count("succeeded") >= 2
	case aOrGood:
		holds = a && count("succeeded") >= 1
	case secondGood:
		if len(all) < 2 {
			return "error"
		}
		holds = all[1].status == "succeeded"
	case firstTrue:
		if len(all) == 0 {
			return "error"
		}
		holds = all[0].output
	}
	if holds {
		return "live"
	}
	return "dead"
}

// elementsOver are those of an edge's source.
func (s *naive) elementsOver(e plainEdge) []element {
	switch {
	case e.again && s.last[e.from] != "":
		return s.lastElements[e.from]
	case !e.again && s.settled[e.from] != "":
		return s.elements[e.from]
	}
	return nil
}

// drawResults draws what a node comes to in a cycle, and each element that it may have.
func (t *trial) drawResults(n plainNode, results map[string]result) {
	if n.each == nil {
		results[n.name] = t.result(t.asks && chance(t.T, "asks", 8))
		return
	}
	all := result{each: map[string]result{}}
	for _, key := range eachKeys {
		one := t.result(false)
		all.each[key], results[n.name+"/"+key] = one, one
	}
	results[n.name] = all
}

// drawList draws a list of elements. Two of them may have one key.
func (t *trial) drawList() (list []string) {
	list = rapid.Permutation(eachKeys).Draw(t.T, "xs")
	list = list[:rapid.IntRange(0, len(list)).Draw(t.T, "elements")]
	if len(list) > 0 && chance(t.T, "twice", 8) {
		list = append(slices.Clone(list), list[0])
	}
	return list
}

// endsOf adds to a result the order in which the elements ended.
func endsOf(name string, r result, ends []string) result {
	for _, end := range ends {
		if key, ok := strings.CutPrefix(end, name+"/"); ok && r.each != nil {
			r.ends = append(r.ends, key)
		}
	}
	return r
}

func (t *trial) isEach(name string) bool {
	return slices.ContainsFunc(t.want.g.nodes, func(n plainNode) bool { return n.name == name && n.each != nil })
}

// lastOf is where the last element of a node ended.
func lastOf(name string, ends []string) int {
	for k := len(ends) - 1; k >= 0; k-- {
		if strings.HasPrefix(ends[k], name+"/") {
			return k
		}
	}
	return -1
}

// tooMany is a node with more elements at work than its `max`.
func (t *trial) tooMany() string {
	for _, n := range t.want.g.nodes {
		running := 0
		for name := range t.r.tasks {
			if strings.HasPrefix(name, n.name+"/") {
				running++
			}
		}
		if n.each != nil && running > cmp.Or(n.each.max, running) {
			return n.name
		}
	}
	return ""
}

// listsText is what a state text says of the lists.
func listsText(state string) (text string) {
	for line := range strings.Lines(state) {
		if strings.HasPrefix(line, "told = ") || strings.HasPrefix(line, "xs = ") {
			text += " " + strings.TrimSpace(line)
		}
	}
	return text
}

func (s *naive) listsText() string {
	if !s.g.hasEach() {
		return ""
	}
	told, _ := json.Marshal(s.lists["told"])
	xs, _ := json.Marshal(s.lists["xs"])
	return listsText(fmt.Sprintf("told = %s\nxs = %s\n", told, xs))
}
