package machine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/internal/randomgraph"
)

// What follows says in plain words who wrote what: it reads the records of outputs, events and
// answers, reduces them one by one, and looks whether a value has changed.

// writingKeys are the keys of the random graphs, with their types and reducers.
var writingKeys = []struct{ name, text string }{
	{"sum", "{type: integer, reduce: sum}"},
	{"last", "{type: integer, reduce: last}"},
	{"top", "{type: integer, reduce: max}"},
	{"list", "{type: list(integer), reduce: append, keep: 5}"},
	{"set", "{type: list(integer), reduce: union}"},
	{"props", "{type: map(integer), reduce: merge}"},
}

// writingNode is a node: work, each (for_each over 1, 2, 3), late (in the background), ask (an
// approval with a default) or set.
type writingNode struct {
	name, kind string
	keys       []string
	even       bool // it runs in every second cycle
}

type writingGraph struct {
	nodes []writingNode
	eager bool
}

func drawWriting(t *rapid.T) writingGraph {
	g := writingGraph{eager: randomgraph.Chance(t, "eager", 4)}
	for i := range rapid.IntRange(2, 7).Draw(t, "nodes") {
		n := writingNode{name: fmt.Sprintf("n%d", i), kind: rapid.SampledFrom([]string{"work", "work", "work", "each", "late", "ask", "set"}).Draw(t, "kind"), even: randomgraph.Chance(t, "even", 3)}
		for _, k := range writingKeys {
			if rapid.Bool().Draw(t, k.name) {
				n.keys = append(n.keys, k.name)
			}
		}
		g.nodes = append(g.nodes, n)
	}
	return g
}

func (g writingGraph) yaml() string {
	var b strings.Builder
	b.WriteString("graphrun: 1\nname: random\nstate:\n")
	for _, k := range writingKeys {
		fmt.Fprintf(&b, "  %s: %s\n", k.name, k.text)
	}
	b.WriteString("events: {sum: {to: sum}, sum2: {to: sum}, list: {to: list}, set: {to: set}}\n")
	if g.eager {
		b.WriteString("waves: eager\n")
	}
	b.WriteString("nodes:\n")
	for _, n := range g.nodes {
		fmt.Fprintf(&b, "  %s: {", n.name)
		number, list := "output", "[output]"
		switch n.kind {
		case "work":
			b.WriteString("uses: work, retry: {attempts: 2, backoff: 1s, jitter: false}")
		case "each":
			b.WriteString("uses: work, for_each: {in: '[1, 2, 3]', as: it, key: it, on_failure: skip}")
			number, list = "len(output)", "output"
		case "late":
			b.WriteString("uses: work, background: true")
		case "ask":
			b.WriteString("uses: approval, timeout: 1h, with: {prompt: Well?, default: true}")
			number, list = "output.approved ? 1 : 0", "[output.approved ? 1 : 0]"
		case "set":
			b.WriteString("uses: set, with: {x: 2}")
			number, list = "output.x", "[output.x]"
		}
		var writes []string
		for _, k := range n.keys {
			expr := number
			switch k {
			case "list", "set":
				expr = list
			case "props":
				expr = `{"` + n.kind + `": ` + number + `}`
			}
			writes = append(writes, fmt.Sprintf("%s: '%s'", k, expr))
		}
		fmt.Fprintf(&b, ", writes: {%s}}\n", strings.Join(writes, ", "))
	}
	b.WriteString("edges:\n")
	for i, n := range g.nodes {
		from := ""
		if i%3 == 2 {
			from = fmt.Sprintf("from: n%d, outcome: always, ", i-1)
		}
		when := ""
		if n.even {
			when = ", when: cycle.number % 2 == 0"
		}
		fmt.Fprintf(&b, "  - {%sto: %s%s}\n", from, n.name, when)
	}
	return b.String() + "pause: none\nlimits: {failures: 0, failed_pause: 1s}\n"
}

// values are what a node writes for its output, or for those of its elements.
func (n writingNode) values(outputs []any) map[string]any {
	var number int64
	var list []any
	switch n.kind {
	case "each":
		number, list = int64(len(outputs)), outputs
	case "ask":
		if fields, _ := outputs[0].(map[string]any); fields["approved"] == true {
			number = 1
		}
		list = []any{number}
	case "set":
		number, list = 2, []any{int64(2)}
	default:
		number, _ = outputs[0].(int64)
		list = []any{number}
	}
	return map[string]any{"sum": number, "last": number, "top": number, "list": list, "set": list, "props": map[string]any{n.kind: number}}
}

