package machine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/internal/randomgraph"
	"pgregory.net/rapid"
)

// What the naive reading says of `for_each`: what a node comes to follows from the order in
// which its elements ended.

// element is what became of an element: pending, succeeded, failed or cancelled.
type element struct {
	key, status string
	output      bool
}

// decideEach notes the elements, and what the node sees, when it is decided to run.
func (s *naive) decideEach(n randomgraph.Node) {
	if n.Each == nil {
		return
	}
	all := make([]element, 0, len(s.lists["xs"]))
	for _, key := range s.lists["xs"] {
		all = append(all, element{key: key, status: "pending"})
	}
	s.elements[n.Name], s.sawA[n.Name] = all, s.state["a"]
}

// endEach settles a for_each whose elements ended in the order of r.ends.
func (s *naive) endEach(n randomgraph.Node, r result) {
	s.settled[n.Name] = "failed"
	all := s.elements[n.Name]
	if twice(all) {
		s.elements[n.Name] = nil
		return
	}
	over, failed, tries := false, false, map[string]int{}
	lacks := false // `until` could not be evaluated
	for _, key := range r.ends {
		one, tried := r.each[key], tries[key]+1
		if tries[key] = tried; !(one.ok && tried > one.misses) && tried < n.Attempts {
			continue // another attempt follows
		}
		k := slices.IndexFunc(all, func(e element) bool { return e.key == key })
		if over || k < 0 {
			s.log = append(s.log, n.Name+"/"+key+" does not run")
			continue
		}
		all[k].status, all[k].output = "failed", false
		if one.of(n) {
			all[k].status, all[k].output = "succeeded", one.value
		}
		switch v := s.overResults(n.Each.Until, all, s.sawA[n.Name]); {
		case v == "live":
			over, failed, lacks = true, false, false
		default:
			lacks = v == "error"
			failed = failed || all[k].status == "failed" && n.Each.Failure != "skip" && n.Each.Failure != "keep"
			over = failed && n.Each.Failure == "fast"
		}
	}
	for k := range all {
		if all[k].status == "pending" && over {
			all[k].status = "cancelled"
		} else if all[k].status == "pending" {
			s.log = append(s.log, n.Name+"/"+all[k].key+" is left")
		}
	}
	if failed || lacks {
		return
	}
	output, writes := []string{}, n.Writes != "" || n.Each.Tells || n.Each.Moves
	for k, e := range all {
		switch {
		case e.status != "succeeded":
			if n.Each.Failure == "keep" {
				output = append(output, "null")
			}
		case n.Each.Yield == "x + x":
			output = append(output, e.key+e.key)
		case n.Each.Yield == "index":
			output = append(output, fmt.Sprint(k))
		case n.Each.Yield == randomgraph.TrueOnes && !e.output && !writes:
		case n.Each.Yield == randomgraph.TrueOnes && !e.output:
			return
		case n.Each.Yield == randomgraph.TrueOnes:
			output = append(output, e.key)
		default:
			output = append(output, fmt.Sprint(e.output))
		}
	}
	s.settled[n.Name] = "succeeded"
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
	return s.node(name).Each != nil && (len(all) == 0 || twice(all))
}

func (s *naive) writeEach(n randomgraph.Node, all []element, output []string) {
	if n.Writes != "" {
		s.state[n.Writes] = len(output) > 1
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
	if n.Each.Tells {
		s.lists["told"] = append(told, output...)
	}
	if n.Each.Moves {
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
	case randomgraph.SomeFailed:
		holds = count("failed") > 0
	case randomgraph.TwoGood:
		holds = count("succeeded") >= 2
	case randomgraph.AOrGood:
		holds = a && count("succeeded") >= 1
	case randomgraph.SecondGood:
		if len(all) < 2 {
			return "error"
		}
		holds = all[1].status == "succeeded"
	case randomgraph.FirstTrue:
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
func (s *naive) elementsOver(e randomgraph.Edge) []element {
	switch {
	case e.Again && s.last[e.From] != "":
		return s.lastElements[e.From]
	case !e.Again && s.settled[e.From] != "":
		return s.elements[e.From]
	}
	return nil
}

// drawResults draws what a node comes to in a cycle, and each element that it may have.
func (t *trial) drawResults(n randomgraph.Node, results map[string]result) {
	if n.Each == nil {
		results[n.Name] = t.result(t.asks && randomgraph.Chance(t.T, "asks", 8))
		return
	}
	all := result{each: map[string]result{}}
	for _, key := range randomgraph.EachKeys {
		one := t.result(false)
		all.each[key], results[n.Name+"/"+key] = one, one
	}
	results[n.Name] = all
}

// drawList draws a list of elements. Two of them may have one key.
func (t *trial) drawList() (list []string) {
	list = rapid.Permutation(randomgraph.EachKeys).Draw(t.T, "xs")
	list = list[:rapid.IntRange(0, len(list)).Draw(t.T, "elements")]
	if len(list) > 0 && randomgraph.Chance(t.T, "twice", 8) {
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
	return slices.ContainsFunc(t.want.g.Nodes, func(n randomgraph.Node) bool { return n.Name == name && n.Each != nil })
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
	for _, n := range t.want.g.Nodes {
		running := 0
		for name := range t.r.tasks {
			if strings.HasPrefix(name, n.Name+"/") {
				running++
			}
		}
		if n.Each != nil && running > cmp.Or(n.Each.Max, running) {
			return n.Name
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
	if !s.g.HasEach() {
		return ""
	}
	told, _ := json.Marshal(s.lists["told"])
	xs, _ := json.Marshal(s.lists["xs"])
	return listsText(fmt.Sprintf("told = %s\nxs = %s\n", told, xs))
}