// reducedPlainly is a key's value once more is written to it.
func reducedPlainly(key string, old, more any) any {
	a, _ := old.(int64)
	b, _ := more.(int64)
	before, _ := old.([]any)
	after, _ := more.([]any)
	switch key {
	case "sum":
		return a + b
	case "top":
		return max(a, b)
	case "list":
		all := slices.Concat(before, after)
		return all[max(0, len(all)-5):]
	case "set":
		all := slices.Clone(before)
		for _, v := range after {
			if !slices.Contains(all, v) {
				all = append(all, v)
			}
		}
		return all
	case "props":
		props, _ := old.(map[string]any)
		props = maps.Clone(props)
		maps.Copy(props, more.(map[string]any))
		return props
	}
	return more
}

// writingTrial drives a stack.
type writingTrial struct {
	*rapid.T
	p writingGraph
	r *rig
}

func (t *writingTrial) cycle() {
	r := t.r
	for range rapid.IntRange(0, 4).Draw(t.T, "events") {
		e := Event{At: r.clock, Name: rapid.SampledFrom([]string{"sum", "sum2", "list", "set"}).Draw(t.T, "event")}
		n := rapid.IntRange(-1, 2).Draw(t.T, "payload")
		if e.Payload = n; e.Name == "list" || e.Name == "set" {
			e.Payload = []any{n}
		}
		r.step(e)
		r.drain()
	}
	for _, w := range r.m.Cursor().Waiting {
		if is := r.m.waitingFor(w.Node, ""); is == nil || is.ID() != w.ID() { // its time is over
			continue
		}
		switch rapid.IntRange(0, 3).Draw(t.T, "answer") {
		case 0:
			by := rapid.SampledFrom([]any{"ann", "bob", nil}).Draw(t.T, "by")
			r.step(Answer{At: r.clock, Node: w.Node, For: w.ID(), Output: map[string]any{"approved": rapid.Bool().Draw(t.T, "approved"), "comment": nil, "by": by}})
			r.drain()
		case 1:
			r.clock = r.clock.Add(2 * time.Hour)
			r.step(Woke{At: r.clock})
			r.drain()
		}
	}
	r.wake("early")
	r.drain()
	for steps := 0; r.m.Cursor().Open; steps++ {
		if steps > 500 {
			t.Fatalf("the cycle does not end:\n%s", t.p.yaml())
		}
		if len(r.tasks) == 0 {
			r.wake("")
			r.drain()
			continue
		}
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(r.tasks))).Draw(t.T, "next")
		if randomgraph.Chance(t.T, "fails", 4) {
			r.fail(name, journal.Failure{Kind: "exit"})
		} else {
			r.done(name, rapid.IntRange(-2, 3).Draw(t.T, "output"))
		}
		r.drain()
	}
}

// writtenValue is a value that was written to a key.
type writtenValue struct {
	value any
	by    journal.Writer
	last  journal.By
}

// foldedState is the state as the records make it.
type foldedState struct {
	p       writingGraph
	values  map[string]any
	last    map[string]journal.By
	inbox   []*journal.EventReceived
	taken   []*journal.EventReceived                    // by the cycle that has begun
	outputs map[string]map[string]*journal.TaskFinished // by node and element, not written yet
}

// check folds the history, and holds the writers of each commit and the last ones of the
// state against that.
func (t *writingTrial) check(seen map[string]int) {
	f := foldedState{p: t.p, values: map[string]any{}, last: map[string]journal.By{}, outputs: map[string]map[string]*journal.TaskFinished{}}
	keys := t.r.m.g.Keys
	for _, k := range keys {
		f.values[k.Name], f.last[k.Name] = k.Initial, journal.By{Initial: true}
	}
	for _, rec := range t.r.records {
		switch b := rec.Body.(type) {
		case *journal.EventReceived:
			f.inbox = append(f.inbox, b)
		case *journal.CycleStarted:
			f.taken, f.inbox = f.inbox, nil
		case *journal.TaskFinished:
			if b.Status == "succeeded" {
				if f.outputs[b.Node] == nil {
					f.outputs[b.Node] = map[string]*journal.TaskFinished{}
				}
				f.outputs[b.Node][b.Item] = b
			}
		case *journal.WaveCommitted:
			writes := f.writes(rec.Cycle, b)
			want := []journal.Writer{}
			for _, k := range keys {
				all := f.reduce(k.Name, writes[k.Name])
				seen["several"] += count(len(all) > 1)
				seen["left out"] += count(len(all) > 0 && len(writes[k.Name]) > len(all))
				want = append(want, all...)
			}
			if d := cmp.Diff(want, append([]journal.Writer{}, b.Writers...)); d != "" {
				t.Fatalf("%s\ncommit %d.%d (-folded +recorded)\n%s", t.p.yaml(), rec.Cycle, b.Number(), d)
			}
			seen["commits"]++
		}
	}
	for _, k := range keys {
		if got := t.r.m.State()[k.Name]; !value.Equal(got, f.values[k.Name]) {
			t.Fatalf("%s\n%s is %v, the fold gives %v", t.p.yaml(), k.Name, got, f.values[k.Name])
		}
		by, known := t.r.m.WriterOf(k.Name)
		if d := cmp.Diff(f.last[k.Name], by); d != "" || !known {
			t.Fatalf("%s\nthe writer of %s (-folded +known)\n%s", t.p.yaml(), k.Name, d)
		}
		for what, is := range map[string]bool{"initial": by.Initial, "event": by.Event != "", "answer": by.Answer, "named": by.As != "",
			"default":    !by.Answer && f.kind(by.Node) == "ask",
			"background": f.kind(by.Node) == "late", "each": f.kind(by.Node) == "each"} {
			seen[what] += count(is)
		}
	}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

func (f *foldedState) kind(node string) string {
	for _, n := range f.p.nodes {
		if n.name == node {
			return n.kind
		}
	}
	return ""
}

// writes are those of a commit, by key.
func (f *foldedState) writes(cycle uint64, b *journal.WaveCommitted) map[string][]writtenValue {
	writes := map[string][]writtenValue{}
	if b.Wave == 0 {
		for _, e := range f.taken {
			key := strings.TrimSuffix(e.Event, "2")
			writes[key] = append(writes[key], writtenValue{e.Payload, journal.Writer{Key: key, Event: e.Event}, journal.By{Event: e.Event, Cycle: cycle}})
		}
	}
	for _, s := range b.Settled {
		n := f.p.nodes[slices.IndexFunc(f.p.nodes, func(n writingNode) bool { return n.name == s.Node })]
		if s.Status == "waiting" {
			continue
		}
		ends := f.outputs[n.name]
		delete(f.outputs, n.name)
		if s.Status != "succeeded" {
			continue
		}
		var outputs []any
		for _, item := range slices.Sorted(maps.Keys(ends)) {
			outputs = append(outputs, ends[item].Output)
		}
		values := n.values(outputs)
		for _, key := range n.keys {
			w := writtenValue{values[key], journal.Writer{Key: key, Node: n.name}, journal.By{Node: n.name, Cycle: cycle, Wave: b.Number()}}
			if n.kind == "ask" && ends[""].Duration < time.Hour { // else nobody answered
				w.by, w.last.Answer = journal.Writer{Key: key, Answer: n.name}, true
				w.last.As, _ = outputs[0].(map[string]any)["by"].(string)
			}
			writes[key] = append(writes[key], w)
		}
	}
	return writes
}

// reduce makes writes to a key, and gives those that changed it; none if it is as it was.
func (f *foldedState) reduce(key string, writes []writtenValue) (all []journal.Writer) {
	before, by := f.values[key], f.last[key]
	for _, w := range writes {
		now := reducedPlainly(key, f.values[key], w.value)
		if value.Equal(now, f.values[key]) {
			continue
		}
		f.values[key], f.last[key] = now, w.last
		if len(all) == 0 || all[len(all)-1] != w.by {
			all = append(all, w.by)
		}
	}
	if value.Equal(before, f.values[key]) { // there and back
		f.last[key] = by
		return nil
	}
	return all
}
